"""The documents of `causes` and `plan`, as frozen types."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from flakelens.facts import RunKey
    from flakelens.gate.focus import FocusFinding
    from flakelens.model import GateState, TestId
    from flakelens.report import Rate
    from flakelens.stats.fixplan import Figures
    from flakelens.stats.price import Price, Saving
    from flakelens.stats.signatures import Category


class CauseState(StrEnum):
    """What a cause is now: the most urgent of the states of its tests."""

    BROKEN = "broken"
    FLAKY = "flaky"
    UNSURE = "unsure"  # failures, too few to tell flaky from broken
    HEALING = "healing"  # as many clean runs as a repair is believed after
    OVER = "over"  # its tests are stable, or gone


class SignatureLine(msgspec.Struct, frozen=True, kw_only=True):
    """What most failures of a cause said."""

    hash: str
    line: str  # masked
    example: str  # the newest, as it was said, one line
    category: Category  # a guess
    failures: int  # failed results that said it
    of: int  # failed results with a message


class FactorLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a cause strikes more often than elsewhere, other factors held apart. Counts are runs (per variant)."""

    factor: str
    level: str
    failed: int
    ran: int
    failed_elsewhere: int
    ran_elsewhere: int
    odds_ratio: float | None  # None: it never failed elsewhere
    low: float | None
    high: float | None
    not_separable_from: tuple[str, ...]


class CauseTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a cause."""

    id: TestId
    area: str
    state: str
    runs: int  # in which it failed or was flaky, outages left out
    owner: str  # as CODEOWNERS writes it; "" for none


class CauseLine(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that fail together, or one test that fails alone."""

    id: str
    state: CauseState
    tests: tuple[CauseTest, ...]  # those that fail most first
    areas: tuple[str, ...]
    files: tuple[str, ...]
    signature: SignatureLine | None  # None: no failure said anything
    factors: tuple[FactorLine, ...]
    runs: int  # hit: at least one of the tests failed or was flaky
    failures: int  # results that failed after retries
    flaky: int  # results that failed, then passed
    first: RunKey
    last: RunKey
    owners: tuple[str, ...]  # of its tests, whose most tests it has first; none without CODEOWNERS
    price: Price  # of the 30 days before


class CausesReport(msgspec.Struct, frozen=True, kw_only=True):
    """The causes that a filter left: those of several tests first, then single tests grouped by what they say."""

    branch: str
    runs: int  # counting runs looked at
    left_out: int  # of these, outages
    clusters: tuple[CauseLine, ...]  # those that hit most runs first
    singles: tuple[tuple[CauseLine, ...], ...]  # groups with one signature
    matching: int  # causes before the limit
    over: int  # causes that are over and not listed


class PlanStep(msgspec.Struct, frozen=True, kw_only=True):
    """One more cause repaired, and what the gate's window would then look like."""

    cause: CauseLine
    after: Figures
    saves: Saving  # in the 30 days before, besides what the steps before it save


class FocusLine(msgspec.Struct, frozen=True, kw_only=True):
    """A focus that somebody looks after, and the steps of the plan that repair something of it."""

    focus: FocusFinding
    steps: tuple[int, ...]  # counted from 1


class PlanReport(msgspec.Struct, frozen=True, kw_only=True):
    """The shortest way to the gate's pass rate."""

    gate: str
    criterion: str
    branch: str
    required: float
    state: GateState  # of the pass-rate criterion now
    pass_rate: Rate | None  # as the gate shows it; None: no data
    window_runs: int  # runs behind `pass_rate` and `now`
    planned_runs: int  # runs by which causes were chosen and replayed
    held_out: bool  # the effect was measured on runs that had no part in choosing
    now: Figures | None
    settled: Figures | None  # when the failures of what is repaired already have left the window; None: no data
    repaired: int  # tests repaired already whose failures are still in the window
    steps: tuple[PlanStep, ...]
    enough: int | None  # steps after which the pass rate is reached; 0: without any; None: not by these
    focuses: tuple[FocusLine, ...] = ()  # that somebody looks after, by their day
