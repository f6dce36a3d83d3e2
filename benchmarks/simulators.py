"""GATE-SIM: histories of one suite whose true failing rate is known. Fixed seeds give fixed histories.

T tests, R runs; run t has k_t failing tests. Components, each with its own mean share g of failing tests:

- flakes(g): groups of tests (share, weight) = (.90, 0), (.06, 1), (.03, 4), (.01, 8); a test of a group fails with
  probability g * weight / .26 (at most .95) in every run, independently.
- outage(g): with probability g / .30 a run loses Binomial(T - k, Beta(6, 14)) further tests; 30 % on average.
- broken(g; L, s): Poisson(g T / (L s)) new breakages per run, each of Geometric(mean s) tests for Geometric(mean L)
  runs. The history starts in equilibrium (geometric lengths forget their age), so no burn-in is needed.

Scenarios at rate f: A independent tests, B flakes(f), C flakes(.55 f) + outage(.45 f), D flakes(.4 f) + broken(.6 f),
E flakes(.3 f) + outage(.3 f) + broken(.4 f), O flakes(.4 f) + outage(.6 f). Two truths: RAW, E[k/T] = f, and CLIPPED,
E[min(k/T, B)] = f, for which f is scaled. The clipped mean is computed from the distribution of k, not simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Counts = NDArray[np.int64]
GROUPS = ((0.06, 1), (0.03, 4), (0.01, 8))  # the other 90 % of the tests never flake
CLIP = 0.10


@dataclass(frozen=True)
class Scenario:
    """Shares of the failing rate that each component causes; `independent` puts them all on independent tests."""

    flakes: float = 0.0
    outage: float = 0.0
    broken: float = 0.0
    independent: bool = False


SCENARIOS = {
    "A": Scenario(independent=True),
    "B": Scenario(flakes=1.0),
    "C": Scenario(flakes=0.55, outage=0.45),
    "D": Scenario(flakes=0.4, broken=0.6),
    "E": Scenario(flakes=0.3, outage=0.3, broken=0.4),
    "O": Scenario(flakes=0.4, outage=0.6),
}


@dataclass(frozen=True)
class Suite:
    """One suite: its scenario, its size and, where tests break, for how many runs (L) and how many at once (s)."""

    scenario: str
    rate: float  # f before scaling: the failing share it is named by
    tests: int = 500
    length: int = 6
    size: int = 5
    truth: str = "clipped"

    def name(self) -> str:
        """E.g. "D (15,10) T=500"."""
        broken = f" ({self.length},{self.size})" if SCENARIOS[self.scenario].broken else ""
        return f"{self.scenario}{broken} T={self.tests}"


def simulate(rng: np.random.Generator, suite: Suite, runs: int) -> tuple[Counts, NDArray[np.bool_]]:
    """Failing tests per run and whether an outage hit it, oldest first."""
    rate = scaled_rate(suite)
    kind, tests = SCENARIOS[suite.scenario], suite.tests
    if kind.independent:
        return rng.binomial(tests, rate, runs), np.zeros(runs, dtype=np.bool_)
    failed = np.zeros(runs, dtype=np.int64)
    for count, p in _flaky_groups(tests, kind.flakes * rate):
        failed += rng.binomial(count, p, runs)
    if kind.broken:
        failed += _broken(rng, suite, kind.broken * rate, runs)
        np.minimum(failed, tests, out=failed)
    outage = np.zeros(runs, dtype=np.bool_)
    if kind.outage:
        outage = rng.random(runs) < kind.outage * rate / 0.30
        n = int(outage.sum())
        failed[outage] += rng.binomial(tests - failed[outage], rng.beta(6, 14, n))
    return failed, outage


def _flaky_groups(tests: int, g: float) -> list[tuple[int, float]]:
    return [(round(share * tests), min(0.95, g * weight / 0.26)) for share, weight in GROUPS]


def _broken(rng: np.random.Generator, suite: Suite, g: float, runs: int) -> Counts:
    """Tests broken in each run; breakages that began before the first run included."""
    started = rng.poisson(g * suite.tests / (suite.length * suite.size), runs)
    started[0] += rng.poisson(g * suite.tests / suite.size * (1 - 1 / suite.length))
    first = np.repeat(np.arange(runs), started)
    sizes = rng.geometric(1 / suite.size, len(first))
    last = np.minimum(first + rng.geometric(1 / suite.length, len(first)), runs)
    change = np.bincount(first, sizes, runs + 1) - np.bincount(last, sizes, runs + 1)
    return np.cumsum(change)[:runs].astype(np.int64)


@lru_cache(maxsize=4096)
def scaled_rate(suite: Suite) -> float:
    """The f at which the suite's true failing share, raw or clipped, is `suite.rate`: by bisection where clipped."""
    if suite.truth == "raw":
        return suite.rate
    low, high = 0.5 * suite.rate, 8.0 * suite.rate
    for _ in range(40):
        middle = 0.5 * (low + high)
        if clipped_mean(replace(suite, rate=middle)) < suite.rate:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def clipped_mean(suite: Suite) -> float:
    """E[min(k/T, .10)] at component rates `suite.rate`: sum over j < .1 T of P(k > j), over T."""
    kind, tests = SCENARIOS[suite.scenario], suite.tests
    most = math.ceil(CLIP * tests)  # P(k = j) is needed for j < most alone
    js = np.arange(most)
    if kind.independent:
        pmf = stats.binom.pmf(js, tests, suite.rate)
    else:
        pmf = np.eye(1, most)[0]
        for count, p in _flaky_groups(tests, kind.flakes * suite.rate):
            pmf = np.convolve(pmf, stats.binom.pmf(js, count, p))[:most]
        if kind.broken:
            pmf = np.convolve(pmf, _broken_pmf(suite, kind.broken * suite.rate, most))[:most]
        if kind.outage:
            hit = kind.outage * suite.rate / 0.30
            pmf = (1 - hit) * pmf + hit * (_outage_kernel(tests, most) @ pmf)
    beyond = 1 - np.cumsum(pmf)
    return float(beyond.sum()) / tests


def _broken_pmf(suite: Suite, g: float, most: int) -> NDArray[np.float64]:
    """Compound Poisson: active breakages ~ Poisson(g T / s), sizes geometric; Panjer's recursion (1981)."""
    active = g * suite.tests / suite.size
    sizes = stats.geom.pmf(np.arange(1, most), 1 / suite.size) * np.arange(1, most)
    pmf = np.zeros(most)
    pmf[0] = math.exp(-active)
    for n in range(1, most):
        pmf[n] = active / n * float(sizes[:n] @ pmf[n - 1 :: -1][:n])
    return pmf


@lru_cache(maxsize=8)
def _outage_kernel(tests: int, most: int) -> NDArray[Any]:
    """P(j failing after the outage | i before), for i, j < most."""
    before = np.arange(most)
    lost = before[:, None] - before[None, :]
    return np.where(lost >= 0, stats.betabinom.pmf(lost, tests - before[None, :], 6, 14), 0.0)
