"""The documents of `brief`: all that a person or a coding agent needs to repair one test, or a cause that tests share.

Frozen types, no layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from flakelens.model import TestId
    from flakelens.report import FailureGroup, RunPoint, ShowReport
    from flakelens.report.causes import CauseLine
    from flakelens.reproduce import Command, GroupCommand
    from flakelens.stats.signatures import Category


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """Where the trouble came in: after `good`, with `bad` at the latest."""

    kind: Literal["fails", "flakes"]
    good: RunPoint | None  # None: no run before it is known that speaks for the test
    bad: RunPoint  # the first run that failed, or flaked
    clean: int  # runs without a failure from `good` up to `bad`; of a flaky test how sure we are depends on them
    sure: float | None  # that it did not flake before `good` already, 0 to 1; None for "fails" and without `good`

    @property
    def range(self) -> str:
        """ "a..b" for `git log` and `git bisect`; "" where a commit is unknown or both are one."""
        good = self.good.commit if self.good else ""
        return f"{good}..{self.bad.commit}" if good and self.bad.commit and good != self.bad.commit else ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the test file that a stack trace names."""

    file: str  # as the trace writes it
    line: int
    source: str  # what stands there, where the message shows it; else ""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which it fails."""

    headline: str  # what is wrong in one line
    group: FailureGroup
    lines: tuple[Line, ...]  # in the test file, outermost last


class Circumstance(msgspec.Struct, frozen=True, kw_only=True):
    """How often the test, or its twin in another project, failed under one condition."""

    kind: Literal["variant", "job", "branch"]
    name: str
    failed: int  # runs in which it failed or flaked
    runs: int  # in which it was executed


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """A test that tends to fail in the same runs."""

    id: TestId
    together: int  # runs in which both failed or flaked
    failed: int  # runs in which the companion did


class BriefReport(msgspec.Struct, frozen=True, kw_only=True):
    """All about one test that helps to repair it."""

    page: ShowReport
    file: str  # the test file, "" where nothing names it
    failing: int  # runs that failed or flaked since it began
    tried: int  # runs executed since it began
    rate: float | None  # failing / tried; None: it is not failing, or nothing is known
    repeats: int | None  # tries that show it failing once with 95 %
    hidden: bool  # its reports hide retries: the rate is that of all tries failing
    began: Began | None
    failures: tuple[Failure, ...]  # most frequent first
    circumstances: tuple[Circumstance, ...]
    companions: tuple[Companion, ...]  # most together first
    command: Command | None  # None: the tool's command line is not known
    clean_needed: int | None  # clean runs that make its repair believed


class CauseFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the tests of a cause fail: failed results with one signature."""

    headline: str  # what is wrong in one line, of the newest
    category: Category  # a guess
    group: FailureGroup
    tests: tuple[TestId, ...]  # that said so, who said it most first
    lines: tuple[Line, ...]  # in their test files
    shared: tuple[Line, ...]  # outside of test files, in the traces of most of these failures


class GroupRun(msgspec.Struct, frozen=True, kw_only=True):
    """The command for the tests of a cause that one tool runs in one project."""

    variant: str
    tests: int
    command: GroupCommand


class CauseBrief(msgspec.Struct, frozen=True, kw_only=True):
    """All about one cause that several tests share."""

    cause: CauseLine
    branch: str
    runs: int  # counting runs looked at
    several: int  # of the runs that it hit, those in which two or more of its tests failed
    failing: int  # runs that it hit since it began
    tried: int  # runs since then in which one of its tests was executed
    rate: float | None  # failing / tried; None: it is over
    repeats: int | None  # tries of all its tests that show it once with 95 %
    hidden: bool  # reports of its tests hide retries
    began: Began | None
    failures: tuple[CauseFailure, ...]  # most frequent first
    commands: tuple[GroupRun, ...]  # none: the tools' command lines are not known
    clean_needed: int | None  # clean runs of all its tests that make its repair believed
