"""`gate --plan`: the clean runs that a gate still needs, when they will have come, and what starting them costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from flakelens.analyze.dispatch import Startable, start_commands
from flakelens.analyze.evidence import reaching_back
from flakelens.gate import all_passing, reliable, stable
from flakelens.gate.criterion import CriterionFinding, Scope
from flakelens.gate.evidence import Evidence
from flakelens.gate.trying import clean_runs_by_trying
from flakelens.gate.verdict import Verdict
from flakelens.history import Run
from flakelens.model import GateState
from flakelens.policy import (
    ALL_AREAS,
    AllPassingPolicy,
    AttestedPolicy,
    GatePolicy,
    PassRatePolicy,
    ReliablePolicy,
    SoakPolicy,
    StablePolicy,
)
from flakelens.report.forecast import Batch, GatePlan, Missing, PaceLine
from flakelens.stats.pace import DAYS, Pace, pace_of
from flakelens.store import Store

RECENT = 30  # newest runs whose clean ones are counted, and whose durations are looked at
_SHARED = 0.5  # of the runs of the rarer area: from here on two areas are taken to run together
_LEAST_TIMED = 3


def gate_plan(
    store: Store | None, evidence: Evidence, verdict: Verdict, gate: GatePolicy, startable: Startable | None = None
) -> GatePlan:
    """What the gate of `verdict` still needs, judged on `evidence`; `startable`: the workflow to start, where known.

    The pace is that of the last 14 days before `evidence.as_of`, for which more of the store is read where needed.
    """
    longer = reaching_back(store, evidence, evidence.as_of - timedelta(days=DAYS), environment=gate.environment)
    open_now = [finding for finding in verdict.criteria if finding.state is not GateState.MET]
    missing = tuple(_missing(finding, gate, evidence, longer) for finding in open_now)
    numbers = [each.runs for each in missing]
    dates = [each.expected for each in missing]
    known = [number for number in numbers if number is not None]
    everything = evidence.pooled((ALL_AREAS,))
    newest = everything.view.failed[everything.view.valid][-RECENT:]
    return GatePlan(
        gate=verdict.gate,
        branch=evidence.history.branch,
        state=verdict.state,
        as_of=evidence.as_of,
        missing=missing,
        runs=max(known, default=0) if len(known) == len(numbers) else None,
        expected=max((date for date in dates if date), default=None) if None not in dates else None,
        recent_clean=int((newest == 0).sum()),
        recent=len(newest),
        batches=_batches(missing, open_now, gate, evidence, startable),
    )


def _missing(finding: CriterionFinding, gate: GatePolicy, evidence: Evidence, longer: Evidence) -> Missing:
    runs = _clean_runs(finding, gate, evidence)
    paces = [] if runs is None else _paces(finding, gate, longer)
    slowest = min(paces, key=lambda pace: pace.per_day) if paces else None
    return Missing(
        criterion=finding.id,
        area=finding.area,
        state=finding.state,
        why=finding.why,
        runs=runs,
        repair_first=finding.repair_first,
        pace=None if slowest is None else pace_line(slowest),
        expected=evidence.as_of if runs == 0 else _come(paces, runs or 0, evidence.as_of),
    )


def proven_by(
    verdict: Verdict, gate: GatePolicy, evidence: Evidence, longer: Evidence, *, start: datetime
) -> datetime | None:
    """When all criteria have their clean runs if the first of these starts after `start`; None: unknown, or never."""
    dates = []
    for finding in verdict.criteria:
        if finding.state is GateState.MET:
            continue
        runs = _clean_runs(finding, gate, evidence)
        dates.append(None if runs is None else _come(_paces(finding, gate, longer), runs, start))
    known = [date for date in dates if date is not None]
    return max(known, default=start) if len(known) == len(dates) else None


def _paces(finding: CriterionFinding, gate: GatePolicy, longer: Evidence) -> list[Pace]:
    """Of each scope that a criterion looks at; none where one of them is unknown."""
    until = int(longer.as_of.timestamp())
    found = [pace_of(scope.view.started[scope.view.valid], until) for scope in _scopes(finding, gate, longer)]
    paces = [pace for pace in found if pace is not None]
    return paces if len(paces) == len(found) else []


def _come(paces: Sequence[Pace], runs: int, start: datetime) -> datetime | None:
    """When so many runs after `start` have come at each of the paces."""
    begun = int(start.timestamp())
    moments = [pace.moment_of(pace.runs_until(begun) + runs) for pace in paces]
    known = [moment for moment in moments if moment is not None]
    return datetime.fromtimestamp(max(known), UTC) if known and len(known) == len(moments) else None


def pace_line(pace: Pace) -> PaceLine:
    """A pace as the documents say it."""
    days = pace.periods * 7 if pace.pattern == "week" else pace.periods
    return PaceLine(per_day=pace.per_day, pattern=pace.pattern, days=days)


def _clean_runs(finding: CriterionFinding, gate: GatePolicy, evidence: Evidence) -> int | None:
    """Clean runs that make it MET, those after what must be repaired first; None where no number does."""
    if finding.needs_runs is not None:
        return finding.needs_runs
    policy = gate.criteria.get(finding.id)
    if policy is None:  # the commit that --commit asks for: its own run, named in `repair_first`, not one of the branch
        return 0
    if isinstance(policy, AttestedPolicy):  # no run brings it: the person is named in `repair_first`
        return 0
    scopes = _scopes(finding, gate, evidence)
    if isinstance(policy, SoakPolicy) or not scopes or not all(scope.active.any() for scope in scopes):
        return None
    if isinstance(policy, AllPassingPolicy):
        asked = policy
        return clean_runs_by_trying(
            scopes[0], lambda later: all_passing.judge(finding.id, asked, later, needs=False).state
        )
    if isinstance(policy, StablePolicy):
        stability = policy
        return clean_runs_by_trying(
            scopes[0], lambda later: stable.judge(finding.id, stability, later, needs=False).state
        )
    if isinstance(policy, ReliablePolicy):
        reliability = policy
        return clean_runs_by_trying(
            scopes[0], lambda later: reliable.judge(finding.id, reliability, later, needs=False).state
        )
    # The rest looks at the newest run: one run after what a person must do first is enough.
    return 1 if finding.repair_first and not isinstance(policy, PassRatePolicy) else None


def _scopes(finding: CriterionFinding, gate: GatePolicy, evidence: Evidence) -> list[Scope]:
    """What a criterion looked at: one scope, or one per area where it looks at several."""
    policy = gate.criteria.get(finding.id)
    if policy is None:  # the commit that --commit asks for
        return [scope for scope in map(evidence.scope, evidence.areas.names) if len(scope.view.runs)]
    everything = ALL_AREAS in policy.areas
    if isinstance(policy, PassRatePolicy) or (policy.focuses and everything):
        return [evidence.pooled(policy.areas, policy.focuses)]
    names = [name for name in (evidence.areas.names if everything else policy.areas) if name in evidence.views]
    scopes = [evidence.pooled([name], policy.focuses) if policy.focuses else evidence.scope(name) for name in names]
    own = [scope for scope in scopes if scope.name == finding.area]
    return own or [scope for scope in scopes if len(scope.view.runs)]


def _batches(
    missing: Sequence[Missing],
    findings: Sequence[CriterionFinding],
    gate: GatePolicy,
    evidence: Evidence,
    startable: Startable | None,
) -> tuple[Batch, ...]:
    """Runs to start, by kind: areas that run together need no runs of their own."""
    kinds = _kinds(evidence)
    needed = [0] * len(kinds)
    pooled: list[tuple[int, list[int]]] = []
    for each, finding in zip(missing, findings, strict=True):
        if not each.runs:
            continue
        areas = _areas(finding, gate, evidence)
        places = [place for place, kind in enumerate(kinds) if kind & areas]
        if len(places) > 1 and isinstance(gate.criteria.get(finding.id), PassRatePolicy):
            pooled.append((each.runs, places))  # any run of them counts
            continue
        for place in places:
            needed[place] = max(needed[place], each.runs)
    for runs, places in pooled:
        rest = runs - sum(needed[place] for place in places)
        if rest > 0:
            busiest = max(places, key=lambda place: len(_runs(kinds[place], evidence)))
            needed[busiest] += rest
    return tuple(_batch(kind, runs, evidence, startable) for kind, runs in zip(kinds, needed, strict=True) if runs)


def _kinds(evidence: Evidence) -> list[frozenset[str]]:
    """Areas grouped by the runs that they share."""
    kinds: list[frozenset[str]] = []
    for name, view in evidence.views.items():
        if not len(view.runs):
            continue
        own = set(view.runs.tolist())
        together = [
            kind for kind in kinds
            if any(_share(own, set(evidence.views[other].runs.tolist())) >= _SHARED for other in kind)
        ]  # fmt: skip
        kinds = [kind for kind in kinds if kind not in together]
        kinds.append(frozenset({name}).union(*together))
    return kinds


def _share(one: set[int], other: set[int]) -> float:
    return len(one & other) / min(len(one), len(other))


def _areas(finding: CriterionFinding, gate: GatePolicy, evidence: Evidence) -> frozenset[str]:
    policy = gate.criteria.get(finding.id)
    names = evidence.areas.names
    if policy is None or ALL_AREAS in policy.areas:
        return frozenset([finding.area] if finding.area in names else names)
    return frozenset([finding.area] if finding.area in policy.areas else policy.areas)


def _runs(areas: frozenset[str], evidence: Evidence) -> list[int]:
    """Positions of the runs that hold all of these areas; of those that hold any, if there are few of the former."""
    views = [evidence.views[area].runs for area in areas]
    shared = sorted(set.intersection(*(set(runs.tolist()) for runs in views)))
    return shared if len(shared) >= _LEAST_TIMED else sorted({run for runs in views for run in runs.tolist()})


def _batch(areas: frozenset[str], runs: int, evidence: Evidence, startable: Startable | None) -> Batch:
    history = evidence.history
    held = [history.runs[position] for position in _runs(areas, evidence)]
    times = [seconds for run in held[-RECENT:] if (seconds := run_seconds(run)) is not None]
    newest = held[-1]
    start = start_commands(newest.key.provider, newest.url, history.branch, runs, startable)
    return Batch(
        areas=tuple(name for name in evidence.areas.names if name in areas),
        runs=runs,
        minutes=runs * float(np.median(times)) / 60 if len(times) >= _LEAST_TIMED else None,
        timed=len(times),
        commands=start.commands,
        notes=start.notes,
    )


def run_seconds(run: Run) -> float | None:
    """Seconds that all jobs of a run's first attempt took together, by their reports; None where one does not say."""
    reports = [report for report in run.reports if not report.stale]
    first = min((report.attempt for report in reports), default=0)
    times = [report.seconds for report in reports if report.attempt == first]
    return None if not times or None in times else sum(time for time in times if time is not None)
