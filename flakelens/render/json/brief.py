"""`flakelens brief --format json`: the frozen view `flakelens.brief/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.figures import iso
from flakelens.render.json.price import PriceView, price_view
from flakelens.render.json.tests import TestView, view_of
from flakelens.render.markdown.brief import asked_as
from flakelens.report import RunPoint
from flakelens.report.brief import Began, BriefReport

SCHEMA = "flakelens.brief/1"


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the gated branch."""

    run: str
    commit: str | None
    started_at: str


class BeganView(msgspec.Struct, frozen=True, kw_only=True):
    """After `good`, with `bad` at the latest. `range` is "a..b", null where a commit is unknown. `sure`: 0 to 1, of a
    flaky test that it had not begun before `good`.
    """

    kind: str
    good: PointView | None
    bad: PointView
    range: str | None
    clean_runs: int
    sure: float | None


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the test file; `source` null where the message does not show it."""

    file: str
    line: int
    source: str | None


class KindView(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which it fails; `message` is the newest, whole."""

    headline: str
    message: str
    count: int
    runs: int
    first_run: str
    last_run: str
    lines: list[LineView]


class CircumstanceView(msgspec.Struct, frozen=True, kw_only=True):
    """Failing runs under one condition: kind is variant, job or branch."""

    kind: str
    name: str
    failed: int
    runs: int


class CompanionView(msgspec.Struct, frozen=True, kw_only=True):
    """A test that fails in the same runs."""

    file: str
    name: str
    variant: str
    together: int
    failed: int


class ReproduceView(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of POSIX shell; `repeats` tries show a failure with 95 %, null where the rate is not known."""

    tool: str
    once: str
    repeated: str | None
    repeats: int | None


class BriefView(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `failing` of `tried` runs since it began; `rate` is their quotient, null without trouble."""

    schema: str
    test: TestView
    file: str | None
    because: list[str]
    began: BeganView | None
    failing: int
    tried: int
    rate: float | None
    retries_hidden: bool
    failures: list[KindView]
    circumstances: list[CircumstanceView]
    companions: list[CompanionView]
    reproduce: ReproduceView | None
    clean_runs_needed: int | None
    verify: str
    price: PriceView


def brief_json(report: BriefReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    command, times = report.command, report.repeats
    reproduce = None
    if command is not None:
        repeated = None if times is None else command.repeated(times)
        reproduce = ReproduceView(tool=command.tool, once=command.once, repeated=repeated, repeats=times)
    document = BriefView(
        schema=SCHEMA,
        test=view_of(report.page.line),
        file=report.file or None,
        because=list(report.page.because),
        began=began_view(report.began),
        failing=report.failing,
        tried=report.tried,
        rate=report.rate,
        retries_hidden=report.hidden,
        failures=[
            KindView(
                headline=failure.headline,
                message=failure.group.text,
                count=failure.group.count,
                runs=failure.group.runs,
                first_run=failure.group.first.run,
                last_run=failure.group.last.run,
                lines=[LineView(file=at.file, line=at.line, source=at.source or None) for at in failure.lines],
            )
            for failure in report.failures
        ],
        circumstances=[
            CircumstanceView(kind=each.kind, name=each.name, failed=each.failed, runs=each.runs)
            for each in report.circumstances
        ],
        companions=[
            CompanionView(
                file=each.id.file,
                name=each.id.name,
                variant=each.id.variant,
                together=each.together,
                failed=each.failed,
            )
            for each in report.companions
        ],
        reproduce=reproduce,
        clean_runs_needed=report.clean_needed,
        verify=f"flakelens verify {asked_as(report)} --since COMMIT",
        price=price_view(report.page.price),
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def began_view(began: Began | None) -> BeganView | None:
    """Where it began, as programs read it."""
    if began is None:
        return None
    return BeganView(
        kind=began.kind,
        good=_point(began.good) if began.good else None,
        bad=_point(began.bad),
        range=began.range or None,
        clean_runs=began.clean,
        sure=began.sure,
    )


def _point(point: RunPoint) -> PointView:
    return PointView(run=point.run.run, commit=point.commit or None, started_at=iso(point.started_at))
