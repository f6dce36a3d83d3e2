"""`forecast`: what is to be expected of each area, and when the gate is expected to be met."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from flakelens.analyze.causes import Causes
from flakelens.analyze.dispatch import Startable
from flakelens.analyze.evidence import reaching_back
from flakelens.analyze.filters import known_names
from flakelens.analyze.forecast import REACH, area_forecast
from flakelens.analyze.gate import Judged, judge_gate
from flakelens.analyze.missing import gate_plan, proven_by
from flakelens.analyze.turnover import history_days, turnover
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.gate.criterion import CriterionFinding
from flakelens.gate.evidence import Evidence
from flakelens.model import GateState, TestId
from flakelens.plan import plan_report
from flakelens.policy import ALL_AREAS, UNASSIGNED, Policy
from flakelens.report.causes import PlanReport
from flakelens.report.forecast import ForecastReport, GateOutlook, ToRepair
from flakelens.stats.states import TestState
from flakelens.stats.turnover import outlook
from flakelens.store import Store


def forecast_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    gate: str,
    *,
    as_of: datetime,
    area: Collection[str] = (),
    startable: Startable | None = None,
) -> ForecastReport:
    """The forecast of all areas together and of each, and of `gate`; with `area` of these alone and without the gate.

    Raises UsageError for an area or a gate that does not exist.
    """
    known_names(area, (*policy.area_names(), UNASSIGNED), "area")
    judged = judge_gate(store, policy, decisions, gate, as_of=as_of)
    evidence = judged.loaded.evidence
    longer = reaching_back(
        store, evidence, evidence.as_of - timedelta(days=REACH), environment=policy.gates[gate].environment
    )
    causes = Causes(evidence=longer, store=store)
    names = [name for name in evidence.areas.names if len(evidence.views[name].tests) or name in area]
    scopes = [(evidence.scope(name), longer.scope(name)) for name in names if not area or name in area]
    if not area and evidence.counting:
        scopes.insert(0, (evidence.pooled((ALL_AREAS,)), longer.pooled((ALL_AREAS,))))
    return ForecastReport(
        branch=evidence.history.branch,
        as_of=evidence.as_of,
        runs=len(longer.counting),
        history_days=history_days(causes),
        areas=tuple(area_forecast(*pair) for pair in scopes),
        outlook=None
        if area or not evidence.counting
        else _outlook(store, policy, decisions, judged, longer, causes, startable),
    )


def _outlook(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    judged: Judged,
    longer: Evidence,
    causes: Causes,
    startable: Startable | None,
) -> GateOutlook:
    evidence, verdict = judged.loaded.evidence, judged.report.verdict
    gate = policy.gates[verdict.gate]
    waiting = gate_plan(store, evidence, verdict, gate, startable)
    try:
        plan = plan_report(store, policy, decisions, verdict.gate, as_of=evidence.as_of)
    except UsageError:  # a gate without a pass rate has no plan, but may name tests to repair
        plan = None
    to_repair = _to_repair(plan, verdict.criteria, evidence)
    days = history_days(causes)
    flow = turnover(causes, days)
    met = verdict.state is GateState.MET
    ahead = outlook(0 if met else len(to_repair), flow) if flow else None
    repaired = _later(evidence.as_of, ahead.expected) if ahead else None
    return GateOutlook(
        plan=waiting,
        causes=to_repair,
        enough=plan is None or plan.state is GateState.MET or plan.enough is not None,
        turnover=flow,
        history_days=days,
        repaired=repaired,
        earliest=_later(evidence.as_of, ahead.earliest) if ahead else None,
        latest=_later(evidence.as_of, ahead.latest) if ahead else None,
        proof_runs=waiting.runs,
        met=proven_by(verdict, gate, evidence, longer, start=repaired) if repaired and not met else None,
    )


def _to_repair(
    plan: PlanReport | None, criteria: Iterable[CriterionFinding], evidence: Evidence
) -> tuple[ToRepair, ...]:
    """The causes that the pass rate asks for, in the plan's order, then tests that other criteria cannot do without."""
    ill = _ill(evidence)
    asking: dict[TestId, list[str]] = {}
    for finding in criteria:
        if finding.state is not GateState.MET and finding.kind in ("all-passing", "stable", "reliable"):
            for test in finding.tests:
                if test in ill:
                    asking.setdefault(test, []).append(finding.id)
    found: list[ToRepair] = []
    steps = plan.steps if plan else ()
    asked = plan.enough or 0 if plan and plan.state is not GateState.MET else 0
    for place, step in enumerate(steps):
        tests = tuple(test.id for test in step.cause.tests)
        by = [ident for test in tests for ident in asking.pop(test, ())]
        if place < asked and plan:
            by.insert(0, plan.criterion)
        if by:
            rate = step.after.pass_rate if place < asked else None
            found.append(ToRepair(tests=tests, criteria=tuple(dict.fromkeys(by)), pass_rate=rate))
    found += [ToRepair(tests=(test,), criteria=tuple(by), pass_rate=None) for test, by in asking.items()]
    return tuple(found)


def _ill(evidence: Evidence) -> frozenset[TestId]:
    """Tests that are broken, or flaky and not healing: what runs alone cannot mend."""
    return frozenset(
        test
        for name in evidence.areas.names
        for test, finding in zip(evidence.scope(name).ids, evidence.scope(name).findings, strict=True)
        if finding.state is TestState.BROKEN or (finding.state is TestState.FLAKY and not finding.healing)
    )


def _later(moment: datetime, days: float | None) -> datetime | None:
    return None if days is None else moment + timedelta(days=days)
