"""FACTOR-SIM and CLUSTER-SIM: failures whose causes are known. Fixed seeds give fixed histories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Levels = NDArray[np.int32]

# FACTOR-SIM: levels per factor, and the rest of its constants.
FACTORS = {"browser": 3, "shard": 4, "os": 2, "hour": 4, "branch": 2}
FACTOR_TESTS = 400
FOLLOWS = 0.70  # how often the operating system is that of the browser
EXPLAINED = 0.15  # share of tests with one true level
TIMES = 6.0  # that their rate is higher there
OUTAGE_HOUR, OUTAGE_THERE, OUTAGE_ELSEWHERE = 0, 0.09, 0.01


@dataclass(frozen=True)
class FactorHistory:
    """Failures of flaky tests under factors; `truth[i]` is (factor, level), or None for a test without one."""

    failed: Flags  # (N, R)
    factors: dict[str, Levels]  # (R,) each
    outage: Flags  # (R,) as it happened
    truth: tuple[tuple[str, int] | None, ...]


def factor_history(rng: np.random.Generator, runs: int) -> FactorHistory:
    """400 flaky tests at log-uniform rates of .5 to 10 %; in 15 % of them one level of one factor has 6 x the rate."""
    factors = {name: rng.integers(0, size, runs).astype(np.int32) for name, size in FACTORS.items()}
    follows = rng.random(runs) < FOLLOWS
    factors["os"] = np.where(follows, np.minimum(factors["browser"], 1), factors["os"]).astype(np.int32)
    rate = np.exp(rng.uniform(np.log(0.005), np.log(0.10), FACTOR_TESTS))
    p = np.repeat(rate[:, None], runs, axis=1)
    truth: list[tuple[str, int] | None] = [None] * FACTOR_TESTS
    names = list(FACTORS)
    for test in np.flatnonzero(rng.random(FACTOR_TESTS) < EXPLAINED):
        name = names[rng.integers(len(names))]
        level = int(rng.integers(FACTORS[name]))
        truth[test] = name, level
        p[test, factors[name] == level] *= TIMES
    failed = rng.random(p.shape) < np.minimum(p, 0.95)
    chance = np.where(factors["hour"] == OUTAGE_HOUR, OUTAGE_THERE, OUTAGE_ELSEWHERE)
    outage = rng.random(runs) < chance
    return FactorHistory(_with_outages(rng, failed, outage), factors, outage, tuple(truth))


@dataclass(frozen=True)
class ClusterHistory:
    """Failures of clustered, independent and stable tests; `cause[i]` is the cluster of test i, -1 for none."""

    failed: Flags  # (N, R)
    outage: Flags  # (R,) as it happened
    cause: Levels  # (N,)


def cluster_history(
    rng: np.random.Generator,
    runs: int,
    *,
    clusters: int = 30,
    independent: int = 200,
    stable: int = 1500,
    outages: float = 0.03,
) -> ClusterHistory:
    """Clusters of 2 + Geometric(mean 6) tests with a root cause at .8 to 5 % per run (log-uniform), each member failing
    in 80 % of its occurrences and by itself at .05 to .5 %; independent flaky tests at .3 to 10 %; stable ones.
    """
    sizes = 2 + rng.geometric(1 / 6, clusters)
    cause = np.concatenate([np.repeat(np.arange(clusters), sizes), np.full(independent + stable, -1)]).astype(np.int32)
    members = int(sizes.sum())
    root = np.exp(rng.uniform(np.log(0.008), np.log(0.05), clusters))
    struck = rng.random((clusters, runs)) < root[:, None]
    failed = np.zeros((len(cause), runs), np.bool_)
    failed[:members] = struck[cause[:members]] & (rng.random((members, runs)) < 0.8)
    own = np.exp(rng.uniform(np.log(0.0005), np.log(0.005), members))
    alone = np.exp(rng.uniform(np.log(0.003), np.log(0.10), independent))
    failed[:members] |= rng.random((members, runs)) < own[:, None]
    failed[members : members + independent] = rng.random((independent, runs)) < alone[:, None]
    outage = rng.random(runs) < outages
    return ClusterHistory(_with_outages(rng, failed, outage), outage, cause)


def _with_outages(rng: np.random.Generator, failed: Flags, outage: Flags) -> Flags:
    """In an outage a Beta(6, 14) share of all tests fails besides."""
    severity = np.where(outage, rng.beta(6, 14, len(outage)), 0.0)
    return failed | (rng.random(failed.shape) < severity)


def pairs(groups: NDArray[np.int32]) -> set[tuple[int, int]]:
    """All pairs of positions with the same group; -1 is no group."""
    found = set()
    for group in np.unique(groups[groups >= 0]):
        members = np.flatnonzero(groups == group).tolist()
        found |= {(one, other) for place, one in enumerate(members) for other in members[place + 1 :]}
    return found
