"""Sums per test: kept with every report, moved aside when a run is pruned, read without touching any result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.store import bulk
from flakelens.store.values import opt_from_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

_COLUMNS: Final = "test, passed, flaky, failed, skipped, timed, ms, first_at, last_at"


_ADD: Final = """
    ON CONFLICT (test) DO UPDATE SET
      passed = passed + excluded.passed, flaky = flaky + excluded.flaky, failed = failed + excluded.failed,
      skipped = skipped + excluded.skipped, timed = timed + excluded.timed, ms = ms + excluded.ms,
      first_at = coalesce(min(first_at, excluded.first_at), first_at, excluded.first_at),
      last_at = coalesce(max(last_at, excluded.last_at), last_at, excluded.last_at)
"""

COUNTED: Final = (1, 2, 3, 4)  # Outcome codes in the order of their columns; NONE is no outcome of a case
# What one test in one report adds for each Outcome code: passed, flaky, failed, skipped.
ONE: Final = {1: (1, 0, 0, 0), 2: (0, 1, 0, 0), 3: (0, 0, 1, 0), 4: (0, 0, 0, 1)}

SumRow = tuple[int, int, int, int, int, int, int, int | None, int | None]


class Totals(NamedTuple):
    """What is known of one test over all time, pruned runs included; a test in two reports of a run counts twice."""

    test: int  # TestFacts.key
    passed: int
    flaky: int
    failed: int  # failed or errored
    skipped: int
    timed: int  # attempts whose duration is known
    seconds: float  # sum of these durations
    first_at: datetime | None  # earliest time stamp of a report with it, UTC; None if none has one
    last_at: datetime | None


def add(connection: sqlite3.Connection, rows: Iterable[SumRow], *, table: str = "test_sum") -> None:
    """Add rows to the sums of `table`, "test_sum" or "pruned_sum"."""
    bulk.insert(connection, f"{table} ({_COLUMNS})", rows, _ADD)


def totals(connection: sqlite3.Connection) -> dict[int, Totals]:
    """The sums of every test that ever had a result, by test key."""
    query = """
    SELECT test, sum(passed), sum(flaky), sum(failed), sum(skipped), sum(timed), sum(ms), min(first_at), max(last_at)
    FROM (SELECT * FROM test_sum UNION ALL SELECT * FROM pruned_sum) GROUP BY test ORDER BY test
    """
    return {
        test: Totals(test, passed, flaky, failed, skipped, timed, ms / 1000, opt_from_ms(first), opt_from_ms(last))
        for test, passed, flaky, failed, skipped, timed, ms, first, last in connection.execute(query)
    }
