"""HIST-SIM: test histories in which the cause of every failure is known. Fixed seeds give fixed histories.

N tests, R runs. A run starts a new commit with probability .85, else it reruns the commit; 30 % of the commits are of
pull requests, each of a request of its own. Kinds of tests: stable .60; flaky .15; broken in one to three windows of
1 to 20 commits .10; broken in the last 1 to 20 commits .04; became flaky .04 and ceased to be .04, both between 30 and
70 % of the runs; flaky with windows .03. Flake rates are log-uniform from .1 to 30 %, times a gamma frailty (shape 2,
mean 1) per test and ten runs. A broken test fails with probability .99. 3 % of the runs are outages that fail each test
with probability Beta(6, 14). 20 % of the pull-request commits break Geometric(mean 4) tests; 2 % of the others break
Geometric(mean 8) tests at once for 1 to 20 commits. A failure is retried once and fails again with probability .99 if
broken, .9 in an outage, max(p, .3) of a flake. 5 % of the results are missing.

Signatures: a flake has its test's own .85, else its second own; a break that of its beginning .8, an outage the common
one .9; everything else, and 10 % of all, the generic one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flakelens.model import Outcome
from flakelens.stats.markov import GATED

FLAKE, OUTAGE, BREAK, PULL_BREAK = 1, 2, 3, 4  # causes of a failure; 0: none
GENERIC, COMMON = 0, 1  # signatures shared by tests

KINDS = ("stable", "flaky", "windows", "broken now", "became flaky", "ceased to flake", "flaky and windows")
_SHARES = (0.60, 0.15, 0.10, 0.04, 0.04, 0.04, 0.03)


@dataclass(frozen=True)
class Suite:
    """One setting of the simulator."""

    name: str
    tests: int = 4000
    runs: int = 300
    retries: bool = True
    reruns: bool = True
    outages: float = 0.03
    stable: float = 0.60


BASE = Suite("base")
SUITES = (
    BASE,
    Suite("no retries", retries=False),
    Suite("no retries, no reruns", retries=False, reruns=False),
    Suite("60 runs", runs=60),
    Suite("no outages", outages=0.0),
    Suite("10 % outages", outages=0.10),
    Suite("mostly stable", stable=0.93),
)


@dataclass(frozen=True)
class Window:
    """A time in which one test, or several at once, are broken: runs [first, stop)."""

    tests: NDArray[np.int64]
    first: int
    stop: int


@dataclass(frozen=True)
class Simulated:
    """What was seen, and the truth behind it."""

    suite: Suite
    outcomes: NDArray[np.int8]  # (N, R)
    commits: NDArray[np.int32]  # (R,)
    pulls: NDArray[np.int32]  # (R,) GATED or the number of the pull request
    signature: NDArray[np.int32]  # (N, R) 0 where nothing failed
    cause: NDArray[np.int8]  # (N, R) of the first attempt's failure
    broken: NDArray[np.bool_]  # (N, R) broken on the gated branch
    outage: NDArray[np.bool_]  # (R,)
    windows: tuple[Window, ...]  # of single tests
    mass: tuple[Window, ...]  # of several tests at once

    @property
    def flaked(self) -> NDArray[np.bool_]:
        """Tests with at least one flake that was seen, (N,)."""
        flaked: NDArray[np.bool_] = ((self.cause == FLAKE) & (self.outcomes != Outcome.NONE)).any(axis=1)
        return flaked

    @property
    def gated(self) -> NDArray[np.bool_]:
        """Runs of the gated branch, (R,)."""
        gated: NDArray[np.bool_] = self.pulls == GATED
        return gated


def scaled(suite: Suite, tests: int, runs: int) -> Suite:
    """The same setting at most so large."""
    return replace(suite, tests=min(tests, suite.tests), runs=min(runs, suite.runs))


def simulate(rng: np.random.Generator, suite: Suite) -> Simulated:
    """One history."""
    n, runs = suite.tests, suite.runs
    fresh = rng.random(runs) < 0.85
    fresh[0] = True
    if not suite.reruns:
        fresh[:] = True
    commits = np.cumsum(fresh).astype(np.int32) - 1
    is_pull = rng.random(int(commits[-1]) + 1) < 0.30
    pulls = np.where(is_pull[commits], commits, GATED).astype(np.int32)
    shares = np.array(_SHARES)
    shares[1:] *= (1 - suite.stable) / shares[1:].sum()
    shares[0] = suite.stable
    kind = rng.choice(len(KINDS), n, p=shares / shares.sum())
    windows = _windows(rng, kind, commits)
    mass = _mass(rng, n, commits, is_pull)
    broken = np.zeros((n, runs), np.bool_)
    onset = np.zeros((n, runs), np.int32)
    for number, window in enumerate((*windows, *mass)):
        broken[window.tests, window.first : window.stop] = True
        onset[window.tests, window.first : window.stop] = number + 2 + 2 * n
    pulled = np.zeros((n, runs), np.bool_)
    for commit in np.flatnonzero(is_pull & (rng.random(len(is_pull)) < 0.20)):
        victims = rng.choice(n, min(n, rng.geometric(1 / 4)), replace=False)
        pulled[np.ix_(victims, np.flatnonzero(commits == commit))] = True
    outage = rng.random(runs) < suite.outages
    rate = _flake_rates(rng, kind, runs)
    cause = np.zeros((n, runs), np.int8)
    cause[rng.random((n, runs)) < rate] = FLAKE
    severity = np.where(outage, rng.beta(6, 14, runs), 0.0)
    cause[rng.random((n, runs)) < severity] = OUTAGE
    fails = rng.random((n, runs)) < 0.99
    cause[pulled & fails] = PULL_BREAK
    cause[broken & fails] = BREAK
    again = np.choose(cause, [np.zeros(1), np.maximum(rate, 0.3), np.full(1, 0.9), np.full(1, 0.99), np.full(1, 0.99)])
    fails_again = rng.random((n, runs)) < again if suite.retries else np.ones((n, runs), np.bool_)
    outcomes = np.where(cause == 0, Outcome.PASSED, np.where(fails_again, Outcome.FAILED, Outcome.FLAKY)).astype(
        np.int8
    )
    outcomes[rng.random((n, runs)) < 0.05] = Outcome.NONE
    onset[pulled & ~broken] = 0
    pull_onset = np.broadcast_to(3 + 2 * n + len(windows) + len(mass) + commits, (n, runs))
    signature = _signatures(rng, cause, np.where(cause == PULL_BREAK, pull_onset, onset))
    return Simulated(suite, outcomes, commits, pulls, signature, cause, broken, outage, windows, mass)


def _windows(rng: np.random.Generator, kind: NDArray[np.int64], commits: NDArray[np.int32]) -> tuple[Window, ...]:
    found = []
    last = int(commits[-1])
    for test in np.flatnonzero(np.isin(kind, (2, 3, 6))):
        if kind[test] == 3:
            spans = [(last + 1 - int(rng.integers(1, 21)), last + 1)]
        else:
            starts = rng.integers(1, last + 1, rng.integers(1, 4))
            spans = [(int(start), int(start + rng.integers(1, 21))) for start in starts]
        found += [_window(np.array([test]), max(0, start), stop, commits) for start, stop in spans]
    return tuple(found)


def _mass(
    rng: np.random.Generator, tests: int, commits: NDArray[np.int32], is_pull: NDArray[np.bool_]
) -> tuple[Window, ...]:
    found = []
    for commit in np.flatnonzero(~is_pull & (rng.random(len(is_pull)) < 0.02)):
        victims = rng.choice(tests, min(tests, rng.geometric(1 / 8)), replace=False)
        found.append(_window(victims, int(commit), int(commit + rng.integers(1, 21)), commits))
    return tuple(found)


def _window(tests: NDArray[np.int64], start: int, stop: int, commits: NDArray[np.int32]) -> Window:
    """Commits [start, stop) as runs."""
    return Window(tests, int(np.searchsorted(commits, start)), int(np.searchsorted(commits, stop)))


def _flake_rates(rng: np.random.Generator, kind: NDArray[np.int64], runs: int) -> NDArray[np.float64]:
    """The chance of a flake per test and run, (N, R)."""
    n = len(kind)
    rate = np.exp(rng.uniform(np.log(0.001), np.log(0.30), n))
    frailty = np.repeat(rng.gamma(2, 0.5, (n, -(-runs // 10))), 10, axis=1)[:, :runs]
    turn = rng.uniform(0.3, 0.7, n)[:, None] * runs
    at = np.arange(runs)
    active = (
        np.isin(kind, (1, 6))[:, None] | ((kind == 4)[:, None] & (at >= turn)) | ((kind == 5)[:, None] & (at < turn))
    )
    return np.where(active, np.minimum(rate[:, None] * frailty, 0.95), 0.0)


def _signatures(rng: np.random.Generator, cause: NDArray[np.int8], onset: NDArray[np.int32]) -> NDArray[np.int32]:
    n, runs = cause.shape
    own = 2 + 2 * np.arange(n, dtype=np.int32)[:, None]
    draw = rng.random((n, runs))
    flake = np.where(draw < 0.85, own, own + 1)
    broke = np.where(draw < 0.80, onset, GENERIC)
    common = np.where(draw < 0.90, COMMON, GENERIC)
    signature = np.select([cause == FLAKE, cause == OUTAGE, cause >= BREAK], [flake, common, broke], GENERIC)
    return np.where(rng.random((n, runs)) < 0.10, GENERIC, signature).astype(np.int32)
