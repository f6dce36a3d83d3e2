"""stats.probabilities: the questions of find_states, answered with how sure one may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.stats.markov import DEFAULTS
from flakelens.stats.probabilities import Probabilities, find_parameters, find_probabilities
from tests.letters import matrix


def find(
    *rows: str, outage: set[int] | None = None, disagreed: bool = False, suspected: bool = False
) -> list[Probabilities]:
    """The probabilities of tests in letters, every run a commit of its own, retries shown."""
    outcomes = matrix(*rows)
    runs = outcomes.shape[1]
    newest = np.zeros(runs, np.bool_)
    newest[-1:] = suspected
    return list(
        find_probabilities(
            outcomes,
            np.arange(runs, dtype=np.int32),
            outage=np.array([run in (outage or ()) for run in range(runs)], np.bool_),
            disagreed=np.full(len(rows), disagreed),
            suspected=newest,
            retries_shown=np.ones(runs, np.bool_),
        )
    )


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
def test_probabilities_sum_to_one_and_rates_lie_in_their_interval(rows: list[str], disagreed: bool, down: bool) -> None:
    for found in find(*rows, disagreed=disagreed, suspected=down):
        assert found.p_stable + found.p_flaky + found.p_broken == pytest.approx(1)
        assert 0 <= found.ever_flaky <= 1
        if found.flake_rate is not None:
            assert 0 <= found.flake_rate.low <= found.flake_rate.value <= found.flake_rate.high <= 1


def test_the_rate_of_a_flaky_test_counts_what_looked_like_flakes() -> None:
    (found,) = find(("P" * 9 + "K") * 20)
    assert found.flake_rate is not None
    assert found.flake_rate.value == pytest.approx(0.1, abs=0.001)
    assert found.flake_rate.low < 0.07
    assert found.flake_rate.high > 0.14
    (calm,) = find("P" * 300)
    assert calm.flake_rate is None


def test_a_broken_spell_does_not_enter_the_flake_rate() -> None:
    (found,) = find(("P" * 9 + "K") * 10 + "F" * 30)
    assert found.p_broken > 0.9
    assert found.flake_rate is not None
    assert found.flake_rate.value == pytest.approx(0.1, abs=0.03)
    assert found.ever_flaky > 0.9


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


def test_defaults_hold_below_fifty_runs() -> None:
    row = "P" * 20 + "F" * 5 + "P" * 24
    outcomes, commits = matrix(*[row] * 5), np.arange(49, dtype=np.int32)
    assert find_parameters(outcomes, commits, outage=np.zeros(49, np.bool_)) is DEFAULTS


def test_parameters_change_only_after_fifty_more_runs() -> None:
    rng = np.random.default_rng(2)
    outcomes = np.where(rng.random((40, 120)) < 0.1, 2, 1).astype(np.int8)
    commits, outage = np.arange(120, dtype=np.int32), np.zeros(120, np.bool_)

    def after(runs: int) -> object:
        return find_parameters(outcomes[:, :runs], commits[:runs], outage=outage[:runs])

    assert after(50) == after(99) != after(100)
    assert after(100) == after(120)
