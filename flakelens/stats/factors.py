"""Factors: does a test fail more often on one browser, shard or hour, and is that the factor or one that goes with it?

Confounding, not the number of comparisons, is what makes such tables wrong (simulated: chi-square with
Benjamini-Hochberg is wrong in half of its findings, `benchmarks causes`). So what is found must also hold within the
levels of the factors that go with it: Cochran (1954), Mantel and Haenszel (1959, J. Natl. Cancer Inst. 22).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from flakelens.facts import Bools, Int32s

Table = NDArray[np.float64]

MINIMUM_FAILURES = 3  # rows with fewer are not tested
FALSE_DISCOVERIES = 0.05
CORRELATED = 0.2  # Cramer's V above which two factors are held apart
APART = 0.01  # largest p that a finding may have within the levels of the factors that go with it
_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution
_NONE_LEFT = 1e-9


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One row fails more often, or less often, at one level of a factor than elsewhere."""

    row: int
    factor: str
    level: int
    p: float  # two-sided, nothing held apart: what enters the false discovery rate
    p_apart: float | None  # the same within `held_apart`; None where nothing could be compared
    odds_ratio: float  # > 1: fails more often at this level; inf where it never fails elsewhere
    low: float | None  # two-sided 95 %; None where a cell of the pooled table is empty
    high: float | None
    failed: int  # failures at this level
    ran: int  # results at this level
    failed_elsewhere: int
    ran_elsewhere: int
    held_apart: tuple[str, ...]  # factors within whose levels it was compared
    not_separable_from: tuple[str, ...]  # factors that change with it so closely that nothing could be compared


def find_effects(
    failed: Bools,
    ran: Bools,
    factors: Mapping[str, Int32s],
    *,
    outage: Bools | None = None,
    minimum: int = MINIMUM_FAILURES,
    share: float = FALSE_DISCOVERIES,
) -> tuple[Effect, ...]:
    """What no other factor explains, found when at most `share` of the findings may be due to chance; by row, then p.

    `failed`, `ran` (N, M): N tests or causes, M observations (runs, or runs x variants); failed implies ran. `factors`
    by name: level of each observation, (M,), or (N, M) where it differs between rows; -1 unknown. `outage` (M,):
    confirmed outages, left out: an hour with an outage would explain every test.

    For row i and level l of factor F, with n results, k failures, n1 results at the level and A failures there:

        chi2 = (|sum (A - n1 k / n)| - .5)^2 / sum n1 n0 k (n - k) / (n^2 (n - 1)),   n0 = n - n1

    on one degree of freedom, the sums over strata. All results as one stratum give p, of which Benjamini & Hochberg
    (1995) choose; the combinations of those other factors that go with F (bias-corrected Cramer's V > .2) give
    `p_apart`, which must be at most .01. To choose by `p_apart` alone was measured: no fewer false findings, and less
    power. Where the strata leave nothing to compare, the effect says from which factors it cannot be separated.
    """
    if outage is not None:
        kept = np.flatnonzero(~outage)
        failed, ran = failed[:, kept], ran[:, kept]
        factors = {name: codes[..., kept] for name, codes in factors.items()}
    effects: list[Effect] = []
    shared = _Association()
    for row in np.flatnonzero((failed & ran).sum(axis=1) >= minimum).tolist():
        seen = ran[row]
        codes = {name: (levels if levels.ndim == 1 else levels[row])[seen] for name, levels in factors.items()}
        fixed = {name for name, levels in factors.items() if levels.ndim == 1} if seen.all() else set()
        codes = {name: levels for name, levels in codes.items() if len(np.unique(levels[levels >= 0])) > 1}
        effects += _of_row(row, failed[row, seen], codes, shared, fixed)
    return _discoveries(effects, share)


def cramers_v(one: Int32s, other: Int32s) -> float:
    """Bias-corrected Cramer's V of two factors, 0 to 1 (Bergsma 2013, J. Korean Stat. Soc. 42); -1 codes left out.

    phi2 = max(0, chi2/n - (r-1)(c-1)/(n-1)), V = sqrt(phi2 / min(r' - 1, c' - 1)), r' = r - (r-1)^2/(n-1). Plain V
    of two unrelated factors with four levels is .17 on average in 100 runs, and would hold too much apart.
    """
    known = (one >= 0) & (other >= 0)
    rows, columns = (np.unique(codes[known], return_inverse=True) for codes in (one, other))
    r, c, n = len(rows[0]), len(columns[0]), int(known.sum())
    if r < 2 or c < 2 or n < 2:
        return 0.0
    table = np.bincount(rows[1] * c + columns[1], minlength=r * c).reshape(r, c)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(((table - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return math.sqrt(min(1.0, phi2 / least)) if least > 0 else 0.0


def benjamini_hochberg(p: Sequence[float] | NDArray[np.float64], share: float = FALSE_DISCOVERIES) -> Bools:
    """Which of the p-values are discoveries: all up to the largest p_(i) <= share * i / m. Shape of `p`."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    holds = np.flatnonzero(values[order] <= share * np.arange(1, len(values) + 1) / max(1, len(values)))
    found = np.zeros(len(values), np.bool_)
    if len(holds):
        found[order[: holds[-1] + 1]] = True
    return found


class _Association:
    """Which factors go together. What is the same for all rows is computed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], float] = {}

    def partners(self, codes: Mapping[str, Int32s], fixed: set[str]) -> dict[str, tuple[str, ...]]:
        beside: dict[str, list[str]] = {name: [] for name in codes}
        for one, other in combinations(codes, 2):
            shared = one in fixed and other in fixed
            value = self._known.get((one, other)) if shared else None
            if value is None:
                value = cramers_v(codes[one], codes[other])
                if shared:
                    self._known[one, other] = value
            if value > CORRELATED:
                beside[one].append(other)
                beside[other].append(one)
        return {name: tuple(others) for name, others in beside.items()}


def _of_row(
    row: int, failed: Bools, codes: Mapping[str, Int32s], shared: _Association, fixed: set[str]
) -> list[Effect]:
    """Every comparison of one row; of a factor with two levels the one at which it fails more often."""
    effects = []
    for name, beside in shared.partners(codes, fixed).items():
        levels = codes[name]
        usable = levels >= 0
        for other in beside:
            usable = usable & (codes[other] >= 0)
        known = levels >= 0
        plain = _Tables.of(levels[known], np.zeros(int(known.sum()), np.int64), failed[known])
        apart = _Tables.of(levels[usable], _strata([codes[other][usable] for other in beside]), failed[usable])
        of_factor = []
        for place, level in enumerate(plain.levels):
            statistic = plain.statistic(place)
            if statistic is None:
                continue
            found = apart.place(level)
            within = apart.statistic(found) if found is not None else None
            separable = within is not None and found is not None
            odds, low, high = apart.odds_ratio(found) if separable and found is not None else plain.odds_ratio(place)
            a, n1 = int(plain.a[place].sum()), int(plain.n1[place].sum())
            effect = Effect(
                row=row,
                factor=name,
                level=level,
                p=_p(statistic),
                p_apart=None if within is None else _p(within),
                odds_ratio=odds,
                low=low,
                high=high,
                failed=a,
                ran=n1,
                failed_elsewhere=int(plain.k.sum()) - a,
                ran_elsewhere=int(plain.n.sum()) - n1,
                held_apart=beside if separable else (),
                not_separable_from=() if separable else beside,
            )
            of_factor.append(effect)
        if len(plain.levels) == 2:  # both levels are one comparison
            of_factor = sorted(of_factor, key=lambda effect: -effect.odds_ratio)[:1]
        effects += of_factor
    return effects


def _p(chi2: float) -> float:
    """The upper tail of chi-square on one degree of freedom."""
    return math.erfc(math.sqrt(chi2 / 2))


def _strata(codes: Sequence[Int32s]) -> NDArray[np.int64]:
    """One number per combination of levels."""
    combined = np.zeros(len(codes[0]) if codes else 0, np.int64)
    for levels in codes:
        combined = combined * (int(levels.max(initial=0)) + 1) + levels
    return np.unique(combined, return_inverse=True)[1].astype(np.int64)


class _Tables(msgspec.Struct, frozen=True):
    """Counts of one row and factor: per level and stratum (L, S), and per stratum (S,)."""

    levels: list[int]
    a: Table  # failures at the level
    n1: Table  # results at the level
    k: Table  # failures
    n: Table  # results

    @classmethod
    def of(cls, levels: Int32s, strata: NDArray[np.int64], failed: Bools) -> _Tables:
        names, codes = np.unique(levels, return_inverse=True)
        if len(strata) != len(codes):
            strata = np.zeros(len(codes), np.int64)
        size = int(strata.max(initial=0)) + 1
        cells = codes * size + strata
        shape = len(names), size
        n1 = np.bincount(cells, minlength=len(names) * size).reshape(shape).astype(np.float64)
        a = np.bincount(cells[failed], minlength=len(names) * size).reshape(shape).astype(np.float64)
        return cls(names.tolist(), a, n1, a.sum(axis=0), n1.sum(axis=0))

    def place(self, level: int) -> int | None:
        return self.levels.index(level) if level in self.levels else None

    def statistic(self, place: int) -> float | None:
        """The continuity-corrected CMH statistic; None where no stratum holds results inside and outside the level."""
        n, n1, k = self.n, self.n1[place], self.k
        several = n > 1
        variance = np.zeros_like(n)
        np.divide(n1 * (n - n1) * k * (n - k), n**2 * (n - 1), out=variance, where=several)
        total = float(variance.sum())
        if total < _NONE_LEFT:
            return None
        expected = np.divide(n1 * k, n, out=np.zeros_like(n), where=n > 0)
        distance = max(0.0, abs(float((self.a[place] - expected).sum())) - 0.5)
        return distance**2 / total

    def odds_ratio(self, place: int) -> tuple[float, float | None, float | None]:
        """Mantel-Haenszel's pooled odds ratio with a 95 % interval.

        Variance of its logarithm: Robins, Breslow & Greenland (1986, Biometrics 42), sum PR/(2R^2) + sum (PS+QR)/(2RS)
        + sum QS/(2S^2) with P = (a+d)/n, Q = (b+c)/n, R = ad/n, S = bc/n per stratum.
        """
        filled = self.n > 0
        n = self.n[filled]
        a = self.a[place][filled]
        b = self.n1[place][filled] - a
        c = self.k[filled] - a
        d = n - a - b - c
        p, q, r, s = (a + d) / n, (b + c) / n, a * d / n, b * c / n
        up, down = float(r.sum()), float(s.sum())
        if up == 0 or down == 0:
            return (math.inf if up else 0.0 if down else 1.0), None, None
        variance = float(
            (p * r).sum() / (2 * up**2) + (p * s + q * r).sum() / (2 * up * down) + (q * s).sum() / (2 * down**2)
        )
        odds, spread = up / down, _Z * math.sqrt(variance)
        return odds, odds * math.exp(-spread), odds * math.exp(spread)


def _discoveries(effects: list[Effect], share: float) -> tuple[Effect, ...]:
    found = benjamini_hochberg([effect.p for effect in effects], share)
    kept = [
        effect
        for effect, holds in zip(effects, found, strict=True)
        if holds and (effect.p_apart is None or effect.p_apart <= APART)
    ]
    return tuple(sorted(kept, key=lambda effect: (effect.row, effect.p, effect.factor, effect.level)))
