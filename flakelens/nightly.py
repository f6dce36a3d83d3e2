"""The nightly report: verdict, what changed, what to do first, and all that these rest on, in one document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from flakelens.analyze.causes import Causes, causes_by_test
from flakelens.analyze.causes import report_of as causes_report_of
from flakelens.analyze.events import events_between, grouped_events
from flakelens.analyze.evidence import load
from flakelens.analyze.gate import Judged, gate_policy, judge_gate
from flakelens.analyze.nightly.groups import groups
from flakelens.analyze.nightly.nights import newest_of_each_day, policy_changes, verdicts
from flakelens.analyze.nightly.runs import histories, run_lines
from flakelens.analyze.nightly.tests import entries
from flakelens.analyze.tests import every_test
from flakelens.decisions import Decisions
from flakelens.doctor import report_of as doctor_report_of
from flakelens.errors import UsageError
from flakelens.gate.evidence import Evidence
from flakelens.model import GateState
from flakelens.owners import NOBODY, Owners
from flakelens.plan import plan_of
from flakelens.policy import Policy
from flakelens.report import GateReport
from flakelens.report.causes import PlanReport
from flakelens.report.events import EventGroup, TestEvent
from flakelens.report.nightly import Expiry, NightLine, Nightly, Since
from flakelens.stats.changes import ChangeKind
from flakelens.store import Store

GRID_RUNS = 500  # counting runs that the report shows; states and rates look at the newest 300 of them
SOON = timedelta(days=7)
MOST_ACTIONS = 3
_NIGHT = timedelta(days=1)


def judge_night(store: Store | None, policy: Policy, decisions: Decisions, gate: str, *, as_of: datetime) -> Judged:
    """The night's verdict, to be recorded before `nightly` tells of it."""
    return judge_gate(store, policy, decisions, gate, as_of=as_of)


def nightly(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    judged: Judged,
    *,
    owners: Owners = NOBODY,
    number: int | None = None,
    since: Since | None = None,
) -> Nightly:
    """The report on a verdict. `number`: of the recorded verdict, None where it is not recorded. `since`: the moment
    of the last report; None: a day before this one.
    """
    report = replace(judged.report, number=number)
    as_of, name = report.provenance.as_of, report.verdict.gate
    gate = gate_policy(policy, name)
    given = verdicts(store, name, until=as_of)
    since = since or _a_day_before(as_of, given)
    loaded = load(store, policy, decisions, as_of=as_of, any_branch=True, owners=owners)
    evidence = loaded.evidence
    wide = load(store, policy, decisions, as_of=as_of, window=GRID_RUNS, environment=gate.environment).evidence
    causes = Causes(evidence=evidence, store=store)
    tests = every_test(evidence, causes_by_test(causes))
    events = events_between(evidence, None)
    runs = run_lines(store, wide)
    plan = _plan(causes, name)
    return Nightly(
        gate=report,
        distance=_distance(report),
        since=since,
        changes=_changes(evidence, events, since.moment),
        plan=plan,
        actions=plan.steps[:MOST_ACTIONS] if plan else (),
        expiries=_expiries(report, decisions, as_of),
        groups=groups(judged.loaded.evidence, wide, gate, policy_changes(store, given)),
        tests=tests,
        entries=entries(store, evidence, tests.tests, causes.prices, events, histories(wide), len(runs)),
        causes=causes_report_of(causes),
        runs=runs,
        blind=doctor_report_of(store, loaded).findings,
    )


def nights(store: Store | None, gate: str, *, until: datetime) -> tuple[NightLine, ...]:
    """What each night ended with, oldest first, from the recorded verdicts."""
    return newest_of_each_day(verdicts(store, gate, until=until))


def _a_day_before(as_of: datetime, given: tuple[NightLine, ...]) -> Since:
    moment = as_of - _NIGHT
    return Since(moment=moment, report=False, state=state_at(given, moment))


def state_at(given: tuple[NightLine, ...], moment: datetime) -> GateState | None:
    """What the gate said last at a moment; None where nothing was recorded until then."""
    return next((line.state for line in reversed(given) if line.as_of <= moment), None)


def _distance(report: GateReport) -> float | None:
    for finding in report.verdict.criteria:
        if finding.kind == "pass-rate":
            return finding.observed.value - finding.required if finding.observed else None
    return None


def _changes(evidence: Evidence, events: Iterable[TestEvent], since: datetime) -> tuple[EventGroup, ...]:
    """What can be said now and could not be said then, by kind, the newest first."""
    groups = grouped_events(evidence, [event for event in events if event.known.started_at >= since])
    kinds = list(ChangeKind)
    return tuple(sorted(groups, key=lambda group: kinds.index(group.kind)))


def _plan(causes: Causes, gate: str) -> PlanReport | None:
    try:
        return plan_of(causes, gate)
    except UsageError:  # a gate without a pass rate has no shortest way to one
        return None


def _expiries(report: GateReport, decisions: Decisions, as_of: datetime) -> tuple[Expiry, ...]:
    """Waivers of the gate that hold, and everything that ends within a week or ended since the last one."""
    found = [
        Expiry(
            kind="waiver",
            what=finding.waiver.criterion,
            by=finding.waiver.by,
            reason=finding.waiver.reason,
            expires=finding.waiver.expires,
            holds=finding.holds,
            why_not=finding.why_not,
        )
        for finding in report.verdict.waivers
        if finding.holds or abs(finding.waiver.expires - as_of) <= SOON
    ]
    found += [
        Expiry(
            kind="quarantine",
            what=entry.test.name,
            by=entry.owner,
            reason=entry.reason,
            expires=entry.expires,
            holds=entry.created <= as_of < entry.expires,
            why_not="it has expired" if as_of >= entry.expires else "",
        )
        for entry in decisions.quarantine
        if abs(entry.expires - as_of) <= SOON
    ]
    return tuple(sorted(found, key=lambda expiry: (expiry.expires, expiry.kind, expiry.what)))
