"""What charts show, as frozen types: rates, verdicts, one test and its durations over time. `analyze` fills them.

They hold facts, never layout. What is not known is None: a chart leaves a gap there and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.model import GateState, Outcome, TestId
    from flakelens.report import Rate


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """Runs on end that share one point of a chart: those of a day, or a fixed number of them. Confirmed outages and
    runs with too few results are left out.
    """

    first: datetime  # start of its first run, UTC
    last: datetime  # start of its last run
    runs: int
    pass_rate: Rate | None  # None: no results
    first_attempts: Rate | None  # None: hidden by the reporter in all of its runs, or no results
    hidden: int  # runs among them whose reports hide first attempts


class RatedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a rate: behind the buckets, so that nobody must believe an average."""

    started_at: datetime
    passed: int  # after retries
    executed: int  # > 0
    outage: bool  # confirmed: in no bucket


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A rate that the gate asks for."""

    value: float  # 0 to 1
    first_attempts: bool  # asked of first attempts; else of the rate after retries


class PolicyChange(msgspec.Struct, frozen=True, kw_only=True):
    """The first verdict under another policy than the one before."""

    at: datetime
    said: tuple[str, ...]  # what was changed, one short sentence each


class RateSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of an area or a focus over time, oldest first."""

    name: str  # of the area or focus; "all" for every test
    per: str  # what a bucket holds: "day" or "10 runs"
    buckets: tuple[Bucket, ...]
    runs: tuple[RatedRun, ...]
    limits: tuple[Limit, ...]
    policy_changes: tuple[PolicyChange, ...] = ()


class VerdictPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded verdict."""

    number: int  # for `gate --replay`
    as_of: datetime
    state: GateState
    waived: bool  # went on in spite of its state
    observed: float | None  # what its first pass-rate criterion saw; None: nothing, or the gate has no such criterion
    required: float | None


class VerdictSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts of a gate, oldest first; on a day with several the newest is the day's."""

    gate: str
    verdicts: tuple[VerdictPoint, ...]


class TestPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the area of a test, and how it stood with the test after that run, by what was known then."""

    __test__ = False

    run: str
    commit: str
    started_at: datetime
    outcome: Outcome
    outage: bool  # confirmed
    p_flaky: float | None  # None: before its first result
    p_broken: float | None


class TestSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A test over the runs of its area on the gated branch, oldest first."""

    __test__ = False

    id: TestId
    reported: TestId
    points: tuple[TestPoint, ...]
    hidden: int  # runs with a result whose reports hide first attempts
    p_flaky: float | None  # now, as `show` says it: with what pull requests showed; None without a result
    p_broken: float | None
    disagreed: bool  # it failed and passed on one commit of a pull request


class DurationPoint(msgspec.Struct, frozen=True, kw_only=True):
    """How long the test took in one run, when it passed."""

    run: str
    commit: str
    started_at: datetime
    seconds: float


class DurationLevel(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of runs in which it took about as long."""

    first: int  # position in `DurationSeries.points`
    runs: int
    seconds: float  # median


class DurationSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The durations of a test over the runs in which it passed and they are known, oldest first."""

    id: TestId
    reported: TestId
    points: tuple[DurationPoint, ...]
    levels: tuple[DurationLevel, ...]  # empty: no points
