"""Has a pass rate changed between two times? The difference with an interval over runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from flakelens.stats.intervals import MINIMUM_RUNS, autocorrelation_factor, student_t_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[Any]  # whole numbers, shape (R,), oldest run first


STRETCHES = 8  # into which a side is cut to see whether bad runs come together; fewer would see more and decide less


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A pass rate now and before, and their difference with a two-sided interval. low <= value <= high."""

    now: float
    before: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """now - before: above 0 it rose."""
        return self.now - self.before

    @property
    def shown(self) -> bool:
        """Do the runs show a change at all?"""
        return self.low > 0 or self.high < 0


def rate_change(now: tuple[Counts, Counts], before: tuple[Counts, Counts], level: float = 0.95) -> Change | None:
    """The change of a pass rate from the runs `before` to those `now`, each (failed, executed) with executed >= 1.

    None with fewer than 10 runs on either side. Not results but runs vary, and runs near each other do so together: the
    variance v of each side is that of a ratio estimate with runs as clusters (see `run_interval`), or with 8 stretches
    of equal length as clusters where that is larger (Ibragimov & Mueller 2010, JBES 28). The interval is Welch's (1947)
    with the degrees of freedom of Satterthwaite (1946), n clusters on each side:

        d +- t_df sqrt(v_now + v_before),   df = (v_1 + v_2)^2 / (v_1^2 / (n_1 - 1) + v_2^2 / (n_2 - 1))

    A side without failures would have no variance. So, as Agresti and Caffo (2000) do for two proportions, each side is
    first given pseudo-observations: here two runs, one clean and one that fails as the failing runs of both sides do on
    average. They pull the two sides together; the difference itself is shown as it was seen.
    """
    sides = (now, before)
    if any(len(failed) < MINIMUM_RUNS for failed, _ in sides):
        return None
    rates = [1.0 - int(failed.sum()) / int(executed.sum()) for failed, executed in sides]
    bad = np.concatenate([failed[failed > 0] / executed[failed > 0] for failed, executed in sides])
    share = float(bad.mean()) if len(bad) else 0.0
    found = [_side(failed, executed, share) for failed, executed in sides]
    spread = sum(side.variance for side in found)
    value, middle = rates[0] - rates[1], found[0].rate - found[1].rate
    reach = 0.0
    if spread > 0:
        freedom = spread**2 / sum(side.variance**2 / (side.clusters - 1) for side in found)
        reach = student_t_quantile(0.5 * (1.0 + level), round(freedom, 1)) * math.sqrt(spread)
    return Change(now=rates[0], before=rates[1], low=min(value, middle - reach), high=max(value, middle + reach))


class _Side(NamedTuple):
    rate: float  # pass rate, the two further runs included
    variance: float
    clusters: int


def _side(failed: Counts, executed: Counts, share: float) -> _Side:
    size = float(executed.mean())
    bad = np.concatenate([failed, [0.0, share * size]])
    ran = np.concatenate([executed, [size, size]]).astype(np.float64)
    rate = float(bad.sum() / ran.sum())
    by_run = autocorrelation_factor(np.asarray(failed / executed, np.float64)) * _variance(bad, ran, rate)
    own = float(failed.sum() / executed.sum())
    stretches = np.array_split(np.arange(len(failed)), STRETCHES)
    sums = [np.array([values[stretch].sum() for stretch in stretches], np.float64) for values in (failed, executed)]
    by_stretch = _variance(sums[0], sums[1], own)
    if by_stretch > by_run:
        return _Side(1.0 - rate, by_stretch, STRETCHES)
    return _Side(1.0 - rate, by_run, len(ran))


def _variance(failed: Counts, executed: Counts, rate: float) -> float:
    """Of a ratio, over clusters: n/(n-1) sum((f - r e)^2) / E^2."""
    residuals = failed - rate * executed
    n = len(failed)
    return n / (n - 1) * float(residuals @ residuals) / float(executed.sum()) ** 2
