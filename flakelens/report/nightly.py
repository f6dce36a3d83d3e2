"""The document of `report`: what a team looks at every morning. Frozen types, no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.facts import RunKey
    from flakelens.model import GateState, Problem, RetryEvidence, TestId
    from flakelens.report import AreaLine, DurationLine, Finding, GateReport, TestLine, TestsReport
    from flakelens.report.causes import CausesReport, PlanReport, PlanStep
    from flakelens.report.events import EventGroup, TestEvent
    from flakelens.report.trends import RateSeries
    from flakelens.stats.price import Price
    from flakelens.stats.signatures import Category


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """The moment that changes are told from, and what the gate said then."""

    moment: datetime
    report: bool  # it is the moment of an earlier report; False: a day before this one
    state: GateState | None  # of the gate then; None: no verdict of that time is known


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """A human decision that is in force, or was, and its end."""

    kind: Literal["waiver", "quarantine"]
    what: str  # the criterion, or the test
    by: str
    reason: str
    expires: datetime
    holds: bool
    why_not: str  # "" when it holds


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The failures that a threshold allows in the runs looked at, and how many of them happened."""

    threshold: float  # share that must pass
    allowed: float  # failed results, not rounded
    spent: int

    @property
    def left(self) -> float | None:
        """The share that is left, 1 to 0, negative when overspent; None where nothing is allowed."""
        return 1 - self.spent / self.allowed if self.allowed else None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """All tests, an area or a focus: where it stands and how it came there."""

    kind: Literal["all", "area", "focus"]
    name: str
    line: AreaLine
    states: dict[str, int]  # active tests by state
    budget: Budget | None  # None: no results
    trend: RateSeries  # over the newest 500 runs


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """What one run lacks of an area."""

    area: str
    fault: str  # what is wrong with its reports, "" for nothing
    missing: tuple[TestId, ...]  # the first few expected tests without a result
    more: int  # further ones


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run that counts for the gated branch."""

    key: RunKey
    commit: str
    started_at: datetime
    event: str
    attempts: int
    url: str
    outage: Literal["", "suspected", "confirmed"]
    passed: int
    flaky: int
    failed: int
    skipped: int
    absences: tuple[Absence, ...]  # areas for which it is not complete
    problems: tuple[Problem, ...]
    evidence: tuple[tuple[str, RetryEvidence], ...]  # producer, and the least that one of its reports can show


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Failed attempts of one test that say the same."""

    signature: str  # hash, as causes have it
    category: Category  # a guess
    line: str  # masked
    text: str  # the newest, cut after 3,000 characters
    count: int  # attempts
    runs: int
    first: RunKey
    last: RunKey


class TestEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One test with all that the report tells of it."""

    __test__ = False

    line: TestLine
    history: str  # one letter per run of `Nightly.runs`: P, K flaky, F, S, "." no result
    because: tuple[str, ...]  # why it has its state; empty for a test that never failed
    said: tuple[Said, ...]  # newest first
    events: tuple[TestEvent, ...]  # what happened to it in the newest 300 runs, oldest first
    price: Price | None  # None: it never failed here
    duration: DurationLine | None
    command: str  # that runs it alone, "" for a tool that is not known


class NightLine(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded verdict, as the overview of all nights and the marks of charts need it."""

    number: int  # of the verdict
    as_of: datetime
    state: GateState
    decision: str
    pass_rate: float | None  # observed by the gate's pass-rate criterion; None: no data, or no such criterion
    required: float | None
    met: int  # criteria that hold
    criteria: int
    policy_sha256: str

    @property
    def day(self) -> str:
        """The date, UTC."""
        return self.as_of.strftime("%Y-%m-%d")


class Nightly(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one night's report says, on the page, as Markdown and as JSON."""

    gate: GateReport
    distance: float | None  # pass rate observed minus required, in shares; None: no data or no such criterion
    since: Since
    changes: tuple[EventGroup, ...]  # by kind, what asks for somebody first; then the newest first
    plan: PlanReport | None  # None: the gate asks for no pass rate
    actions: tuple[PlanStep, ...]  # the first of the plan's, at most three
    expiries: tuple[Expiry, ...]  # those that end first come first
    groups: tuple[Group, ...]  # all tests, then areas, then focuses
    tests: TestsReport
    entries: tuple[TestEntry, ...]  # most urgent first: those of `tests`
    causes: CausesReport
    runs: tuple[RunLine, ...]  # oldest first, at most 500
    blind: tuple[Finding, ...]  # what reports cannot show and other findings of doctor, with the mend

    @property
    def as_of(self) -> datetime:
        """The moment that it speaks of."""
        return self.gate.provenance.as_of

    @property
    def day(self) -> str:
        """The night's name: the date, UTC."""
        return self.as_of.strftime("%Y-%m-%d")
