"""Focuses that somebody looks after: each held to a condition of its own, beside the gate's criteria.

They are lines to work by in a stabilisation week, not part of the verdict: what must hold for the gate is a criterion,
which may be narrowed to focuses.
"""

from __future__ import annotations

import msgspec

from flakelens.gate import all_passing, stable
from flakelens.gate.criterion import CriterionFinding
from flakelens.gate.evidence import Evidence
from flakelens.model import GateState
from flakelens.policy import ALL_AREAS, AllPassingPolicy, Focus, GatePolicy, StablePolicy


class FocusFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One focus, who looks after it and when, and whether its condition holds."""

    name: str
    owner: str  # "" for nobody
    day: str  # ISO date, or the number of a day; "" for none
    critical: bool
    tests: int  # active
    finding: CriterionFinding  # its condition

    @property
    def state(self) -> GateState:
        """That of its condition."""
        return self.finding.state

    @property
    def when(self) -> str:
        """Its day as sentences say it: "day 3", "2026-11-23"; "" for none."""
        return f"day {self.day}" if self.day.isdecimal() else self.day


def judge_focuses(gate: GatePolicy, evidence: Evidence) -> tuple[FocusFinding, ...]:
    """Every planned focus (with owner, day or `critical`) by its day; those without a day last.

    A critical focus must have passed whole in each of the newest 3 complete runs (as `all-passing`); of the others
    nothing may be broken or freshly broken, and the pass rate must reach the gate's (as `stable`, the point compared:
    a few tests prove a rate only after weeks).
    """
    planned: dict[str, Focus] = {}
    for focus in evidence.policy.focuses:
        if focus.planned:
            planned.setdefault(focus.name, focus)
    ordered = sorted(planned.values(), key=lambda focus: (not focus.day, focus.day.rjust(10, "0")))
    return tuple(_judge(focus, gate, evidence) for focus in ordered)


def _judge(focus: Focus, gate: GatePolicy, evidence: Evidence) -> FocusFinding:
    scope = evidence.pooled((ALL_AREAS,), (focus.name,))
    if focus.critical:
        finding = all_passing.judge(focus.name, AllPassingPolicy(areas=(ALL_AREAS,)), scope)
    else:
        asked = StablePolicy(areas=(ALL_AREAS,), threshold=gate.pass_rate_threshold, evidence="observed")
        finding = stable.judge(focus.name, asked, scope)
    return FocusFinding(
        name=focus.name,
        owner=focus.owner,
        day=focus.day,
        critical=focus.critical,
        tests=int(scope.active.sum()),
        finding=finding,
    )
