"""Reports that are there already: what of them a call needs that brings the same bytes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flakelens.model import ParsedReport, RetryEvidence
from flakelens.store.values import clean, opt_from_ms

if TYPE_CHECKING:
    import sqlite3

# Whole, with results and without a problem: all else is parsed again, so that what is wrong with it is said again.
_WHOLE: Final = """
SELECT sha256, report.name, size, producer, shown, report.started_at, seconds
FROM report JOIN run ON run.id = report.run
WHERE run.provider = ? AND run.run = ? AND ingested_at <= ? AND NOT damaged AND load_failures = '[]'
  AND NOT EXISTS (SELECT 1 FROM problem WHERE problem.run = report.run AND problem.report = report.id)
  AND EXISTS (SELECT 1 FROM result WHERE result.report = report.id)
"""
_NAMING_FILES: Final = """
  AND NOT EXISTS (SELECT 1 FROM result JOIN test ON test.id = result.test
                  WHERE result.report = report.id AND test.file = '')
"""


def reports(
    connection: sqlite3.Connection, provider: str, run: str, until: int, *, with_files: bool
) -> dict[str, ParsedReport]:
    """See `Store.known_reports`; `until` in ms."""
    key = clean(provider), clean(run), until
    query = _WHOLE + (_NAMING_FILES if with_files else "")
    found = {}
    for sha256, name, size, producer, shown, start, seconds in connection.execute(query, key):
        found[sha256.hex()] = ParsedReport(
            name=name,
            sha256=sha256.hex(),
            size=size,
            producer=producer,
            started_at=opt_from_ms(start),
            seconds=seconds,
            retry_evidence=RetryEvidence(shown) if shown else None,
            stored=True,
        )
    return found
