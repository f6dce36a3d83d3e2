"""Opening the database: whose file it is, which version, how long to wait, and what an SQLite error means to a person.

Write-ahead log, so that readers never block on the writer. `synchronous = NORMAL`: a killed process loses nothing and
a power cut cannot damage the file; it may lose the last calls, which can be ingested again, and a run costs no fsync.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flakelens.errors import DamagedError, DatabaseError
from flakelens.store.schema import APPLICATION_ID, MIGRATION_SET, MIGRATIONS_TABLE, STEPS, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE: Final = 60.0  # seconds that a writer waits for another one

_MAGIC: Final = b"SQLite format 3\0"
_RESTORE = (
    "Restore a backup (`flakelens db backup` makes them), or move the file away and ingest again"
    " (or `flakelens sync pull`)."
)
_NOT_OURS = "Give another file with --db or FLAKELENS_DB; flakelens has not touched this one."


def exists(path: Path) -> bool:
    """Whether there is a database at `path`. An empty file counts as none: it is what a killed first call leaves."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def connect(path: Path, *, create: bool, read_only: bool, patience: float = PATIENCE) -> sqlite3.Connection:
    """Open `path`, made or brought up to this version where that is needed and allowed. Seconds of `patience`.

    Raises DatabaseError: missing without `create`, not a database, damaged, somebody else's, made by a newer
    flakelens, or not accessible. In none of these cases is the file changed.
    """
    if not exists(path) and not create:
        raise DatabaseError(f"There is no database at {path}.", mend="Run `flakelens ingest` first, or give --db.")
    if path.is_dir():
        raise DatabaseError(
            f"{path} is a folder, and this needs a database.",
            mend="gate and tests read a lake of Parquet files; flakelens --db NEW.db db merge LAKE brings it into one.",
        )
    _refuse_other_files(path)
    with translated(path):
        connection = _read_only(path, patience) if read_only else _writable(path, patience, create=create)
        try:
            version = _version(connection, path)
            if version < len(STEPS):
                if read_only:  # the schema must be changed first, by a connection that may
                    connection.close()
                    connect(path, create=False, read_only=False, patience=patience).close()
                    return connect(path, create=False, read_only=True, patience=patience)
                _bring_up(connection, path)
            if not read_only:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection


def in_memory() -> sqlite3.Connection:
    """A database of this version that is no file and ends with its connection."""
    connection = _configured(":memory:", PATIENCE)
    with transaction(connection):
        _make(connection)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    return connection


def _refuse_other_files(path: Path) -> None:
    """SQLite would take a file shorter than a page for an empty database and write over it."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError:
        return  # missing, or not readable: SQLite will say so
    if head and head != _MAGIC:
        raise DatabaseError(f"{path} is not an SQLite database.", mend=_NOT_OURS)


def _writable(path: Path, patience: float, *, create: bool) -> sqlite3.Connection:
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"The folder {path.parent} cannot be made: {error.strerror}.", mend="Give another file with --db."
            ) from None
    return _configured(f"{_uri(path)}?mode={'rwc' if create else 'rw'}", patience)


def _read_only(path: Path, patience: float) -> sqlite3.Connection:
    connection = _configured(f"{_uri(path)}?mode=ro", patience)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        # In a folder where SQLite may not make its "-shm" file, a database whose log is empty can still be read.
        refused = error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))
        log = path.with_name(path.name + "-wal")
        if not refused or not exists(path) or exists(log):
            raise
        return _configured(f"{_uri(path)}?mode=ro&immutable=1", patience)
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path) -> str:
    return path.absolute().as_uri()


def _configured(uri: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, cached_statements=256)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """How many steps of the schema the file has. 0 for a file without tables; refuses what is not ours or too new."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        if application or version or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise DatabaseError(f"{path} is an SQLite database, but not one of flakelens.", mend=_NOT_OURS)
        return 0
    if version > len(STEPS):
        raise DatabaseError(
            f"{path} was made by a newer flakelens (schema {version}, this one knows {len(STEPS)}).",
            mend="Install the newer flakelens. The file has not been touched.",
        )
    return int(version)


def _bring_up(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, or add the steps that an older one lacks. One transaction: whole or absent."""
    _write_ahead(connection)
    with transaction(connection):
        version = _version(connection, path)  # again: another process may have been faster
        if version == 0:
            _make(connection)
        elif version < len(STEPS):
            _migrate(connection)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait here when two processes make the same file: we do."""
    for pause in (0.01, 0.05, 0.2, 0.5, 1.0, 2.0):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            time.sleep(pause)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _make(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in MIGRATIONS_TABLE:
        connection.execute(statement)
    for step in STEPS:
        for statement in statements(step.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES (?, ?, strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'))",
            (MIGRATION_SET, step.name),
        )


def _migrate(connection: sqlite3.Connection) -> None:
    import sqlite_utils  # half a second where pandas is installed: only when something must be migrated

    migrations = sqlite_utils.Migrations(MIGRATION_SET)
    for step in STEPS:

        def apply(db: sqlite_utils.Database, sql: str = step.sql) -> None:
            for statement in statements(sql):
                db.conn.execute(statement)

        migrations(name=step.name)(apply)
    migrations.apply(sqlite_utils.Database(connection))


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything inside lands whole or not at all. Takes the write lock at once, so that two writers queue."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()  # does nothing where SQLite has done it already
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Every question inside is answered from one state of the database, whatever a writer does meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()  # nothing was written; does nothing where SQLite has ended the transaction itself


def damaged(path: Path, what: object) -> DamagedError:
    """The error for a file whose content cannot be what was written."""
    return DamagedError(f"{path} is damaged: {what}.", mend=_RESTORE)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as DatabaseError: one clear sentence and the mend. Errors of ours in SQL stay what they are."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")  # absent where the Python module itself raised it
        for prefixes, sentence, mend in _MEANINGS:
            if name.startswith(prefixes):
                kind = DamagedError if mend is _RESTORE else DatabaseError
                raise kind(sentence.format(path=path, error=error), mend=mend) from error
        if any(sign in str(error) for sign in _SIGNS_OF_DAMAGE):
            raise damaged(path, error) from error
        raise
    except zlib.error as error:
        raise damaged(path, f"a text cannot be unpacked: {error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:  # SQLite's own tables, or a text of ours
        raise damaged(path, f"a text cannot be read: {error}") from error


# Said by SQLite or its module without an error code of its own: the schema or a text is not what it was.
_SIGNS_OF_DAMAGE: Final = (
    "no such table",
    "no such column",
    "malformed database schema",
    "Could not decode to UTF-8",
    "JSON cannot hold BLOB values",  # in a column of texts or numbers
)

_MEANINGS: Final = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED"),
        "Another process has been writing to {path} for too long; nothing of this call was written.",
        "Wait for the other flakelens (`db prune` and `db rebuild` take longest) or end it, then run this again.",
    ),
    (("SQLITE_NOTADB",), "{path} is not an SQLite database.", _NOT_OURS),
    (("SQLITE_CORRUPT", "SQLITE_FORMAT"), "{path} is damaged: {error}.", _RESTORE),
    (
        ("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"),
        "{path} cannot be written: {error}.",
        "Make the file and its folder writable, or give another file with --db.",
    ),
    (
        ("SQLITE_CANTOPEN",),
        "{path} cannot be opened: {error}.",
        "See that the file and its folder exist and may be read (and written, to ingest), or give another with --db.",
    ),
    (("SQLITE_FULL",), "{path} cannot grow: {error}.", "Make room on the disk, then run this again; nothing is lost."),
    (("SQLITE_IOERR",), "{path} cannot be read or written: {error}.", "Check the disk, then run this again."),
)
