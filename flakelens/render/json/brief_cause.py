"""`flakelens brief CAUSE --format json`: the frozen view `flakelens.brief-cause/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.json.brief import BeganView, LineView, began_view
from flakelens.render.json.causes import CauseView, cause_view
from flakelens.render.markdown.brief_cause import asked_as
from flakelens.report.brief import CauseBrief, CauseFailure, GroupRun, Line

SCHEMA = "flakelens.brief-cause/1"


class SaidView(msgspec.Struct, frozen=True, kw_only=True):
    """One test that failed in a way."""

    file: str
    name: str
    variant: str


class CauseKindView(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the tests fail; `message` is the newest, whole, `category` a guess. `shared` are lines outside
    of test files in most of its traces.
    """

    headline: str
    category: str
    message: str
    count: int
    runs: int
    first_run: str
    last_run: str
    tests: list[SaidView]
    lines: list[LineView]
    shared: list[LineView]


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of POSIX shell for the tests of one tool and project; `repeats` tries show a failure with 95 %."""

    tool: str
    variant: str | None
    tests: int
    whole_files: bool
    once: str
    repeated: str | None
    repeats: int | None


class CauseBriefView(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `failing` of `tried` runs since it began; `rate` is their quotient, null when it is over."""

    schema: str
    branch: str
    runs: int
    cause: CauseView
    runs_with_several: int
    began: BeganView | None
    failing: int
    tried: int
    rate: float | None
    retries_hidden: bool
    failures: list[CauseKindView]
    reproduce: list[GroupView]
    clean_runs_needed: int | None
    verify: list[str]


def cause_brief_json(report: CauseBrief) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = CauseBriefView(
        schema=SCHEMA,
        branch=report.branch,
        runs=report.runs,
        cause=cause_view(report.cause),
        runs_with_several=report.several,
        began=began_view(report.began),
        failing=report.failing,
        tried=report.tried,
        rate=report.rate,
        retries_hidden=report.hidden,
        failures=[_kind(failure) for failure in report.failures],
        reproduce=[_group(run, report.repeats) for run in report.commands],
        clean_runs_needed=report.clean_needed,
        verify=[f"flakelens verify {asked_as(test)} --since COMMIT" for test in report.cause.tests],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def _kind(failure: CauseFailure) -> CauseKindView:
    return CauseKindView(
        headline=failure.headline,
        category=str(failure.category),
        message=failure.group.text,
        count=failure.group.count,
        runs=failure.group.runs,
        first_run=failure.group.first.run,
        last_run=failure.group.last.run,
        tests=[SaidView(file=test.file, name=test.name, variant=test.variant) for test in failure.tests],
        lines=[_line(at) for at in failure.lines],
        shared=[_line(at) for at in failure.shared],
    )


def _line(at: Line) -> LineView:
    return LineView(file=at.file, line=at.line, source=at.source or None)


def _group(run: GroupRun, times: int | None) -> GroupView:
    command = run.command.command
    return GroupView(
        tool=command.tool,
        variant=run.variant or None,
        tests=run.tests,
        whole_files=run.command.whole_files,
        once=command.once,
        repeated=None if times is None else command.repeated(times),
        repeats=times,
    )
