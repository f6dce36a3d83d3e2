"""The derived tables: made again from the facts, and compared with them."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.errors import DatabaseError
from flakelens.model import Status, outcome_of
from flakelens.store import sums
from flakelens.store.packed import Rosters, outcomes_of, roster_hash, write_packed
from flakelens.store.results import SINGLE
from flakelens.store.values import message_hash
from flakelens.store.wording import Wording
from flakelens.store.write import refresh_run

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENOUGH: Final = 20  # sentences of one kind that a check lists


class Packed(NamedTuple):
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
            write_packed(connection, packed.report, packed.outcomes)
            sums.add(connection, packed.sums)


def rebuild_sums(connection: sqlite3.Connection) -> None:
    """Make the sums alone again, inside the caller's transaction."""
    connection.execute("DELETE FROM test_sum")
    for run in run_ids(connection):
        for packed in from_results(connection, run):
            sums.add(connection, packed.sums)


def check(connection: sqlite3.Connection) -> list[str]:
    """Every damage found, one sentence each; empty if all is well. Inside the caller's snapshot."""
    found: list[str] = []
    for part in (_pages, _references, _packed, _messages):
        try:
            found += part(connection)
        except (sqlite3.DatabaseError, DatabaseError, zlib.error) as error:
            found.append(f"{part.__doc__} cannot be checked: {error}")
    return found


def _pages(connection: sqlite3.Connection) -> list[str]:
    """The file"""
    return [f"SQLite: {line}" for (line,) in connection.execute("PRAGMA integrity_check(20)") if line != "ok"]


def _references(connection: sqlite3.Connection) -> list[str]:
    """What rows refer to"""
    query = 'SELECT "table", parent, count(*) FROM pragma_foreign_key_check() GROUP BY 1, 2'
    return [
        f"{count} rows of {table} refer to a row of {parent} that is not there."
        for table, parent, count in connection.execute(query)
    ]


def _packed(connection: sqlite3.Connection) -> list[str]:
    """What is packed"""
    found: list[str] = []
    rosters = Rosters()
    expected: dict[int, sums.SumRow] = {}
    stored = dict(connection.execute("SELECT report, roster FROM packed"))
    for run in run_ids(connection):
        for packed in from_results(connection, run):
            for row in packed.sums:
                expected[row[0]] = _joined(expected.get(row[0]), row)
            roster = stored.pop(packed.report, None)
            if roster is None or _unpacked(connection, rosters, packed.report, roster) != packed.outcomes:
                found.append(f"The packed outcomes of report {packed.report} differ from its results: rebuild.")
    found += [f"Report {report} has packed outcomes but no results: rebuild." for report in stored]
    for key, digest in connection.execute("SELECT id, hash FROM roster").fetchall():
        rosters.load(connection, {key})
        if roster_hash(rosters[key].tolist()) != digest:
            found.append(f"Roster {key} is not what its hash says: rebuild.")
    columns = "test, passed, flaky, failed, skipped, timed, ms, first_at, last_at"
    actual = {row[0]: row for row in connection.execute(f"SELECT {columns} FROM test_sum")}
    wrong = sorted(key for key in expected.keys() | actual.keys() if expected.get(key) != actual.get(key))
    found += [f"The sums of test {key} differ from its results: rebuild." for key in wrong]
    return found[:_ENOUGH]


def _unpacked(connection: sqlite3.Connection, rosters: Rosters, report: int, roster: int) -> dict[int, int]:
    rosters.load(connection, {roster})
    tests = rosters[roster]
    (blob,) = connection.execute("SELECT outcomes FROM packed WHERE report = ?", (report,)).fetchone()
    codes = outcomes_of(report, blob, len(tests))
    return dict(zip(tests.tolist(), codes.tolist(), strict=True))


def _joined(one: sums.SumRow | None, other: sums.SumRow) -> sums.SumRow:
    if one is None:
        return other
    a, b, c, d, e, f = (x + y for x, y in zip(one[1:7], other[1:7], strict=True))
    first = [moment for moment in (one[7], other[7]) if moment is not None]
    last = [moment for moment in (one[8], other[8]) if moment is not None]
    return one[0], a, b, c, d, e, f, min(first, default=None), max(last, default=None)


def _messages(connection: sqlite3.Connection) -> list[str]:
    """What failures said"""
    found = []
    wording = Wording(connection)
    for key, digest, type_, body, root in connection.execute("SELECT id, hash, type, body, root FROM message"):
        try:
            right = message_hash(type_, wording.text(body, root)) == digest
        except zlib.error:
            right = False
        if not right:
            found.append(f"Message {key} is not what its hash says.")
    return found[:_ENOUGH]
