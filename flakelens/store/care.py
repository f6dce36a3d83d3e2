"""Looking after the file: what is in it, taking old runs out, copying it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.errors import DatabaseError
from flakelens.store import sums
from flakelens.store.connection import transaction, translated
from flakelens.store.derived import from_results, rebuild_sums
from flakelens.store.values import opt_from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

_COUNTED: Final = (
    "run",
    "attempt",
    "report",
    "test",
    "message",
    "result",
    "problem",
    "verdict",
    "rename",
    "pruned_run",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """What is in a database: `rows` and `table_bytes` by table name (indexes count for their table)."""

    schema: int  # number of schema steps
    rows: Mapping[str, int]
    table_bytes: Mapping[str, int]  # empty where SQLite was built without dbstat
    size: int  # bytes of the file, without its log
    first_run: datetime | None  # UTC, start of the oldest run
    last_run: datetime | None
    branches: Mapping[str, int]  # runs per branch; "" for unknown


class Extent(NamedTuple):
    """How large the database is and how fast it grows."""

    size: int  # bytes of the file, without its log
    runs: int
    lately: int  # runs that started in the last `days` days
    days: int


def extent(connection: sqlite3.Connection, until: datetime, days: int = 30) -> Extent:
    """Inside the caller's snapshot; reads the table of runs alone. `lately` are those up to `until`."""
    pages, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    newest = to_ms(until)
    query = "SELECT count(*), count(*) FILTER (WHERE started_at BETWEEN ? AND ?) FROM run"
    runs, lately = connection.execute(query, (newest - days * 86_400_000, newest)).fetchone()
    return Extent(pages * page, runs, lately, days)


def info(connection: sqlite3.Connection) -> StoreInfo:
    """Inside the caller's snapshot; reads the whole file."""
    rows = {table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in _COUNTED}
    per_table = """
    SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name ORDER BY tbl_name
    """
    try:
        table_bytes = dict(connection.execute(per_table))
    except sqlite3.OperationalError:  # no dbstat in this SQLite
        table_bytes = {}
    first, last = connection.execute("SELECT min(started_at), max(started_at) FROM run").fetchone()
    pages, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return StoreInfo(
        schema=int(connection.execute("PRAGMA user_version").fetchone()[0]),
        rows=rows,
        table_bytes=table_bytes,
        size=pages * page,
        first_run=opt_from_ms(first),
        last_run=opt_from_ms(last),
        branches=branches(connection),
    )


def branches(connection: sqlite3.Connection) -> dict[str, int]:
    """How many runs each branch has, the most first; CI runs only, checks of an environment left out."""
    query = "SELECT branch, count(*) FROM run WHERE environment = '' GROUP BY branch ORDER BY 2 DESC, 1"
    return dict(connection.execute(query))


def prune(connection: sqlite3.Connection, keep_runs: int | None, older_than: datetime | None) -> int:
    """Take whole runs out, oldest first, and return how many; see `Store.prune`."""
    if keep_runs is None and older_than is None:
        raise ValueError("prune needs keep_runs or older_than")
    # Rows are deleted children first. Left on, SQLite would look for the results of every deleted message, and an
    # index only for that would cost each result some bytes.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        with transaction(connection):
            runs = _oldest(connection, keep_runs, older_than)
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


def _oldest(connection: sqlite3.Connection, keep_runs: int | None, older_than: datetime | None) -> list[int]:
    query = "SELECT id, started_at FROM run ORDER BY started_at DESC, provider DESC, run DESC"
    newest_first = connection.execute(query).fetchall()
    limit = len(newest_first) if keep_runs is None else keep_runs
    before = 0 if older_than is None else to_ms(older_than)
    return [key for place, (key, start) in enumerate(newest_first) if place >= limit or start < before][::-1]


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
    """Give the room back to the disk; where a reader or a full disk is in the way, SQLite uses it for the next runs."""
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL")):
            raise


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
