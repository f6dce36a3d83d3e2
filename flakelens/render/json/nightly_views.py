"""The structs of `flakelens.report/1`: names that other programs read, frozen. `nightly` fills them."""

from __future__ import annotations

from typing import Any

import msgspec

from flakelens.render.json.causes import CauseView
from flakelens.render.json.events import GroupView as EventGroupView
from flakelens.render.json.plan import FiguresView
from flakelens.render.json.price import PriceView, SavingView
from flakelens.render.json.show import DurationView
from flakelens.render.json.tests import RateView, TestView


class TestName(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical id."""

    __test__ = False

    file: str
    name: str
    variant: str


class SinceView(msgspec.Struct, frozen=True, kw_only=True):
    """What changes are told from. `report`: an earlier report's moment; else a day before this one."""

    moment: str
    report: bool
    state: str | None


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """A repair: its cause (see `causes`), figures predicted after it and those before it, its price in 30 days."""

    cause: str
    title: str
    tests: int
    after: FiguresView
    saves: SavingView
    price: PriceView
    owners: list[str]


class ExpiryView(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that is in force or ends about now."""

    kind: str
    what: str
    by: str
    reason: str
    expires: str
    holds: bool
    why_not: str | None


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """Failed results that the threshold allows in the runs looked at, and those that happened."""

    threshold: float
    allowed: float
    spent: int
    left: float | None


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of some runs on end: those of a day, a week, or a fixed number of them."""

    first: str
    last: str
    runs: int
    pass_rate: RateView | None
    first_attempt_pass_rate: RateView | None


class SectionView(msgspec.Struct, frozen=True, kw_only=True):
    """All tests, an area or a focus. `states` counts active tests."""

    kind: str
    name: str
    tests: int
    runs: int
    pass_rate: RateView | None
    first_attempt_pass_rate: RateView | None
    p_green: float | None
    states: dict[str, int]
    budget: BudgetView | None
    trend: list[PointView]
    trend_per: str


class PolicyChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """The first verdict under another policy."""

    at: str
    said: list[str]


class SaidView(msgspec.Struct, frozen=True, kw_only=True):
    """Failed attempts that say the same; `message` is the newest."""

    signature: str
    category: str
    line: str
    message: str
    count: int
    runs: int
    first_run: str
    last_run: str


class HappenedView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a test; `known_run` is the run from which on it could be said."""

    kind: str
    run: str
    known_run: str
    details: list[str]


class EntryView(TestView, frozen=True, kw_only=True):
    """One test. `history` has one letter per run of `runs`, repeated ones as a number: "P12F" is 12 passes, a failure.

    P passed, K failed then passed, F failed, S skipped, "." no result.
    """

    key: str
    shown: str | None  # the name as text for people, where it holds signs that do not show
    history: str
    cause: str | None  # id in `causes`; `cluster` is the same where other tests share it
    because: list[str]
    failures_said: list[SaidView]
    events: list[HappenedView]
    price: PriceView | None
    duration: DurationView | None
    command: str | None


class AbsenceView(msgspec.Struct, frozen=True, kw_only=True):
    """What a run lacks of an area; `missing` are the first few titles, `more` counts the others."""

    area: str
    fault: str | None
    missing: list[TestName]
    more: int


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """A remark about a report."""

    code: str
    where: str
    message: str


class ReportRunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run that counts."""

    provider: str
    run: str
    commit: str | None
    started_at: str
    event: str
    attempts: int
    url: str | None
    outage: str | None
    passed: int
    flaky: int
    failed: int
    skipped: int
    incomplete: list[AbsenceView]
    problems: list[ProblemView]
    retry_evidence: dict[str, str]


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps flakelens from seeing something, and the lines that mend it."""

    code: str
    where: str
    message: str
    mend: str
    serious: bool


class NightlyView(msgspec.Struct, frozen=True, kw_only=True):
    """The document."""

    schema: str
    date: str
    as_of: str
    version: str
    files: list[str]
    verdict_number: int | None
    distance: float | None
    gate: dict[str, Any]
    since: SinceView
    changes: list[EventGroupView]
    actions: list[ActionView]
    expiries: list[ExpiryView]
    groups: list[SectionView]
    policy_changes: list[PolicyChangeView]
    tests: list[EntryView]
    causes: list[CauseView]
    runs: list[ReportRunView]
    blind_spots: list[FindingView]
