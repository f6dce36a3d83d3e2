"""The derived tables, made again from the facts."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec

from flakelens.errors import DatabaseError
from flakelens.model import Status, outcome_of
from flakelens.store import sums
from flakelens.store.packed import roster_hash, write_packed
from flakelens.store.results import SINGLE
from flakelens.store.write import refresh_run

if TYPE_CHECKING:
    from collections.abc import Iterator


class Packed(msgspec.Struct, frozen=True):
    """One report's outcomes as the result rows tell them: test id to Outcome code, and what it adds to the sums."""

    report: int
    outcomes: dict[int, int]
    sums: list[sums.SumRow]


def from_results(connection: sqlite3.Connection, run: int) -> Iterator[Packed]:
    """The packed form of each report of `run` that has results, in report order, from the result rows."""
    reports = connection.execute("SELECT id, started_at FROM report WHERE run = ? ORDER BY id", (run,)).fetchall()
    query = "SELECT test, status, ms FROM result WHERE report = ? ORDER BY test, try"
    for report, start in reports:
        statuses: dict[int, int] = {}  # of the last attempt
        retried: dict[int, list[int]] = {}  # of all attempts, where there are several
        timed: dict[int, int] = {}
        total: dict[int, int] = {}
        for test, status, ms in connection.execute(query, (report,)):
            if test in statuses:
                retried.setdefault(test, [statuses[test]]).append(status)
            statuses[test] = status
            if ms is not None:
                timed[test] = timed.get(test, 0) + 1
                total[test] = total.get(test, 0) + ms
        if unknown := set(statuses.values()) - SINGLE.keys():
            raise DatabaseError(
                f"A result of report {report} is damaged: its status is {unknown.pop()}.",
                mend="Restore a backup, or move the database away and ingest again.",
            )
        outcomes = {test: SINGLE[status] for test, status in statuses.items()}
        for test, several in retried.items():
            outcomes[test] = int(outcome_of([Status(status) for status in several]))
        added = [
            (test, *sums.ONE[outcome], timed.get(test, 0), total.get(test, 0), start, start)
            for test, outcome in outcomes.items()
        ]
        if outcomes:
            yield Packed(report, outcomes, added)


def run_ids(connection: sqlite3.Connection) -> list[int]:
    """All run ids."""
    return [key for (key,) in connection.execute("SELECT id FROM run ORDER BY id").fetchall()]


def rebuild(connection: sqlite3.Connection) -> None:
    """Throw the derived tables away and make them again, inside the caller's transaction."""
    for table in ("packed", "roster", "test_sum", "fitted"):
        connection.execute(f"DELETE FROM {table}")
    for run in run_ids(connection):
        refresh_run(connection, run)
        for packed in from_results(connection, run):
            tests = sorted(packed.outcomes)
            codes = bytes(map(packed.outcomes.__getitem__, tests))
            write_packed(connection, packed.report, tests, roster_hash(tests), codes)
            sums.add(connection, packed.sums)


def rebuild_sums(connection: sqlite3.Connection) -> None:
    """Make the sums alone again, inside the caller's transaction."""
    connection.execute("DELETE FROM test_sum")
    for run in run_ids(connection):
        for packed in from_results(connection, run):
            sums.add(connection, packed.sums)
