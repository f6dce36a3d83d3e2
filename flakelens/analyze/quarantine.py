"""What became of the tests in quarantine, and which others might go there."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from flakelens.analyze.evidence import load
from flakelens.analyze.tests import area_lines
from flakelens.decisions import Decisions, QuarantineEntry
from flakelens.gate.evidence import Evidence
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.report import TestLine
from flakelens.report.quarantine import AreaUse, Quarantined, QuarantineReport, QuarantineSuggestion
from flakelens.stats.states import TestState
from flakelens.store import Store


def quarantine_report(
    store: Store | None, policy: Policy, decisions: Decisions, *, as_of: datetime
) -> QuarantineReport:
    """Every entry with the state of its tests; faults are those that the criterion `complete` names.

    Without a database (`store` None) only ends are judged.
    """
    evidence = load(store, policy, decisions, as_of=as_of).evidence
    lines = _lines(evidence)
    entries = tuple(_entry(entry, lines, as_of, checked=store is not None) for entry in decisions.quarantine)
    if store is None:
        faults = tuple(
            f'the quarantine of "{each.entry.test.name}" has expired' for each in entries if each.status == "expired"
        )
    else:
        of_areas = ((area, evidence.quarantine_faults(area)) for area in evidence.areas.names)
        faults = evidence.unknown_quarantine() + tuple(
            f"{area}: {fault}" for area, found in of_areas for fault in found
        )
    return QuarantineReport(
        as_of=as_of,
        entries=entries,
        areas=tuple(use for area in evidence.areas.names if (use := _use(evidence, area)).tests),
        faults=faults,
        checked=store is not None,
    )


def suggestion(
    store: Store | None, policy: Policy, decisions: Decisions, *, as_of: datetime, owners: Owners = NOBODY
) -> QuarantineSuggestion:
    """Flaky tests that are not healing and not in quarantine, as far as the policy leaves room in their areas."""
    evidence = load(store, policy, decisions, as_of=as_of, owners=owners).evidence
    lines = [line for line in _lines(evidence) if not line.quarantined]
    broken = sum(line.finding.state is TestState.BROKEN for line in lines)
    flaky = [line for line in lines if line.finding.state is TestState.FLAKY and not line.finding.healing]
    flaky.sort(key=lambda line: (-(line.finding.flake_rate or 0.0), line.id))
    uses = {area: _use(evidence, area) for area in evidence.areas.names}
    room = {area: use.allowed - use.used for area, use in uses.items()}
    suggested, full, never = [], [], 0
    for line in flaky:
        if not uses[line.area].percent:
            never += 1
        elif room[line.area] > 0:
            room[line.area] -= 1
            suggested.append(line)
        else:
            full.append(line)
    return QuarantineSuggestion(suggested=tuple(suggested), full=tuple(full), never=never, repair=broken)


def _lines(evidence: Evidence) -> list[TestLine]:
    found = {place: line for area in evidence.areas.names for place, line in area_lines(evidence, area).items()}
    return [found[place] for place in sorted(found)]


def _entry(entry: QuarantineEntry, lines: list[TestLine], as_of: datetime, *, checked: bool) -> Quarantined:
    mine = tuple(line for line in lines if entry.test.matches(line.id))
    status: Literal["active", "expired", "unknown", "unchecked"] = "active"
    if as_of >= entry.expires:
        status = "expired"
    elif not checked:
        status = "unchecked"
    elif not mine:
        status = "unknown"
    well = all(line.finding.healing or line.finding.state is TestState.STABLE for line in mine)
    return Quarantined(entry=entry, status=status, lines=mine, release=status == "active" and well)


def _use(evidence: Evidence, area: str) -> AreaUse:
    active = evidence.areas.members(area)[evidence.views[area].active()]
    percent = evidence.policy.quarantine.areas.get(area, evidence.policy.quarantine.share)
    return AreaUse(
        area=area,
        used=int(evidence.quarantined[active].sum()),
        allowed=int(percent / 100 * len(active) + 1e-9),
        tests=len(active),
        percent=percent,
    )
