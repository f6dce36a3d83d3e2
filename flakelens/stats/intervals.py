"""Intervals for rates: Clopper-Pearson for counts of runs, Korn-Graubard for pass rates over runs.

The special functions are here in plain `math` because the gate must not import scipy; the tests compare them with it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from flakelens.stats.evidence import bartlett

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINIMUM_RUNS = 10  # below this many runs the variance between runs is a guess: no interval

_TINY = 1e-300  # keeps Lentz's quotients away from 0/0
_EPSILON = 1e-16


class Interval(NamedTuple):
    """A rate and its two-sided confidence interval. Fractions in [0, 1]; low <= value <= high always holds."""

    value: float  # passed / executed, pooled over the runs
    low: float
    high: float
    n_runs: int  # runs that the interval rests on


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), the CDF of Beta(a, b) at x. a, b > 0; x in [0, 1].

    I_x(a, b) = x^a (1-x)^b / (a B(a, b)) * 1/(1 + d1/(1 + d2/(1 + ...))), the continued fraction of DiDonato & Morris
    (1992) and Abramowitz & Stegun 26.5.8 by Lentz's method; I_x(a, b) = 1 - I_{1-x}(b, a) where that converges faster.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front)
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _continued_fraction(a, b, x) / a
    return 1.0 - front * _continued_fraction(b, a, 1.0 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Lentz's evaluation of the continued fraction of I_x(a, b); needs about sqrt(max(a, b)) steps."""
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    both = a + b
    for i in range(1, 10_000):
        twice = a + 2 * i
        # Two terms a step, written out: a verdict takes some thousands of them.
        term = i * (b - i) * x / ((twice - 1.0) * twice)
        d = 1.0 + term * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + term / c
        c = c if abs(c) > _TINY else _TINY
        value *= c * d
        term = -(a + i) * (both + i) * x / (twice * (twice + 1.0))
        d = 1.0 + term * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + term / c
        c = c if abs(c) > _TINY else _TINY
        step = c * d
        value *= step
        if abs(step - 1.0) < 3 * _EPSILON:
            break
    return value


@lru_cache(maxsize=4096)  # many tests share their counts
def beta_quantile(q: float, a: float, b: float) -> float:
    """The x in [0, 1] with I_x(a, b) = q, for q in [0, 1] and a, b > 0.

    Newton's method on the CDF, replaced by bisection wherever a step leaves the bracket: it cannot fail, only be slow.
    """
    if q <= 0.0:
        return 0.0
    if q >= 1.0:
        return 1.0
    log_norm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    low, high = 0.0, 1.0
    x = a / (a + b)
    for _ in range(200):
        error = incomplete_beta(a, b, x) - q
        if error > 0.0:
            high = x
        else:
            low = x
        log_density = log_norm + (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x)
        step = error / math.exp(log_density) if -700.0 < log_density < 700.0 else math.inf
        nearer = x - step
        if not low < nearer < high:
            nearer = 0.5 * (low + high)
        if abs(nearer - x) <= 1e-14 * x or not 0.0 < nearer < 1.0:
            return nearer
        x = nearer
    return x


@lru_cache(maxsize=4096)
def student_t_quantile(q: float, df: float) -> float:
    """The t with P(T <= t) = q for Student's T with `df` > 0 degrees of freedom; q in (0, 1).

    t^2 / (df + t^2) is Beta(1/2, df/2) (Abramowitz & Stegun 26.7.1), so t = sqrt(df y / (1-y)) at the quantile y of
    |2q - 1|, with the sign of q - 1/2.
    """
    y = beta_quantile(abs(2.0 * q - 1.0), 0.5, 0.5 * df)
    t = math.sqrt(df * y / (1.0 - y)) if y < 1.0 else math.inf
    return t if q >= 0.5 else -t


@lru_cache(maxsize=16384)
def clopper_pearson_upper(k: float, n: float, level: float = 0.95) -> float:
    """The one-sided upper bound of a probability after k of n: the p with P(X <= k; n, p) = 1 - level.

    Beta quantile of `level` at (k + 1, n - k) (Clopper & Pearson 1934); 1 - (1 - level)^(1/n) at k = 0, 1 at k = n
    and for n = 0. 0 <= k <= n, not necessarily whole; level in (0, 1). A fraction in [0, 1].
    """
    if k >= n:
        return 1.0
    if k <= 0:
        return -math.expm1(math.log1p(-level) / n)
    return beta_quantile(level, k + 1.0, n - k)


@lru_cache(maxsize=16384)
def clopper_pearson_lower(k: float, n: float, level: float = 0.95) -> float:
    """The one-sided lower bound of a probability after k of n: the p with P(X >= k; n, p) = 1 - level.

    Beta quantile of 1 - `level` at (k, n - k + 1) (Clopper & Pearson 1934); 0 at k = 0 and for n = 0.
    """
    if k <= 0 or n <= 0:
        return 0.0
    if k >= n:
        return math.exp(math.log1p(-level) / n)
    return beta_quantile(1.0 - level, k, n - k + 1.0)


def jeffreys_interval(k: float, n: float, level: float = 0.95) -> tuple[float, float, float]:
    """Mean and two-sided interval of a probability after k of n, 0 <= k <= n: those of Beta(k + 1/2, n - k + 1/2).

    Jeffreys' prior (Brown, Cai & DasGupta 2001); as they advise, the interval ends at 0 for k = 0 and at 1 for k = n.
    """
    a, b = k + 0.5, n - k + 0.5
    low = beta_quantile(0.5 * (1.0 - level), a, b) if k > 0 else 0.0
    high = beta_quantile(0.5 * (1.0 + level), a, b) if k < n else 1.0
    return a / (a + b), low, high


def autocorrelation_factor(x: NDArray[np.float64]) -> float:
    """s >= 1: how many times larger the variance of the mean of x is than if its runs were independent.

        s = max(1, 1 + 2 sum_{l=1..L} (1 - l/(L+1)) rho_l),   L = max(1, round(1.3 sqrt(R)))

    rho_l = sum_t d_t d_{t+l} / sum_t d_t^2 with d = x - mean(x), Bartlett's weights (Newey & West 1987). s = 1 for
    R < 10 and for constant x.
    """
    n_runs = len(x)
    if n_runs < MINIMUM_RUNS or x.min() == x.max():
        return 1.0
    d = x - x.sum() / n_runs
    weights = bartlett(n_runs)
    products = np.correlate(d, d, "full")[n_runs - 1 : n_runs + len(weights)]
    if not products[0] > 0.0:
        return 1.0
    return max(1.0, 1.0 + float(weights @ products[1:]) / float(products[0]))


def green_interval(green: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The chance that a run is green and its two-sided 95 % interval, by runs (R,), oldest first, R >= 1.

    The chance is Jeffreys' mean (k + 1/2) / (R + 1). The interval divides R and k by the autocorrelation factor:
    red runs come together where a break lasts, and are fewer observations then.
    """
    runs, count = len(green), int(green.sum())
    value, _, _ = jeffreys_interval(count, runs)
    stretch = autocorrelation_factor(green.astype(np.float64))
    _, low, high = jeffreys_interval(count / stretch, runs / stretch)
    return value, min(low, value), max(high, value)


def run_interval(failed: NDArray[Any], executed: NDArray[Any], level: float = 0.95) -> Interval | None:
    """The pass rate over runs with a two-sided interval that knows that the results of one run stand or fall together.

    `failed`, `executed`: counts per run, shape (R,), oldest first, executed >= 1. None below 10 runs.

    Korn & Graubard (1998, Survey Methodology 24): Clopper-Pearson with the effective instead of the nominal number of
    results. With p = sum(failed) / N, N = sum(executed):

        v    = s * R/(R-1) * sum((failed_t - p executed_t)^2) / N^2      variance of the ratio p, runs as clusters
        n*   = min(N, p(1-p)/v) * (t_{N-1} / t_{R-1})^2                  t at (1 + level)/2; design effect >= 1
        low, high = Beta quantiles at (p n*, n* - p n* + 1) and (p n* + 1, n* - p n*)

    s is the autocorrelation factor of failed_t / executed_t. Without a failure the variance between runs says
    nothing; the failure rate's upper bound is then 1 - (1 - level)^(1/R), the run-level rule of three (all failing:
    its mirror image). What has not yet happened in these runs, such as an outage, is in no such interval.
    """
    n_runs = len(failed)
    if n_runs < MINIMUM_RUNS:
        return None
    total = int(executed.sum())
    bad = int(failed.sum())
    value = (total - bad) / total
    if bad in (0, total):
        far = -math.expm1(math.log1p(-level) / n_runs)
        return Interval(1.0, 1.0 - far, 1.0, n_runs) if bad == 0 else Interval(0.0, 0.0, far, n_runs)
    rate = bad / total
    residuals = failed - rate * executed
    between = n_runs / (n_runs - 1) * float(residuals @ residuals) / total**2
    between *= autocorrelation_factor(np.asarray(failed / executed, dtype=np.float64))
    spread = rate * (1.0 - rate)
    effective = min(float(total), spread / between) if between > 0.0 else float(total)
    q = 0.5 * (1.0 + level)
    effective *= (student_t_quantile(q, total - 1) / student_t_quantile(q, n_runs - 1)) ** 2
    k = rate * effective
    upper = beta_quantile(q, k + 1.0, effective - k)
    lower = beta_quantile(1.0 - q, k, effective - k + 1.0)
    return Interval(value, min(value, 1.0 - upper), max(value, 1.0 - lower), n_runs)
