"""The gate replayed over its own history: how often would it have been wrong, and how often the naive rules?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from flakelens.analyze.evidence import load
from flakelens.analyze.fits import Fits
from flakelens.analyze.gate import gate_policy
from flakelens.decisions import Decisions
from flakelens.facts import Int64s, RunKey
from flakelens.gate import verdict
from flakelens.gate.evidence import Evidence
from flakelens.model import GateState
from flakelens.policy import GatePolicy, Policy
from flakelens.report import BacktestReport, BacktestRule
from flakelens.stats.fitting import window_length
from flakelens.store import Store

HORIZON = 30  # next runs that a look is held against
LEAST = 10  # with fewer of them a look is not held against anything
NAIVE_RUNS = 30


def backtest(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    name: str,
    *,
    as_of: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> BacktestReport:
    """The gate `name` judged after every counting run, as if that run were the newest.

    A look is a false green when it says MET and the pooled pass rate of the next 30 runs (at least 10) is below the
    threshold, a false red when it does not say MET and that rate is not below. Beside it, two rules that people use:
    the pass rate of the newest run, and of the newest 30 runs, compared with the threshold as it is.
    `progress(done, total)` is called after every look. Raises UsageError for an unknown gate.
    """
    gate = gate_policy(policy, name)
    required = gate.pass_rate_threshold / 100
    evidence = load(store, policy, decisions, as_of=as_of, environment=gate.environment, window=None).evidence
    fits = Fits(None)
    view = evidence.pooled(["*"]).view
    valid = np.flatnonzero(view.valid)
    runs, failed, executed = view.runs[valid], view.failed[valid], view.executed[valid]
    states: list[tuple[RunKey, GateState]] = []
    for look, run in enumerate(runs):
        states.append((evidence.history.runs[run].key, _judged_at(name, gate, evidence, int(run), fits)))
        if progress is not None:
            progress(look + 1, len(runs))

    def naive(reach: int) -> list[bool]:
        """MET at each look by the plain pass rate of the newest `reach` runs."""
        pasts = [slice(max(0, look + 1 - reach), look + 1) for look in range(len(runs))]
        return [bool(1 - failed[past].sum() / executed[past].sum() >= required) for past in pasts]

    after = [_next_rate(failed, executed, look) for look in range(len(runs))]
    return BacktestReport(
        gate=name,
        branch=evidence.history.branch,
        required=required,
        horizon=HORIZON,
        rules=(
            _count(f"gate {name}", [state is GateState.MET for _, state in states], after, required),
            _count(f"pass rate of the newest {NAIVE_RUNS} runs", naive(NAIVE_RUNS), after, required),
            _count("pass rate of the newest run", naive(1), after, required),
        ),
        states=tuple(states),
    )


def _judged_at(name: str, gate: GatePolicy, evidence: Evidence, newest: int, fits: Fits) -> GateState:
    """The state as it was after the run at position `newest`, with no knowledge of later runs."""
    run = evidence.history.runs[newest]
    counted = [position for position in evidence.counting if position <= newest]
    window = counted[-window_length(len(counted)) :]  # as `load` reads it
    first = window[0] if len(window) < len(counted) else 0
    past = evidence.history.select(np.arange(first, newest + 1, dtype=np.int32))
    then = Evidence(
        history=past,
        policy=evidence.policy,
        decisions=evidence.decisions,
        as_of=run.started_at + timedelta(hours=1),
        fitter=fits,
    )
    return verdict.judge(name, gate, then, needs=False).state


def _next_rate(failed: Int64s, executed: Int64s, look: int) -> float | None:
    ahead = slice(look + 1, look + 1 + HORIZON)
    total = int(executed[ahead].sum())
    return None if len(executed[ahead]) < LEAST or not total else 1 - int(failed[ahead].sum()) / total


def _count(name: str, met: list[bool], after: list[float | None], required: float) -> BacktestRule:
    known = [(green, rate) for green, rate in zip(met, after, strict=True) if rate is not None]
    return BacktestRule(
        name=name,
        looks=len(met),
        met=sum(met),
        judged=len(known),
        false_green=sum(green and rate < required for green, rate in known),
        false_red=sum(not green and rate >= required for green, rate in known),
    )
