"""stats.probabilities: the questions of find_states, answered with how sure one may be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flakelens.facts import Int8s
from flakelens.stats.markov import DEFAULTS, Parameters, rounded, series
from flakelens.stats.probabilities import course, find_posterior, fit_input, fit_to, observe
from tests.letters import matrix


class Found(NamedTuple):
    """The three probabilities of one test."""

    p_stable: float
    p_flaky: float
    p_broken: float


def find(*rows: str, outage: set[int] | None = None, disagreed: bool = False, suspected: bool = False) -> list[Found]:
    """The probabilities of tests in letters, every run a commit of its own, retries shown."""
    outcomes = matrix(*rows)
    runs = outcomes.shape[1]
    newest = np.zeros(runs, np.bool_)
    newest[-1:] = suspected
    posterior = find_posterior(
        outcomes,
        np.arange(runs, dtype=np.int32),
        outage=np.array([run in (outage or ()) for run in range(runs)], np.bool_),
        disagreed=np.full(len(rows), disagreed),
        suspected=newest,
        retries_shown=np.ones(runs, np.bool_),
    )
    return [Found(*row) for row in posterior.three().tolist()]


@pytest.mark.parametrize(
    ("row", "stable", "flaky", "broken"),
    [
        ("P" * 60, (0.9, 1), (0, 0.1), (0, 0.01)),
        ("P" * 58 + "FF", (0, 0.1), (0, 0.2), (0.8, 1)),
        ("P" * 20 + "KPPPPPPPPKPPPPPPP", (0, 0.1), (0.9, 1), (0, 0.01)),
        ("P" * 20 + "F" * 6 + "P" * 20, (0.8, 1), (0, 0.2), (0, 0.01)),
        ("." * 20, (0.89, 0.89), (0.1, 0.1), (0.01, 0.01)),  # no result: the prior
    ],
)
def test_states(row: str, stable: tuple[float, float], flaky: tuple[float, float], broken: tuple[float, float]) -> None:
    (found,) = find(row)
    for value, (low, high) in ((found.p_stable, stable), (found.p_flaky, flaky), (found.p_broken, broken)):
        assert low - 1e-9 <= value <= high + 1e-9


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("P.KFS", min_size=8, max_size=8), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_probabilities_sum_to_one(rows: list[str], disagreed: bool, down: bool) -> None:
    for found in find(*rows, disagreed=disagreed, suspected=down):
        assert sum(found) == pytest.approx(1)


def test_the_course_says_of_every_run_what_all_runs_tell_of_it() -> None:
    row = "P" * 20 + "F" * 6 + "P" * 20
    told = course(series(matrix(row), np.arange(len(row), dtype=np.int32)), DEFAULTS)
    assert told.shape == (1, 46, 3)
    assert (told[0, 20:26, 2] > 0.9).all()
    assert (told[0, :19, 2] < 0.1).all()
    assert (told[0, 30:, 2] < 0.01).all()
    assert course(series(matrix(""), np.arange(0, dtype=np.int32)), DEFAULTS).shape == (1, 0, 3)


@settings(max_examples=50, deadline=None)
@given(st.text("PPPPKFS.", min_size=1, max_size=25), st.booleans(), st.sets(st.integers(0, 24), max_size=2))
def test_the_newest_run_of_the_course_is_now(row: str, disagreed: bool, outage: set[int]) -> None:
    """Whatever was seen, outages and requests of other people included."""
    outcomes, runs = matrix(row, "P" * len(row)), len(row)
    flags = np.array([run in outage for run in range(runs)], np.bool_)
    (found, _) = find(row, "P" * len(row), outage=outage, disagreed=disagreed)
    shown = np.ones(runs, np.bool_)
    seen = observe(outcomes, np.arange(runs, dtype=np.int32), outage=flags, retries_shown=shown).rows(np.array([0]))
    told = course(seen, DEFAULTS, disagreed=np.array([disagreed]))
    assert told[0].sum(axis=1) == pytest.approx(1)
    assert told[0, -1] == pytest.approx(found, abs=1e-9)


def test_a_disagreement_on_a_pull_request_says_flaky_and_never_broken() -> None:
    (calm,), (told,) = find("P" * 40), find("P" * 40, disagreed=True)
    assert told.p_flaky > 0.85 > calm.p_flaky
    assert told.p_broken == pytest.approx(calm.p_broken)


def test_what_fails_in_an_outage_alone_is_as_good_as_never_failed() -> None:
    rows = ["P" * 30 + "F" + "P" * 10] * 6 + ["P" * 41] * 6
    hit, missed = find(*rows, outage={30})[0], find(*rows, outage={30})[-1]
    assert hit.p_flaky == pytest.approx(missed.p_flaky, abs=0.02)
    assert find(*rows)[0].p_flaky > 3 * hit.p_flaky


def test_a_suspected_outage_in_the_newest_run_is_no_break_yet() -> None:
    rows = ["P" * 40 + "F"] * 6 + ["P" * 41] * 6
    assert find(*rows, suspected=True)[0].p_broken < 0.1 < find(*rows)[0].p_broken


def fitted(outcomes: Int8s, runs: int) -> Parameters:
    commits, outage = np.arange(runs, dtype=np.int32), np.zeros(runs, np.bool_)
    return fit_to(fit_input(outcomes[:, :runs], commits, outage=outage))


def test_defaults_hold_below_fifty_runs() -> None:
    assert fitted(matrix(*["P" * 20 + "F" * 5 + "P" * 24] * 5), 49) is DEFAULTS


def test_parameters_change_only_after_fifty_more_runs() -> None:
    rng = np.random.default_rng(2)
    outcomes = np.where(rng.random((40, 120)) < 0.1, 2, 1).astype(np.int8)
    assert fitted(outcomes, 50) == fitted(outcomes, 99) != fitted(outcomes, 100)
    assert fitted(outcomes, 100) == fitted(outcomes, 120)


def test_parameters_have_six_digits() -> None:
    exact = replace(DEFAULTS, breaks=1 / 3, levels=(1 / 7,) * 6)
    assert rounded(exact).breaks == 0.333333
    assert rounded(exact).levels == (0.142857,) * 6
