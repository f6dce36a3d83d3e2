"""stats.outages: a run in which far more tests newly failed than usual, and that the next run takes back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.facts import Int8s
from flakelens.model import Outcome
from flakelens.stats.outages import find_outages, outage_at_start, outage_of_pull
from tests.letters import matrix


def runs_of(*groups: tuple[int, str]) -> Int8s:
    """So many tests with such a row each."""
    return matrix(*[row for count, row in groups for _ in range(count)])


def plainly_suspected(outcomes: Int8s) -> list[bool]:
    """The rule as `find_outages` states it, test by test, recurring groups not taken out."""
    found = []
    for run in range(outcomes.shape[1]):
        newly, expected = 0, 0.0
        for row in outcomes[:, : run + 1].tolist():
            bad = [code in (Outcome.FLAKY, Outcome.FAILED) for code in row if code not in NO_RUN]
            if row[-1] in NO_RUN or len(bad) < 2 or bad[-2]:
                continue
            chances = sum(not before for before in bad[:-2])
            news = sum(now and not before for before, now in pairwise(bad[:-1]))
            expected += (news + 0.02) / (chances + 2)
            newly += bad[-1]
        found.append(newly >= 5 and newly > expected + 6 * (expected + 1) ** 0.5)
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.2]), st.sampled_from([0.01, 0.1, 0.3]))
def test_the_bound_is_that_of_the_rule(seed: int, missing: float, flaky: float) -> None:
    rng = np.random.default_rng(seed)
    outcomes = np.where(rng.random((60, 25)) < flaky, Outcome.FAILED, Outcome.PASSED).astype(np.int8)
    for run in rng.integers(0, 25, 3):
        outcomes[rng.random(60) < rng.choice([0.3, 0.7]), run] = Outcome.FLAKY
    outcomes[rng.random(outcomes.shape) < missing] = rng.choice(NO_RUN)
    found, plain = find_outages(outcomes).suspected, plainly_suspected(outcomes)
    if sum(plain) > 1 and not np.array_equal(found, plain):  # then a group of tests may have been taken for recurring
        assert not (found & ~np.array(plain)).any()
        plain = plainly_suspected(outcomes[:, : plain.index(True) + 1])
        found = find_outages(outcomes[:, : len(plain)]).suspected
    assert found.tolist() == plain


def flags(values: object) -> str:
    return "".join("x" if value else "-" for value in np.asarray(values))


NO_RUN = (Outcome.NONE, Outcome.SKIPPED)
CALM = "PPPPPPPP"


@pytest.mark.parametrize(
    ("groups", "suspected", "confirmed"),
    [
        ([(100, CALM)], "--------", "--------"),
        # taken back by the next run, which may be a rerun of the commit
        ([(60, "PPPFPPPP"), (40, CALM)], "---x----", "---x----"),
        ([(60, "PPPFKPPP"), (40, CALM)], "---x----", "---x----"),
        # a break of many tests at once that stays
        ([(60, "PPPFFFFF"), (40, CALM)], "---x----", "--------"),
        ([(60, "PPPFFFPP"), (40, CALM)], "---x----", "--------"),
        # two thirds must recover
        ([(40, "PPPFPPPP"), (20, "PPPFFPPP"), (40, CALM)], "---x----", "---x----"),
        ([(39, "PPPFPPPP"), (21, "PPPFFPPP"), (40, CALM)], "---x----", "--------"),
        # the newest run: nothing has confirmed it yet
        ([(60, "PPPPPPPF"), (40, CALM)], "-------x", "--------"),
        # each test is asked for its own next result: a run of other suites says nothing
        ([(60, "PPPF..PP"), (40, CALM)], "---x----", "---x----"),
        ([(59, "PPPF..FF"), (1, "PPPFPPPP"), (40, CALM)], "---x----", "--------"),
        ([(58, "PPPF...."), (2, "PPPFPPPP"), (40, CALM)], "---x----", "--------"),
        ([(60, "PPPFSSPP"), (40, CALM)], "---x----", "---x----"),
        # few tests are no outage
        ([(4, "PPPFPPPP"), (4, CALM)], "--------", "--------"),
        # the first run ever, and tests that are new: nobody knows that they ever passed
        ([(60, "FPPPPPPP"), (40, CALM)], "--------", "--------"),
        ([(60, "....FPPP"), (40, CALM)], "--------", "--------"),
        # a second outage of other tests
        ([(60, "PPPFPPPP"), (60, "PPPPPFPP"), (200, CALM)], "---x-x--", "---x-x--"),
    ],
)
def test_outages(groups: list[tuple[int, str]], suspected: str, confirmed: str) -> None:
    found = find_outages(runs_of(*groups))
    assert (flags(found.suspected), flags(found.confirmed)) == (suspected, confirmed)


def test_the_tests_that_newly_failed_are_named() -> None:
    found = find_outages(runs_of((20, "PPFP"), (2, "PFFP"), (90, "PPPP")))
    assert {run: tests.tolist() for run, tests in found.newly.items()} == {2: list(range(20))}


def test_a_group_that_dies_again_and_again_is_a_cause_to_repair_and_no_outage() -> None:
    found = find_outages(runs_of((16, "PPPFPPPPFPPP"), (184, "P" * 12)))
    assert not found.suspected.any()
    assert not found.confirmed.any()
    assert found.newly == {}


def test_a_group_is_known_only_when_it_dies_again() -> None:
    once = find_outages(runs_of((16, "PPPFPPPP"), (184, "P" * 8)))
    assert flags(once.confirmed) == "---x----"


def test_two_outages_of_most_of_the_suite_are_no_group() -> None:
    found = find_outages(runs_of((60, "PPPFPPPPFPPP"), (60, "P" * 12)))
    assert flags(found.confirmed) == "---x----x---"


def test_no_runs_and_no_tests() -> None:
    for shape in ((0, 0), (0, 5), (5, 0)):
        found = find_outages(np.zeros(shape, np.int8))
        assert len(found.suspected) == len(found.confirmed) == shape[1]


@given(
    st.integers(1, 12).flatmap(lambda n: st.lists(st.text(".PKFS", min_size=n, max_size=n), min_size=1, max_size=12))
)
def test_a_confirmed_outage_was_suspected_and_names_its_tests(rows: list[str]) -> None:
    outcomes = matrix(*rows)
    found = find_outages(outcomes)
    assert not (found.confirmed & ~found.suspected).any()
    assert sorted(found.newly) == np.flatnonzero(found.suspected).tolist()
    for run, tests in found.newly.items():
        assert np.isin(outcomes[tests, run], (Outcome.FAILED, Outcome.FLAKY)).all()


@pytest.mark.parametrize(("tests", "flaky"), [(60, 4), (350, 20), (4000, 200)])
def test_healthy_suites_with_flakes_are_hardly_ever_suspected(tests: int, flaky: int) -> None:
    """Flake rates log-uniform from 0.1 to 30 %, 300 runs, 8 suites: at most one run in 500."""
    suspected = runs = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rates = np.zeros(tests)
        rates[:flaky] = 10 ** rng.uniform(-3, np.log10(0.3), flaky)
        outcomes = np.where(rng.random((tests, 300)) < rates[:, None], Outcome.FAILED, Outcome.PASSED).astype(np.int8)
        suspected += int(find_outages(outcomes).suspected.sum())
        runs += 300
    print(f"{tests} tests: {suspected} of {runs} healthy runs suspected")  # noqa: T201 - the rate is worth seeing with -s
    assert suspected <= runs / 500


@pytest.mark.parametrize("tests", [60, 350, 4000])
def test_real_outages_among_flakes_are_found(tests: int) -> None:
    """Outages in 3 % of the runs that take 20 % to 60 % of the tests: at least 9 of 10 are confirmed."""
    found = there = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rates = np.where(rng.random(tests) < 0.05, 0.03, 0.0)
        severity = np.where(rng.random(300) < 0.03, rng.uniform(0.2, 0.6, 300), 0.0)
        severity[[0, 299]] = 0
        failed = rng.random((tests, 300)) < 1 - (1 - rates[:, None]) * (1 - severity)
        confirmed = find_outages(np.where(failed, Outcome.FAILED, Outcome.PASSED).astype(np.int8)).confirmed
        alone = (severity > 0) & (np.roll(severity, 1) == 0) & (np.roll(severity, -1) == 0)
        there += int(alone.sum())
        found += int((alone & confirmed).sum())
    print(f"{tests} tests: {found} of {there} outages confirmed")  # noqa: T201 - the rate is worth seeing with -s
    assert found >= 0.9 * there


def test_two_outages_in_a_row_are_told_by_the_run_after_both() -> None:
    rows = ["P" * 20 + "FFP"] * 8 + ["P" * 20 + "PFP"] * 8 + ["P" * 23] * 10
    found = find_outages(matrix(*rows))
    assert found.suspected[[20, 21]].all()
    assert found.confirmed[[20, 21]].all()


def test_an_outage_in_the_first_run_is_seen_backwards() -> None:
    rows = ["F" + "P" * 20] * 8 + ["P" * 21] * 10
    assert outage_at_start(matrix(*rows))
    assert not outage_at_start(matrix(*["F" * 5 + "P" * 16] * 8, *["P" * 21] * 10))  # broken, and mended later
    assert not outage_at_start(matrix(*["F" + "P" * 20] * 4, *["P" * 21] * 10))
    assert not outage_at_start(matrix("F", "F"))


def test_only_a_rerun_confirms_the_outage_of_a_pull_request() -> None:
    gated = matrix(*["P" * 30] * 20)
    down = ["F"] * 12 + ["P"] * 8
    assert outage_of_pull(gated, matrix(*down)) == (True, False, False)
    assert outage_of_pull(gated, matrix(*[first + "P" for first in down])) == (True, True, False)
    assert outage_of_pull(gated, matrix(*[first + first for first in down])) == (True, False, True)
    half = ["FF"] * 6 + ["FP"] * 6 + ["PP"] * 8
    assert outage_of_pull(gated, matrix(*half)) == (True, False, False)  # down again: still open
    assert outage_of_pull(gated, matrix(*["P"] * 20)) == (False, False, False)
