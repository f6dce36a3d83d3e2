"""Small runs to feed a store with, and a form of Facts in which the store's own numbers do not show."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flakelens.model import (
    Attempt,
    CaseResult,
    Event,
    ParsedReport,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
    Status,
    TestId,
)

if TYPE_CHECKING:
    from flakelens.facts import Facts

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
P, F, E, S = Status.PASSED, Status.FAILED, Status.ERRORED, Status.SKIPPED


def hours(number: float) -> datetime:
    return T0 + timedelta(hours=number)


def case(name: str, *statuses: Status, file: str = "a.test.ts", ordinal: int = 1, stack_file: str = "") -> CaseResult:
    """One test; an attempt that did not pass says "<name> <status>", and each lasts as many ms as its place."""
    attempts = tuple(
        Attempt(status, place / 1000, "" if status is P else "Error", "" if status is P else f"{name} {status.name}")
        for place, status in enumerate(statuses or (P,), 1)
    )
    return CaseResult(TestId(file, name, ""), ordinal, attempts, stack_file=stack_file)


def report(name: str, *cases: CaseResult, at: datetime | None = None, **more: object) -> ParsedReport:
    """A report whose bytes follow from its name and time."""
    digest = hashlib.sha256(f"{name} {at}".encode("utf-8", "replace")).hexdigest()
    fields = {"size": 100, "producer": "jest", "cases": cases, "started_at": at, "sha256": digest} | more
    return ParsedReport(name=name, **fields)  # type: ignore[arg-type]


def run(number: int | str, *reports: ParsedReport, **more: object) -> RunReports:
    """A push run of main that starts `number` hours after T0."""
    problems = more.pop("problems", ())
    info = {
        "provider": "github",
        "run": str(number),
        "branch": "main",
        "commit": f"c{number}",
        "event": Event.PUSH,
        "started_at": hours(number) if isinstance(number, int) else None,
    } | more
    return RunReports(info=RunInfo(**info), reports=tuple((ReportInfo(), r) for r in reports), problems=problems)


def simple(number: int, *statuses: Status) -> RunReports:
    """A run with one report of two tests, "one" with these statuses."""
    return run(number, report("jest.xml", case("one", *statuses), case("two"), at=hours(number)))


def canonical(facts: Facts) -> object:
    """Equal for equal facts, whatever numbers a store has given to tests and reports."""
    tests = {test.key: test[1:] for test in facts.tests}
    runs = sorted(
        (
            one.key,
            sorted(map(repr, one.infos)),
            sorted(
                (
                    report.sha256,
                    report.attempt,
                    repr((report.job, report.shard, report.name, report.producer, report.declared, report.shown)),
                    repr((report.partial, report.damaged, report.load_failures, report.started_at, report.seconds)),
                    report.ingested_at,
                    report.earlier_elsewhere,
                    sorted(zip((tests[key] for key in report.tests.tolist()), report.outcomes.tolist(), strict=True)),
                )
                for report in one.reports
            ),
        )
        for one in facts.runs
    )
    return runs, sorted(tests.values()), facts.renames


__all__ = [
    "T0",
    "E",
    "F",
    "P",
    "RetryEvidence",
    "S",
    "canonical",
    "case",
    "hours",
    "report",
    "run",
    "simple",
]
