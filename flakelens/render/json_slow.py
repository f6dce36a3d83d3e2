"""`flakelens slow --format json`: the frozen view `flakelens.slow/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.json_tests import SinceView
from flakelens.report import SlowLine, SlowReport

SCHEMA = "flakelens.slow/1"


class SlowerView(msgspec.Struct, frozen=True, kw_only=True):
    """One test; durations are medians in seconds."""

    file: str
    name: str
    variant: str
    area: str
    seconds: float
    before: float | None
    added: float
    runs: int
    since: SinceView | None


class SlowView(msgspec.Struct, frozen=True, kw_only=True):
    """The document: `tests` are those that became slower, what adds most first."""

    schema: str
    branch: str
    runs: int
    tests: list[SlowerView]


def slow_json(report: SlowReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = SlowView(
        schema=SCHEMA, branch=report.branch, runs=report.runs, tests=[_view(line) for line in report.tests]
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _view(line: SlowLine) -> SlowerView:
    duration = line.duration
    since = duration.since_run
    return SlowerView(
        file=line.id.file,
        name=line.id.name,
        variant=line.id.variant,
        area=line.area,
        seconds=duration.seconds,
        before=duration.before,
        added=line.added,
        runs=duration.runs,
        since=SinceView(run=since.run, commit=duration.since_commit or None) if since else None,
    )
