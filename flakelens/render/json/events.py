"""`flakelens events --format json`: the frozen view `flakelens.events/1`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.event_words import details
from flakelens.render.figures import iso
from flakelens.report import RunPoint
from flakelens.report.events import CommitRange, EventGroup, EventsReport, TestEvent

SCHEMA = "flakelens.events/1"


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    """A run; `commit` null: unknown."""

    run: str
    provider: str
    commit: str | None
    started_at: str


class RangeView(msgspec.Struct, frozen=True, kw_only=True):
    """The change of the code lies after `first`, with `last` at the latest; `commits` is "a..b", null: unknown."""

    commits: str | None
    first: PointView
    last: PointView
    untested: int


class RenamedView(msgspec.Struct, frozen=True, kw_only=True):
    """A name that a test had."""

    file: str
    name: str
    variant: str


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to one test; `known` is the run from which on it could be said."""

    kind: str
    file: str
    name: str
    variant: str
    area: str
    focus: list[str]
    at: PointView
    known: PointView
    before: PointView | None
    until: PointView | None
    range: RangeView | None
    size: int
    renamed_from: RenamedView | None
    details: list[str]


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """What happened together: one kind, one commit, one range."""

    kind: str
    at: PointView
    range: RangeView | None
    tests: int
    files: int
    events: list[EventView]


class EventsView(msgspec.Struct, frozen=True, kw_only=True):
    """The document, newest first. `total` groups there are before the limit."""

    schema: str
    branch: str
    runs: int
    first: PointView | None
    since: str | None
    total: int
    groups: list[GroupView]


def events_json(report: EventsReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = EventsView(
        schema=SCHEMA,
        branch=report.branch,
        runs=report.runs,
        first=_point(report.first),
        since=iso(report.since) if report.since else None,
        total=report.matching,
        groups=[group_view(group) for group in report.groups],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def event_views(events: Iterable[TestEvent]) -> list[EventView]:
    """Events as programs read them."""
    return [_event(event) for event in events]


def group_view(group: EventGroup) -> GroupView:
    """What happened together as programs read it."""
    return GroupView(
        kind=str(group.kind),
        at=_sure(group.at),
        range=_range(group.range),
        tests=len(group.events),
        files=group.files,
        events=event_views(group.events),
    )


def _event(event: TestEvent) -> EventView:
    return EventView(
        kind=str(event.kind),
        file=event.id.file,
        name=event.id.name,
        variant=event.id.variant,
        area=event.area,
        focus=list(event.focuses),
        at=_sure(event.at),
        known=_sure(event.known),
        before=_point(event.before),
        until=_point(event.until),
        range=_range(event.range),
        size=event.size,
        renamed_from=RenamedView(file=event.old.file, name=event.old.name, variant=event.old.variant)
        if event.old
        else None,
        details=list(details([event])),
    )


def _range(span: CommitRange | None) -> RangeView | None:
    if span is None:
        return None
    return RangeView(commits=span.text or None, first=_sure(span.first), last=_sure(span.last), untested=span.untested)


def _point(point: RunPoint | None) -> PointView | None:
    return _sure(point) if point else None


def _sure(point: RunPoint) -> PointView:
    return PointView(
        run=point.run.run, provider=point.run.provider, commit=point.commit or None, started_at=iso(point.started_at)
    )
