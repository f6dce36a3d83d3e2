"""stats.fitting: rates learnt from a suite's own history are never less likely than the start, and near the truth."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.histories import BASE, SUITES, scaled, simulate
from flakelens.model import Outcome
from flakelens.stats.fitting import fit, fit_window, score
from flakelens.stats.markov import DEFAULTS, Series, outage_shares, series


def observed(name: str, seed: int, tests: int = 600, runs: int = 150) -> Series:
    suite = next(suite for suite in SUITES if suite.name == name)
    sim = simulate(np.random.default_rng(seed), scaled(suite, tests, runs))
    return series(
        sim.outcomes,
        sim.commits,
        outage=outage_shares(sim.outcomes, sim.outage),
        retries_shown=np.full(sim.suite.runs, suite.retries),
        pulls=sim.pulls,
    )


@pytest.mark.parametrize("name", ["base", "no retries", "60 runs", "mostly stable"])
def test_every_iteration_is_at_least_as_likely(name: str) -> None:
    seen = observed(name, 5)
    scores = [score(seen, fit(seen, iterations=n)) for n in range(5)]
    assert scores[0] == score(seen, DEFAULTS)
    assert scores == sorted(scores)
    assert scores[-1] > scores[0]


def test_fitted_rates_are_near_the_truth() -> None:
    fitted = fit(observed("base", 3, 2000, 300))
    assert 0.0005 < fitted.breaks < 0.004
    assert 0.07 < fitted.mends < 0.25  # windows of 1 to 20 commits, 10.5 on average
    assert 0.25 < fitted.retry_fails < 0.42
    assert 0.1 < fitted.prior_flaky < 0.3  # .22 and the frailty's share that never shows
    assert fitted.levels[5] < 0.05  # no flake rate is above .3 before the frailty
    assert 0.0 < fitted.pull_breaks < 0.003


def test_without_results_the_start_stays() -> None:
    nothing = series(np.zeros((5, 60), np.int8), np.arange(60, dtype=np.int32))
    assert fit(nothing) is DEFAULTS


def test_a_suite_that_never_failed_has_rates_below_the_defaults() -> None:
    calm = series(np.full((300, 100), Outcome.PASSED, np.int8), np.arange(100, dtype=np.int32))
    fitted = fit(calm)
    assert fitted.prior_flaky < DEFAULTS.prior_flaky
    assert fitted.breaks < DEFAULTS.breaks


def test_retries_are_counted_where_they_are_shown() -> None:
    base = observed("base", 3)
    hidden = observed("base", 3).outcomes.copy()
    hidden[::2][hidden[::2] == Outcome.FLAKY] = Outcome.PASSED
    shown = np.arange(len(hidden)) % 2 == 1
    mixed = series(
        hidden,
        base.commits,
        outage=base.outage,
        retries_shown=np.repeat(shown[:, None], hidden.shape[1], axis=1),
        pulls=base.pulls,
    )
    assert fit(mixed).retry_fails == pytest.approx(fit(base).retry_fails, abs=0.06)


def test_fit_is_a_pure_function() -> None:
    assert fit(observed("base", 9)) == fit(observed("base", 9))


@pytest.mark.parametrize(
    ("runs", "window"),
    [(0, None), (49, None), (50, (0, 50)), (99, (0, 50)), (349, (0, 300)), (350, (50, 350)), (1001, (700, 1000))],
)
def test_runs_that_parameters_are_fitted_on(runs: int, window: tuple[int, int] | None) -> None:
    assert fit_window(runs) == window


def test_the_simulator_keeps_its_promises() -> None:
    sim = simulate(np.random.default_rng(1), BASE)
    again = simulate(np.random.default_rng(1), BASE)
    assert np.array_equal(sim.outcomes, again.outcomes)
    assert (sim.outcomes == Outcome.NONE).mean() == pytest.approx(0.05, abs=0.002)
    assert np.diff(sim.commits).mean() == pytest.approx(0.85, abs=0.06)
    assert (~sim.gated).mean() == pytest.approx(0.30, abs=0.08)
    assert ((sim.cause > 0) >= (sim.signature > 0)).mean() > 0.99
