"""What gate_calibration counts over simulated histories. Every function: (rng, suite, replicates) -> figures.

"MET" is `judge_state` with all clauses at a threshold of 98 %. No outage counts as confirmed (the harder case) unless
a function says so: nothing is left out of the observed rate then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.simulators import Counts, Suite, simulate
from flakelens.model import GateState
from flakelens.stats.evidence import LOG_PROOF, mirror_log_e, pooled_log_e
from flakelens.stats.intervals import clopper_pearson_upper, run_interval
from flakelens.stats.rate import RateRule, judge_state, limit_of

RULE = RateRule(limit=limit_of(0.98))
LENGTHS = (5, 10, 15, 20, 30, 50, 100, 200)
LOOKBACK = 100  # no window is longer, and without confirmed outages no clause looks further
Figures = dict[str, Any]


def state(failed: Counts, tests: int) -> GateState:
    """Of the newest runs of a history without confirmed outages."""
    newest = failed[-LOOKBACK:]
    return judge_state(newest, np.full(len(newest), tests), np.zeros(len(newest), dtype=np.bool_), RULE)


def states(rng: np.random.Generator, suite: Suite, replicates: int) -> Figures:
    """Shares of MET and NOT_MET, and of a naive point estimate >= 98 %, after each of LENGTHS runs."""
    met, not_met, naive = (np.zeros(len(LENGTHS)) for _ in range(3))
    for _ in range(replicates):
        failed, _outage = simulate(rng, suite, LENGTHS[-1])
        for i, runs in enumerate(LENGTHS):
            now = state(failed[:runs], suite.tests)
            met[i] += now is GateState.MET
            not_met[i] += now is GateState.NOT_MET
            naive[i] += failed[:runs].sum() <= RULE.limit * suite.tests * runs
    return {"met": met / replicates, "not_met": not_met / replicates, "naive": naive / replicates}


def peeking(rng: np.random.Generator, suite: Suite, replicates: int, first: int = 10, last: int = 200) -> Figures:
    """Share of histories that are ever MET when looked at after every run, and the share of looks that are."""
    ever = looks = 0
    for _ in range(replicates):
        failed, _outage = simulate(rng, suite, last)
        met = sum(state(failed[:runs], suite.tests) is GateState.MET for runs in range(first, last + 1))
        ever += met > 0
        looks += met
    return {"ever": ever / replicates, "looks": looks / replicates / (last + 1 - first)}


def thousand_looks(rng: np.random.Generator, suite: Suite, replicates: int) -> Figures:
    """`peeking` at a long-lived branch: 1,000 looks, the first after 100 runs."""
    return peeking(rng, suite, replicates, 100, 1099)


def repair(rng: np.random.Generator, suite: Suite, replicates: int) -> Figures:
    """Runs until MET after 100 runs at 96.4 % and a repair to the suite's rate; beside it without the large-loss bound.

    What is broken when the repair comes is repaired by it. inf where 150 runs were not enough.
    """
    first: dict[str, list[float]] = {"all": [], "without_large_loss": []}
    for _ in range(replicates):
        before, _outage = simulate(rng, replace(suite, rate=0.036), 100)
        after, _outage = simulate(rng, suite, 150)
        failed = np.concatenate([before, after])
        for name, met in (("all", _met), ("without_large_loss", _met_but_large_loss)):
            runs = (n for n in range(1, 151) if met(failed[n : 100 + n], suite.tests))
            first[name].append(next(runs, np.inf))
    return {name: np.array(runs) for name, runs in first.items()}


def _met(failed: Counts, tests: int) -> bool:
    return state(failed, tests) is GateState.MET


def _met_but_large_loss(failed: Counts, tests: int) -> bool:
    share = np.minimum(failed / tests, RULE.cap)
    rated = failed[-30:].sum() <= RULE.limit * 30 * tests and share[-10:].sum() <= 10 * RULE.limit
    return bool(rated) and pooled_log_e(share, np.full(len(share), tests), RULE.limit, RULE.cap) >= LOG_PROOF


def outages(rng: np.random.Generator, suite: Suite, replicates: int, runs: int = 100) -> Figures:
    """Every outage confirmed at once: MET as shipped, MET if such runs entered the large-loss bound alone, NOT_MET as
    shipped, NOT_MET if such runs entered the mirror."""
    counts = dict.fromkeys(("met", "met_if", "not_met", "not_met_if"), 0)
    for _ in range(replicates):
        failed, outage = simulate(rng, suite, runs)
        executed, none = np.full(runs, suite.tests), np.zeros(runs, dtype=np.bool_)
        shipped = judge_state(failed, executed, outage, RULE)
        quiet = ~outage
        counts["met"] += shipped is GateState.MET
        left_out = judge_state(failed[quiet], executed[quiet], none[quiet], RULE)
        losses = int((failed / executed > RULE.cap).sum())
        bounded = clopper_pearson_upper(losses, runs) <= RULE.large_loss_limit
        counts["met_if"] += left_out is GateState.MET and bounded
        counts["not_met"] += shipped is GateState.NOT_MET
        mirrored = mirror_log_e(failed / executed, RULE.limit) >= LOG_PROOF
        counts["not_met_if"] += shipped is GateState.NOT_MET or (shipped is not GateState.MET and mirrored)
    return {name: count / replicates for name, count in counts.items()}


def coverage(rng: np.random.Generator, suite: Suite, replicates: int) -> Figures:
    """How often the 95 % interval over 20, 50 and 100 runs holds the true pass rate."""
    lengths = (20, 50, 100)
    hits = np.zeros(len(lengths))
    for _ in range(replicates):
        failed, _outage = simulate(rng, suite, lengths[-1])
        for i, runs in enumerate(lengths):
            interval = run_interval(failed[:runs], np.full(runs, suite.tests))
            hits[i] += interval is not None and interval.low <= 1 - suite.rate <= interval.high
    return {"hits": hits / replicates}


def perverse(rng: np.random.Generator, suite: Suite, replicates: int, runs: int = 50) -> Figures:
    """Share of histories that are not MET and would be with one more failing result in some run."""
    perverted = unmet = 0
    for _ in range(replicates):
        failed, _outage = simulate(rng, suite, runs)
        if _met(failed, suite.tests):
            continue
        unmet += 1
        one_more = np.eye(runs, dtype=np.int64)
        perverted += any(_met(np.minimum(failed + one, suite.tests), suite.tests) for one in one_more)
    return {"share": perverted / replicates, "unmet": unmet / replicates}
