"""The problems of one report, each said once: what repeats per case is counted, not repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flakelens.model import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.model import TestId

_LONGEST = 120
_MOST_DUPLICATES = 20
_MOST_SUITES = 20


class Problems:
    """Collects. `found` is complete after `close`."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[Problem] = []
        self._bad_times = 0
        self._bad_time = ""
        self._bad_stamps = 0
        self._bad_stamp = ""
        self._suites = 0
        self._too_deep = False

    def add(self, code: ProblemCode, message: str, *, line: int = 0, where: str = "") -> None:
        """One problem, of the file or of `where`."""
        place = where or (f"{self.where}:{line}" if line else self.where)
        self.found.append(Problem(code, place, message))

    def bad_time(self, text: str) -> None:
        """A duration that is none: counted."""
        self._bad_times += 1
        self._bad_time = self._bad_time or short(text)

    def bad_timestamp(self, text: str) -> None:
        """A time stamp that is none: counted."""
        self._bad_stamps += 1
        self._bad_stamp = self._bad_stamp or short(text)

    def too_deep(self, depth: int) -> None:
        """Suites nested deeper than the limit; said once."""
        if not self._too_deep:
            self._too_deep = True
            message = f"Suites are nested deeper than {depth} levels; what lies deeper was not read."
            self.add(ProblemCode.TOO_DEEP, message)

    def suite_failure(self, suite: str, text: str) -> None:
        """A failure that belongs to a suite and not to a test."""
        self._suites += 1
        if self._suites <= _MOST_SUITES:
            said = short(text.strip().partition("\n")[0])
            message = f"The suite itself failed ({said or 'no message'}): tests of it may be missing from the report."
            self.add(ProblemCode.SUITE_FAILURE, message, where=short(suite) or self.where)

    def load_failure(self, file: str) -> None:
        """A file whose tests are all missing."""
        message = f"{short(file)} could not be loaded, so that none of its tests ran. Repair the file or its imports."
        self.add(ProblemCode.LOAD_FAILURE, message, where=short(file))

    def duplicates(self, seen: Mapping[TestId, int]) -> None:
        """Titles that several cases share: the first of them by name, the rest counted."""
        repeated = [(test, count) for test, count in seen.items() if count > 1 and test.name]
        for test, count in repeated[:_MOST_DUPLICATES]:
            message = (
                f"{count} cases of the report have this title; they are told apart by their order. "
                "Give each a title of its own."
            )
            self.add(ProblemCode.DUPLICATE_TITLE, message, where=short(test.name))
        rest = len(repeated) - _MOST_DUPLICATES
        if rest > 0:
            self.add(ProblemCode.DUPLICATE_TITLE, f"{rest} more titles belong to several cases each.")

    def no_name(self, count: int) -> None:
        """Cases that nobody can tell apart."""
        message = f"{count} cases have neither name nor class and are told apart by their order only."
        self.add(ProblemCode.NO_NAME, message)

    def no_tests(self) -> None:
        """A report of nothing is never a pass."""
        message = (
            "The report holds no test at all. Usually a file failed to load before the first test: "
            "see the tool's console output."
        )
        self.add(ProblemCode.NO_TESTS, message)

    def counts_disagree(self, declared: int, counted: int) -> None:
        """A remark: elements are what counts."""
        message = (
            f"The report declares {declared} tests and holds {counted}; the {counted} were counted. "
            "Jest does not declare todo tests and failures of hooks."
        )
        self.add(ProblemCode.COUNTS_DISAGREE, message)

    def salvaged(self, kept: int, declared: int) -> None:
        """How much of a damaged report is left."""
        self.add(ProblemCode.COUNTS_DISAGREE, f"{kept} of the {declared} tests that the report declares were kept.")

    def close(self) -> None:
        """Say what was only counted."""
        if self._bad_times:
            message = (
                f"{self._bad_times} durations are no seconds (the first: {self._bad_time!r}) and are taken as unknown."
            )
            self.add(ProblemCode.BAD_TIME, message)
        if self._bad_stamps:
            message = (
                f"{self._bad_stamps} time stamps could not be understood (the first: {self._bad_stamp!r}) "
                "and were left out; ISO 8601 is always understood."
            )
            self.add(ProblemCode.BAD_TIMESTAMP, message)
        if self._suites > _MOST_SUITES:
            self.add(ProblemCode.SUITE_FAILURE, f"{self._suites - _MOST_SUITES} more suites failed as a whole.")


def short(text: str) -> str:
    """A text that fits into one line of a message."""
    text = " ".join(text[: 4 * _LONGEST].split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
