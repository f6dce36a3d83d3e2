"""The gate's report: verdict, areas, the bridge to what people know, and what it rests on."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens import __version__
from flakelens.analyze.evidence import Loaded, load
from flakelens.analyze.fits import params_hash
from flakelens.completeness import AreaView
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import Bools, Int64s
from flakelens.gate import verdict
from flakelens.gate.criterion import Scope, count_of, percent
from flakelens.gate.evidence import Evidence
from flakelens.gate.stable import green_share
from flakelens.model import GateState, TestId
from flakelens.policy import GatePolicy, NoLaunderingPolicy, Policy
from flakelens.report import AreaLine, GateReport, Provenance, Rate
from flakelens.stats.intervals import run_interval
from flakelens.store import Store

AREA_WINDOW = 30
_WORDS = {GateState.MET: "MET", GateState.NOT_MET: "NOT MET", GateState.INCONCLUSIVE: "INCONCLUSIVE"}


class Judged(msgspec.Struct, frozen=True):
    """A report and the evidence that it was made from."""

    report: GateReport
    loaded: Loaded


def judge_gate(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    name: str,
    *,
    as_of: datetime,
    commit: str = "",
    known_at: datetime | None = None,
    met_baseline: frozenset[TestId] | None = None,
) -> Judged:
    """The gate `name` judged: its report, and the evidence for those who record it.

    `as_of` counts to the millisecond, as it is stored. `met_baseline` None: the tests that were active at the newest
    recorded MET verdict older than the baseline window. Raises UsageError for a gate that the policy does not define.
    """
    as_of = as_of.replace(microsecond=as_of.microsecond // 1000 * 1000)
    gate = gate_policy(policy, name)
    loaded = load(store, policy, decisions, as_of=as_of, environment=gate.environment, commit=commit, known_at=known_at)
    if met_baseline is None:
        met_baseline = older_met_baseline(store, name, gate, loaded, known_at)
    if met_baseline:
        loaded = replace(loaded, evidence=replace(loaded.evidence, met_baseline=met_baseline))
    return Judged(report_of(name, gate, loaded, commit=commit), loaded)


def gate_policy(policy: Policy, name: str) -> GatePolicy:
    """The gate of that name. Raises UsageError, naming those there are."""
    if name not in policy.gates:
        raise UsageError(f"There is no gate {name!r}.", mend=f"The policy defines {', '.join(policy.gates)}.")
    return policy.gates[name]


def report_of(name: str, gate: GatePolicy, loaded: Loaded, *, commit: str = "") -> GateReport:
    """The report on evidence that is already read."""
    evidence = loaded.evidence
    judged = verdict.judge(name, gate, evidence, commit_sha=commit)
    scopes = {area: evidence.scope(area) for area in evidence.areas.names}
    return GateReport(
        verdict=judged,
        areas=tuple(area_line(scope) for area, scope in scopes.items() if len(scope.ids) or area != "unassigned"),
        bridge=_bridge(evidence, judged),
        notices=(*_removed(judged), *_notices(evidence, loaded.in_future, loaded.clocks_ahead)),
        provenance=_provenance(loaded, commit),
    )


def active_tests(evidence: Evidence) -> tuple[TestId, ...]:
    """The tests that are active now: what a MET verdict is about, and later verdicts are held to."""
    active = [view.tests[view.active()] for view in evidence.views.values()]
    positions = np.sort(np.concatenate([np.empty(0, np.int32), *active]))  # as the tests are: by their ids
    return tuple(evidence.history.tests[position].id for position in positions.tolist())


def older_met_baseline(
    store: Store | None, name: str, gate: GatePolicy, loaded: Loaded, known_at: datetime | None
) -> frozenset[TestId]:
    """The tests active at the newest recorded MET verdict whose newest run lies before the baseline window."""
    if store is None:
        return frozenset()
    reach = max(
        (policy.baseline_runs for policy in gate.criteria.values() if isinstance(policy, NoLaunderingPolicy)), default=0
    )
    evidence = loaded.evidence
    counting = evidence.counting
    if not reach or len(counting) <= reach:
        return frozenset()
    border = evidence.history.runs[counting[-1 - reach]].started_at
    for stored in store.verdicts(gate=name, state=GateState.MET, before=border):
        if known_at is None or stored.recorded_at < known_at:
            return frozenset(stored.active)
    return frozenset()


def area_line(scope: Scope) -> AreaLine:
    """An area's rates over its newest 30 valid runs without confirmed outages."""
    view = scope.view
    usable = view.valid & ~scope.outage
    newest = np.flatnonzero(usable)[-AREA_WINDOW:]
    shown = newest[view.shown[newest]]
    return AreaLine(
        area=scope.name,
        tests=int(scope.active.sum()),
        runs=len(newest),
        pass_rate=rate_of(view.failed[newest], view.executed[newest]),
        first_attempt_pass_rate=rate_of(view.first_failed[shown], view.executed[shown]),
        first_attempt_hidden=len(newest) - len(shown),
        p_green=green_share(scope),
    )


def rate_of(failed: Int64s, executed: Int64s) -> Rate | None:
    """The pooled rate of some runs; None without results."""
    total = int(executed.sum())
    if not total:
        return None
    interval = run_interval(failed[executed > 0], executed[executed > 0])
    return Rate(
        passed=total - int(failed.sum()),
        executed=total,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )


def _bridge(evidence: Evidence, judged: verdict.Verdict) -> str:
    """One sentence from the newest run's console to the verdict."""
    because = next((finding.why for finding in judged.criteria if finding.state is judged.state), "it asks nothing.")
    if judged.state is GateState.MET:
        because = "every criterion holds, each over its own runs."
    if because[1:2].islower():  # "Only 2 runs.."; "AI has no.." keeps its name
        because = because[:1].lower() + because[1:]
    said = f"the gate says {_WORDS[judged.state]} because {because}"
    view = evidence.pooled(["*"]).view
    console = _newest(view)
    return f"Your console says {console}; {said}" if console else said[:1].upper() + said[1:]


def _newest(view: AreaView) -> str:
    with_results: Bools = view.executed > 0
    if not with_results.any():
        return ""
    newest = int(np.flatnonzero(with_results)[-1])
    executed = int(view.executed[newest])
    passed = executed - int(view.failed[newest])
    return f"{passed:,}/{executed:,} = {percent(passed / executed)}"


def _removed(judged: verdict.Verdict) -> tuple[str, ...]:
    if not judged.removed:
        return ()
    return (f"The policy leaves out {', '.join(judged.removed)} (areas = []).",)


def _notices(evidence: Evidence, in_future: int, clocks_ahead: int) -> tuple[str, ...]:
    notices = []
    reasons = Counter(run.why_not for run in evidence.history.runs if run.why_not)
    if reasons:
        counts = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
        notices.append(f"{count_of(sum(reasons.values()), 'run')} beside the gated branch do not count: {counts}.")
    if in_future:
        notices.append(
            f"{count_of(in_future, 'run')} came more than 10 minutes after the time of this verdict and were left out."
        )
    if clocks_ahead:
        notices.append(
            f"{count_of(clocks_ahead, 'run')} said to start later than they came: a clock is ahead, on the runner or "
            "in started_at. They are taken as begun when they came."
        )
    if evidence.history.names.ambiguous:
        notices.append(
            f"{count_of(len(evidence.history.names.ambiguous), 'title')} stand in several test files and cannot be "
            "matched to reports without paths; flakelens doctor lists them."
        )
    return tuple(notices)


def _provenance(loaded: Loaded, commit: str) -> Provenance:
    evidence = loaded.evidence
    counting = [evidence.history.runs[position] for position in evidence.counting]
    return Provenance(
        branch=evidence.history.branch,
        window_runs=len(counting),
        first=counting[0].key.run if counting else "",
        last=counting[-1].key.run if counting else "",
        commit=commit or (counting[-1].commit if counting else ""),
        as_of=evidence.as_of,
        policy_sha256=evidence.policy.sha256,
        decisions_sha256=evidence.decisions.sha256,
        data_sha256=loaded.data_sha256,
        params_sha256=params_hash(loaded.evidence.parameters),
        version=__version__,
    )
