"""`complete`: the newest run of each area is whole and recent, and quarantine keeps to its limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from flakelens.gate.criterion import CriterionFinding, Observed, Scope, count_of, named
from flakelens.gate.trying import clean_runs_by_trying
from flakelens.model import GateState
from flakelens.policy import CompletePolicy

AGE_IN_INTERVALS = 3


def judge(
    ident: str,
    policy: CompletePolicy,
    scopes: Sequence[Scope],
    unknown_quarantine: tuple[str, ...] = (),
    *,
    needs: bool = True,
) -> CriterionFinding:
    """The finding over several areas. Quarantine faults make it NOT_MET, everything else INCONCLUSIVE."""
    lacks: list[str] = []
    steps: list[str] = []
    whole = 0
    for scope in scopes:
        lack, step = _lack(scope, policy)
        whole += not lack
        if lack:
            lacks.append(f"{scope.name}: {lack}")
        if step and step not in steps:
            steps.append(step)
    faults = unknown_quarantine + tuple(
        f"{scope.name}: {fault}" for scope in scopes for fault in scope.quarantine_faults
    )
    state = GateState.NOT_MET if faults else GateState.INCONCLUSIVE if lacks else GateState.MET
    needed: int | None = 0 if state is GateState.MET else None
    if needs and lacks and not faults and all(scope.active.any() for scope in scopes):
        numbers = [clean_runs_by_trying(scope, lambda later: _state(later, policy)) for scope in scopes]
        known = [number for number in numbers if number is not None]
        needed = max(known) if len(known) == len(numbers) else None
    if state is GateState.MET:
        age = max((_age(scope) for scope in scopes), default=0.0)
        why = f"The newest run of each area is complete, the oldest of them {_hours(age)} old."
    else:
        why = f"{'; '.join((*faults, *lacks)[:3])}."
    return CriterionFinding(
        id=ident,
        kind="complete",
        area=", ".join(scope.name for scope in scopes),
        state=state,
        observed=Observed(
            value=whole / len(scopes),
            low=None,
            high=None,
            n=1,
            method="newest run of each area",
            count=(whole, len(scopes)),
        )
        if scopes
        else None,
        required=1.0,
        why=why,
        needs_runs=needed,
        repair_first=faults,
        evidence=tuple(lacks[3:]),
        next_steps=tuple(steps),
    )


def _state(scope: Scope, policy: CompletePolicy) -> GateState:
    return GateState.INCONCLUSIVE if _lack(scope, policy)[0] else GateState.MET


def _lack(scope: Scope, policy: CompletePolicy) -> tuple[str, str]:
    """What the newest run of one area lacks, and the next step; two empty texts for nothing."""
    view = scope.view
    if not len(view.runs):
        return "no run yet", f"run the {scope.name} suite on the gated branch and ingest its reports"
    newest = len(view.runs) - 1
    label = scope.label(newest)
    again = f"run {scope.name} again on the gated branch"
    if not view.is_complete(newest):
        fault = view.faults[newest]
        missing = tuple(scope.ids[test] for test in np.flatnonzero(view.missing[:, newest]))
        expected = int(view.expected[:, newest].sum())
        if not fault and missing:
            fault = f"{len(missing)} of {count_of(expected, 'expected test')} have no result: {named(missing)}"
        return f"{label} is not complete ({fault or 'it has no results'})", again
    if scope.down[newest]:
        known = (
            "was hit by an outage" if scope.outage[newest] else "looks like an outage that no later run has confirmed"
        )
        return f"{label} {known}", again
    limit = max(policy.max_age_hours, AGE_IN_INTERVALS * view.median_interval() / 3600)
    age = _age(scope)
    if age > limit:
        return f"{label} is {_hours(age)} old, {_hours(limit)} at most", again
    return "", ""


def _age(scope: Scope) -> float:
    """Hours from the newest run of the area to `as_of`; never below 0."""
    if not len(scope.view.started):
        return 0.0
    newest = datetime.fromtimestamp(int(scope.view.started.max()), UTC)
    return max(0.0, (scope.as_of - newest).total_seconds() / 3600)


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 96 else f"{hours / 24:.0f} days"
