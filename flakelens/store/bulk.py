"""Many rows into one table: some dozens in a statement, for a statement per row costs twice as much."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_AT_ONCE: Final = 50  # more gain nothing


def insert(connection: sqlite3.Connection, into: str, rows: Iterable[tuple[object, ...]], then: str = "") -> None:
    """`INSERT INTO {into} VALUES ..` of all `rows`, each as wide as the columns that `into` names, in their order.

    `then` follows the rows: an ON CONFLICT clause, which sees them one after the other.
    """
    width = into.count(",") + 1
    flat = list(chain.from_iterable(rows))
    step = width * _AT_ONCE
    whole = len(flat) // step * step
    blocks = (flat[start : start + step] for start in range(0, whole, step))
    connection.executemany(_statement(into, width, _AT_ONCE, then), blocks)
    rest = (flat[start : start + width] for start in range(whole, len(flat), width))
    connection.executemany(_statement(into, width, 1, then), rest)


@lru_cache
def _statement(into: str, width: int, rows: int, then: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} {then}"
