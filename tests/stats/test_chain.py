"""stats.markov and stats.chain: the filter against a sum over all paths, and the three rules that carry the model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.facts import Int8s
from flakelens.model import Outcome
from flakelens.stats.chain import at_run, log_likelihood, smooth, walk
from flakelens.stats.markov import (
    BROKEN,
    DEFAULTS,
    FAILED_AGAIN,
    FLAKY,
    GATED,
    HEALTHY,
    STATES,
    Floats,
    Parameters,
    emissions,
    never_failing,
    outage_shares,
    passing,
    series,
)
from tests.filtered import filter_states
from tests.letters import matrix, numbers

LIVELY = Parameters(breaks=0.05, flaky_breaks=0.04, mends=0.3, flakes=0.03, calms=0.02, prior_flaky=0.3, stray=0.001)
small = st.tuples(
    st.lists(st.sampled_from([0, 1, 1, 2, 3, 4]), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.lists(st.sampled_from([0.0, 0.0, 0.4]), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)


def paths(row: list[int], fresh: list[bool], outage: list[float], shown: list[bool]) -> tuple[Floats, float]:
    """P(state in each run | all runs), (R, S), and P(all runs), by summing over every path of states."""
    commits = np.cumsum(fresh)
    matrix_ = LIVELY.transitions()
    ran = [code not in (Outcome.NONE, Outcome.SKIPPED) for code in row]
    places = [run for run in range(len(row)) if ran[run]]
    if not places:
        return np.tile(LIVELY.prior(), (len(row), 1)), 1.0
    found = np.zeros((len(row), STATES))
    for path in itertools.product(range(STATES), repeat=len(places)):
        weight = LIVELY.prior()[path[0]]
        for number, (run, state) in enumerate(zip(places, path, strict=True)):
            if number and commits[run] != commits[places[number - 1]]:
                weight *= matrix_[path[number - 1], state]
            elif number and path[number - 1] != state:
                weight = 0.0
            code = FAILED_AGAIN if row[run] == Outcome.FAILED and shown[run] else row[run]
            weight *= emissions(LIVELY, outage[run])[code, state]
        for number, state in enumerate(path):
            found[places[number], state] += weight
    return found / found[places[0]].sum(), float(found[places[0]].sum())


@settings(max_examples=40, deadline=None)
@given(small)
def test_filter_smoother_and_likelihood_as_a_sum_over_all_paths(
    case: tuple[list[int], list[bool], list[float], list[bool]],
) -> None:
    row, fresh, outage, shown = case
    seen = series(
        np.array([row], np.int8),
        np.cumsum(fresh).astype(np.int32),
        outage=np.array(outage),
        retries_shown=np.array(shown),
    )
    expected, likelihood = paths(row, fresh, outage, shown)
    smoothed = smooth(seen, LIVELY).states[:, 0]
    ran = seen.ran[0]
    assert smoothed[ran] == pytest.approx(expected[ran], abs=1e-9)
    if ran.any():
        newest = int(np.flatnonzero(ran)[-1])
        assert filter_states(seen, LIVELY)[0] == pytest.approx(expected[newest], abs=1e-9)
    assert log_likelihood(seen, LIVELY) == pytest.approx(np.log(likelihood), abs=1e-9)


def test_tables_are_distributions() -> None:
    assert LIVELY.prior().sum() == pytest.approx(1)
    assert LIVELY.transitions().sum(axis=1) == pytest.approx(np.ones(STATES))
    for outage in (0.0, 0.3, 0.95):
        table = emissions(LIVELY, outage)
        assert table[[Outcome.PASSED, Outcome.FLAKY, FAILED_AGAIN]].sum(axis=0) == pytest.approx(np.ones(STATES))
        assert table[[Outcome.PASSED, Outcome.FAILED]].sum(axis=0) == pytest.approx(np.ones(STATES))
        assert (table[[Outcome.NONE, Outcome.SKIPPED]] == 1).all()


def state(row: str, commits: str = "", pulls: str = "", parameters: Parameters = DEFAULTS) -> Floats:
    """The state after one test's runs in letters; `pulls` "." for the gated branch, else the request's letter."""
    row, commits, pulls = (text.replace(" ", "") for text in (row, commits, pulls))
    marks = np.array([GATED if mark == "." else ord(mark) for mark in pulls], np.int32) if pulls else None
    at = numbers(commits) if commits else np.arange(len(row), dtype=np.int32)
    shown = np.ones(len(row), np.bool_)
    return filter_states(series(matrix(row), at, retries_shown=shown, pulls=marks), parameters)[0]


def word(found: Floats) -> str:
    """H, F or B, whichever is most likely, or "?" if none is above one half."""
    shares = {"H": found[HEALTHY], "F": found[FLAKY].sum(), "B": found[BROKEN]}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > 0.5 else "?"


@pytest.mark.parametrize(
    ("row", "commits", "expected"),
    [
        ("P" * 50, "", "H"),
        ("P" * 30 + "FF", "", "B"),
        ("P" * 30 + "F" * 10, "", "B"),
        ("P" * 30 + "F" * 5 + "P" * 10, "", "H"),  # broken for a while, and mended
        ("P" * 30 + "K" + "P" * 5, "", "F"),  # a retry healed it: no break does that
        ("PFPPFPPPFPPFPPPPFPPPFP", "", "F"),
        ("P" * 10 + "FP", "abcdefghij kk", "F"),  # fails and passes on one commit
        ("P" * 10 + "PF", "abcdefghij kk", "F"),
        ("P" * 30 + "F", "", "B"),  # retried and failed again: a flake would have healed seven times in ten
        ("K", "", "F"),
    ],
)
def test_states_of_histories(row: str, commits: str, expected: str) -> None:
    assert word(state(row, commits)) == expected


@pytest.mark.parametrize("row", ["FP", "PF", "K"])
def test_a_fail_and_a_pass_on_one_commit_are_no_break(row: str) -> None:
    locked = state("P" * 30 + row, "".join(chr(97 + i) for i in range(30)) + "X" * len(row))
    assert locked[BROKEN] < 0.1
    assert word(locked) == "F"


@given(st.lists(st.sampled_from(list("PKFS.")), min_size=1, max_size=12).map("".join), st.integers(0, 12))
def test_a_run_without_a_result_changes_nothing(row: str, place: int) -> None:
    place = min(place, len(row))
    for missing in ".S":
        longer = row[:place] + missing + row[place:]
        assert state(longer) == pytest.approx(state(row), abs=1e-12)


@given(
    st.lists(st.lists(st.sampled_from([0, 1, 1, 2, 3]), min_size=9, max_size=9), min_size=2, max_size=6), st.randoms()
)
def test_permuting_the_tests_permutes_the_states(rows: list[list[int]], random: object) -> None:
    outcomes = np.array(rows, np.int8)
    order = np.array(sorted(range(len(rows)), key=lambda _: random.random()))  # type: ignore[attr-defined]
    pulls = np.array([GATED] * 5 + [1, GATED, 2, 2], np.int32)
    commits = np.array([0, 0, 1, 2, 3, 4, 5, 6, 6], np.int32)

    def found(of: Int8s) -> tuple[Floats, Floats]:
        seen = series(of, commits, pulls=pulls)
        return filter_states(seen, LIVELY), smooth(seen, LIVELY).states

    for straight, shuffled in zip(found(outcomes), found(outcomes[order]), strict=True):
        axis = straight.ndim - 2
        assert np.allclose(np.take(straight, order, axis=axis), shuffled, atol=1e-12)
        assert straight.sum(axis=-1) == pytest.approx(np.ones(straight.shape[:-1]))


@pytest.mark.parametrize("row", ["F", "FF", "FFFFFF", "FP", "K", "PP"])
@pytest.mark.parametrize("before", ["P" * 20, "P" * 20 + "FF"])
def test_a_pull_request_never_says_that_the_branch_is_broken(before: str, row: str) -> None:
    one_commit = "".join(chr(200 + i) for i in range(len(before))) + "x" * len(row)
    for commits in (one_commit, ""):
        after = state(before + row, commits, "." * len(before) + "r" * len(row))
        assert after[BROKEN] == pytest.approx(state(before)[BROKEN], rel=1e-9)


def test_a_pull_request_says_that_a_test_is_flaky_only_by_a_fail_and_a_pass_on_one_commit() -> None:
    calm = state("P" * 20)
    start = "".join(chr(200 + i) for i in range(20))
    failing = state("P" * 20 + "FF", start + "xy", "." * 20 + "rr")
    assert failing == pytest.approx(calm)
    mended = state("P" * 20 + "FP", start + "xy", "." * 20 + "rr")
    assert mended[FLAKY].sum() <= calm[FLAKY].sum() + 1e-9
    assert word(state("P" * 20 + "FP", start + "xx", "." * 20 + "rr")) == "F"


def test_the_belief_that_the_request_broke_a_test_grows_with_its_failures() -> None:
    seen = series(
        matrix("P" * 20 + "FFP"), np.arange(23, dtype=np.int32), pulls=np.array([GATED] * 20 + [7] * 3, np.int32)
    )
    beliefs = [step.pull_break[0] for step in walk(seen, DEFAULTS) if step.pull_break is not None]
    assert beliefs[0] == DEFAULTS.pull_breaks
    assert beliefs[0] < beliefs[1] < beliefs[2]


@given(
    st.lists(st.tuples(st.sampled_from("PKFS."), st.booleans()), min_size=1, max_size=9),
    st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_one_run_can_hold_reports_that_show_retries_and_reports_that_hide_them(
    jest: list[tuple[str, bool]], pulled: list[bool]
) -> None:
    row, on_pull = "".join(letter for letter, _ in jest), [pull for _, pull in jest]
    runs = len(row)
    commits = np.cumsum(pulled[:runs]).astype(np.int32)
    pulls = np.where(on_pull, 3, GATED).astype(np.int32)
    shown = np.array([[False] * runs, [True] * runs])
    mixed = series(matrix(row, row), commits, retries_shown=shown, pulls=pulls)
    for test in (0, 1):
        alone = series(matrix(row), commits, retries_shown=shown[test], pulls=pulls)
        for part in (mixed.rows(np.array([test])), mixed.rows(np.arange(2) == test)):
            assert filter_states(part, LIVELY) == pytest.approx(filter_states(alone, LIVELY), abs=1e-12)
        assert filter_states(mixed, LIVELY)[test] == pytest.approx(filter_states(alone, LIVELY)[0], abs=1e-12)


def test_a_failure_whose_retry_failed_too_is_a_break_sooner() -> None:
    shown = np.repeat([[True], [False]], 31, axis=1)
    seen = series(matrix("P" * 30 + "F", "P" * 30 + "F"), np.arange(31, dtype=np.int32), retries_shown=shown)
    recorded, hidden = filter_states(seen, DEFAULTS)[:, BROKEN]
    assert recorded > hidden


def test_an_outage_explains_a_failure_away() -> None:
    row = matrix("P" * 30 + "F" + "P" * 3)
    share = np.zeros(34)
    share[30] = 0.4
    commits = np.arange(34, dtype=np.int32)
    plain = filter_states(series(row, commits), DEFAULTS)[0]
    explained = filter_states(series(row, commits, outage=share), DEFAULTS)[0]
    assert plain[FLAKY].sum() > 0.5
    assert explained[FLAKY].sum() == pytest.approx(state("P" * 34)[FLAKY].sum(), abs=0.02)


def test_share_of_an_outage_is_what_exceeds_the_usual() -> None:
    outcomes = matrix("PPPF.", "PPPKP", "PPPPP", "FFFFS")
    outage = np.array([False, False, False, True, False])
    assert outage_shares(outcomes, outage) == pytest.approx([0, 0, 0, 0.75 - 0.25, 0])
    assert (outage_shares(outcomes[:0], outage) == 0).all()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60), st.integers(0, 2**32))
def test_never_failing_tests_all_at_once(runs: list[tuple[bool, bool]], seed: int) -> None:
    ran, fresh = (np.array(column) for column in zip(*runs, strict=True))
    more = np.random.default_rng(seed).random((3, len(runs))) < 0.7
    passed = np.concatenate([[ran, ~ran, np.zeros_like(ran)], more])
    commits = np.cumsum(fresh).astype(np.int32)
    rows = np.where(passed, Outcome.PASSED, Outcome.NONE).astype(np.int8)
    expected = filter_states(series(rows, commits), LIVELY)
    assert never_failing(LIVELY, passed, commits) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.text("PPPP.S", min_size=12, max_size=12), min_size=1, max_size=5))
def test_of_tests_that_passed_on_a_new_commit_each_time_their_number_says_all(rows: list[str]) -> None:
    commits = np.arange(12, dtype=np.int32)
    counted = np.array([row.count("P") for row in rows])
    assert passing(LIVELY, counted) == pytest.approx(filter_states(series(matrix(*rows), commits), LIVELY), abs=1e-12)


def test_a_test_that_fails_in_no_run_but_an_outage_is_as_one_that_passed() -> None:
    row = np.full((2, 300), Outcome.PASSED, np.int8)
    at = np.arange(300, dtype=np.int32)
    expected = filter_states(series(row, at, outage=np.full(300, 0.2)), LIVELY)
    assert never_failing(LIVELY, row == Outcome.PASSED, at) == pytest.approx(expected, abs=1e-9)


def test_never_failing_tests_of_many_reruns_and_of_none() -> None:
    many = np.array([0] * 300 + [1] + [2] * 400 + [3], np.int32)
    row = np.full((1, len(many)), Outcome.PASSED, np.int8)
    assert never_failing(LIVELY, row == 1, many) == pytest.approx(filter_states(series(row, many), LIVELY), abs=1e-9)
    assert never_failing(DEFAULTS, np.ones((2, 0), np.bool_), many[:0])[0] == pytest.approx(DEFAULTS.prior())
    assert never_failing(DEFAULTS, np.ones((0, 1), np.bool_), many[:1]).shape == (0, STATES)


@pytest.mark.parametrize("run", [0, 3, 7, 11])
def test_one_run_alone_is_seen_as_smoothing_all_of_them_sees_it(run: int) -> None:
    outcomes = matrix("PFPPFKPP.PFP", "PPPPPPFFFFPP", "FFFPPPPPPPPP")
    seen = series(outcomes, numbers("abbbccdeffgg"), retries_shown=np.arange(12) % 2 == 0)
    step, later = at_run(seen, DEFAULTS, run)
    all_of_them = smooth(seen, DEFAULTS)
    np.testing.assert_allclose(step.predicted, all_of_them.steps[run].predicted)
    np.testing.assert_allclose(later, all_of_them.later[run])
    with pytest.raises(ValueError, match="no run 12 among 12"):
        at_run(seen, DEFAULTS, 12)


def test_what_came_after_a_run_is_heard_of_requests_too_but_never_that_the_branch_is_broken() -> None:
    """A later request that failed and passed on one commit says flaky; one that only failed says nothing."""
    commits = np.array([0, 1, 2, 2], np.int32)
    pulls = np.array([GATED, GATED, 1, 1], np.int32)
    for row, flaky_is_likelier in (("PFFP", True), ("PFFF", False)):
        _, later = at_run(series(matrix(row), commits, pulls=pulls), DEFAULTS, 1)
        assert bool(later[0, FLAKY].max() > 2 * later[0, HEALTHY]) is flaky_is_likelier
        if not flaky_is_likelier:
            np.testing.assert_allclose(later, 1 / STATES)


def test_each_commit_of_a_request_may_break_what_the_one_before_had_passed() -> None:
    """Passed on its first commit, failed on its second: the request is suspected as much as at its first failure."""
    beliefs = []
    for row, pulls in (("PPPPF", "...11"), ("PPPPF", "....1")):
        series_of = series(
            matrix(row),
            np.arange(5, dtype=np.int32),
            pulls=np.array([GATED if letter == "." else 1 for letter in pulls], np.int32),
        )
        step = list(walk(series_of, DEFAULTS))[-1]
        assert step.pull_break is not None
        beliefs.append(float(step.pull_break[0]))
    assert beliefs[1] == pytest.approx(DEFAULTS.pull_breaks)
    assert beliefs[0] == pytest.approx(DEFAULTS.pull_breaks, rel=0.05)
