"""What reports say by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from flakelens.model import Problem, TestId


class LookArea(msgspec.Struct, frozen=True, kw_only=True):
    """One area of the reports at hand."""

    area: str
    tests: int
    passed: int
    flaky: int
    failed: int
    errored: int
    skipped: int


class LookCause(msgspec.Struct, frozen=True, kw_only=True):
    """Failures whose messages are the same but for what changes in every run."""

    message: str  # of the first of them, one line
    tests: tuple[TestId, ...]  # as reported


class LookFlake(msgspec.Struct, frozen=True, kw_only=True):
    """A test that failed and then passed."""

    id: TestId  # as reported
    failed_attempts: int
    message: str  # of the first failed attempt, one line; "" where the report hides it


class BlindSpot(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a report cannot show, and the lines that change it."""

    said: str  # one or two sentences
    file: str  # where the lines belong, "" where there are none
    lines: tuple[str, ...]


class LookReport(msgspec.Struct, frozen=True, kw_only=True):
    """What reports say by themselves, without a database."""

    headline: str  # the most useful sentence
    reports: int  # that could be read
    producers: tuple[str, ...]
    seconds: float | None  # wall time of the longest report
    areas: tuple[LookArea, ...]
    causes: tuple[LookCause, ...]
    flaky: tuple[LookFlake, ...]
    cannot_show: tuple[BlindSpot, ...]
    problems: tuple[Problem, ...]
    next_steps: tuple[str, ...]
