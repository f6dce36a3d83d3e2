"""Looking after the file: what is in it, taking old runs out, copying it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from flakelens.errors import DatabaseError, UsageError
from flakelens.store import sums
from flakelens.store.connection import transaction, translated
from flakelens.store.derived import from_results, rebuild_sums
from flakelens.store.values import from_ms, opt_from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

FACTS: Final = (
    "run",
    "attempt",
    "report",
    "test",
    "test_file",
    "message",
    "result",
    "problem",
    "verdict",
    "active",
    "rename",
    "pruned_run",
    "pruned_sum",
    "pack",
    "shared",
)
DERIVED: Final = ("packed", "roster", "test_sum", "fitted")  # `db rebuild` makes them again
_READERS_END: Final = 1000  # ms in which most readers are done
_OF_RESULTS: Final = ("result", "message", "packed")  # what grows with every result


class Room(msgspec.Struct, frozen=True):
    """How much of the database some runs are."""

    runs: int
    results: int
    size: int  # bytes, about: their share of what grows with results, by the number of these


class StoreInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a database. `table_bytes`, with the indexes of each table, `free` and `other` add up to `size`."""

    schema: int  # number of schema steps
    rows: Mapping[str, int]  # by table
    table_bytes: Mapping[str, int]  # by table, indexes included; empty where SQLite was built without dbstat
    index_bytes: Mapping[str, int]  # by table: what of it indexes are
    free: int  # bytes of empty pages, which the next runs fill
    other: int  # bytes of SQLite's own: the schema
    size: int  # bytes of the file, without its log
    first_run: datetime | None  # UTC, start of the oldest run
    last_run: datetime | None
    branches: Mapping[str, int]  # CI runs per branch; "" for unknown
    by_branch: Mapping[str, Room]  # of all runs, the largest first; "" for unknown
    by_month: Mapping[str, Room]  # "2026-11".. of the runs' starts, UTC, the oldest first
    before: Room  # runs that started before the moment asked for


class Extent(msgspec.Struct, frozen=True):
    """How large the database is and how fast it grows."""

    size: int  # bytes of the file, without its log
    runs: int
    lately: int  # runs that started in the last `days` days
    days: int


def extent(connection: sqlite3.Connection, until: datetime, days: int = 30) -> Extent:
    """Inside the caller's snapshot; reads the table of runs alone. `lately` are those up to `until`."""
    newest = to_ms(until)
    query = "SELECT count(*), count(*) FILTER (WHERE started_at BETWEEN ? AND ?) FROM run"
    runs, lately = connection.execute(query, (newest - days * 86_400_000, newest)).fetchone()
    return Extent(_size(connection), runs, lately, days)


def _free(connection: sqlite3.Connection) -> int:
    """Bytes of empty pages."""
    return _pragma(connection, "freelist_count") * _pragma(connection, "page_size")


def _size(connection: sqlite3.Connection) -> int:
    return _pragma(connection, "page_count") * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def info(connection: sqlite3.Connection, before: datetime) -> StoreInfo:
    """Inside the caller's snapshot; reads the whole file."""
    rows = {table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in FACTS + DERIVED}
    per_tree = """
    SELECT tbl_name, type, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name, type
    """
    table_bytes: dict[str, int] = {}
    index_bytes: dict[str, int] = {}
    try:
        for table, kind, size in connection.execute(per_tree).fetchall():
            table_bytes[table] = table_bytes.get(table, 0) + size
            if kind == "index":
                index_bytes[table] = size
    except sqlite3.OperationalError:  # no dbstat in this SQLite
        table_bytes.clear()
    first, last = connection.execute("SELECT min(started_at), max(started_at) FROM run").fetchone()
    size, free = _size(connection), _free(connection)
    each = sum(table_bytes.get(table, 0) for table in _OF_RESULTS) / max(1, rows["result"])
    by_branch, by_month, old = _rooms(connection, to_ms(before), each)
    return StoreInfo(
        schema=int(connection.execute("PRAGMA user_version").fetchone()[0]),
        rows=rows,
        table_bytes=table_bytes,
        index_bytes=index_bytes,
        free=free,
        other=size - free - sum(table_bytes.values()) if table_bytes else 0,
        size=size,
        first_run=opt_from_ms(first),
        last_run=opt_from_ms(last),
        branches=branches(connection),
        by_branch=by_branch,
        by_month=by_month,
        before=old,
    )


def _rooms(connection: sqlite3.Connection, before: int, each: float) -> tuple[dict[str, Room], dict[str, Room], Room]:
    """Runs and results by branch and by month, and of runs before a moment (ms); `each`: bytes of a result."""
    query = """
    SELECT branch, strftime('%Y-%m', started_at / 1000, 'unixepoch'), started_at < ?, count(*), sum(results)
    FROM (SELECT run.id, branch, run.started_at AS started_at, coalesce(sum(held), 0) AS results FROM run
          LEFT JOIN report ON report.run = run.id
          LEFT JOIN (SELECT report, count(*) AS held FROM result GROUP BY report) AS counted
            ON counted.report = report.id
          GROUP BY run.id)
    GROUP BY 1, 2, 3
    """
    branch_counts: dict[str, list[int]] = {}
    month_counts: dict[str, list[int]] = {}
    old = [0, 0]
    for branch, month, is_old, runs, results in connection.execute(query, (before,)):
        into = [branch_counts.setdefault(branch, [0, 0]), month_counts.setdefault(month, [0, 0])]
        for counts in [*into, old] if is_old else into:
            counts[0] += runs
            counts[1] += results

    def room(counts: list[int]) -> Room:
        return Room(counts[0], counts[1], round(counts[1] * each))

    largest = sorted(branch_counts, key=lambda name: (-branch_counts[name][1], name))
    return (
        {name: room(branch_counts[name]) for name in largest},
        {month: room(month_counts[month]) for month in sorted(month_counts)},
        room(old),
    )


def branches(connection: sqlite3.Connection) -> dict[str, int]:
    """How many runs each branch has, the most first; CI runs only, checks of an environment left out."""
    query = "SELECT branch, count(*) FROM run WHERE environment = '' GROUP BY branch ORDER BY 2 DESC, 1"
    return dict(connection.execute(query))


class Keep(msgspec.Struct, frozen=True):
    """What `prune` leaves. A run stays that `runs` or `since` keeps; whatever they say, none from before `not_before`.

    Where neither `runs` nor `since` is given, all later ones stay.
    """

    runs: int | None = None  # the newest so many
    since: datetime | None = None  # those that started then or later
    not_before: datetime | None = None


def prune(connection: sqlite3.Connection, keep: Keep) -> int:
    """Take whole runs out, oldest first, and return how many; see `Store.prune`."""
    if keep == Keep():
        raise ValueError("prune needs to know what to keep")
    # Rows are deleted children first. Left on, SQLite would look for the results of every deleted message, and an
    # index only for that would cost each result some bytes.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        with transaction(connection):
            runs = _oldest(connection, keep)
            _leave_something(connection, runs)
            for run in runs:
                _take_out(connection, run)
            if runs:
                connection.execute(
                    "DELETE FROM message WHERE root IS NOT NULL"  # what others build on stays: one for each type
                    " AND id NOT IN (SELECT message FROM result WHERE message IS NOT NULL)"
                )
                connection.execute("DELETE FROM roster WHERE id NOT IN (SELECT roster FROM packed)")
                rebuild_sums(connection)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")
    if runs:
        _shrink(connection)
    return len(runs)


def _oldest(connection: sqlite3.Connection, keep: Keep) -> list[int]:
    query = "SELECT id, started_at FROM run ORDER BY started_at DESC, provider DESC, run DESC"
    newest_first = connection.execute(query).fetchall()
    all_stay = keep.runs is None and keep.since is None
    most = 0 if keep.runs is None else keep.runs
    since = None if keep.since is None else to_ms(keep.since)
    earliest = 0 if keep.not_before is None else to_ms(keep.not_before)
    gone = []
    for place, (key, start) in enumerate(newest_first):
        kept = all_stay or place < most or (since is not None and start >= since)
        if not kept or start < earliest:
            gone.append(key)
    return gone[::-1]


def _leave_something(connection: sqlite3.Connection, runs: list[int]) -> None:
    """A nightly `--keep-days` after a long pause must not end a history. Raises UsageError."""
    stored, newest = connection.execute("SELECT count(*), max(started_at) FROM run").fetchone()
    if runs and len(runs) == stored:
        raise UsageError(
            f"That would remove every run: the newest is of {from_ms(newest):%Y-%m-%d}.",
            mend="Nothing was removed. Keep more days, or add --keep-runs N; to begin anew, delete the file.",
        )


def _take_out(connection: sqlite3.Connection, run: int) -> None:
    for packed in from_results(connection, run):
        sums.add(connection, packed.sums, table="pruned_sum")
    connection.execute(
        "INSERT INTO pruned_run SELECT provider, run, started_at FROM run WHERE id = ?"
        " ON CONFLICT (provider, run) DO UPDATE SET started_at = excluded.started_at",
        (run,),
    )
    for table in ("result", "packed"):
        connection.execute(f"DELETE FROM {table} WHERE report IN (SELECT id FROM report WHERE run = ?)", (run,))
    for table in ("problem", "report", "attempt"):
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
    connection.execute("DELETE FROM run WHERE id = ?", (run,))


def _shrink(connection: sqlite3.Connection) -> None:
    """Give the room back to the disk; where a full disk is in the way, SQLite uses it for the next runs.

    While somebody reads, the smaller file waits in the log: no use to wait for a reader as for a writer.
    """
    patience = _pragma(connection, "busy_timeout")
    try:
        connection.execute("VACUUM")
        connection.execute(f"PRAGMA busy_timeout = {_READERS_END}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL")):
            raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


def backup(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database as it is now to `target`, whole or not at all; see `Store.backup`."""
    if target.exists():
        raise DatabaseError(f"{target} exists already.", mend="Name a file that does not exist yet.")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with translated(part), closing(sqlite3.connect(part)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself
        part.replace(target)
    except OSError as error:
        raise DatabaseError(
            f"The backup {target} cannot be written: {error.strerror}.",
            mend="Name a file in a folder you may write to.",
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
