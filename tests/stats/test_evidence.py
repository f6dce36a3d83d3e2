"""stats.evidence: the e-values of the gate, against formulas written out the long way and against chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.stats.evidence import (
    LOG_PROOF,
    autocorrelation_factor,
    clip_cap,
    log_e_value,
    mirror_log_e,
    pooled_log_e,
)

if TYPE_CHECKING:
    from random import Random

shares = st.lists(st.floats(0, 1), min_size=1, max_size=130)
limits = st.floats(0.001, 0.49)


def plain_e(x: list[float], m: float, cap: float) -> float:
    """The e-value with products and no logarithms."""
    fortunes = [math.prod(1 + j / (cap - m) * (m - min(v, cap)) for v in x) for j in (0.25, 0.6, 0.999)]
    return sum(fortunes) / 3


def plain_s(x: list[float], cap: float) -> float:
    """The autocorrelation factor with loops."""
    n = len(x)
    if n < 10 or min(x) == max(x):
        return 1.0
    mean = sum(x) / n
    lags = max(1, round(1.3 * math.sqrt(n)))
    total = sum((v - mean) ** 2 for v in x)
    s = 1.0
    for lag in range(1, lags + 1):
        rho = sum((x[t] - mean) * (x[t + lag] - mean) for t in range(n - lag)) / total
        s += 2 * (1 - lag / (lags + 1)) * rho
    return min(max(s, 1.0), cap)


@pytest.mark.parametrize(("m", "cap"), [(0.005, 0.10), (0.02, 0.10), (0.05, 0.10), (0.051, 0.102), (0.3, 0.6)])
def test_cap(m: float, cap: float) -> None:
    assert clip_cap(m) == pytest.approx(cap)


@pytest.mark.parametrize(("m", "runs"), [(0.005, 89), (0.01, 41), (0.02, 18), (0.05, 6)])
def test_clean_runs_that_prove_a_limit(m: float, runs: int) -> None:
    cap = clip_cap(m)
    assert pooled_log_e(np.zeros(runs), m, cap) >= LOG_PROOF > pooled_log_e(np.zeros(runs - 1), m, cap)


def test_hundred_clean_runs_cannot_prove_four_in_a_thousand() -> None:
    assert pooled_log_e(np.zeros(1000), 0.004, 0.10) < LOG_PROOF


def test_no_runs_are_no_evidence() -> None:
    nothing = np.array([])
    assert log_e_value(nothing, 0.02, 0.1) == mirror_log_e(nothing, 0.02) == pooled_log_e(nothing, 0.02, 0.1) == 0.0


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=25))
def test_e_value_as_written_out(x: list[float]) -> None:
    assert log_e_value(np.array(x), 0.02, 0.1) == pytest.approx(math.log(plain_e(x, 0.02, 0.1)), abs=1e-9)


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=110))
def test_pooled_as_written_out(x: list[float]) -> None:
    logs = [math.log(plain_e(x[-w:], 0.02, 0.1)) / plain_s(x[-w:], 3.0) for w in (30, 100)]
    assert pooled_log_e(np.array(x), 0.02, 0.1) == pytest.approx(np.logaddexp(*logs) - math.log(2), abs=1e-6)


@given(shares, limits, st.data())
def test_one_more_failure_is_never_evidence_for_the_rate(x: list[float], m: float, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(x) - 1))
    worse = list(x)
    worse[at] = data.draw(st.floats(x[at], 1))
    cap = clip_cap(m)
    assert log_e_value(np.array(worse), m, cap) <= log_e_value(np.array(x), m, cap) + 1e-9
    assert mirror_log_e(np.array(worse), m) >= mirror_log_e(np.array(x), m) - 1e-9


@given(shares, st.randoms())
def test_order_does_not_matter_without_the_guard(x: list[float], random: Random) -> None:
    shuffled = list(x)
    random.shuffle(shuffled)
    assert log_e_value(np.array(x), 0.02, 0.1) == pytest.approx(log_e_value(np.array(shuffled), 0.02, 0.1), abs=1e-9)


@given(shares)
def test_guard_is_between_one_and_its_cap(x: list[float]) -> None:
    assert 1.0 <= autocorrelation_factor(np.array(x)) <= 3.0
    assert autocorrelation_factor(np.array(x)) <= autocorrelation_factor(np.array(x), cap=None)


def test_guard_of_constant_and_short_histories_is_one() -> None:
    assert autocorrelation_factor(np.full(50, 0.013)) == 1.0
    assert autocorrelation_factor(np.array([0.0] * 4 + [0.1] * 5)) == 1.0
    assert autocorrelation_factor(np.array([0.0] * 5 + [0.1] * 5)) > 1.0


def test_guard_sees_blocks_and_not_chance() -> None:
    rng = np.random.default_rng(3)
    independent = [autocorrelation_factor(rng.binomial(500, 0.02, 100) / 500) for _ in range(200)]
    assert float(np.mean(independent)) < 1.3
    blocks = np.repeat([0.0, 0.05, 0.0, 0.0, 0.04], 20)
    assert autocorrelation_factor(blocks) == 3.0
    assert autocorrelation_factor(blocks, cap=None) > 6.0


def test_mirror_forgets_after_thirty_runs() -> None:
    bad, good = np.full(100, 0.3), np.zeros(30)
    assert mirror_log_e(bad, 0.02) >= LOG_PROOF
    assert mirror_log_e(np.concatenate([bad, good]), 0.02) == mirror_log_e(good, 0.02) < 0.0


def test_a_rate_at_the_limit_is_proven_in_one_of_twenty_histories_at_most() -> None:
    """Ville's inequality, watched: 400 histories of 200 runs at exactly m, a look after every run."""
    rng = np.random.default_rng(5)
    ever = 0
    for _ in range(400):
        x = np.where(rng.random(200) < 0.2, 0.1, 0.0)  # mean .02, all mass at the cap: the hardest case
        bets = np.log1p(np.outer(np.array([0.25, 0.6, 0.999]) / 0.08, 0.02 - x)).cumsum(axis=1)
        path = np.logaddexp.reduce(bets, axis=0) - math.log(3)
        assert path[-1] == pytest.approx(log_e_value(x, 0.02, 0.1), abs=1e-9)
        ever += bool(path.max() >= LOG_PROOF)
    assert ever / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
