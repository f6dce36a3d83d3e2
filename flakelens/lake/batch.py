"""Some calls of `Store.write_run` as the rows of one commit: what the store would write, without its numbers."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flakelens import __version__
from flakelens.lake.commits import Document, put_commit, put_part, since_of
from flakelens.lake.form import TABLES
from flakelens.lake.keys import ReportKey, TestKey, bucket_of, month_of
from flakelens.lake.rows import attempt_row, report_row, table_of, verdict_row
from flakelens.model import Outcome, Status, outcome_of
from flakelens.store.results import SINGLE, STACK, TITLE
from flakelens.store.values import clean, duration, from_ms, record_of, to_ms

if TYPE_CHECKING:
    from flakelens.facts import TestFacts
    from flakelens.model import ParsedReport, Problem, Rename, TestId
    from flakelens.store import StoredVerdict
    from flakelens.store.merge import StoredCall
    from flakelens.store.sharing import TestFile

_STATUSES: Final = [status.name.lower() for status in Status]
_OUTCOMES: Final = [outcome.name.lower() for outcome in Outcome]


class Batch:
    """Rows that one commit will bring. `known`: reports whose results the lake holds already."""

    def __init__(self, known: Collection[ReportKey] = ()) -> None:
        self._known = known
        self._rows: dict[str, set[tuple[Any, ...]]] = {table: set() for table in TABLES if table != "result"}
        self._moments: set[int] = set()  # of the ingests, ms
        self._months: dict[ReportKey, str] = {}  # of the reports whose results are here
        self._reports: dict[ReportKey, int] = {}
        self._tests: dict[TestKey, int] = {}
        self._said: dict[tuple[TestId, int, str], int] = {}  # places in `_tests`
        self._found: set[tuple[int, int, str, int, int]] = set()  # place, kind, file, first seen, known since
        self._texts: dict[str, int] = {}
        # test, report, try, status, outcome, ms, type, message; -1 for none
        self._columns = [array("q") for _ in range(8)]

    def __len__(self) -> int:
        """How many results are in it."""
        return len(self._columns[0])

    def add(self, call: StoredCall) -> None:
        """One call: a record of metadata, reports, problems."""
        info, at = call.run.info, to_ms(call.ingested_at)
        self._moments.add(at)
        run = clean(info.provider), clean(info.run)
        attempt = record_of(info).hash.hex()
        self._rows["attempt"].add(attempt_row(info, at))
        self._problems((*run, attempt), None, call.run.problems, at)
        for said, report in call.run.reports:
            key = ReportKey(*run, report.sha256)
            moment = report.started_at or info.started_at or from_ms(at)
            tests = self._number(report)
            results = None
            if key not in self._known and key not in self._months:
                self._months[key] = month_of(moment)
                results = self._results(key, tests, report)
            month = self._months.get(key) or month_of(moment)
            self._rows["report"].add(report_row(key, attempt, info, said, report, month, results, at))
            self._problems((*run, attempt), report.sha256, report.problems, at)
            self._files(tests, report, at, call.hints)

    def _number(self, report: ParsedReport) -> list[int]:
        """The place of each case's test in `_tests`. Two cases with one id and ordinal become two tests."""
        producer = clean(report.producer)
        taken: set[int] = set()
        places: list[int] = []
        for case in report.cases:
            said = case.id, case.ordinal, producer
            place = self._said.get(said)
            if place is None or place in taken:
                file, name, variant = map(clean, case.id)
                ordinal = case.ordinal
                place = self._place(TestKey(file, name, variant, ordinal, producer))
                self._said[said] = place
                while place in taken:
                    ordinal += 1
                    place = self._place(TestKey(file, name, variant, ordinal, producer))
            taken.add(place)
            places.append(place)
        return places

    def _place(self, test: TestKey) -> int:
        return self._tests.setdefault(test, len(self._tests))

    def _results(self, key: ReportKey, tests: Sequence[int], report: ParsedReport) -> int:
        """The attempts of a report; how many tests it has."""
        test_at, report_at, try_at, status_at, outcome_at, ms_at, type_at, message_at = self._columns
        number = self._reports.setdefault(key, len(self._reports))
        for test, case in zip(tests, report.cases, strict=True):
            attempts = case.attempts
            single = len(attempts) == 1  # the usual way, and a short one: this runs once per result
            outcome = SINGLE[attempts[0].status] if single else int(outcome_of([each.status for each in attempts]))
            for tried, (status, seconds, type_, text) in enumerate(attempts, 1):
                ms = duration(seconds)
                test_at.append(test)
                report_at.append(number)
                try_at.append(tried)
                status_at.append(status - 1)
                outcome_at.append(outcome)
                ms_at.append(-1 if ms is None else ms)
                type_at.append(self._text(type_) if type_ else -1)
                message_at.append(self._text(text) if text else -1)
        return len(tests)

    def _text(self, text: str) -> int:
        return self._texts.setdefault(clean(text), len(self._texts))

    def _problems(self, of: tuple[str, str, str], report: str | None, problems: Iterable[Problem], at: int) -> None:
        self._rows["problem"] |= {
            (*of, report, problem.code.value, clean(problem.where), clean(problem.message), at) for problem in problems
        }

    def _files(self, tests: Sequence[int], report: ParsedReport, at: int, hints: Mapping[TestId, str]) -> None:
        seen = at if report.started_at is None else to_ms(report.started_at)
        kinds = ((STACK, lambda case: case.stack_file), (TITLE, lambda case: hints.get(case.id, "")))
        for kind, file_of in kinds if hints else kinds[:1]:
            self._found |= {
                (test, kind, clean(file), seen, at)
                for test, case in zip(tests, report.cases, strict=True)
                if (file := file_of(case))
            }

    # --- what belongs to no call ---

    def add_tests(self, tests: Iterable[TestFacts]) -> None:
        """Tests that the store knows, with results or without: they take part when names are matched."""
        self._rows["test"] |= {TestKey(*test.id, test.ordinal, test.producer) for test in tests}

    def add_files(self, files: Iterable[TestFile]) -> None:
        """Files found for tests."""
        self._rows["test_file"] |= {
            (*file.test, file.ordinal, file.producer, file.kind, file.file, to_ms(file.first_seen_at),
             to_ms(file.known_since))
            for file in files
        }  # fmt: skip

    def add_renames(self, renames: Iterable[Rename], at: int) -> None:
        """Renames that git saw, known since `at` (ms)."""
        self._rows["rename"] |= {(*map(clean, rename), at) for rename in renames}

    def add_verdict(self, verdict: StoredVerdict) -> None:
        """A verdict as it was given."""
        self._rows["verdict"].add(verdict_row(verdict))

    # --- writing ---

    def _all_rows(self) -> dict[str, set[tuple[Any, ...]]]:
        """The rows of the small tables, by table."""
        tests = list(self._tests)
        # Also of tests whose results the lake has already: what a commit says must not depend on the lake.
        files = {(*tests[place], *row) for place, *row in self._found}
        rows = self._rows
        return rows | {"test": rows["test"] | set(tests), "test_file": rows["test_file"] | files}

    def _name(self, every: Mapping[str, Iterable[tuple[Any, ...]]], *, timeless: bool) -> str:
        """What the commit is named by: all that it says; `timeless`: whenever it was said."""
        unsaid = {"results"} | ({"known_since"} if timeless else set())
        digest = blake2b(__version__.encode(), digest_size=16)
        for table, rows in sorted(every.items()):
            kept = [place for place, column in enumerate(TABLES[table]) if column.name not in unsaid]
            said = sorted({json.dumps([row[place] for place in kept]) for row in rows})
            digest.update(json.dumps([table, said]).encode())
        return digest.hexdigest()

    def write(self, folder: Path) -> bool:
        """Put all of it into the lake: parts first, then the commit that names them; False where that was there.

        Twice, also at once on two machines, is once. Raises DatabaseError where the folder cannot be written.
        """
        from flakelens.lake.parts import result_tables

        every = self._all_rows()
        if not any(every.values()):
            return False
        # Reports that are brought again later say nothing new: the earliest ingest holds.
        single = len(self._moments) == 1
        name = self._name(every, timeless=single)
        since = min(self._moments) if single else None
        known = since_of(folder, name)
        if single and known is not None and known > min(self._moments):
            name = self._name(every, timeless=False)
            known = since_of(folder, name)
        if known is not None:
            return False
        parts = {table: [put_part(folder, table, table_of(table, rows))] for table, rows in every.items() if rows}
        cut = result_tables(
            self._columns,
            tests=list(self._tests),
            buckets=[bucket_of(*test[:3]) for test in self._tests],
            reports=list(self._reports),
            months=[self._months[key] for key in self._reports],
            texts=list(self._texts),
            statuses=_STATUSES,
            outcomes=_OUTCOMES,
        )
        parts["result"] = [
            put_part(folder, "result", rows, f"bucket={bucket:02}/month={month}/") for bucket, month, rows in cut
        ]
        named = {table: found for table, found in parts.items() if found}
        put_commit(folder, name, Document(version=__version__, since=since, parts=named))
        return True
