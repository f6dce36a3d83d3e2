"""Evidence about a failure rate by betting: e-values over runs, and the guard against runs that resemble each other.

A bettor starts with 1 and stakes a share of the fortune on every run against the hypothesis "the failing share is at
least m". Whatever the distribution of the runs, if each run's mean given the past is at least m, the fortune is a
nonnegative supermartingale: it reaches 20 with probability 1/20 at most (Ville 1939; Waudby-Smith & Ramdas 2024,
"Estimating means of bounded random variables by betting", JRSS B 86). Everything here is in natural logarithms.

Throughout, x is float64 of shape (R,), oldest run first: the failing share of each run, failed / executed, in [0, 1];
m is the largest share that is still acceptable, in (0, .5).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Shares = NDArray[np.float64]

WINDOWS = (30, 100)  # newest runs: the short window forgives a repair, the long one gathers evidence
MIRROR_WINDOW = 30
LOG_PROOF = math.log(20)  # an e-value of 20 is evidence at 5 %

_STAKES = np.array([0.25, 0.6, 0.999])  # shares of the largest stake that cannot ruin the bettor
_MIRROR_STAKES = np.array([0.02, 0.05, 0.1])
_LOG_3 = math.log(3)


def clip_cap(m: float) -> float:
    """B = max(.10, 2m): the most that one run may count.

    Without a cap no rule that looks at fewer than about 150 runs can be valid, since a rare outage may not have shown
    yet. What lies above the cap is judged as a large loss, by its own bound. m in (0, .5) gives B in [.1, 1).
    """
    return max(0.10, 2.0 * m)


def _log_mean_exp(logs: NDArray[np.float64]) -> float:
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum()) / len(logs))


def log_e_value(x: Shares, m: float, cap: float) -> float:
    """ln of the e-value against H0: E[x_t] >= m. Large: the rate is better than m. 0 without runs.

        E = mean over j of prod_t (1 + lambda_j (m - min(x_t, B))),   lambda_j in {.25, .6, .999} / (B - m)

    B = `cap` > m. A mean of bets is a bet; the fixed grid makes the value independent of the order of the runs.
    """
    if len(x) == 0:
        return 0.0
    return _log_mean_exp(_log_bets(np.minimum(x, cap), m, cap).sum(axis=1))


def _log_bets(clipped: Shares, m: float, cap: float) -> NDArray[np.float64]:
    """ln(1 + lambda_j (m - x_t)), shape (3, R)."""
    return np.log1p(np.outer(_STAKES / (cap - m), m - clipped))


def mirror_log_e(x: Shares, m: float) -> float:
    """ln of the mirror e-value against H0: E[x_t] <= m. Large: the rate is worse than m. 0 without runs.

        E = mean over j of prod_t (1 + lambda_j (x_t - m)),   lambda_j in {.02, .05, .1} / m

    over the newest 30 of x, unclipped and unguarded: over a longer window it would contradict a repair for dozens of
    runs. Its error rate under dependent runs is measured in `benchmarks gate_calibration`, not proven.
    """
    if len(x) == 0:
        return 0.0
    newest = x[-MIRROR_WINDOW:]
    return _log_mean_exp(np.log1p(np.outer(_MIRROR_STAKES / m, newest - m)).sum(axis=1))


@lru_cache(maxsize=1024)
def _bartlett(n_runs: int) -> NDArray[np.float64]:
    lags = max(1, round(1.3 * math.sqrt(n_runs)))
    weights: NDArray[np.float64] = 2.0 * (1.0 - np.arange(1, lags + 1) / (lags + 1))
    weights.flags.writeable = False
    return weights


def autocorrelation_factor(x: Shares, cap: float | None = 3.0) -> float:
    """s >= 1: how many times larger the variance of the mean of x is than if its runs were independent.

        s = clip(1 + 2 sum_{l=1..L} (1 - l/(L+1)) rho_l, 1, cap),   L = max(1, round(1.3 sqrt(R)))

    rho_l = sum_t d_t d_{t+l} / sum_t d_t^2 with d = x - mean(x), Bartlett's weights (Newey & West 1987). s = 1 for
    R < 10 and for constant x. `cap` None: unbounded. The cap of 3 was measured: larger ones cost power and do not
    make breakages that last 15 runs safe.
    """
    n_runs = len(x)
    if n_runs < 10:
        return 1.0
    if x.min() == x.max():
        return 1.0
    d = x - x.sum() / n_runs
    weights = _bartlett(n_runs)
    products = np.correlate(d, d, "full")[n_runs - 1 : n_runs + len(weights)]
    if not products[0] > 0.0:
        return 1.0
    s = 1.0 + float(weights @ products[1:]) / float(products[0])
    return max(1.0, s if cap is None else min(s, cap))


def pooled_log_e(x: Shares, m: float, cap: float, windows: tuple[int, ...] = WINDOWS) -> float:
    """ln of the guarded e-value pooled over windows of the newest runs: the evidence that a rate is better than m.

        L_w = log_e_value(y_w) / s(y_w),  y_w = the newest min(w, R) of min(x, B);   ln mean_w exp(L_w)

    Proof at 5 % is a value >= ln 20. Each window alone forgets at its own pace: 30 runs see a repair after about 30
    runs, 100 runs can prove a rate that 30 cannot. Division by s is the guard against runs that resemble each other;
    it makes the value a measured rule, not a theorem. 0 without runs.

    Known flaw: s can fall when a failure is added far from the others, so one more failing result can raise the value
    (`benchmarks gate_calibration` counts how often that alone would make a rate MET: 1 to 4 % of histories).
    """
    if len(x) == 0:
        return 0.0
    clipped = np.minimum(x[-max(windows) :], cap)
    bets = _log_bets(clipped, m, cap)
    logs = [_log_mean_exp(bets[:, -w:].sum(axis=1)) / autocorrelation_factor(clipped[-w:]) for w in windows]
    return _log_mean_exp(np.array(logs))
