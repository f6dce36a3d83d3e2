"""A damaged local database: put aside whole, never deleted, and a new one made in its place.

The database is a cache of the shared history, so that a pull can bring all of it back but what was never pushed.
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flakelens.errors import DamagedError, DatabaseError
from flakelens.store import open_store

if TYPE_CHECKING:
    from flakelens.store import Store

MOST_CHECKED: Final = 512 << 20  # bytes of a database that every pull reads through
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
_HEAD: Final = 4 << 20


def open_sound(path: Path) -> tuple[Store, Path | None]:
    """The database at `path`, made where there is none; and where a damaged one was put, None if it was sound.

    Raises DatabaseError for what is not damage: somebody else's file, a newer schema, no permission.
    """
    try:
        store = open_store(path, create=True)
        try:
            if path.stat().st_size <= MOST_CHECKED:
                store.quick_check()
        except BaseException:
            store.close()
            raise
    except DamagedError:
        aside = put_aside(path)
    except DatabaseError:
        if not _was_ours(path):
            raise
        aside = put_aside(path)
    else:
        return store, None
    return open_store(path, create=True), aside


def put_aside(path: Path) -> Path:
    """Rename the database and what SQLite keeps beside it to `*.damaged-1`, or the next number that is free."""
    for number in count(1):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            break
    for ending in _BESIDE:
        beside = path.with_name(path.name + ending)
        if beside.exists():
            os.replace(beside, aside.with_name(aside.name + ending))  # noqa: PTH105 - the pair reads better
    return aside


def _was_ours(path: Path) -> bool:
    """Does a file that SQLite does not know any more hold our tables? Then its beginning was overwritten."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return not head.startswith(b"SQLite format 3\0") and all(
        f"CREATE TABLE {table} (".encode() in head for table in ("roster", "packed", "test_sum")
    )
