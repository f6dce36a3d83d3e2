"""The history of one test, and why it has its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.facts import RunKey
    from flakelens.model import Outcome, RetryEvidence, TestId
    from flakelens.report.events import TestEvent
    from flakelens.report.tests import TestLine
    from flakelens.stats.price import Price


class RunPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the gated branch and its commit."""

    run: RunKey
    commit: str  # "" where unknown
    started_at: datetime


class Chances(NamedTuple):
    """How likely a test is in each state; they sum to 1."""

    stable: float
    flaky: float
    broken: float


class RunCell(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one test's history."""

    run: RunKey
    commit: str
    started_at: datetime
    counts: bool
    why_not: str
    outcome: Outcome
    outage: bool  # confirmed
    partial: bool  # the result comes from a filtered run: it enters no rate
    evidence: RetryEvidence | None  # the least that a report with the test can show; None without a result
    chances: Chances | None = None  # by all that is known now; None without a result on the gated branch


class FailureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Failed attempts of a test whose messages begin alike (ids, times and long hex aside)."""

    first_line: str  # of the newest
    text: str  # the newest, whole
    count: int  # attempts
    runs: int
    first: RunKey
    last: RunKey


class DurationLine(msgspec.Struct, frozen=True, kw_only=True):
    """How long a test takes when it passes, and since when. Medians over runs, in seconds."""

    seconds: float  # now
    runs: int  # that say so
    before: float | None  # of the level before; None: it was ever so
    since_run: RunKey | None
    since_commit: str  # "" where unknown, and without a change


class ShowReport(msgspec.Struct, frozen=True, kw_only=True):
    """One test's history: oldest run first, with what its state rests on."""

    line: TestLine
    cells: tuple[RunCell, ...]  # counting runs and, beside them, the others that had a result of it
    because: tuple[str, ...]  # the evidence for its state, in sentences
    price: Price  # of the 30 days before `as_of`
    messages: tuple[FailureGroup, ...]  # newest first
    names: tuple[TestId, ...]  # every form in which reports wrote it, newest last
    events: tuple[TestEvent, ...]  # what happened to it, oldest first
    duration: DurationLine | None = None  # None: no passing attempt whose duration is known
