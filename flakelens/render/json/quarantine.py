"""`flakelens quarantine --format json`: the views `flakelens.quarantine/1` and `flakelens.quarantine-suggest/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.figures import iso
from flakelens.render.json.tests import TestView, view_of
from flakelens.report.quarantine import Quarantined, QuarantineReport, QuarantineSuggestion

SCHEMA = "flakelens.quarantine/1"
SUGGEST_SCHEMA = "flakelens.quarantine-suggest/1"


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; `file` and `variant` null: any. `status` is active, expired, unknown or unchecked (no database)."""

    name: str
    file: str | None
    variant: str | None
    owner: str
    reason: str
    issue: str | None
    created: str
    expires: str
    status: str
    states: list[str]
    release: bool


class AreaView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an area is in quarantine; `percent` is the policy's, 0 to 100."""

    area: str
    used: int
    allowed: int
    tests: int
    percent: float


class QuarantineView(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `list` and `check`. `faults` empty: the limits are kept."""

    schema: str
    as_of: str
    checked: bool
    entries: list[EntryView]
    areas: list[AreaView]
    faults: list[str]


class SuggestView(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `suggest`: `full` are flaky tests for which their area has no room left."""

    schema: str
    suggested: list[TestView]
    full: list[TestView]
    flaky_without_quarantine: int
    broken: int


def quarantine_json(report: QuarantineReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = QuarantineView(
        schema=SCHEMA,
        as_of=iso(report.as_of),
        checked=report.checked,
        entries=[_entry(each) for each in report.entries],
        areas=[
            AreaView(area=use.area, used=use.used, allowed=use.allowed, tests=use.tests, percent=use.percent)
            for use in report.areas
        ],
        faults=list(report.faults),
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def suggestion_json(found: QuarantineSuggestion) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = SuggestView(
        schema=SUGGEST_SCHEMA,
        suggested=[view_of(line) for line in found.suggested],
        full=[view_of(line) for line in found.full],
        flaky_without_quarantine=found.never,
        broken=found.repair,
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def _entry(each: Quarantined) -> EntryView:
    entry = each.entry
    return EntryView(
        name=entry.test.name,
        file=entry.test.file or None,
        variant=entry.test.variant or None,
        owner=entry.owner,
        reason=entry.reason,
        issue=entry.issue or None,
        created=iso(entry.created),
        expires=iso(entry.expires),
        status=each.status,
        states=list(each.states),
        release=each.release,
    )
