"""Will a test fail in the next run? Several simple forecasters, and a mixture that leans on whoever was right lately.

No single forecaster is best everywhere: the hidden chain wins where tests break and are mended, a moving average where
rates drift. So the forecast is their mixture, with weights that follow the recent runs (fixed share; Herbster & Warmuth
1998). "Fail" is a failed first attempt where retries are shown, and a failed result elsewhere.
"""

from __future__ import annotations

import numpy as np

from flakelens.stats.chain import walk
from flakelens.stats.markov import DEFAULTS, Floats, Parameters, Series, emissions

EXPERTS = ("beta", "moving average", "last result", "hidden chain")
MOVING = 0.1  # weight of the newest result in the moving average
SHARE = 0.02  # of the weight handed out anew before each run, so that nobody is ever written off
MOST_RESULTS = 20  # what a run may count for: its results are correlated, so the full sum over tests overshoots

_CERTAIN = 1e-4  # no forecast is surer than that
_LAST_PRIOR = 4.0  # results at the suite's own rate that "last result" starts a test with


def predictions(seen: Series, parameters: Parameters = DEFAULTS, *, train: int | None = None) -> Floats:
    """P(fail) of every test in every run, given the runs before it, by each of `EXPERTS`: (4, N, R + 1).

    The last column is the run to come, taken as one on a new commit. `train`: runs that the prior of "beta" and the
    start of "last result" are made from; the others adapt as they go. Meant for tests with failures: 32 N R bytes.

    - beta: (failures + a) / (results + a + b), a and b by the moments of the tests' rates (empirical Bayes);
    - moving average: r <- .9 r + .1 x, starting from a / (a + b);
    - last result: P(fail | the last result), counted per test and shrunk to the suite's;
    - hidden chain: sum over states of P(state) q_s (`markov`).
    """
    tests, runs = seen.outcomes.shape
    train = runs if train is None else train
    a, b = _beta_prior(seen, train)
    after = _pooled_transitions(seen, train)
    found = np.empty((len(EXPERTS), tests, runs + 1))
    failures, results = np.zeros(tests), np.zeros(tests)
    average = np.full(tests, a / (a + b))
    last = np.full(tests, -1)
    counts = np.zeros((tests, 2, 2))  # (last, next)
    everyone = np.arange(tests)
    for run in range(runs + 1):
        found[0, :, run] = (failures + a) / (results + a + b)
        found[1, :, run] = average
        mine = counts[everyone, np.maximum(last, 0)]
        shrunk = (mine[:, 1] + _LAST_PRIOR * after[np.maximum(last, 0)]) / (mine.sum(axis=1) + _LAST_PRIOR)
        found[2, :, run] = np.where(last < 0, a / (a + b), shrunk)
        if run == runs:
            break
        ran, failed = seen.ran[:, run], seen.failed[:, run]
        failures += failed
        results += ran
        average = np.where(ran, (1 - MOVING) * average + MOVING * failed, average)
        known = np.flatnonzero(ran & (last >= 0))
        counts[known, last[known], failed[known].astype(int)] += 1
        last = np.where(ran, failed, last)
    found[3] = _chain(seen, parameters)
    return np.clip(found, _CERTAIN, 1 - _CERTAIN)


def _chain(seen: Series, parameters: Parameters) -> Floats:
    own = 1.0 - emissions(parameters, 0.0)[1]
    found = np.empty((seen.outcomes.shape[0], seen.outcomes.shape[1] + 1))
    state = np.tile(parameters.prior(), (len(found), 1))
    for step in walk(seen, parameters):
        found[:, step.run] = step.predicted @ own
        state = step.filtered
    ever = seen.ran.sum(axis=1) > 0
    found[:, -1] = np.where(ever[:, None], state @ parameters.transitions(), state) @ own
    return found


def mix(forecasts: Floats, seen: Series) -> tuple[Floats, Floats]:
    """The mixture of `forecasts` (E, N, R + 1), (N, R + 1), and the weights before each run, (R + 1, E).

    w <- (1 - SHARE) w + SHARE / E,   then w <- w exp(min(n, 20) * mean log likelihood of the run's n results)
    """
    experts, _, length = forecasts.shape
    weights = np.empty((length, experts))
    current = np.full(experts, 1.0 / experts)
    for run in range(length):
        current = (1 - SHARE) * current + SHARE / experts
        weights[run] = current
        if run + 1 == length:
            break
        ran = seen.ran[:, run]
        if ran.any():
            p = forecasts[:, ran, run]
            failed = seen.failed[:, run][ran]
            said: Floats = np.log(np.where(failed, p, 1 - p)).mean(axis=1)
            grown = min(int(ran.sum()), MOST_RESULTS) * said
            current = current * np.exp(grown - grown.max())
            current /= current.sum()
    return np.einsum("re,enr->nr", weights, forecasts), weights


def forecast(seen: Series, parameters: Parameters = DEFAULTS) -> Floats:
    """P(fail) of every test in the run to come, on a new commit, (N,)."""
    mixed, _ = mix(predictions(seen, parameters), seen)
    result: Floats = mixed[:, -1]
    return result


def _beta_prior(seen: Series, train: int) -> tuple[float, float]:
    """Beta(a, b) with the mean and variance of the tests' failure rates beyond binomial noise; (.1, .9) without any."""
    n = seen.ran[:, :train].sum(axis=1)
    enough = n >= 2
    if not enough.any():
        return 0.1, 0.9
    rate = seen.failed[:, :train].sum(axis=1)[enough] / n[enough]
    mean = float(np.clip(rate.mean(), 0.001, 0.999))
    noise = float((mean * (1 - mean) / n[enough]).mean())
    spread = float(np.clip(rate.var() - noise, 1e-4, 0.95 * mean * (1 - mean)))
    strength = float(np.clip(mean * (1 - mean) / spread - 1, 0.05, 200.0))
    return mean * strength, (1 - mean) * strength


def _pooled_transitions(seen: Series, train: int) -> Floats:
    """P(fail | passed last), P(fail | failed last) over all tests, (2,)."""
    counts = np.ones((2, 2)) * 0.5
    last = np.full(len(seen.outcomes), -1)
    for run in range(train):
        ran, failed = seen.ran[:, run], seen.failed[:, run].astype(int)
        known = ran & (last >= 0)
        np.add.at(counts, (last[known], failed[known]), 1)
        last = np.where(ran, failed, last)
    result: Floats = counts[:, 1] / counts.sum(axis=1)
    return result
