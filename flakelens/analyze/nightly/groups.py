"""All tests, each area and each focus: rates now, the budget that is left, and the way here."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from flakelens.analyze.gate import area_line
from flakelens.analyze.trends import rate_series
from flakelens.gate.criterion import Scope
from flakelens.gate.evidence import Evidence
from flakelens.policy import ALL_AREAS, UNASSIGNED, GatePolicy, PassRatePolicy, StablePolicy
from flakelens.report import AreaLine
from flakelens.report.nightly import Budget, Group
from flakelens.report.trends import PolicyChange, RateSeries

EVERYTHING = "all"


def groups(
    evidence: Evidence, wide: Evidence, gate: GatePolicy, policy_changes: tuple[PolicyChange, ...]
) -> tuple[Group, ...]:
    """All tests, then the areas and the focuses that have tests. Figures from `evidence`, trends from `wide`."""

    def trend(area: str = "", focus: str = "") -> RateSeries:
        return rate_series(wide, area=area, focus=focus, gate=gate, policy_changes=policy_changes)

    found = [_group("all", EVERYTHING, evidence.pooled([ALL_AREAS]), trend(), gate)]
    for area in evidence.areas.names:
        scope = evidence.scope(area)
        if len(scope.ids) or area != UNASSIGNED:
            found.append(_group("area", area, scope, trend(area=area), gate))
    for focus in dict.fromkeys(rule.name for rule in evidence.policy.focuses):
        scope = evidence.pooled([ALL_AREAS], [focus])
        if len(scope.ids):
            found.append(_group("focus", focus, scope, trend(focus=focus), gate))
    return tuple(found)


def _group(
    kind: Literal["all", "area", "focus"], name: str, scope: Scope, trend: RateSeries, gate: GatePolicy
) -> Group:
    line = replace(area_line(scope), area=name)
    return Group(
        kind=kind,
        name=name,
        line=line,
        states={str(state): number for state, number in scope.findings.by_state(scope.active).items()},
        budget=_budget(line, _threshold(gate, name)),
        trend=trend,
    )


def _threshold(gate: GatePolicy, area: str) -> float:
    """The pass rate after retries that the gate asks of an area, as a share: the highest that names it."""
    asked = [
        criterion.threshold
        for criterion in gate.criteria.values()
        if isinstance(criterion, PassRatePolicy | StablePolicy)
        and (ALL_AREAS in criterion.areas or area in criterion.areas)
    ]
    return round(max(asked, default=gate.pass_rate_threshold) / 100, 12)


def _budget(line: AreaLine, threshold: float) -> Budget | None:
    if line.pass_rate is None:
        return None
    executed = line.pass_rate.executed
    return Budget(
        threshold=threshold, allowed=round((1 - threshold) * executed, 9), spent=executed - line.pass_rate.passed
    )
