"""Opening the database of a command. A missing one is an empty history, not an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flakelens.store import Store


@contextmanager
def if_there(path: Path) -> Iterator[Store | None]:
    """The database for reading, None where there is none yet. Raises DatabaseError for a damaged one."""
    from flakelens.store import exists, open_store

    if not exists(path):
        yield None
        return
    with open_store(path, read_only=True) as store:
        yield store
