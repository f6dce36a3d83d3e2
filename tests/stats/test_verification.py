"""stats.verification: how many clean results it takes, and how often a test as bad as before gets through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flakelens.stats.verification import Repair, believed, clean_runs_to_verify, judge_repair, old_rate


@pytest.mark.parametrize(
    ("failures", "results", "clean", "again", "said"),
    [
        (6, 40, 25, 0, Repair.EARLY),
        (6, 40, 26, 0, Repair.HELD),
        (6, 40, 500, 1, Repair.AGAIN),  # one failure undoes any number of passes
        (0, 40, 500, 0, Repair.UNKNOWN),  # what never failed cannot be shown to be repaired
        (0, 0, 0, 0, Repair.UNKNOWN),
        (0, 40, 10, 1, Repair.AGAIN),
        (5, 5, 1, 0, Repair.EARLY),  # broken for good: two passes are enough, one is not
        (5, 5, 2, 0, Repair.HELD),
    ],
)
def test_what_is_said_of_a_repair(failures, results, clean, again, said):
    assert judge_repair(failures, results, clean=clean, again=again) is said


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_cautious_rate_is_the_quantile_of_the_posterior(failures, more):
    results = failures + more
    expected = stats.beta.ppf(0.2, failures + 0.5, more + 0.5)
    assert old_rate(failures, results) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def called_held(rate: float, results: int, histories: int, rng: np.random.Generator) -> tuple[float, int]:
    """The share of unrepaired tests that are called held when one asks after every run, among those that failed."""
    held = asked = 0
    for failures in rng.binomial(results, rate, histories):
        if not failures:
            continue
        asked += 1
        needed = clean_runs_to_verify(int(failures), results)
        first_failure = int(rng.geometric(rate))  # 1: the very first result since
        state = Repair.EARLY
        for run in range(1, needed + 1):  # one question after every run, until there is an answer
            again = int(run == first_failure)
            state = judge_repair(int(failures), results, clean=run - again, again=again)
            if state is not Repair.EARLY:
                break
        held += state is Repair.HELD
    return held / max(1, asked), asked


@pytest.mark.parametrize("results", [50, 100, 300])
@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3, 0.65, 0.97])
def test_asking_after_every_run_an_unrepaired_test_is_seldom_called_held(rate, results):
    share, asked = called_held(rate, results, 4000, np.random.default_rng(11))
    print(f"rate {rate:.0%}, {results} results before: {share:.1%} of {asked} called held")  # noqa: T201 - shown with -s
    assert asked > 3000 or rate * results < 2
    assert share <= 0.055


def test_a_rare_flake_seen_by_chance_is_the_weak_spot():
    # docs/verify.md says so, and the command warns: one failure in 20 results makes a 1 % flake look like a 3 % one.
    share, _ = called_held(0.01, 20, 20_000, np.random.default_rng(12))
    print(f"rate 1 %, 20 results before, among those that failed: {share:.1%} called held")  # noqa: T201 - shown with -s
    assert 0.2 < share < 0.4


def test_a_repaired_test_is_called_held_in_the_end():
    for failures, results in [(1, 50), (5, 50), (50, 50)]:
        needed = clean_runs_to_verify(failures, results)
        assert judge_repair(failures, results, clean=needed, again=0) is Repair.HELD
        assert judge_repair(failures, results, clean=needed - 1, again=0) is Repair.EARLY


@given(st.integers(1, 400), st.integers(0, 400))
def test_a_repair_is_believed_from_the_number_of_clean_results_on(failures: int, passes: int) -> None:
    """`believed` looks at the distribution once, where the number itself is searched for."""
    needed = clean_runs_to_verify(failures, failures + passes)
    assert believed(failures, failures + passes, needed)
    assert believed(failures, failures + passes, needed + 100)
    assert not believed(failures, failures + passes, needed - 1)
    assert not believed(failures, failures + passes, 0)
