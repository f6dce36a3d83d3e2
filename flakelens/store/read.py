"""Reading the facts of some runs: a choice of runs, then their packed outcomes. No result row is touched."""

from __future__ import annotations

import json
from itertools import repeat
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from flakelens.facts import Facts, ReportFacts, RunFacts, RunKey, TestFacts, made
from flakelens.model import Rename, RetryEvidence, TestId
from flakelens.store.packed import Rosters, outcomes_of
from flakelens.store.results import STACK, TITLE
from flakelens.store.values import Record, derive, from_ms, opt_from_ms, to_ms
from flakelens.store.write import RECORD_COLUMNS, RUN_COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from flakelens.model import RunInfo

_EVER: Final = 2**62  # later than any moment, in ms

_TEST_COLUMNS: Final = ("id", "file", "name", "variant", "ordinal", "producer")
_OLDER_FIRST: Final = "started_at, provider, run"
_NEWER_FIRST: Final = "started_at DESC, provider DESC, run DESC"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to read; see `Store.read`."""

    branch: str | None = None
    last: int | None = None
    commit: str = ""
    run: RunKey | None = None
    step: int = 1
    until: datetime | None = None
    alongside: bool = False
    count_local: bool = False
    environment: str = ""


def read(
    connection: sqlite3.Connection, rosters: Rosters, selection: Selection, known_at: datetime | None = None
) -> Facts:
    """The facts of the selected runs, as known at `known_at` (None: now), inside the caller's snapshot.

    Raises DatabaseError for packed outcomes that cannot be unpacked.
    """
    until = _EVER if known_at is None else to_ms(known_at)
    table = "run"
    if known_at is not None and _later(connection, until):
        table = _known_runs(connection, until)
    chosen = _chosen(connection, table, selection)
    reports = _reports(connection, rosters, table, chosen, until)
    infos = _infos(connection, chosen, until)
    query = f"SELECT id, provider, run FROM {table} WHERE {_AMONG} ORDER BY {_OLDER_FIRST}"
    runs = tuple(
        RunFacts(key=RunKey(provider, run), infos=tuple(infos[key]), reports=tuple(reports.get(key, ())))
        for key, provider, run in connection.execute(query.format(column="id"), (chosen,))
    )
    known = None if table == "run" else _tests_known(connection, rosters, until)
    renames = connection.execute(
        "SELECT old, new, commit_sha FROM rename WHERE known_since <= ? ORDER BY old, new, commit_sha", (until,)
    )
    return Facts(
        runs=runs,
        tests=_tests(connection, until, known),
        renames=tuple(Rename(*row) for row in renames),
    )


_AMONG: Final = "{column} IN (SELECT value FROM json_each(?))"


def _later(connection: sqlite3.Connection, until: int) -> bool:
    """Whether the store has learned anything about runs after `until` (ms)."""
    query = """
    SELECT EXISTS (SELECT 1 FROM report WHERE ingested_at > ?) OR EXISTS (SELECT 1 FROM attempt WHERE known_since > ?)
    """
    return bool(connection.execute(query, (until, until)).fetchone()[0])


def _known_runs(connection: sqlite3.Connection, until: int) -> str:
    """A temporary table like `run` with what was known at `until`: late attempts change a run's cached columns."""
    records: dict[int, list[Record]] = {}
    first: dict[int, int] = {}
    query = f"SELECT run, known_since, {RECORD_COLUMNS} FROM attempt WHERE known_since <= ?"
    for run, since, *values in connection.execute(query, (until,)):
        records.setdefault(run, []).append(Record(*values))
        first[run] = min(since, first.get(run, since))
    query = "SELECT run, min(started_at) FROM report WHERE ingested_at <= ? AND started_at IS NOT NULL GROUP BY run"
    starts = dict(connection.execute(query, (until,)))
    connection.execute("DROP TABLE IF EXISTS temp.known_run")
    connection.execute(f"CREATE TEMP TABLE known_run (id INTEGER PRIMARY KEY, provider, run, {RUN_COLUMNS})")
    rows = []
    for key, provider, run in connection.execute("SELECT id, provider, run FROM run").fetchall():
        if key in records:
            derived = derive(records[key], [starts[key]] if key in starts else [], first[key])
            rows.append((key, provider, run, *derived))
    connection.executemany("INSERT INTO known_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return "temp.known_run"


def _chosen(connection: sqlite3.Connection, table: str, selection: Selection) -> str:
    """The ids of the selected runs, as a JSON list."""
    where, values = "environment = ?", [selection.environment]
    if selection.branch is not None:
        where += " AND branch = ? AND counted"
        values.append(selection.branch)
        if not selection.count_local:
            where += " AND NOT local"
    limit = -1 if selection.last is None else selection.last + _extra(connection, table, selection, where, values)
    query = f"SELECT id, started_at FROM {table} WHERE {where} ORDER BY {_NEWER_FIRST} LIMIT ?"
    window = connection.execute(query, (*values, limit)).fetchall()
    chosen = {key for key, _ in window}
    if selection.alongside and window:
        query = f"SELECT id FROM {table} WHERE environment = ? AND started_at >= ?"
        chosen |= {key for (key,) in connection.execute(query, (selection.environment, window[-1][1]))}
    if selection.commit:
        # The first digits of a commit are enough; "g" is the first letter that no hex digit reaches.
        query = f"SELECT id FROM {table} WHERE commit_sha >= ?1 AND commit_sha < ?1 || 'g' AND environment = ?2"
        chosen |= {key for (key,) in connection.execute(query, (selection.commit, selection.environment))}
    if selection.run is not None:
        query = f"SELECT id FROM {table} WHERE provider = ? AND run = ?"
        chosen |= {key for (key,) in connection.execute(query, tuple(selection.run))}
    return json.dumps(sorted(chosen))


def _extra(connection: sqlite3.Connection, table: str, selection: Selection, where: str, values: list[str]) -> int:
    """Runs to read beyond `last`: down to the last multiple of `step`, and those that start after `until`."""
    until = _EVER if selection.until is None else to_ms(selection.until)
    query = f"SELECT count(*), coalesce(sum(started_at > ?), 0) FROM {table} WHERE {where}"
    every, later = connection.execute(query, (until, *values)).fetchone()
    return int((every - later) % selection.step + later)


def _reports(
    connection: sqlite3.Connection, rosters: Rosters, table: str, chosen: str, until: int
) -> dict[int, list[ReportFacts]]:
    """The reports of the chosen runs by run id; sorted by what they say, so that ids do not show."""
    among = _AMONG.format(column="report.run")
    query = f"""
    SELECT report.id, report.run, attempt.number, job, shard, name, sha256, producer, declared, shown, partial, damaged,
      load_failures, report.started_at, seconds, ingested_at, roster, outcomes
    FROM report JOIN attempt ON attempt.id = report.attempt LEFT JOIN packed ON packed.report = report.id
    WHERE {among} AND ingested_at <= ?
    ORDER BY report.run, attempt.number, job, shard, name, sha256
    """
    rows = connection.execute(query, (chosen, until)).fetchall()
    rosters.load(connection, {row[16] for row in rows if row[16] is not None})
    elsewhere = _elsewhere(connection, table, chosen, until)
    found: dict[int, list[ReportFacts]] = {}
    for row in rows:
        tests = _NO_TESTS if row[16] is None else rosters[row[16]]
        report = ReportFacts(
            key=row[0],
            attempt=row[2],
            job=row[3],
            shard=row[4],
            name=row[5],
            sha256=row[6].hex(),
            producer=row[7],
            declared=RetryEvidence(row[8]) if row[8] else None,
            shown=RetryEvidence(row[9]) if row[9] else None,
            partial=bool(row[10]),
            damaged=bool(row[11]),
            load_failures=() if row[12] == "[]" else tuple(json.loads(row[12])),
            started_at=opt_from_ms(row[13]),
            seconds=row[14],
            ingested_at=from_ms(row[15]),
            earlier_elsewhere=row[0] in elsewhere,
            tests=tests,
            outcomes=_NO_OUTCOMES if row[16] is None else outcomes_of(row[0], row[17], len(tests)),
        )
        found.setdefault(row[1], []).append(report)
    return found


_NO_TESTS: Final = np.empty(0, np.int32)
_NO_OUTCOMES: Final = np.empty(0, np.int8)


def _elsewhere(connection: sqlite3.Connection, table: str, chosen: str, until: int) -> set[int]:
    """The reports of the chosen runs whose bytes a run that started earlier holds as well."""
    among = _AMONG.format(column="here.run")
    query = f"""
    SELECT here.id FROM report AS here
    JOIN report AS there ON there.sha256 = here.sha256 AND there.run <> here.run AND there.ingested_at <= ?
    JOIN {table} AS this_run ON this_run.id = here.run JOIN {table} AS that_run ON that_run.id = there.run
    WHERE {among} AND (that_run.started_at, that_run.provider, that_run.run)
      < (this_run.started_at, this_run.provider, this_run.run)
    """
    return {key for (key,) in connection.execute(query, (until, chosen))}


def _infos(connection: sqlite3.Connection, chosen: str, until: int) -> dict[int, list[RunInfo]]:
    among = _AMONG.format(column="attempt.run")
    columns = ", ".join(f"attempt.{column}" for column in RECORD_COLUMNS.split(", "))
    query = f"""
    SELECT attempt.run, provider, run.run, {columns} FROM attempt JOIN run ON run.id = attempt.run
    WHERE {among} AND known_since <= ? ORDER BY attempt.number, attempt.hash
    """
    found: dict[int, list[RunInfo]] = {}
    for key, provider, run, *values in connection.execute(query, (chosen, until)):
        found.setdefault(key, []).append(Record(*values).info(provider, run))
    return found


def _tests(connection: sqlite3.Connection, until: int, known: set[int] | None) -> tuple[TestFacts, ...]:
    """Every test of the store, or those in `known`, with the newest file that was found for each."""
    files: dict[int, dict[int, str]] = {TITLE: {}, STACK: {}}
    query = "SELECT kind, test, file FROM test_file WHERE known_since <= ? ORDER BY first_seen_at, file"
    for kind, test, file in connection.execute(query, (until,)):
        files[kind][test] = file  # the newest comes last and holds
    keys, *columns = _columns_of_tests(connection)
    ids = made(TestId, zip(*columns[:3], strict=True))
    hints = ([found.get(key, "") for key in keys] if found else repeat("") for found in (files[TITLE], files[STACK]))
    tests = made(TestFacts, zip(keys, ids, *columns[3:], *hints, strict=False))
    return tuple(tests) if known is None else tuple(test for test in tests if test.key in known)


def _columns_of_tests(
    connection: sqlite3.Connection,
) -> tuple[list[int], list[str], list[str], list[str], list[int], list[str]]:
    """(key, file, name, variant, ordinal, producer) of every test, a list each, by key.

    All in one row: a row for each of thousands of tests is half of what reading them costs. Without an index SQLite
    goes through the table as it lies, by key.
    """
    lists = ", ".join(f"json_group_array({column})" for column in _TEST_COLUMNS)
    row = connection.execute(f"SELECT {lists} FROM test NOT INDEXED").fetchone()
    try:
        keys, ordinals = (msgspec.json.decode(row[place], type=list[int]) for place in (0, 4))
        file, name, variant, producer = (msgspec.json.decode(row[place], type=list[str]) for place in (1, 2, 3, 5))
    except msgspec.DecodeError as error:  # a damaged row, in which a column is not what its table says
        raise ValueError(f"table test: {error}") from error
    return keys, file, name, variant, ordinals, producer


def _tests_known(connection: sqlite3.Connection, rosters: Rosters, until: int) -> set[int]:
    """The tests of all reports ingested until then."""
    query = "SELECT DISTINCT roster FROM packed JOIN report ON report.id = packed.report WHERE ingested_at <= ?"
    ids = {key for (key,) in connection.execute(query, (until,))}
    rosters.load(connection, ids)
    return set(np.unique(np.concatenate([_NO_TESTS, *(rosters[key] for key in ids)])).tolist())
