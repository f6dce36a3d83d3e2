"""The cases of a report as rows: numbers for tests and messages, results, the packed outcomes, sums and test files."""

from __future__ import annotations

from collections import Counter
from itertools import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.cases import Cases
from flakelens.model import Status, TestId, outcome_of
from flakelens.store import bulk, sums
from flakelens.store.packed import roster_hash, write_packed
from flakelens.store.values import clean, duration, opt_ms
from flakelens.store.wording import Wording

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from flakelens.model import ParsedReport

TITLE: Final = 1  # kinds of test_file
STACK: Final = 2

_ERRORED: Final = int(Status.ERRORED)
SINGLE: Final[dict[int, int]] = {status: int(outcome_of([status])) for status in Status}  # of a test tried once
_OUTCOMES: Final = bytes(SINGLE.get(code, 0) for code in range(256))  # by status, for bytes.translate
_ONE: Final = tuple(bytes(code == one for code in range(256)) for one in sums.COUNTED)  # 1 for an outcome, 0 for others
_MOST_ROSTERS, _MOST_DURATIONS = 64, 50_000
_FILE_UPSERT: Final = """
INSERT INTO test_file (test, kind, file, first_seen_at, known_since) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (test, kind, file) DO UPDATE SET
  first_seen_at = min(first_seen_at, excluded.first_seen_at), known_since = min(known_since, excluded.known_since)
WHERE excluded.first_seen_at < first_seen_at OR excluded.known_since < known_since
"""

_Row = tuple[int, int, int, int, int | None, int | None]  # of result


class Counts(NamedTuple):
    """How the cases of a report ended."""

    outcomes: Counter[int]  # by Outcome code
    errored: int  # of those that failed


class _Roster(NamedTuple):
    """The test ids of a report's cases."""

    tests: list[int]  # in document order
    ascending: bool  # whether that is the order of the ids
    hash: bytes  # of packed.roster_hash


class CaseWriter:
    """Writes the cases of reports through one connection; remembers the numbers of tests between reports."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tests: dict[tuple[TestId, int, str], int] = {}
        self._top = 0  # highest test id that `_tests` knows
        self._wording = Wording(connection)
        self._rosters: dict[tuple[object, ...], _Roster] = {}
        self._ms = _Milliseconds()

    def refresh(self) -> None:
        """At the start of a transaction: learn the tests that other writers have added."""
        query = "SELECT id, file, name, variant, ordinal, producer FROM test WHERE id > ?"
        for key, file, name, variant, ordinal, producer in self._connection.execute(query, (self._top,)):
            self._tests[TestId(file, name, variant), ordinal, producer] = key
            self._top = max(self._top, key)

    def forget(self) -> None:
        """After a transaction that did not land: the numbers it gave out do not exist."""
        self._tests.clear()
        self._rosters.clear()
        self._top = 0
        self._wording.forget()

    def write(self, key: int, report: ParsedReport, ingested_ms: int, hints: Mapping[TestId, str]) -> Counts:
        """Store the cases of `report`, whose row is `key`, and count them."""
        cases = Cases.of(report.cases)
        roster = self._roster(cases, report.producer)
        tests = roster.tests
        at = opt_ms(report.started_at)
        ms = list(map(self._ms.__getitem__, cases.seconds))  # the columns go through C loops: this is done per result
        tries = [1] * len(tests)
        messages: list[int | None] = [None] * len(tests)
        outcomes = cases.statuses.translate(_OUTCOMES)
        timed: list[int] = [one is not None for one in ms]
        total = [one or 0 for one in ms]
        retried: list[_Row] = []  # the attempts before the last
        known: dict[tuple[str, str], int] = {}
        for place, attempts in cases.attempts.items():
            for number, (status, seconds, type_, text) in enumerate(attempts, 1):
                message = None
                if text or type_:
                    message = known.get((type_, text))
                    if message is None:
                        message = known[type_, text] = self._wording.store(type_, text)
                if number < len(attempts):
                    before = self._ms[seconds]
                    retried.append((key, tests[place], number, int(status), before, message))
                    timed[place] += before is not None
                    total[place] += before or 0
                else:
                    messages[place] = message
            if len(attempts) > 1:
                tries[place] = len(attempts)
                outcomes[place] = outcome_of([attempt.status for attempt in attempts])
        rows: Iterable[_Row] = zip(repeat(key), tests, tries, cases.statuses, ms, messages)
        if retried or not roster.ascending:  # by the primary key: in order, the tree is filled page by page
            rows = sorted((*rows, *retried))
        bulk.insert(self._connection, "result (report, test, try, status, ms, message)", rows)
        self._pack(key, roster, outcomes)
        added = zip(tests, *(outcomes.translate(one) for one in _ONE), timed, total, repeat(at), repeat(at))
        sums.add(self._connection, added)
        self._files(tests, cases, report, ingested_ms, hints)
        return Counts(Counter(outcomes), cases.statuses.count(_ERRORED))

    def _pack(self, key: int, roster: _Roster, outcomes: bytearray) -> None:
        if roster.ascending:
            write_packed(self._connection, key, roster.tests, roster.hash, bytes(outcomes))
        else:
            codes = dict(zip(roster.tests, outcomes, strict=True))
            ordered = sorted(codes)
            write_packed(self._connection, key, ordered, roster.hash, bytes(map(codes.__getitem__, ordered)))

    def note_files(self, report: ParsedReport, ingested_ms: int, hints: Mapping[TestId, str]) -> None:
        """For a report that is already there: only what it and `hints` say of test files."""
        cases = Cases.of(report.cases)
        self._files(self._roster(cases, report.producer).tests, cases, report, ingested_ms, hints)

    def _roster(self, cases: Cases, producer: str) -> _Roster:
        """The test ids of the cases, remembered: a suite's reports mostly hold the same tests in the same order."""
        key = producer, tuple(cases.ids), tuple(cases.ordinals.items())
        found = self._rosters.get(key)
        if found is None:
            tests = self._number(cases, producer)
            ordered = sorted(tests)
            found = _Roster(tests, ordered == tests, roster_hash(ordered))
            if len(self._rosters) >= _MOST_ROSTERS:
                del self._rosters[next(iter(self._rosters))]
            self._rosters[key] = found
        return found

    def _number(self, cases: Cases, producer: str) -> list[int]:
        """The test id of each case, new tests written. Two cases with one id and ordinal become two tests."""
        known = self._tests
        fresh: list[tuple[int, str, str, str, int, str]] = []
        taken: set[int] = set()
        numbers: list[int] = []
        for place, reported in enumerate(cases.ids):
            id_, ordinal = reported, cases.ordinals.get(place, 1)
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

    def _files(
        self, tests: list[int], cases: Cases, report: ParsedReport, ingested_ms: int, hints: Mapping[TestId, str]
    ) -> None:
        seen = ingested_ms if report.started_at is None else opt_ms(report.started_at)
        rows = [(tests[place], STACK, clean(file), seen, ingested_ms) for place, file in cases.stack_files.items()]
        if hints:
            rows += [
                (test, TITLE, clean(file), seen, ingested_ms)
                for test, id_ in zip(tests, cases.ids, strict=True)
                if (file := hints.get(id_))
            ]
        self._connection.executemany(_FILE_UPSERT, rows)


class _Milliseconds(dict[float | None, int | None]):
    """Seconds as the column holds them; most come again."""

    def __missing__(self, seconds: float | None) -> int | None:
        if len(self) >= _MOST_DURATIONS:
            self.clear()
        found = self[seconds] = duration(seconds)
        return found
