"""stats.intervals: the same numbers as scipy to 1e-9, and intervals that hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from flakelens.stats.intervals import (
    autocorrelation_factor,
    beta_quantile,
    clopper_pearson_lower,
    clopper_pearson_upper,
    green_interval,
    incomplete_beta,
    jeffreys_interval,
    run_interval,
    student_t_quantile,
)

SHAPES = (0.05, 0.5, 1.0, 2.5, 17.0, 300.0, 40_000.0)
runs = st.lists(
    st.integers(5, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=10, max_size=60
)


@pytest.mark.parametrize("a", SHAPES)
@pytest.mark.parametrize("b", SHAPES)
def test_beta_as_scipy(a: float, b: float) -> None:
    for x in (0.0, 1e-9, 0.004, 0.3, a / (a + b), 0.77, 0.999, 1.0):
        assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), abs=1e-9)
    for q in (0.0, 0.025, 0.05, 0.5, 0.95, 0.975, 1.0):
        assert beta_quantile(q, a, b) == pytest.approx(stats.beta.ppf(q, a, b), abs=1e-9)


@pytest.mark.parametrize("df", [1, 2, 9, 29, 99, 14_999, 250_000])
@pytest.mark.parametrize("q", [0.025, 0.5, 0.8, 0.95, 0.975, 0.995])
def test_student_t_as_scipy(df: int, q: float) -> None:
    assert student_t_quantile(q, df) == pytest.approx(stats.t.ppf(q, df), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [1, 5, 29, 100, 3000])
def test_clopper_pearson_as_scipy(n: int) -> None:
    for k in {0, 1, n // 3, n - 1, n}:
        for level in (0.8, 0.95, 0.99):
            exact = stats.binomtest(k, n, alternative="less").proportion_ci(level, "exact")
            assert clopper_pearson_upper(k, n, level) == pytest.approx(exact.high, abs=1e-9)
            exact = stats.binomtest(k, n, alternative="greater").proportion_ci(level, "exact")
            assert clopper_pearson_lower(k, n, level) == pytest.approx(exact.low, abs=1e-9)


@pytest.mark.parametrize(("losses", "needed"), [(0, 29), (1, 46), (2, 61), (3, 76), (4, 89)])
def test_clean_runs_for_a_large_loss_share_of_ten_percent(losses: int, needed: int) -> None:
    assert clopper_pearson_upper(losses, needed) <= 0.10 < clopper_pearson_upper(losses, needed - 1)


def test_no_runs_say_nothing() -> None:
    assert clopper_pearson_upper(0, 0) == 1.0
    assert clopper_pearson_lower(0, 0) == 0.0
    assert run_interval(np.array([], dtype=int), np.array([], dtype=int)) is None
    assert run_interval(np.zeros(9, dtype=int), np.full(9, 100)) is None


def test_without_a_failure_the_rule_of_three_counts_runs_not_results() -> None:
    interval = run_interval(np.zeros(30, dtype=int), np.full(30, 500))
    assert interval == (1.0, pytest.approx(0.05 ** (1 / 30)), 1.0, 30)
    nothing = run_interval(np.full(30, 500), np.full(30, 500))
    assert nothing == (0.0, 0.0, pytest.approx(1 - 0.05 ** (1 / 30)), 30)


def test_korn_graubard_by_hand_with_scipy() -> None:
    """Independent runs of equal size: no autocorrelation, so only the variance between runs and t matter."""
    failed = np.array([0, 9, 1, 8, 0, 7, 2, 9, 1, 6, 0, 9, 2, 8, 1, 7])
    p, n = failed.sum() / 1600, 1600
    between = np.var(failed / 100, ddof=1) / 16
    effective = p * (1 - p) / between * (stats.t.ppf(0.975, n - 1) / stats.t.ppf(0.975, 15)) ** 2
    k = p * effective
    interval = run_interval(failed, np.full(16, 100))
    assert interval is not None
    assert interval.value == 1 - p
    assert interval.low == pytest.approx(1 - stats.beta.ppf(0.975, k + 1, effective - k), abs=1e-9)
    assert interval.high == pytest.approx(1 - stats.beta.ppf(0.025, k, effective - k + 1), abs=1e-9)


def test_the_interval_is_never_narrower_than_of_independent_results() -> None:
    failed, executed = np.full(20, 2), np.full(20, 100)
    interval = run_interval(failed, executed)
    exact = stats.binomtest(40, 2000).proportion_ci(0.95, "exact")
    assert interval is not None
    assert interval.low < 1 - exact.high
    assert interval.high > 1 - exact.low


def test_runs_that_resemble_their_neighbours_widen_the_interval() -> None:
    mixed = np.array([0, 5] * 15)
    blocks = np.sort(mixed)
    narrow, wide = (run_interval(failed, np.full(30, 100)) for failed in (mixed, blocks))
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)


def plain_s(x: list[float]) -> float:
    """The autocorrelation factor with loops."""
    n, mean = len(x), sum(x) / len(x)
    lags = max(1, round(1.3 * math.sqrt(n)))
    total = sum((v - mean) ** 2 for v in x)
    s = 1.0
    for lag in range(1, lags + 1):
        s += 2 * (1 - lag / (lags + 1)) * sum((x[t] - mean) * (x[t + lag] - mean) for t in range(n - lag)) / total
    return max(s, 1.0)


@given(st.lists(st.integers(0, 60), min_size=10, max_size=110).filter(lambda x: len(set(x)) > 1))
def test_autocorrelation_as_written_out(failed: list[int]) -> None:
    x = [k / 500 for k in failed]
    assert autocorrelation_factor(np.array(x)) == pytest.approx(plain_s(x), abs=1e-9)


def test_no_autocorrelation_without_variance_or_runs() -> None:
    assert autocorrelation_factor(np.full(50, 0.013)) == 1.0
    assert autocorrelation_factor(np.array([0.0] * 4 + [0.1] * 5)) == 1.0
    assert autocorrelation_factor(np.array([0.0] * 5 + [0.1] * 5)) > 1.0


def test_autocorrelation_of_blocks_and_of_chance() -> None:
    rng = np.random.default_rng(3)
    independent = [autocorrelation_factor(rng.binomial(500, 0.02, 100) / 500) for _ in range(200)]
    assert float(np.mean(independent)) < 1.3
    assert autocorrelation_factor(np.repeat([0.0, 0.05, 0.0, 0.0, 0.04], 20)) > 6.0


@given(runs)
def test_low_value_high(pairs: list[tuple[int, int]]) -> None:
    failed, executed = (np.array(column) for column in zip(*pairs, strict=True))
    interval = run_interval(failed, executed)
    assert interval is not None
    assert 0.0 <= interval.low <= interval.value <= interval.high <= 1.0
    assert interval.value == (executed.sum() - failed.sum()) / executed.sum()


@given(runs, st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_a_higher_level_is_never_narrower(pairs: list[tuple[int, int]], one: float, other: float) -> None:
    failed, executed = (np.array(column) for column in zip(*pairs, strict=True))
    inner, outer = (run_interval(failed, executed, level) for level in sorted((one, other)))
    assert inner is not None
    assert outer is not None
    assert outer.low <= inner.low + 1e-12
    assert outer.high >= inner.high - 1e-12


@given(st.integers(1, 200), st.data())
def test_bounds_hold_the_share_and_grow_with_the_count(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    assert clopper_pearson_lower(k, n) <= k / n <= clopper_pearson_upper(k, n)
    assert clopper_pearson_upper(k, n) < clopper_pearson_upper(k + 1, n)
    assert clopper_pearson_lower(k, n) < clopper_pearson_lower(k + 1, n)
    assert clopper_pearson_upper(k, n, 0.9) < clopper_pearson_upper(k, n, 0.99)


def test_coverage_where_failures_come_one_by_one() -> None:
    """Nominal 95 %: independent failures, 30 runs of 200 tests, 600 histories; three standard errors are 2.7 points."""
    rng = np.random.default_rng(11)
    executed = np.full(30, 200)
    hits = 0
    for _ in range(600):
        interval = run_interval(rng.binomial(200, 0.02, 30), executed)
        assert interval is not None
        hits += interval.low <= 0.98 <= interval.high
    assert hits / 600 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 600)


@pytest.mark.parametrize("n", [1, 4, 30, 300])
def test_jeffreys_as_scipy(n: int) -> None:
    for k in range(n + 1):
        mean, low, high = jeffreys_interval(k, n)
        assert mean == pytest.approx((k + 0.5) / (n + 1))
        assert low == pytest.approx(stats.beta.ppf(0.025, k + 0.5, n - k + 0.5) if k else 0.0)
        assert high == pytest.approx(stats.beta.ppf(0.975, k + 0.5, n - k + 0.5) if k < n else 1.0)


@given(st.integers(1, 60), st.data())
def test_one_more_success_never_lowers_a_jeffreys_interval(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    assert all(one <= other for one, other in zip(jeffreys_interval(k, n), jeffreys_interval(k + 1, n), strict=True))


def test_green_runs_by_hand() -> None:
    value, low, high = green_interval(np.array([True] * 9 + [False]))
    assert value == pytest.approx(9.5 / 11)
    assert 0.5 < low < value < high < 1
    assert green_interval(np.array([True]))[2] == 1.0


def test_red_runs_that_come_together_say_less() -> None:
    apart = green_interval(np.array(([True] * 4 + [False]) * 6))
    together = green_interval(np.array([True] * 24 + [False] * 6))
    assert apart[0] == together[0]
    assert together[2] - together[1] > 1.4 * (apart[2] - apart[1])


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.data())
def test_one_more_failing_run_never_raises_the_chance_of_green(runs: list[bool], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(runs) - 1))
    worse = np.array([*runs[:at], False, *runs[at + 1 :]])
    value, low, high = green_interval(np.array(runs))
    assert green_interval(worse)[0] <= value
    assert 0 <= low <= value <= high <= 1
