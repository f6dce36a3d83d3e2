"""Writing a call's share of a run: one transaction, the same result in whatever order the calls come."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from flakelens.model import Outcome, Problem, ProblemCode, RetryEvidence, own_evidence
from flakelens.store.results import CaseWriter
from flakelens.store.values import Derived, Record, clean, derive, opt_ms, record_of, to_ms, worst

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from flakelens.model import ParsedReport, ReportInfo, RunInfo, RunReports, TestId

RECORD_COLUMNS: Final = (
    "number, commit_sha, branch, base_branch, base_commit, event, environment, started_at, url, fork, dirty, local"
)
RUN_COLUMNS: Final = "branch, commit_sha, event, environment, counted, local, started_at"  # as Derived

_REPORT_INSERT: Final = """
INSERT INTO report (run, attempt, sha256, size, name, job, shard, producer, declared, shown, partial, damaged,
  load_failures, started_at, seconds, ingested_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""


class IngestedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What one call brought. Counts are of its new reports; evidence, partial and problems of all that it named."""

    provider: str
    run: str
    attempt: int
    reports: int  # new ones
    known: int  # reports of this call that the run already had
    tests: int  # cases in the new reports; the five below add up to it
    passed: int
    flaky: int
    failed: int
    errored: int
    skipped: int
    retry_evidence: RetryEvidence  # the worst among the reports of this call
    partial: bool  # whether one of them comes from a filtered run
    problems: tuple[Problem, ...]


class GoneError(Exception):
    """A report that was known without its cases is not there any more: another process has pruned its run."""


class _Offer(NamedTuple):
    """What a call says of a report besides its bytes; the run's own values where the report's are silent."""

    job: str
    shard: str
    name: str
    declared: RetryEvidence | None
    partial: bool

    @classmethod
    def of(cls, run: RunInfo, info: ReportInfo, report: ParsedReport) -> _Offer:
        return cls(
            clean(info.job or run.job),
            clean(info.shard or run.shard),
            clean(report.name),
            info.retries or run.retries,
            info.partial or run.partial or report.partial,
        )

    def merged(self, other: _Offer) -> _Offer:
        """Both together, the same whichever came first: what is said beats what is not, then the smaller, the worse."""
        declared = [d for d in (self.declared, other.declared) if d is not None]
        return _Offer(
            min(filter(None, (self.job, other.job)), default=""),
            min(filter(None, (self.shard, other.shard)), default=""),
            min(self.name, other.name),
            worst(declared) if declared else None,
            self.partial or other.partial,
        )


class _Call(NamedTuple):
    """What holds for every report of one call."""

    run: int  # row of table run
    attempt: int  # row of table attempt
    at: int  # ms; of the ingest
    hints: Mapping[TestId, str]


class Writer:
    """Writes runs through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cases = CaseWriter(connection)

    def forget(self) -> None:
        """After a transaction that did not land."""
        self._cases.forget()

    def write(self, run: RunReports, ingested_at: datetime, hints: Mapping[TestId, str]) -> IngestedRun:
        """Store `run` inside the caller's transaction; see `Store.write_run`."""
        self._cases.refresh()
        at = to_ms(ingested_at)
        key = self._run(run.info)
        call = _Call(key, self._attempt(key, record_of(run.info), at), at, hints)
        counts: Counter[int] = Counter()
        errored = 0
        problems = list(run.problems)
        evidence: list[RetryEvidence] = []
        partial = False
        new = 0
        for info, report in run.reports:
            offer = _Offer.of(run.info, info, report)
            evidence.append(own_evidence(report.producer, offer.declared, report.retry_evidence))
            partial = partial or offer.partial
            problems += report.problems
            if report.cases or report.stored:
                problems += self._repeated(key, report)
            if self._again(call, offer, report):
                continue
            if report.stored:
                raise GoneError
            stored = self._report(call, offer, report)
            counted = self._cases.write(stored, report, at, hints)
            self._problems(key, stored, report.problems)
            counts += counted.outcomes
            errored += counted.errored
            new += 1
        self._problems(key, None, run.problems)
        refresh_run(self._connection, key)
        return IngestedRun(
            provider=run.info.provider,
            run=run.info.run,
            attempt=run.info.attempt,
            reports=new,
            known=len(run.reports) - new,
            tests=counts.total(),
            passed=counts[Outcome.PASSED],
            flaky=counts[Outcome.FLAKY],
            failed=counts[Outcome.FAILED] - errored,
            errored=errored,
            skipped=counts[Outcome.SKIPPED],
            retry_evidence=worst(evidence),
            partial=partial,
            problems=tuple(problems),
        )

    def _run(self, info: RunInfo) -> int:
        names = clean(info.provider), clean(info.run)
        found = self._connection.execute("SELECT id FROM run WHERE provider = ? AND run = ?", names).fetchone()
        if found is None:
            insert = "INSERT INTO run (provider, run) VALUES (?, ?) RETURNING id"
            found = self._connection.execute(insert, names).fetchone()
        return int(found[0])

    def _attempt(self, run: int, record: Record, at: int) -> int:
        find = "SELECT id, known_since FROM attempt WHERE run = ? AND hash = ?"
        found = self._connection.execute(find, (run, record.hash)).fetchone()
        if found is None:
            marks = ", ".join("?" * len(record))
            found = self._connection.execute(
                f"INSERT INTO attempt (run, hash, {RECORD_COLUMNS}, known_since) VALUES (?, ?, {marks}, ?)"
                " RETURNING id, known_since",
                (run, record.hash, *record, at),
            ).fetchone()
        elif at < found[1]:
            self._connection.execute("UPDATE attempt SET known_since = ? WHERE id = ?", (at, found[0]))
        return int(found[0])

    def _report(self, call: _Call, offer: _Offer, report: ParsedReport) -> int:
        row = (
            call.run,
            call.attempt,
            bytes.fromhex(report.sha256),
            report.size,
            offer.name,
            offer.job,
            offer.shard,
            clean(report.producer),
            offer.declared,
            report.retry_evidence,
            int(offer.partial),
            int(report.damaged),
            json.dumps([clean(failure) for failure in report.load_failures]),
            opt_ms(report.started_at),
            report.seconds,
            call.at,
        )
        return int(self._connection.execute(_REPORT_INSERT, row).fetchone()[0])

    def _again(self, call: _Call, offer: _Offer, report: ParsedReport) -> bool:
        """Whether the run has these bytes already. If so, what is said of them now is joined to what was said then."""
        find = """
        SELECT id, attempt, job, shard, name, declared, partial, ingested_at FROM report WHERE run = ? AND sha256 = ?
        """
        found = self._connection.execute(find, (call.run, bytes.fromhex(report.sha256))).fetchone()
        if found is None:
            return False
        key, earlier, job, shard, name, declared, partial, ingested_ms = found
        stored = _Offer(job, shard, name, RetryEvidence(declared) if declared else None, bool(partial))
        merged = stored.merged(offer)
        lowest = earlier if earlier == call.attempt else min((earlier, call.attempt), key=self._order)
        if merged != stored or lowest != earlier or call.at < ingested_ms:
            self._connection.execute(
                "UPDATE report SET attempt = ?, job = ?, shard = ?, name = ?, declared = ?, partial = ?,"
                " ingested_at = ? WHERE id = ?",
                (lowest, *merged[:4], int(merged.partial), min(call.at, ingested_ms), key),
            )
        if call.hints or call.at < ingested_ms:
            self._cases.note_files(report, call.at, call.hints)
        return True

    def _order(self, attempt: int) -> tuple[int, bytes]:
        row = self._connection.execute("SELECT number, hash FROM attempt WHERE id = ?", (attempt,)).fetchone()
        return row[0], row[1]

    def _repeated(self, run: int, report: ParsedReport) -> list[Problem]:
        find = """
        SELECT run.provider, run.run FROM report JOIN run ON run.id = report.run
        WHERE report.sha256 = ? AND report.run <> ? ORDER BY run.started_at LIMIT 1
        """
        found = self._connection.execute(find, (bytes.fromhex(report.sha256), run)).fetchone()
        if found is None:
            return []
        return [repeated(report.name, found[0], found[1])]

    def _problems(self, run: int, report: int | None, problems: Iterable[Problem]) -> None:
        rows = {(p.code.value, clean(p.where), clean(p.message)) for p in problems}
        if rows:
            find = "SELECT code, place, message FROM problem WHERE run = ? AND report IS ?"
            rows -= set(self._connection.execute(find, (run, report)))
            insert = "INSERT INTO problem (run, report, code, place, message) VALUES (?, ?, ?, ?, ?)"
            self._connection.executemany(insert, [(run, report, *row) for row in sorted(rows)])


def repeated(name: str, provider: str, run: str) -> Problem:
    """What is said of a report whose bytes another run holds."""
    message = (
        f"Run {run} ({provider}) holds the same bytes: a file left over from it?"
        " Delete old reports before the tests start."
    )
    return Problem(ProblemCode.REPEATED_REPORT, name, message)


def refresh_run(connection: sqlite3.Connection, run: int) -> None:
    """Make the cached columns of `run` again from its attempts and reports."""
    attempts = connection.execute(f"SELECT {RECORD_COLUMNS}, known_since FROM attempt WHERE run = ?", (run,)).fetchall()
    find = "SELECT min(started_at) FROM report WHERE run = ?"
    (start,) = connection.execute(find, (run,)).fetchone()
    derived = derive(
        [Record(*row[:-1]) for row in attempts], [] if start is None else [start], min(row[-1] for row in attempts)
    )
    if Derived(*connection.execute(f"SELECT {RUN_COLUMNS} FROM run WHERE id = ?", (run,)).fetchone()) != derived:
        marks = ", ".join("?" * len(derived))
        connection.execute(f"UPDATE run SET ({RUN_COLUMNS}) = ({marks}) WHERE id = ?", (*derived, run))
