"""The document of `slow`: what became slower, tests and suites. Frozen types, no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from flakelens.model import TestId
    from flakelens.report import DurationLine


class SlowLine(msgspec.Struct, frozen=True, kw_only=True):
    """A test that became slower."""

    id: TestId  # canonical
    reported: TestId  # as the newest report wrote it
    area: str
    duration: DurationLine  # with `before` and `since_run`

    @property
    def added(self) -> float:
        """Seconds that it takes longer than before."""
        return self.duration.seconds - (self.duration.before or 0.0)


class SuiteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A suite that became slower, and what that is made of. Seconds, medians over runs."""

    kind: Literal["area", "file", "job"]  # of a job: what its reports say that they took, set-up and all
    name: str  # of the area, the file, or the job (the report, where jobs have no names)
    area: str  # of a file's tests; that of an area itself; "" for a job
    duration: DurationLine  # with `before` and `since_run`
    tests_before: int  # executed in a run
    tests_now: int
    added_tests: float  # what tests take that were not there before
    removed_tests: float  # what tests took that are not there any more
    same_tests: float  # what the others take longer; below 0: less

    @property
    def added(self) -> float:
        """Seconds that it takes longer than before."""
        return self.duration.seconds - (self.duration.before or 0.0)


class SlowReport(msgspec.Struct, frozen=True, kw_only=True):
    """The tests and the suites that became slower, what adds most to a run first."""

    branch: str
    runs: int  # looked at
    tests: tuple[SlowLine, ...]
    total: int  # tests looked at
    matching: int  # that became slower, before the limit
    suites: tuple[SuiteLine, ...] = ()
    suites_matching: int = 0  # before the limit
