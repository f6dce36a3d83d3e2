"""How likely each test is stable, flaky or broken now: the hidden chain asked the questions of `states.find_states`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.stats.chain import Smoothed, chunks, smooth
from flakelens.stats.fitting import fit, fit_window
from flakelens.stats.intervals import beta_quantile
from flakelens.stats.markov import (
    BROKEN,
    DEFAULTS,
    FLAKY,
    HEALTHY,
    LEVELS,
    Floats,
    Parameters,
    Series,
    never_failing,
    outage_shares,
    series,
)
from flakelens.stats.outages import outage_at_start

INTERVAL = 0.95
# Below this P(flaky) and without a flake to count a rate would answer a question that nobody asks.
_RATE_FROM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often the first attempt of a flaky test fails, and its 95 % interval. Fractions in [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Probabilities:
    """What the history says about one test now. The three sum to 1."""

    p_stable: float
    p_flaky: float
    p_broken: float
    ever_flaky: float  # the largest P(it was a flake) over its failures, by all that is known since; 0 without failures
    flake_rate: Rate | None  # None where P(flaky) is small and nothing looks like a flake


def find_parameters(
    outcomes: Int8s, commits: Int32s, *, outage: Bools, retries_shown: Bools | None = None
) -> Parameters:
    """The fitted parameters of runs 1..R of the branch: see `fitting.fit_window`. A pure function of these runs."""
    window = fit_window(outcomes.shape[1])
    if window is None:
        return DEFAULTS
    runs = slice(*window)
    return fit(
        series(
            outcomes[:, runs],
            commits[runs],
            outage=outage_shares(outcomes[:, runs], with_start(outcomes[:, runs], outage[runs])),
            retries_shown=None if retries_shown is None else retries_shown[runs],
        )
    )


def find_probabilities(
    outcomes: Int8s,
    commits: Int32s,
    *,
    outage: Bools,
    disagreed: Bools,
    suspected: Bools | None = None,
    retries_shown: Bools | None = None,
    parameters: Parameters = DEFAULTS,
) -> tuple[Probabilities, ...]:
    """The state of every test as probabilities, from the runs of the gated branch, oldest first.

    `outcomes` (N, R) int8; `commits` (R,) equal for runs of one commit; `outage` (R,) confirmed outages; `suspected`
    (R,) counts for the newest run alone, where nothing can have confirmed it yet; `disagreed` (N,) tests that failed
    and passed on one commit of a pull request; `retries_shown` (R,) FAILED is known to have failed its retry too.
    A test without a result has the probabilities of the prior.
    """
    explained = with_start(outcomes, outage)
    if suspected is not None and len(explained):
        explained[-1] |= suspected[-1]
    seen = series(outcomes, commits, outage=outage_shares(outcomes, explained), retries_shown=retries_shown)
    # What failed in outages alone is as good as never failed: the closed form holds for it too.
    troubled = (seen.failed & ~explained).any(axis=1)
    calm = np.flatnonzero(~troubled)
    states = np.empty((len(outcomes), len(parameters.prior())))
    passed = outcomes[calm] == Outcome.PASSED
    states[calm] = never_failing(parameters, passed, commits)
    ever = np.zeros(len(outcomes))
    flakes, chances = np.zeros(len(outcomes)), np.zeros(len(outcomes))
    chances[calm] = passed.sum(axis=1)
    for rows in chunks(int(troubled.sum())):
        tests = np.flatnonzero(troubled)[rows]
        part = seen.rows(tests)
        found = smooth(part, parameters)
        states[tests] = found.steps[-1].filtered
        ever[tests], flakes[tests], chances[tests] = _flakes(part, found, parameters)
    states[disagreed] = _after_disagreement(states[disagreed])
    return tuple(
        Probabilities(
            p_stable=stable,
            p_flaky=flaky,
            p_broken=broken,
            ever_flaky=once,
            flake_rate=_rate(mean, yes, n) if flaky > _RATE_FROM or yes > 0.5 else None,
        )
        for stable, flaky, broken, once, mean, yes, n in zip(
            states[:, HEALTHY].tolist(),
            states[:, FLAKY].sum(axis=1).tolist(),
            states[:, BROKEN].tolist(),
            ever.tolist(),
            _mean_rate(states).tolist(),
            flakes.tolist(),
            chances.tolist(),
            strict=True,
        )
    )


def with_start(outcomes: Int8s, outage: Bools) -> Bools:
    """`outage` with the first run marked too if it looks like one: a model must not learn that tests begin broken."""
    explained = outage.copy()
    if len(explained):
        explained[0] |= outage_at_start(outcomes)
    return explained


def _flakes(part: Series, found: Smoothed, parameters: Parameters) -> tuple[Floats, Floats, Floats]:
    """Per test: the largest P(flake) of its failures, the expected number of flakes, and of results when not broken."""
    own = parameters.failing()[FLAKY]
    o = part.outage[:, None]
    share = own / (1.0 - (1.0 - own) * (1.0 - o))  # of the failures of a flaky test, (R, 6): what is not the outage's
    flake = np.einsum("rnf,rf->nr", found.states[:, :, FLAKY], share) * part.failed
    sound = (1.0 - found.states[:, :, BROKEN].T) * (part.ran & (part.outage == 0))
    return flake.max(axis=1), flake.sum(axis=1), sound.sum(axis=1)


def _mean_rate(states: Floats) -> Floats:
    flaky = states[:, FLAKY]
    result: Floats = flaky @ np.array(LEVELS) / np.maximum(flaky.sum(axis=1), 1e-300)
    return result


def _rate(mean: float, flakes: float, chances: float) -> Rate:
    """Flakes over results while not broken, with the equal-tailed interval of Beta(flakes + 1/2, others + 1/2)."""
    others = max(chances - flakes, 0.0)
    tail = (1.0 - INTERVAL) / 2
    value = flakes / chances if flakes >= 0.5 and chances > 0 else mean
    low = beta_quantile(tail, flakes + 0.5, others + 0.5)
    high = beta_quantile(1 - tail, flakes + 0.5, others + 0.5)
    return Rate(value=min(value, 1.0), low=min(low, value), high=max(high, min(value, 1.0)))


def _after_disagreement(states: Floats) -> Floats:
    """A fail and a pass on one commit of a pull request: p (1 - p) for a flaky level, next to nothing for healthy.

    P(broken) stays what it was: the request says nothing about the gated branch.
    """
    levels = np.array(LEVELS)
    said = states.copy()
    said[:, HEALTHY] *= DEFAULTS.pull_breaks * 0.03  # the request broke it, and it passed by chance
    said[:, FLAKY] *= levels * (1.0 - levels)
    rest = said[:, :BROKEN]
    kept = states[:, BROKEN]
    said[:, :BROKEN] = rest * ((1.0 - kept) / np.maximum(rest.sum(axis=1), 1e-300))[:, None]
    return said
