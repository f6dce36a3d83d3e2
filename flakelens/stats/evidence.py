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
from typing import TYPE_CHECKING, Any

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
def bartlett(n_runs: int) -> NDArray[np.float64]:
    """Weights 2 (1 - l/(L+1)) of the lags l = 1..L, L = max(1, round(1.3 sqrt(R))) (Newey & West 1987)."""
    lags = max(1, round(1.3 * math.sqrt(n_runs)))
    weights: NDArray[np.float64] = 2.0 * (1.0 - np.arange(1, lags + 1) / (lags + 1))
    weights.flags.writeable = False
    return weights


@lru_cache(maxsize=1024)
def _partners(n_runs: int) -> NDArray[np.intp]:
    """Row l: for each run the index of the run l later, or of a later zero; shape (L, R)."""
    lags = len(bartlett(n_runs))
    return np.arange(1, lags + 1)[:, None] + np.arange(n_runs)[None, :]


def badness(x: Shares, executed: NDArray[Any], m: float) -> Shares:
    """z in [0, 1]: how bad each run is. In a large suite 0 at half the limit m and 1 at m; in a small one later.

        z_t = min(1, max(0, x_t - f_t) / (m/2)),   f_t = max(m/2, 1.1 sqrt(m (1 - m) / executed_t))

    The root is the standard deviation of x_t at the limit if tests fail independently of each other: in a suite of 60
    one failure is nothing special. z ends at 1 so that two rare outages near each other do not pass for a breakage.
    """
    floor = np.maximum(0.5 * m, 1.1 * np.sqrt(m * (1.0 - m) / executed))
    z: Shares = np.clip((x - floor) / (0.5 * m), 0.0, 1.0)
    return z


def stretch_factor(z: Shares) -> float:
    """s in [1, 3]: by how much to shrink evidence because bad runs come in stretches. z is the `badness` of the runs.

        s = min(3, 1 + 2.5 sum_{l=1..L} 2 (1 - l/(L+1)) sum_t min(z_t, z_{t+l})^2 / R),   L = max(1, round(1.3 sqrt(R)))

    A breakage that lasts shows as bad runs near each other; the lesser of two is what they have in common. Measured
    against the limit and not against the sample's own variance, s cannot fall when something fails. What the constants
    buy is in docs/adr/0002-monotone-guard.md.
    """
    if not z.any():
        return 1.0
    n_runs, weights = len(z), bartlett(len(z))
    common = np.minimum(z, np.concatenate([z, np.zeros(len(weights))])[_partners(n_runs)])
    return min(3.0, 1.0 + 2.5 * float(weights @ np.square(common).sum(axis=1)) / n_runs)


def pooled_log_e(x: Shares, executed: NDArray[Any], m: float, cap: float, windows: tuple[int, ...] = WINDOWS) -> float:
    """ln of the guarded e-value pooled over windows of the newest runs: the evidence that a rate is better than m.

        l_w = log_e_value(y_w),  y_w = the newest min(w, R) of min(x, B);   L_w = l_w / s(y_w) if l_w > 0 else l_w
        ln mean_w exp(L_w)

    Proof at 5 % is a value >= ln 20. Each window alone forgets at its own pace: 30 runs see a repair after about 30
    runs, 100 runs can prove a rate that 30 cannot. s is `stretch_factor`, the guard against runs that resemble each
    other; it only ever shrinks evidence in favour, and makes the value a measured rule, not a theorem. 0 without runs.

    One more failure lowers every l_w and raises every s, so it never raises the value. `executed`: tests with a result
    per run, >= 1, shape (R,) like x.
    """
    if len(x) == 0:
        return 0.0
    newest = slice(-max(windows), None)
    clipped = np.minimum(x[newest], cap)
    bets = _log_bets(clipped, m, cap)
    logs = [_log_mean_exp(bets[:, -w:].sum(axis=1)) for w in windows]
    if max(logs) > 0.0:
        z = badness(clipped, executed[newest], m)
        logs = [log / stretch_factor(z[-w:]) if log > 0.0 else log for log, w in zip(logs, windows, strict=True)]
    return _log_mean_exp(np.array(logs))
