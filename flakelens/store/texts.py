"""What failures said, and what was odd: the texts that are read on demand, never for statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from flakelens.model import Problem, ProblemCode, Status
from flakelens.store.wording import Wording

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from flakelens.facts import RunKey


class StoredMessage(msgspec.Struct, frozen=True):
    """What one attempt of a test said."""

    report: int  # ReportFacts.key
    test: int  # TestFacts.key
    attempt: int  # 1, 2.. within the report
    status: Status
    type: str  # exception or failure type, "" where unknown
    text: str


_COLUMNS = "result.report, result.test, result.try, result.status, message.type, message.body, message.root"


def messages(
    connection: sqlite3.Connection, pairs: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], tuple[StoredMessage, ...]]:
    """What the attempts of each (report key, test key) said, first to last; a pair without a text is left out."""
    query = f"""
    SELECT {_COLUMNS} FROM result JOIN message ON message.id = result.message
    WHERE result.report = ? AND result.test = ? ORDER BY result.try
    """
    wording = Wording(connection)
    found = {}
    for pair in pairs:
        rows = connection.execute(query, pair).fetchall()
        if rows:
            found[pair] = tuple(_message(wording, row) for row in rows)
    return found


def messages_of_test(connection: sqlite3.Connection, test: int, limit: int) -> tuple[StoredMessage, ...]:
    """What the attempts of one test said, newest run first, at most `limit` of them."""
    # CROSS JOIN keeps this order of loops: runs by time, one look-up each, done when there are enough.
    query = f"""
    SELECT {_COLUMNS} FROM run
    CROSS JOIN report ON report.run = run.id
    CROSS JOIN result ON result.report = report.id AND result.test = ? AND result.message IS NOT NULL
    CROSS JOIN message ON message.id = result.message
    ORDER BY run.started_at DESC, run.id, result.report, result.try LIMIT ?
    """
    wording = Wording(connection)
    return tuple(_message(wording, row) for row in connection.execute(query, (test, limit)))


def _message(wording: Wording, row: tuple[int, int, int, int, str, bytes, int | None]) -> StoredMessage:
    return StoredMessage(row[0], row[1], row[2], Status(row[3]), row[4], wording.text(row[5], row[6]))


def problems(connection: sqlite3.Connection, keys: Iterable[RunKey] | None) -> dict[RunKey, tuple[Problem, ...]]:
    """The problems of the runs named (None: of all), each once, sorted; a run without any is left out."""
    from flakelens.facts import RunKey

    query = "SELECT DISTINCT provider, run.run, code, place, message FROM problem JOIN run ON run.id = problem.run"
    if keys is None:
        rows = connection.execute(query).fetchall()
    else:
        one = f"{query} WHERE run.provider = ? AND run.run = ?"
        rows = [row for key in dict.fromkeys(keys) for row in connection.execute(one, tuple(key))]
    found: dict[RunKey, list[Problem]] = {}
    for provider, run, code, place, message in sorted(rows):
        found.setdefault(RunKey(provider, run), []).append(Problem(ProblemCode(code), place, message))
    return {key: tuple(values) for key, values in found.items()}
