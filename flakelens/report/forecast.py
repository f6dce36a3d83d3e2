"""The documents of `forecast` and of `gate --plan`, as frozen types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.model import GateState, TestId
    from flakelens.report import Rate
    from flakelens.stats.next_run import NextRun
    from flakelens.stats.trend import Change
    from flakelens.stats.turnover import Turnover


class PaceLine(msgspec.Struct, frozen=True, kw_only=True):
    """How often runs come, and what that was taken from."""

    per_day: float  # weekends and all
    pattern: Literal["week", "day"]  # what repeats
    days: int  # that the pattern was taken from


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """The clean runs that one criterion still needs."""

    criterion: str
    area: str
    state: GateState
    why: str  # it is not met
    runs: int | None  # after `repair_first`; None: no number of clean runs would do, 100 were tried
    repair_first: tuple[str, ...]  # what clean runs cannot mend
    pace: PaceLine | None  # of the runs of its areas, the slowest of them; None: too little known
    expected: datetime | None  # start of the last of these runs at that pace; None: unknown, or beyond ten years


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Runs to start by hand: all that the criteria with these areas need of runs that hold them."""

    areas: tuple[str, ...]
    runs: int
    minutes: float | None  # of test time in all of them, by the reports' own account; None: they do not say
    timed: int  # clean-sized runs whose time is known, that `minutes` rests on
    commands: tuple[str, ...]  # that start them; none where the provider is not known
    notes: tuple[str, ...]  # what must be put into the commands, or seen to


class GatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """When a gate can be met, by waiting and by starting runs."""

    gate: str
    branch: str
    state: GateState
    as_of: datetime
    missing: tuple[Missing, ...]  # one per criterion that is not met
    runs: int | None  # the most that any criterion needs; None: for one at least no number would do
    expected: datetime | None  # when all criteria have their runs; None: see `missing`
    recent_clean: int  # of `recent` newest runs of all areas, those without a failure
    recent: int
    batches: tuple[Batch, ...]

    @property
    def repair_first(self) -> tuple[str, ...]:
        """What clean runs cannot mend, over all criteria, each once."""
        return tuple(dict.fromkeys(step for each in self.missing for step in each.repair_first))


class GreenChance(msgspec.Struct, frozen=True, kw_only=True):
    """The chance that a run has no failure after retries, by the newest runs (at most 30)."""

    green: int
    runs: int
    value: float
    low: float  # two-sided 95 %
    high: float


class TrendLine(msgspec.Struct, frozen=True, kw_only=True):
    """A pass rate of the last days against the weeks before them."""

    rate: Literal["after-retries", "first-attempts"]
    days: int  # the last ones, up to `as_of`
    against: int  # days before these
    runs: int  # without confirmed outages, in the last days
    runs_before: int
    change: Change | None  # None: fewer than 10 runs on one side
    reaches: bool  # the history holds the days before whole


class AreaForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of one area, or of all."""

    area: str
    tests: int  # active
    broken: int  # of these, broken now: until they are mended no run is green
    green: GreenChance | None  # None: no run
    now: Rate | None  # pass rate after retries over the newest 30 runs
    next_run: NextRun | None  # None: fewer than 10 runs
    first_now: Rate | None  # first attempts; None: no run shows them
    first_next: NextRun | None
    trends: tuple[TrendLine, ...]


class ToRepair(msgspec.Struct, frozen=True, kw_only=True):
    """One cause that stands between the branch and the gate."""

    tests: tuple[TestId, ...]  # those that fail most first
    criteria: tuple[str, ...]  # that ask for it
    pass_rate: float | None  # predicted once it is repaired, after those before it; None: not asked for by a pass rate


class GateOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """When the gate is expected to be met, at the present rate of repair and by clean runs alone."""

    plan: GatePlan  # clean runs alone
    causes: tuple[ToRepair, ...]  # in the order of `plan`
    enough: bool  # their repair reaches the pass rate; False: the causes known so far do not
    turnover: Turnover | None  # None: too short a history
    history_days: int  # behind `turnover`
    repaired: datetime | None  # when the last of the causes is expected to be repaired; None: not at this rate
    earliest: datetime | None  # with `latest` a range that should hold it in 80 % of cases; None: not within a year
    latest: datetime | None
    proof_runs: int | None  # clean runs that prove it then; None: no number would do
    met: datetime | None  # repaired, and that many runs later


class ForecastReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of a branch. Runs with a confirmed outage are in P(green) alone."""

    branch: str
    as_of: datetime
    runs: int  # counting runs read
    history_days: int  # from the oldest of them to `as_of`
    areas: tuple[AreaForecast, ...]  # "all" first, unless areas were asked for
    outlook: GateOutlook | None  # None: areas were asked for, or no run
