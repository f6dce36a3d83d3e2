"""Waivers: a person goes on in spite of a criterion. The state stays what it is; only the decision changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from flakelens.decisions import Waiver
from flakelens.gate.criterion import CriterionFinding
from flakelens.model import GateState, TestId
from flakelens.policy import WaiverPolicy


class WaiverFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver of this gate, whether it holds, and if not, why not."""

    waiver: Waiver
    holds: bool
    why_not: str = ""


def judge_waivers(
    waivers: Sequence[Waiver],
    *,
    gate: str,
    criteria: Sequence[CriterionFinding],
    policy: WaiverPolicy,
    as_of: datetime,
    commits: Sequence[str],
    known: Collection[str],
    protected: Collection[TestId],
    failed_since: dict[str, tuple[TestId, ...]],
) -> tuple[WaiverFinding, ...]:
    """Which waivers of the gate hold.

    `commits` are those of the gated branch, newest last; `known` the gate's criterion ids; `protected` the tests of
    areas and focuses that nobody can waive; `failed_since[commit]` the tests that failed newly after that commit.
    """
    findings = []
    for waiver in waivers:
        if waiver.gate == gate:
            why_not = _why_not(waiver, criteria, policy, as_of, commits, known, protected, failed_since)
            findings.append(WaiverFinding(waiver=waiver, holds=not why_not, why_not=why_not))
    return tuple(findings)


def _why_not(
    waiver: Waiver,
    criteria: Sequence[CriterionFinding],
    policy: WaiverPolicy,
    as_of: datetime,
    commits: Sequence[str],
    known: Collection[str],
    protected: Collection[TestId],
    failed_since: dict[str, tuple[TestId, ...]],
) -> str:
    if waiver.criterion not in known:
        return f"the gate has no criterion {waiver.criterion}"
    if waiver.expires - waiver.created > timedelta(hours=policy.max_hours):
        return f"it was given for longer than {policy.max_hours:g} h"
    if as_of >= waiver.expires:
        return "it has expired"
    if as_of < waiver.created:
        return "it is not yet given"
    finding = next((finding for finding in criteria if finding.id == waiver.criterion), None)
    if finding is None:
        return f"the gate has no criterion {waiver.criterion}"
    if finding.state is GateState.MET:
        return "the criterion is met without it"
    if {part.strip() for part in finding.area.split(",")} & set(policy.never):
        return f"{finding.area} cannot be waived (waivers.never)"
    if any(test in protected for test in finding.tests):
        return f"tests of {' or '.join(policy.never)} speak against it, and these cannot be waived (waivers.never)"
    commit = next((commit for commit in reversed(commits) if commit and commit.startswith(waiver.commit)), None)
    if commit is None:
        return f"commit {waiver.commit[:12]} has no run on the gated branch in this window"
    if new := failed_since.get(commit):
        return f'"{new[0].name}" failed newly after commit {waiver.commit[:12]}'
    return ""
