"""Small histories for tests: runs from letters, stores from runs. No file is parsed, so a test shows all that it uses.

    a_run(1, outcomes={"adds": "P", "retries": "K", "breaks": "F"})
    with a_store(tmp_path, [a_run(n, outcomes={"adds": "P"}) for n in range(30)]) as store: ...

Letters: P passed, K flaky (failed, then passed), F failed, E errored, S skipped, "." no result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from flakelens.store import Store, open_store

START = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
BETWEEN = timedelta(hours=1)

_ATTEMPTS = {
    "P": (Status.PASSED,),
    "K": (Status.FAILED, Status.PASSED),
    "F": (Status.FAILED,),
    "E": (Status.ERRORED,),
    "S": (Status.SKIPPED,),
}


def started_at(n: int) -> datetime:
    """When run number n starts: one an hour."""
    return START + n * BETWEEN


def a_commit(n: int) -> str:
    """A commit of its own for every n: 40 hex digits."""
    return hashlib.sha1(f"commit {n}".encode(), usedforsecurity=False).hexdigest()


def a_case(
    name: str, letter: str = "P", *, file: str = "src/a.test.ts", variant: str = "", message: str = ""
) -> CaseResult:
    """One test of a report; failed attempts say `message`."""
    return CaseResult(
        id=TestId(file, name, variant),
        ordinal=1,
        attempts=tuple(
            Attempt(
                status,
                0.1,
                "Error" if status in (Status.FAILED, Status.ERRORED) else "",
                (message or f"{name} failed") if status in (Status.FAILED, Status.ERRORED) else "",
            )
            for status in _ATTEMPTS[letter]
        ),
    )


def a_report(
    n: int,
    outcomes: Mapping[str, str],
    *,
    file: str = "src/a.test.ts",
    producer: str = "jest",
    variant: str = "",
    name: str = "",
    job: str = "",
    shard: str = "",
    retries: RetryEvidence | None = None,
    shown: RetryEvidence | None = None,
    message: str = "",
    started: datetime | None = None,
    damaged: bool = False,
    partial: bool = False,
) -> tuple[ReportInfo, ParsedReport]:
    """One report of run n. A title "file.test.ts::title" puts the test into that file instead of `file`."""
    cases = []
    for title, letter in outcomes.items():
        if letter != ".":
            place, _, rest = title.rpartition("::")
            cases.append(a_case(rest, letter, file=place or file, variant=variant, message=message))
    name = name or f"{producer}{'-' + job if job else ''}.xml"
    told = repr((n, name, cases, variant, shard))
    return (
        ReportInfo(job=job, shard=shard, retries=retries, partial=partial),
        ParsedReport(
            name=name,
            sha256=hashlib.sha256(told.encode()).hexdigest(),
            size=len(told),
            producer=producer,
            cases=tuple(cases),
            started_at=started or started_at(n),
            seconds=1.0,
            retry_evidence=shown,
            damaged=damaged,
        ),
    )


def a_run(
    n: int,
    *,
    outcomes: Mapping[str, str] | None = None,
    reports: Iterable[tuple[ReportInfo, ParsedReport]] = (),
    commit: str | None = None,
    branch: str = "main",
    event: Event = Event.PUSH,
    file: str = "src/a.test.ts",
    producer: str = "jest",
    retries: RetryEvidence | None = None,
    started: datetime | None = None,
    attempt: int = 1,
    provider: str = "github",
    base_branch: str = "",
    fork: bool = False,
    dirty: bool = False,
    local: bool = False,
    environment: str = "",
) -> RunReports:
    """Run number n of the branch: a report with `outcomes`, and the `reports` given; by default a commit of its own."""
    own = (
        ()
        if outcomes is None
        else (a_report(n, outcomes, file=file, producer=producer, retries=retries, started=started),)
    )
    return RunReports(
        info=RunInfo(
            provider=provider,
            run=str(1000 + n),
            attempt=attempt,
            commit=a_commit(n) if commit is None else commit,
            branch=branch,
            base_branch=base_branch,
            event=event,
            started_at=started or started_at(n),
            fork=fork,
            dirty=dirty,
            local=local,
            environment=environment,
        ),
        reports=(*own, *reports),
    )


def a_suite_run(n: int, bad: Mapping[str, str] | None = None, *, size: int = 30, **run: object) -> RunReports:
    """Run n of a team with all three areas: `size` tests each of AI, components and E2E, all passing but `bad`.

    Titles are "AI 1".., "components 1".., "E2E 1"..; `bad` maps titles to letters. Retries are off everywhere.
    """
    bad = bad or {}
    places = {
        "AI": ("src/__tests__/api/ai/chat.test.ts", "jest"),
        "components": ("src/components/button.test.tsx", "jest"),
        "E2E": ("e2e/checkout.spec.ts", "playwright"),
    }
    reports = []
    for area, (file, producer) in places.items():
        titles = {f"{area} {number}": "P" for number in range(1, size + 1)}
        titles.update({title: letter for title, letter in bad.items() if title.split()[0] == area})
        reports.append(
            a_report(
                n,
                titles,
                file=file,
                producer=producer,
                name=f"{area}.xml",
                retries=RetryEvidence.NONE,
                variant="chromium" if producer == "playwright" else "",
            )
        )
    return a_run(n, reports=reports, **run)  # type: ignore[arg-type]


def a_store(
    folder: Path, runs: Iterable[RunReports] = (), *, name: str = "flakelens.db", latest: datetime | None = None
) -> Store:
    """A database in `folder` with these runs, open for reading and writing; each was ingested as it started.

    `latest`: when the last of them had been ingested, whatever they say of their start.
    """
    store = open_store(folder / name, create=True)
    for run in runs:
        moment = (run.info.started_at or START) + timedelta(minutes=5)
        store.write_run(run, ingested_at=min(moment, latest) if latest else moment)
    return store
