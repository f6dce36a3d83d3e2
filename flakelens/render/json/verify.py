"""`flakelens verify --format json`: the frozen view `flakelens.verify/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.report import RunCell, VerifyReport

SCHEMA = "flakelens.verify/1"


class BeforeView(msgspec.Struct, frozen=True, kw_only=True):
    """The rate that the repair is held against. `cautious_rate` null: it never failed before."""

    basis: str
    failures: int
    results: int
    cautious_rate: float | None
    last_failed_run: str | None


class FailedView(msgspec.Struct, frozen=True, kw_only=True):
    """One run since in which it failed, or failed at first (`outcome` "flaky")."""

    run: str
    provider: str
    commit: str | None
    started_at: str
    outcome: str


class VerifyView(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `state`: held, again, too-early or unknown; `needed` null: it never failed before."""

    schema: str
    file: str
    name: str
    variant: str
    area: str
    commit: str
    branch: str
    state: str
    clean: int
    needed: int | None
    missing: int | None
    hidden: int
    before: BeforeView
    failed_again: list[FailedView]
    clean_since_then: int


def verify_json(report: VerifyReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    test = report.line.id
    document = VerifyView(
        schema=SCHEMA,
        file=test.file,
        name=test.name,
        variant=test.variant,
        area=report.line.area,
        commit=report.commit,
        branch=report.branch,
        state=str(report.state),
        clean=report.clean,
        needed=report.needed,
        missing=None if report.needed is None else max(0, report.needed - report.clean_after),
        hidden=report.hidden,
        before=BeforeView(
            basis=str(report.basis),
            failures=report.failures,
            results=report.results,
            cautious_rate=report.rate,
            last_failed_run=report.failed_before.run if report.failed_before else None,
        ),
        failed_again=[_failed(cell) for cell in report.again],
        clean_since_then=report.clean_after,
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def _failed(cell: RunCell) -> FailedView:
    return FailedView(
        run=cell.run.run,
        provider=cell.run.provider,
        commit=cell.commit or None,
        started_at=cell.started_at.isoformat().replace("+00:00", "Z"),
        outcome=cell.outcome.name.lower(),
    )
