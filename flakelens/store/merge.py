"""Stored runs as the calls that would bring them again: for merging databases and for packing runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.model import (
    Attempt,
    CaseResult,
    ParsedReport,
    Problem,
    ProblemCode,
    Rename,
    ReportInfo,
    RetryEvidence,
    RunReports,
    Status,
    TestId,
)
from flakelens.store import verdicts
from flakelens.store.connection import snapshot, transaction
from flakelens.store.results import STACK, TITLE
from flakelens.store.values import Record, from_ms, opt_from_ms, to_ms
from flakelens.store.wording import Wording
from flakelens.store.write import RECORD_COLUMNS, Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

    from flakelens.facts import RunKey
    from flakelens.store.sharing import TestFile


# A test's file as another database knows it, by the test's own words; the earliest of all that is known holds.
_FILE_INSERT: Final = """
INSERT INTO test_file (test, kind, file, first_seen_at, known_since)
SELECT id, ?6, ?7, ?8, ?9 FROM test
WHERE file = ?1 AND name = ?2 AND variant = ?3 AND ordinal = ?4 AND producer = ?5
ON CONFLICT (test, kind, file) DO UPDATE SET
  first_seen_at = min(first_seen_at, excluded.first_seen_at), known_since = min(known_since, excluded.known_since)
"""


class StoredCall(NamedTuple):
    """One call of `Store.write_run` that brings a part of a stored run again: its three arguments."""

    run: RunReports
    ingested_at: datetime
    hints: dict[TestId, str]


class Merged(NamedTuple):
    """What a merge brought that was not there."""

    runs: int  # runs with at least one new report
    reports: int
    verdicts: int
    skipped: int  # runs left out because this database has pruned them


def run_keys(connection: sqlite3.Connection) -> tuple[RunKey, ...]:
    """Every stored run, oldest first."""
    from flakelens.facts import RunKey

    query = "SELECT provider, run FROM run ORDER BY started_at, provider, run"
    return tuple(RunKey(*row) for row in connection.execute(query))


def pruned_keys(connection: sqlite3.Connection) -> frozenset[RunKey]:
    """Every run that was pruned here."""
    from flakelens.facts import RunKey

    return frozenset(RunKey(*row) for row in connection.execute("SELECT provider, run FROM pruned_run"))


def calls(connection: sqlite3.Connection, key: RunKey) -> tuple[StoredCall, ...]:
    """The calls that bring the run `key` again, inside the caller's snapshot; none for a run that is not there.

    Cases are in the order of test numbers, not of the document; their line is not kept.
    """
    found = connection.execute("SELECT id FROM run WHERE provider = ? AND run = ?", tuple(key)).fetchone()
    if found is None:
        return ()
    run = int(found[0])
    problems = _problems(connection, run)
    reports = _reports(connection, run, problems)
    made: list[StoredCall] = []
    query = f"SELECT id, known_since, {RECORD_COLUMNS} FROM attempt WHERE run = ? ORDER BY known_since, id"
    for attempt, since, *values in connection.execute(query, (run,)):
        info = Record(*values).info(*key)
        groups: dict[int, list[_Stored]] = {since: []} | reports.get(attempt, {})
        for ingested_ms, group in sorted(groups.items()):
            first = () if made else tuple(problems.get(None, ()))
            hints = {id_: file for report in group for id_, file in report.hints.items()}
            share = RunReports(info=info, reports=tuple((r.info, r.parsed) for r in group), problems=first)
            made.append(StoredCall(share, from_ms(ingested_ms), hints))
    return tuple(made)


class _Stored(NamedTuple):
    info: ReportInfo
    parsed: ParsedReport
    hints: dict[TestId, str]


def _reports(
    connection: sqlite3.Connection, run: int, problems: dict[int | None, list[Problem]]
) -> dict[int, dict[int, list[_Stored]]]:
    """The reports of a run by attempt id and ingest (ms)."""
    found: dict[int, dict[int, list[_Stored]]] = {}
    cases, hints = _cases(connection, run)
    query = """
    SELECT id, attempt, sha256, size, name, job, shard, producer, declared, shown, partial, damaged, load_failures,
      started_at, seconds, ingested_at FROM report WHERE run = ? ORDER BY id
    """
    for key, attempt, sha256, size, name, job, shard, producer, declared, shown, *rest in connection.execute(
        query, (run,)
    ):
        partial, damaged, load_failures, started_at, seconds, ingested_ms = rest
        info = ReportInfo(
            job=job, shard=shard, retries=RetryEvidence(declared) if declared else None, partial=bool(partial)
        )
        parsed = ParsedReport(
            name=name,
            sha256=sha256.hex(),
            size=size,
            producer=producer,
            cases=tuple(cases.get(key, ())),
            started_at=opt_from_ms(started_at),
            seconds=seconds,
            retry_evidence=RetryEvidence(shown) if shown else None,
            partial=bool(partial),
            damaged=bool(damaged),
            load_failures=tuple(json.loads(load_failures)),
            problems=tuple(problems.get(key, ())),
        )
        group = found.setdefault(attempt, {}).setdefault(ingested_ms, [])
        group.append(_Stored(info, parsed, hints.get(key, {})))
    return found


def _cases(
    connection: sqlite3.Connection, run: int
) -> tuple[dict[int, list[CaseResult]], dict[int, dict[TestId, str]]]:
    """The cases of a run by report id, and the title files first seen with each report."""
    query = """
    SELECT test_file.test, kind, test_file.file, report.id FROM report
    JOIN result ON result.report = report.id AND result.try = 1
    JOIN test_file ON test_file.test = result.test
      AND test_file.first_seen_at = coalesce(report.started_at, report.ingested_at)
    WHERE report.run = ? ORDER BY test_file.file
    """
    first_seen = {(test, kind, report): file for test, kind, file, report in connection.execute(query, (run,))}
    wording = Wording(connection)
    attempts: dict[tuple[int, int], list[Attempt]] = {}
    ids: dict[int, tuple[TestId, int]] = {}
    query = """
    SELECT result.report, result.test, status, ms, type, body, root, file, test.name, variant, ordinal
    FROM report CROSS JOIN result ON result.report = report.id
    JOIN test ON test.id = result.test LEFT JOIN message ON message.id = result.message
    WHERE report.run = ? ORDER BY result.report, result.test, result.try
    """
    for report, test, status, ms, type_, body, root, file, name, variant, ordinal in connection.execute(query, (run,)):
        ids[test] = TestId(file, name, variant), ordinal
        text = "" if body is None else wording.text(body, root)
        attempt = Attempt(Status(status), None if ms is None else ms / 1000, type_ or "", text)
        attempts.setdefault((report, test), []).append(attempt)
    cases: dict[int, list[CaseResult]] = {}
    hints: dict[int, dict[TestId, str]] = {}
    for (report, test), tried in attempts.items():
        id_, ordinal = ids[test]
        stack = first_seen.get((test, STACK, report), "")
        cases.setdefault(report, []).append(CaseResult(id_, ordinal, tuple(tried), stack_file=stack))
        if title := first_seen.get((test, TITLE, report)):
            hints.setdefault(report, {})[id_] = title
    return cases, hints


def _problems(connection: sqlite3.Connection, run: int) -> dict[int | None, list[Problem]]:
    found: dict[int | None, list[Problem]] = {}
    query = "SELECT report, code, place, message FROM problem WHERE run = ? ORDER BY id"
    for report, code, place, message in connection.execute(query, (run,)):
        found.setdefault(report, []).append(Problem(ProblemCode(code), place, message))
    return found


def merge(connection: sqlite3.Connection, writer: Writer, other: sqlite3.Connection) -> Merged:
    """Bring what `other` holds, each run in a transaction of its own; see `Store.merge`."""
    with snapshot(other):
        pruned = pruned_keys(connection)
        runs = reports = skipped = 0
        for key in run_keys(other):
            if key in pruned:
                skipped += 1
                continue
            new = _bring(connection, writer, calls(other, key))
            reports += new
            runs += new > 0
        with transaction(connection):
            _bring_files(connection, other)
            renames = other.execute("SELECT old, new, commit_sha, known_since FROM rename").fetchall()
            for old, new_name, commit, since in renames:
                verdicts.add_renames(connection, [Rename(old, new_name, commit)], since)
            (before,) = connection.execute("SELECT count(*) FROM verdict").fetchone()
            for verdict in reversed(verdicts.find(other)):
                verdicts.record(connection, verdict)
            (after,) = connection.execute("SELECT count(*) FROM verdict").fetchone()
    return Merged(runs, reports, after - before, skipped)


def _bring(connection: sqlite3.Connection, writer: Writer, share: Iterable[StoredCall]) -> int:
    try:
        with transaction(connection):
            return sum(writer.write(*call).reports for call in share)
    except BaseException:
        writer.forget()
        raise


def add_files(connection: sqlite3.Connection, files: Iterable[TestFile]) -> None:
    """Keep files of tests that are here, inside the caller's transaction."""
    rows = [
        (*file.test, file.ordinal, file.producer, file.kind, file.file, to_ms(file.first_seen_at),
         to_ms(file.known_since))
        for file in files
    ]  # fmt: skip
    connection.executemany(_FILE_INSERT, rows)


def _bring_files(connection: sqlite3.Connection, other: sqlite3.Connection) -> None:
    """The test files exactly as `other` knows them; a call can only bring those first seen with one of its reports."""
    query = """
    SELECT test.file, name, variant, ordinal, producer, kind, test_file.file, first_seen_at, known_since
    FROM test_file JOIN test ON test.id = test_file.test
    """
    connection.executemany(_FILE_INSERT, other.execute(query).fetchall())
