"""A gate's verdict: its criteria one by one, and what follows from them together."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from flakelens.gate import all_passing, attested, commit, complete, no_laundering, pass_rate, reliable, soak, stable
from flakelens.gate.criterion import CriterionFinding
from flakelens.gate.evidence import Evidence
from flakelens.gate.focus import FocusFinding, judge_focuses
from flakelens.gate.waivers import WaiverFinding, judge_waivers
from flakelens.model import GateState, TestId
from flakelens.policy import (
    ALL_AREAS,
    AllPassingPolicy,
    AttestedPolicy,
    CompletePolicy,
    CriterionPolicy,
    GatePolicy,
    NoLaunderingPolicy,
    PassRatePolicy,
    ReliablePolicy,
    SoakPolicy,
    StablePolicy,
)

# The kinds of criteria: one file, one policy type and one heading in docs/gate.md each.
KINDS = (
    ("pass-rate", PassRatePolicy, pass_rate),
    ("all-passing", AllPassingPolicy, all_passing),
    ("stable", StablePolicy, stable),
    ("reliable", ReliablePolicy, reliable),
    ("complete", CompletePolicy, complete),
    ("no-laundering", NoLaunderingPolicy, no_laundering),
    ("soak", SoakPolicy, soak),
    ("attested", AttestedPolicy, attested),
)


class Decision(StrEnum):
    """What the gate lets happen."""

    PROCEED = "PROCEED"
    STOP = "STOP"
    WAIVED = "WAIVED"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate says at one moment."""

    gate: str
    title: str
    mode: str
    state: GateState
    decision: Decision
    criteria: tuple[CriterionFinding, ...]
    waivers: tuple[WaiverFinding, ...]
    removed: tuple[str, ...]  # criteria that the policy removes openly, by an empty list of areas
    focuses: tuple[FocusFinding, ...] = ()  # that somebody looks after; not part of the state
    rollback: str = ""  # the command that takes the deployment back, where the gate says to

    @property
    def proceed(self) -> bool:
        """May the next step begin?"""
        return self.decision is not Decision.STOP

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What to do, from the criteria that are not met, without repetition."""
        steps: dict[str, None] = {}
        for state in (GateState.NOT_MET, GateState.INCONCLUSIVE):
            for finding in self.criteria:
                if finding.state is state:
                    steps.update(dict.fromkeys((*finding.repair_first, *finding.next_steps)))
        return tuple(steps)


def judge(name: str, gate: GatePolicy, evidence: Evidence, *, commit_sha: str = "", needs: bool = True) -> Verdict:
    """The verdict of the gate `name` on the evidence; `commit_sha` asks besides for a whole run of that commit.

    `needs=False` leaves out how many clean runs are missing, for looking at many moments.
    """
    criteria: list[CriterionFinding] = []
    removed: list[str] = []
    for ident, policy in gate.criteria.items():
        if not policy.areas:
            removed.append(ident)
            continue
        criteria += _criterion(name, ident, policy, gate, evidence, needs)
    if commit_sha:
        criteria.append(commit.judge(commit_sha, evidence))
    state = together([finding.state for finding in criteria])
    waivers = _waivers(name, gate, criteria, evidence)
    decision = decide(state, criteria, waivers)
    return Verdict(
        gate=name,
        title=gate.title,
        mode=gate.mode,
        state=state,
        decision=decision,
        criteria=tuple(criteria),
        waivers=waivers,
        removed=tuple(removed),
        focuses=judge_focuses(gate, evidence) if needs else (),
        rollback=gate.rollback if state is GateState.NOT_MET and decision is Decision.STOP else "",
    )


def together(states: list[GateState]) -> GateState:
    """Any NOT_MET makes the gate NOT_MET, else any INCONCLUSIVE makes it so; a gate that asks nothing is not met."""
    if GateState.NOT_MET in states:
        return GateState.NOT_MET
    if GateState.INCONCLUSIVE in states or not states:
        return GateState.INCONCLUSIVE
    return GateState.MET


def decide(state: GateState, criteria: list[CriterionFinding], waivers: tuple[WaiverFinding, ...]) -> Decision:
    """PROCEED when MET, WAIVED when every criterion that is not met has a waiver that holds, else STOP."""
    if state is GateState.MET:
        return Decision.PROCEED
    waived = {finding.waiver.criterion for finding in waivers if finding.holds}
    lacking = {finding.id for finding in criteria if finding.state is not GateState.MET}
    return Decision.WAIVED if lacking and lacking <= waived else Decision.STOP


def _criterion(
    name: str, ident: str, policy: CriterionPolicy, gate: GatePolicy, evidence: Evidence, needs: bool
) -> list[CriterionFinding]:
    if isinstance(policy, AttestedPolicy):
        signed = evidence.decisions.attested
        return [attested.judge(ident, policy, signed, gate=name, as_of=evidence.as_of)]
    if isinstance(policy, SoakPolicy):
        return [soak.judge(ident, policy, evidence.pooled(policy.areas, policy.focuses))]
    if isinstance(policy, PassRatePolicy):
        return [pass_rate.judge(ident, policy, evidence.pooled(policy.areas, policy.focuses), needs=needs)]
    areas = evidence.areas.names if ALL_AREAS in policy.areas else policy.areas
    if isinstance(policy, NoLaunderingPolicy):
        threshold = policy.threshold if policy.threshold is not None else gate.pass_rate_threshold
        narrowed = [evidence.pooled(policy.areas, policy.focuses)] if policy.focuses else []
        scopes = narrowed or [evidence.scope(area) for area in areas]
        return [no_laundering.judge(ident, policy, scopes, threshold=threshold)]
    if isinstance(policy, CompletePolicy):
        # "all areas" means all that have runs: an area without any is for the criteria that name it.
        named = [area for area in areas if ALL_AREAS not in policy.areas or len(evidence.views[area].runs)]
        scopes = [evidence.scope(area) for area in named]
        if policy.focuses:
            faults = tuple(f"{area}: {fault}" for area in named for fault in evidence.quarantine_faults(area))
            scopes = [replace(evidence.pooled(policy.areas, policy.focuses), quarantine_faults=faults)]
        return [complete.judge(ident, policy, scopes, evidence.unknown_quarantine(), needs=needs)]
    # Focuses cut across areas: those of all areas are one set of tests, not a part of every area.
    scopes = (
        [evidence.pooled(policy.areas, policy.focuses)]
        if policy.focuses and ALL_AREAS in policy.areas
        else [
            evidence.pooled([area], policy.focuses) if policy.focuses else evidence.scope(area)
            for area in areas
            if ALL_AREAS not in policy.areas or len(evidence.views[area].runs)
        ]
    )
    if isinstance(policy, AllPassingPolicy):
        return [all_passing.judge(ident, policy, scope, needs=needs) for scope in scopes]
    if isinstance(policy, StablePolicy):
        return [stable.judge(ident, policy, scope, needs=needs) for scope in scopes]
    return [reliable.judge(ident, policy, scope, needs=needs) for scope in scopes]


def _waivers(
    name: str, gate: GatePolicy, criteria: list[CriterionFinding], evidence: Evidence
) -> tuple[WaiverFinding, ...]:
    if not evidence.decisions.waivers:
        return ()
    policy = evidence.policy.waivers
    protected: set[TestId] = set()
    for position, test in enumerate(evidence.history.tests):
        groups = {evidence.areas.names[evidence.areas.index[position]], *evidence.focuses[position]}
        if groups & set(policy.never):
            protected.add(test.id)
    commits = [evidence.history.runs[run].commit for run in evidence.counting]
    return judge_waivers(
        evidence.decisions.waivers,
        gate=name,
        criteria=criteria,
        policy=policy,
        as_of=evidence.as_of,
        commits=commits,
        known=frozenset(gate.criteria),
        protected=protected,
        failed_since={commit: evidence.failed_newly_after(commit) for commit in set(commits) if commit},
    )
