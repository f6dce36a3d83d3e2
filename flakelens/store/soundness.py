"""Is the database sound? Every damage that can be told, named: pages, references, values, hashes, sums.

SQLite keeps no checksum of its pages, so each row is asked what it can be asked: does its text decode, is its value one
that may stand there, does it agree with its hash, with the index over it, with what was derived from it.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Final

from flakelens.model import Event, ProblemCode, RetryEvidence, Status
from flakelens.store import sums, verdicts
from flakelens.store.derived import from_results, run_ids
from flakelens.store.packed import Rosters, outcomes_of, roster_hash
from flakelens.store.values import Derived, Record, derive, message_hash
from flakelens.store.wording import Wording
from flakelens.store.write import RECORD_COLUMNS, RUN_COLUMNS

_ENOUGH: Final = 20  # sentences of one kind that a check lists
_WITH_TEXT: Final = (
    "run", "attempt", "report", "test", "test_file", "message", "problem", "verdict", "rename", "pruned_run",
)  # fmt: skip
# Column by column, what may stand there; NULL is for the schema to allow.
_VALUES: Final = (
    ("attempt", "event", tuple(Event)),
    ("run", "event", tuple(Event)),
    ("report", "declared", tuple(RetryEvidence)),
    ("report", "shown", tuple(RetryEvidence)),
    ("problem", "code", tuple(ProblemCode)),
    ("result", "status", tuple(int(status) for status in Status)),
    *(("report", flag, (0, 1)) for flag in ("partial", "damaged")),
)


def check(connection: sqlite3.Connection) -> list[str]:
    """Every damage found, one sentence each; empty if all is well. Inside the caller's snapshot."""
    found: list[str] = []
    for part in (_pages, _references, _texts, _values, _records, _attempts, _packed, _messages, _verdicts):
        try:
            found += part(connection)
        except Exception as error:  # in a damaged row anything may stand, and the other parts are still asked
            found.append(f"{part.__doc__} cannot be checked: {type(error).__name__}: {error}")
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


def _texts(connection: sqlite3.Connection) -> list[str]:
    """Texts"""
    found = []
    for table in _WITH_TEXT:
        try:
            for _ in connection.execute(f"SELECT * FROM {table}"):
                pass
        except sqlite3.OperationalError as error:
            found.append(f"A text of table {table} is not UTF-8: {error}.")
    for key, text in connection.execute("SELECT id, load_failures FROM report WHERE load_failures <> '[]'").fetchall():
        try:
            sound = all(isinstance(each, str) for each in json.loads(text))
        except (ValueError, TypeError):
            sound = False
        if not sound:
            found.append(f"The load failures of report {key} are no list of texts.")
    return found[:_ENOUGH]


def _values(connection: sqlite3.Connection) -> list[str]:
    """Values"""
    found = []
    for table, column, allowed in _VALUES:
        marks = ", ".join("?" * len(allowed))
        query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} NOT IN ({marks}) LIMIT {_ENOUGH}"
        found += [f"{value!r} in {table}.{column} means nothing." for (value,) in connection.execute(query, allowed)]
    return found[:_ENOUGH]


def _records(connection: sqlite3.Connection) -> list[str]:
    """What is known of runs"""
    found = []
    records: dict[int, list[Record]] = {}
    first: dict[int, int] = {}
    query = f"SELECT id, run, hash, known_since, {RECORD_COLUMNS} FROM attempt"
    for key, run, digest, since, *columns in connection.execute(query):
        record = Record(*columns)
        if record.hash != digest:
            found.append(f"Attempt {key} of run {run} is not what its hash says.")
        records.setdefault(run, []).append(record)
        first[run] = min(since, first.get(run, since))
    starts = dict(connection.execute("SELECT run, min(started_at) FROM report WHERE started_at IS NOT NULL GROUP BY 1"))
    for run, *cached in connection.execute(f"SELECT id, {RUN_COLUMNS} FROM run"):
        if run not in records:
            found.append(f"Run {run} has no attempt.")
        elif derive(records[run], [starts[run]] if run in starts else [], first[run]) != Derived(*cached):
            found.append(f"What run {run} keeps of its attempts differs from them: rebuild.")
    return found[:_ENOUGH]


def _attempts(connection: sqlite3.Connection) -> list[str]:
    """The attempts of tests"""
    query = """
    SELECT report, test FROM result GROUP BY report, test HAVING min(try) <> 1 OR max(try) <> count(*) LIMIT ?
    """
    return [
        f"The attempts of test {test} in report {report} are not numbered 1, 2, 3.."
        for report, test in connection.execute(query, (_ENOUGH,))
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


def _verdicts(connection: sqlite3.Connection) -> list[str]:
    """Verdicts"""
    return [f"Verdict {key} is not what its hash says." for key in verdicts.unsound(connection)][:_ENOUGH]
