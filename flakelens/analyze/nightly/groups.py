"""All tests, each area and each focus: rates now, the budget that is left, and the way here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np

from flakelens.analyze.gate import AREA_WINDOW, area_line, rate_of
from flakelens.gate.criterion import Scope
from flakelens.gate.evidence import Evidence
from flakelens.policy import ALL_AREAS, UNASSIGNED, GatePolicy, PassRatePolicy, StablePolicy
from flakelens.report import AreaLine
from flakelens.report_nightly import Budget, Group, TrendPoint

EVERYTHING = "all"


def groups(evidence: Evidence, wide: Evidence, gate: GatePolicy) -> tuple[Group, ...]:
    """All tests, then the areas and the focuses that have tests. Figures from `evidence`, trends from `wide`."""
    found = [_group("all", EVERYTHING, evidence.pooled([ALL_AREAS]), wide.pooled([ALL_AREAS]), gate)]
    for area in evidence.areas.names:
        scope = evidence.scope(area)
        if len(scope.ids) or area != UNASSIGNED:
            found.append(_group("area", area, scope, wide.scope(area), gate))
    for focus in dict.fromkeys(rule.name for rule in evidence.policy.focuses):
        scope = evidence.pooled([ALL_AREAS], [focus])
        if len(scope.ids):
            found.append(_group("focus", focus, scope, wide.pooled([ALL_AREAS], [focus]), gate))
    return tuple(found)


def _group(kind: str, name: str, scope: Scope, wide: Scope, gate: GatePolicy) -> Group:
    from dataclasses import replace

    line = replace(area_line(scope), area=name)
    return Group(
        kind=kind,  # type: ignore[arg-type]
        name=name,
        line=line,
        budget=_budget(line, _threshold(gate, name)),
        next_green=None,
        trend=tuple(_trend(wide)),
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


def _trend(scope: Scope) -> Iterator[TrendPoint]:
    """One point per day with a usable run: the rates over the newest 30 usable runs until its end."""
    view = scope.view
    usable = np.flatnonzero(view.valid & ~scope.outage)
    days = [_day(int(view.started[place])) for place in usable]
    # Runs stand in the order of their commits, so that a rerun of an older commit may be younger than its neighbour.
    order = sorted(range(len(usable)), key=lambda place: (days[place], place))
    seen: list[int] = []
    for index, place in enumerate(order):
        seen.append(int(usable[place]))
        last_of_day = index + 1 == len(order) or days[order[index + 1]] != days[place]
        if not last_of_day:
            continue
        newest = np.array(sorted(seen[-AREA_WINDOW:]))
        shown = newest[view.shown[newest]]
        yield TrendPoint(
            day=days[place],
            runs=days.count(days[place]),
            pass_rate=rate_of(view.failed[newest], view.executed[newest]),
            first_attempt_pass_rate=rate_of(view.first_failed[shown], view.executed[shown]),
        )


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


