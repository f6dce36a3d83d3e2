"""The cases of a report as rows: numbers for tests and messages, results, the packed outcomes, sums and test files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.model import Outcome, Status, TestId, outcome_of
from flakelens.store import sums
from flakelens.store.packed import write_packed
from flakelens.store.values import clean, duration, opt_ms
from flakelens.store.wording import Wording

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from flakelens.model import ParsedReport

TITLE: Final = 1  # kinds of test_file
STACK: Final = 2

_FAILED: Final = int(Outcome.FAILED)
SINGLE: Final[dict[int, int]] = {status: int(outcome_of([status])) for status in Status}  # of a test tried once
_FILE_UPSERT: Final = """
INSERT INTO test_file (test, kind, file, first_seen_at, known_since) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (test, kind, file) DO UPDATE SET
  first_seen_at = min(first_seen_at, excluded.first_seen_at), known_since = min(known_since, excluded.known_since)
WHERE excluded.first_seen_at < first_seen_at OR excluded.known_since < known_since
"""
_RESULT_INSERT: Final = "INSERT INTO result (report, test, try, status, ms, message) VALUES (?, ?, ?, ?, ?, ?)"


class Counts(NamedTuple):
    """How the cases of a report ended."""

    outcomes: Counter[int]  # by Outcome code
    errored: int  # of those that failed


class CaseWriter:
    """Writes the cases of reports through one connection; remembers the numbers of tests between reports."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tests: dict[tuple[TestId, int, str], int] = {}
        self._top = 0  # highest test id that `_tests` knows
        self._wording = Wording(connection)

    def refresh(self) -> None:
        """At the start of a transaction: learn the tests that other writers have added."""
        query = "SELECT id, file, name, variant, ordinal, producer FROM test WHERE id > ?"
        for key, file, name, variant, ordinal, producer in self._connection.execute(query, (self._top,)):
            self._tests[TestId(file, name, variant), ordinal, producer] = key
            self._top = max(self._top, key)

    def forget(self) -> None:
        """After a transaction that did not land: the numbers it gave out do not exist."""
        self._tests.clear()
        self._top = 0
        self._wording.forget()

    def write(self, key: int, report: ParsedReport, ingested_ms: int, hints: Mapping[TestId, str]) -> Counts:
        """Store the cases of `report`, whose row is `key`, and count them."""
        tests = self._number(report)
        at = opt_ms(report.started_at)
        messages: dict[tuple[str, str], int] = {}
        outcomes: dict[int, int] = {}
        rows: list[tuple[int, int, int, int, int | None, int | None]] = []
        added: list[sums.SumRow] = []
        errored = 0
        for test, case in zip(tests, report.cases, strict=True):
            attempts = case.attempts
            timed = total = 0
            for number, (status, seconds, type_, text) in enumerate(attempts, 1):
                ms = duration(seconds)
                if ms is not None:
                    timed += 1
                    total += ms
                message = None
                if text or type_:
                    message = messages.get((type_, text))
                    if message is None:
                        message = messages[type_, text] = self._wording.store(type_, text)
                rows.append((key, test, number, int(status), ms, message))
            # the usual single attempt takes a short way: this runs once per result
            outcome = SINGLE[status] if len(attempts) == 1 else int(outcome_of([a.status for a in attempts]))
            errored += outcome == _FAILED and status is Status.ERRORED
            outcomes[test] = outcome
            added.append((test, *sums.ONE[outcome], timed, total, at, at))
        rows.sort()  # by the primary key: in order, the tree is filled page by page
        self._connection.executemany(_RESULT_INSERT, rows)
        write_packed(self._connection, key, outcomes)
        sums.add(self._connection, added)
        self._files(tests, report, ingested_ms, hints)
        return Counts(Counter(outcomes.values()), errored)

    def note_files(self, report: ParsedReport, ingested_ms: int, hints: Mapping[TestId, str]) -> None:
        """For a report that is already there: only what it and `hints` say of test files."""
        self._files(self._number(report), report, ingested_ms, hints)

    def _number(self, report: ParsedReport) -> list[int]:
        """The test id of each case, new tests written. Two cases with one id and ordinal become two tests."""
        known = self._tests
        fresh: list[tuple[int, str, str, str, int, str]] = []
        taken: set[int] = set()
        numbers: list[int] = []
        for case in report.cases:
            id_, ordinal, producer = case.id, case.ordinal, report.producer
            number = known.get((id_, ordinal, producer))
            if number is None:
                id_ = TestId(clean(id_.file), clean(id_.name), clean(id_.variant))
                number = known.get((id_, ordinal, producer))
            while number in taken:
                ordinal += 1
                number = known.get((id_, ordinal, producer))
            if number is None:
                self._top += 1
                number = known[id_, ordinal, producer] = self._top
                fresh.append((number, id_.file, id_.name, id_.variant, ordinal, producer))
            taken.add(number)
            numbers.append(number)
        self._connection.executemany(
            "INSERT INTO test (id, file, name, variant, ordinal, producer) VALUES (?, ?, ?, ?, ?, ?)", fresh
        )
        return numbers

    def _files(self, tests: list[int], report: ParsedReport, ingested_ms: int, hints: Mapping[TestId, str]) -> None:
        seen = ingested_ms if report.started_at is None else opt_ms(report.started_at)
        rows = [
            (test, STACK, clean(case.stack_file), seen, ingested_ms)
            for test, case in zip(tests, report.cases, strict=True)
            if case.stack_file
        ]
        if hints:
            rows += [
                (test, TITLE, clean(file), seen, ingested_ms)
                for test, case in zip(tests, report.cases, strict=True)
                if (file := hints.get(case.id))
            ]
        self._connection.executemany(_FILE_UPSERT, rows)
