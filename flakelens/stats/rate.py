"""The judgement of one pass rate over the runs of the gated branch: MET, NOT_MET or INCONCLUSIVE, and why.

Which runs count for which clause, and why (R valid runs, oldest first):

- `observed` and the mirror leave runs with a *confirmed* outage out, both over the same newest 30 others: a rate that
  people read beside the threshold must not be the weather, and a claim that it is worse must be about that rate.
- the e-value and the last-10 clause keep every run, each counting at most B: what is proven is the clipped rate with
  the outages in it, and must not depend on whether somebody reran the commit.
  The price, over 100 runs with all outages confirmed: at 98.5 % with 45 % (60 %) of the failures theirs, MET in 2 %
  (1 %) of histories instead of 21 % (40 %). At 97.9 % neither way was MET once in 2,000 histories.
- the large-loss bound keeps every run unclipped: it is where outages, confirmed or not, are judged.

Shares are compared unrounded. A share and a limit that are the same decimal are the same float (both are correctly
rounded), so "exactly at the limit" holds; make the limit with `limit_of`, since 1 - .9 is not .1 in floats.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from flakelens.model import GateState
from flakelens.stats.evidence import LOG_PROOF, MIRROR_WINDOW, WINDOWS, clip_cap, mirror_log_e, pooled_log_e
from flakelens.stats.intervals import clopper_pearson_lower, clopper_pearson_upper, run_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[Any]  # whole numbers, shape (R,), oldest run first
    Flags = NDArray[np.bool_]


class RateRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass rate must show. Windows count runs; limits are fractions."""

    limit: float  # m: the largest failing share that is still good enough, in (0, .5); see `limit_of`
    window: int = 30  # newest runs without confirmed outages that `observed` is taken over
    last: int = 10  # newest runs whose mean clipped share must hold the limit: no MET on old merits
    minimum_runs: int = 10  # below this `observed` alone decides nothing
    large_loss_window: int = 100  # newest runs among which large losses are counted
    large_loss_limit: float = 0.10  # the share of large-loss runs that may not be exceeded
    evidence: Literal["e-value", "observed"] = "e-value"

    def __post_init__(self) -> None:
        if not 0.0 < self.limit < 0.5:
            raise ValueError(f"limit must be in (0, .5), not {self.limit}")
        if not 0.0 < self.large_loss_limit < 1.0:
            raise ValueError(f"large_loss_limit must be in (0, 1), not {self.large_loss_limit}")
        for name in ("window", "last", "minimum_runs", "large_loss_window"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")

    @property
    def cap(self) -> float:
        """B: the most that one run may count; above it a run is a large loss."""
        return clip_cap(self.limit)


class Clause(msgspec.Struct, frozen=True):
    """One condition, whether it holds, and the figures for a sentence about it."""

    name: str
    holds: bool
    facts: dict[str, float | int]


class Observed(msgspec.Struct, frozen=True):
    """The pass rate over the newest runs without confirmed outages. low <= value <= high where they are known."""

    value: float  # passed / executed
    low: float | None  # two-sided 95 %, see `run_interval`; None below 10 runs
    high: float | None
    n_runs: int
    passed: int  # test results that passed; numerator of `value`
    executed: int  # test results that are not skipped; denominator of `value`


class LargeLoss(msgspec.Struct, frozen=True):
    """Runs that lost more than B of their tests."""

    k: int  # such runs among the newest `large_loss_window`
    n: int  # runs looked at: at most `large_loss_window`
    upper: float  # one-sided 95 % Clopper-Pearson bounds of their share
    lower: float


class RateFinding(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a pass rate and everything that a sentence about it needs."""

    state: GateState
    observed: Observed | None  # None: no run without a confirmed outage
    e_log: float  # ln of the pooled e-value that the rate is good enough; ln 20 proves it
    mirror_log: float  # ln of the e-value that it is not; ln 20 proves it
    last_rate: float | None  # 1 - mean clipped failing share of the last 10 runs, outages included; None without runs
    large_loss: LargeLoss
    clauses: tuple[Clause, ...]  # all of them must hold for MET
    violations: tuple[Clause, ...]  # if MET does not hold, any of them makes NOT_MET


def limit_of(threshold: float) -> float:
    """m = 1 - threshold, computed in decimals so that .9 gives .1 and not .09999999999999998."""
    return float(1 - Decimal(repr(threshold)))


class _Look:
    """One look at a history: each question answered when asked, so that a plain state costs no interval."""

    def __init__(self, failed: Counts, executed: Counts, outage: Flags, rule: RateRule) -> None:
        self.rule = rule
        self.share, self.sizes = failed / executed, executed
        self.clipped = np.minimum(self.share, rule.cap)
        kept = slice(None) if not outage.any() else np.flatnonzero(~outage)
        self.failed, self.executed = failed[kept][-rule.window :], executed[kept][-rule.window :]
        self.quiet = self.share[kept]  # without confirmed outages
        self.bad, self.total = int(self.failed.sum()), int(self.executed.sum())
        recent = self.share[-rule.large_loss_window :]
        self.losses, self.loss_runs = int((recent > rule.cap).sum()), len(recent)

    def holds_observed(self) -> bool:
        return self.total > 0 and self.bad / self.total <= self.rule.limit

    def below(self) -> bool:
        enough = len(self.failed) >= self.rule.minimum_runs
        return enough and self.bad / self.total > self.rule.limit

    def last_share(self) -> float:
        newest = self.clipped[-self.rule.last :].tolist()
        return math.fsum(newest) / len(newest) if newest else math.inf

    def loss_upper(self) -> float:
        return clopper_pearson_upper(self.losses, self.loss_runs)

    def loss_lower(self) -> float:
        return clopper_pearson_lower(self.losses, self.loss_runs)

    def e_log(self) -> float:
        return pooled_log_e(self.clipped, self.sizes, self.rule.limit, self.rule.cap)

    def mirror_log(self) -> float:
        return mirror_log_e(self.quiet, self.rule.limit)

    def state(self) -> GateState:
        rule = self.rule
        if rule.evidence == "observed":
            if len(self.failed) < rule.minimum_runs:
                return GateState.INCONCLUSIVE
            return GateState.MET if self.holds_observed() else GateState.NOT_MET
        if (
            self.holds_observed()
            and self.last_share() <= rule.limit
            and self.loss_upper() <= rule.large_loss_limit
            and self.e_log() >= LOG_PROOF
        ):
            return GateState.MET
        if self.below() or self.loss_lower() > rule.large_loss_limit or self.mirror_log() >= LOG_PROOF:
            return GateState.NOT_MET
        return GateState.INCONCLUSIVE


def judge_state(failed: Counts, executed: Counts, outage: Flags, rule: RateRule) -> GateState:
    """The state of `judge_rate` alone, several times faster: for looking often."""
    _check(failed, executed, outage)
    return _Look(failed, executed, outage, rule).state()


def judge_rate(failed: Counts, executed: Counts, outage: Flags, rule: RateRule) -> RateFinding:
    """Judge the pass rate of the valid runs of the gated branch.

    `failed`, `executed`: tests that failed and tests with a result (passed or failed; executed >= 1) per run; `outage`:
    whether a confirmed outage hit the run. Shape (R,) each, oldest first; R = 0 is INCONCLUSIVE.

    MET, tested first, needs all of: observed share of failures <= m; ln e-value >= ln 20 (`pooled_log_e`); mean of
    the last 10 clipped shares <= m; upper 95 % bound of the share of large-loss runs <= 10 %. NOT_MET: >= 10 runs and
    observed above m; or mirror e-value >= 20 (`mirror_log_e`); or lower bound of the large-loss share > 10 %. With
    `evidence` "observed" the observed share over >= 10 runs alone decides. Error rates, by simulation, are printed by
    `benchmarks gate_calibration`. The judgement is about the window: it is no forecast.
    """
    _check(failed, executed, outage)
    look = _Look(failed, executed, outage, rule)
    losses = LargeLoss(look.losses, look.loss_runs, look.loss_upper(), look.loss_lower()) if len(failed) else NO_RUNS
    last_share = look.last_share()
    e_log, mirror_log = look.e_log(), look.mirror_log()
    seen: dict[str, float | int] = {
        "failed": look.bad,
        "executed": look.total,
        "runs": len(look.failed),
        "limit": rule.limit,
    }
    losing: dict[str, float | int] = {
        "runs": losses.k,
        "of": losses.n,
        "limit": rule.large_loss_limit,
        "above": rule.cap,
    }
    below = Clause("below", look.below(), seen | {"minimum_runs": rule.minimum_runs})
    if rule.evidence == "observed":
        enough = len(look.failed) >= rule.minimum_runs
        clauses: tuple[Clause, ...] = (
            Clause("observed", look.holds_observed(), seen),
            Clause("minimum-runs", enough, {"runs": len(look.failed), "minimum_runs": rule.minimum_runs}),
        )
        violations: tuple[Clause, ...] = (below,)
    else:
        newest = min(rule.last, len(failed))
        clauses = (
            Clause("observed", look.holds_observed(), seen),
            Clause("evidence", e_log >= LOG_PROOF, {"e_log": e_log, "needed": LOG_PROOF, "runs": len(failed)}),
            Clause("last", last_share <= rule.limit, {"share": last_share, "runs": newest, "limit": rule.limit}),
            Clause("large-loss", losses.upper <= rule.large_loss_limit, losing | {"bound": losses.upper}),
        )
        mirrored = min(MIRROR_WINDOW, len(look.quiet))
        violations = (
            below,
            Clause("mirror", mirror_log >= LOG_PROOF, {"e_log": mirror_log, "needed": LOG_PROOF, "runs": mirrored}),
            Clause("large-losses", losses.lower > rule.large_loss_limit, losing | {"bound": losses.lower}),
        )
    return RateFinding(
        state=look.state(),
        observed=_observed(look),
        e_log=e_log,
        mirror_log=mirror_log,
        last_rate=1.0 - last_share if len(failed) else None,
        large_loss=losses,
        clauses=clauses,
        violations=violations,
    )


NO_RUNS = LargeLoss(0, 0, 1.0, 0.0)


def _observed(look: _Look) -> Observed | None:
    if look.total == 0:
        return None
    passed = look.total - look.bad
    interval = run_interval(look.failed, look.executed)
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Observed(passed / look.total, low, high, len(look.failed), passed, look.total)


def _check(failed: Counts, executed: Counts, outage: Flags) -> None:
    if not len(failed) == len(executed) == len(outage):
        raise ValueError(f"one value per run: {len(failed)} failed, {len(executed)} executed, {len(outage)} outage")
    if len(executed) and executed.min() < 1:
        raise ValueError("a run without results is not a valid run")


def clean_runs_needed(failed: Counts, executed: Counts, outage: Flags, rule: RateRule, suite_size: int) -> int | None:
    """The fewest clean runs (0 of `suite_size` >= 1 failing, no outage) that would make this history MET.

    Appended one by one, the windows sliding over them; 0 if MET already, None if `rule.large_loss_window` clean runs
    are not enough. "Enough" is found by trying, because no formula knows all clauses.
    """
    _check(failed, executed, outage)
    most = rule.large_loss_window
    known = len(failed)
    failed = np.concatenate([failed, np.zeros(most, dtype=np.int64)])
    executed = np.concatenate([executed, np.full(most, suite_size, dtype=np.int64)])
    outage = np.concatenate([outage, np.zeros(most, dtype=np.bool_)])
    for n in range(most + 1):
        end = known + n
        if end and _Look(failed[:end], executed[:end], outage[:end], rule).state() is GateState.MET:
            return n
    return None


def certifiable(limit: float, large_loss_limit: float = 0.10, large_loss_window: int = 100) -> bool:
    """Whether as many clean runs as the longest window holds can prove a limit at all.

    100 clean runs prove m = .5 % but not .4 %: such a threshold is a policy error unless `evidence` is "observed".
    """
    clean = np.zeros(max(WINDOWS))
    return (
        pooled_log_e(clean, np.ones(len(clean)), limit, clip_cap(limit)) >= LOG_PROOF
        and clopper_pearson_upper(0, large_loss_window) <= large_loss_limit
    )
