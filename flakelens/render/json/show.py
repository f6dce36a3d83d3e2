"""`flakelens show --format json`: the frozen view `flakelens.show/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.json.events import EventView, event_views
from flakelens.render.json.price import PriceView, price_view
from flakelens.render.json.tests import SinceView, TestView, view_of
from flakelens.report import DurationLine, RunCell, ShowReport

SCHEMA = "flakelens.show/1"


class NameView(msgspec.Struct, frozen=True, kw_only=True):
    """One form in which reports wrote the test."""

    file: str
    name: str
    variant: str


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run of its history; `outcome` null: no result. `why_not` says why it does not count, null when it does.

    `p_stable`, `p_flaky`, `p_broken`: how likely it was so in this run, by all that is known now, later runs included;
    null without a result that counts.
    """

    run: str
    provider: str
    commit: str | None
    started_at: str
    outcome: str | None
    counts: bool
    why_not: str | None
    outage: bool
    partial: bool
    retry_evidence: str | None
    p_stable: float | None
    p_flaky: float | None
    p_broken: float | None


class FailureView(msgspec.Struct, frozen=True, kw_only=True):
    """Failed attempts whose messages begin alike; `message` is the newest, whole."""

    first_line: str
    message: str
    count: int
    runs: int
    first_run: str
    last_run: str


class DurationView(msgspec.Struct, frozen=True, kw_only=True):
    """How long it takes when it passes: medians. `before` and `since` null: it was ever so."""

    seconds: float
    runs: int
    before: float | None
    since: SinceView | None


class ShowView(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `history` and `events` are oldest first, `failures` newest first, `names` newest last."""

    schema: str
    test: TestView
    because: list[str]
    price: PriceView
    history: list[RunView]
    failures: list[FailureView]
    names: list[NameView]
    duration: DurationView | None
    events: list[EventView]


def show_json(report: ShowReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = ShowView(
        schema=SCHEMA,
        test=view_of(report.line),
        because=list(report.because),
        price=price_view(report.price),
        history=[_run(cell) for cell in report.cells],
        failures=[
            FailureView(
                first_line=group.first_line,
                message=group.text,
                count=group.count,
                runs=group.runs,
                first_run=group.first.run,
                last_run=group.last.run,
            )
            for group in report.messages
        ],
        names=[NameView(file=name.file, name=name.name, variant=name.variant) for name in report.names],
        duration=duration_view(report.duration),
        events=event_views(report.events),
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def duration_view(duration: DurationLine | None) -> DurationView | None:
    """A duration as programs read it."""
    if duration is None:
        return None
    since = duration.since_run
    return DurationView(
        seconds=duration.seconds,
        runs=duration.runs,
        before=duration.before,
        since=SinceView(run=since.run, commit=duration.since_commit or None) if since else None,
    )


def _run(cell: RunCell) -> RunView:
    return RunView(
        run=cell.run.run,
        provider=cell.run.provider,
        commit=cell.commit or None,
        started_at=cell.started_at.isoformat().replace("+00:00", "Z"),
        outcome=cell.outcome.name.lower() if cell.outcome else None,
        counts=cell.counts,
        why_not=cell.why_not or None,
        outage=cell.outage,
        partial=cell.partial,
        retry_evidence=str(cell.evidence) if cell.evidence is not None else None,
        p_stable=cell.chances.stable if cell.chances else None,
        p_flaky=cell.chances.flaky if cell.chances else None,
        p_broken=cell.chances.broken if cell.chances else None,
    )
