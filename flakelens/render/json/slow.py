"""`flakelens slow --format json`: the frozen view `flakelens.slow/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.json.tests import SinceView
from flakelens.report import DurationLine
from flakelens.report.slow import SlowLine, SlowReport, SuiteLine

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


class SuiteView(msgspec.Struct, frozen=True, kw_only=True):
    """One suite: an area, a file or a job. What it is made of are medians in seconds, of its tests' own time."""

    kind: str
    name: str
    area: str | None
    seconds: float
    before: float | None
    added: float
    runs: int
    since: SinceView | None
    tests: int
    tests_before: int
    added_tests: float
    removed_tests: float
    same_tests: float


class SlowView(msgspec.Struct, frozen=True, kw_only=True):
    """The document: `tests` and `suites` are those that became slower, what adds most first."""

    schema: str
    branch: str
    runs: int
    tests: list[SlowerView]
    suites: list[SuiteView]


def slow_json(report: SlowReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = SlowView(
        schema=SCHEMA,
        branch=report.branch,
        runs=report.runs,
        tests=[_view(line) for line in report.tests],
        suites=[_suite(line) for line in report.suites],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def _view(line: SlowLine) -> SlowerView:
    duration = line.duration
    return SlowerView(
        file=line.id.file,
        name=line.id.name,
        variant=line.id.variant,
        area=line.area,
        seconds=duration.seconds,
        before=duration.before,
        added=line.added,
        runs=duration.runs,
        since=_since(duration),
    )


def _suite(line: SuiteLine) -> SuiteView:
    duration = line.duration
    return SuiteView(
        kind=line.kind,
        name=line.name,
        area=line.area or None,
        seconds=duration.seconds,
        before=duration.before,
        added=line.added,
        runs=duration.runs,
        since=_since(duration),
        tests=line.tests_now,
        tests_before=line.tests_before,
        added_tests=line.added_tests,
        removed_tests=line.removed_tests,
        same_tests=line.same_tests,
    )


def _since(duration: DurationLine) -> SinceView | None:
    since = duration.since_run
    return SinceView(run=since.run, commit=duration.since_commit or None) if since else None
