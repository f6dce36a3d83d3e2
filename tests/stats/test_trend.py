"""stats.trend: differences that can be checked by hand, and what never happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from flakelens.stats.trend import rate_change


def side(*failed: int, size: int = 100) -> tuple[np.ndarray, np.ndarray]:
    return np.array(failed, np.int64), np.full(len(failed), size, np.int64)


def alternating(share: float, runs: int, size: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Every other run loses 2 * share of its tests: no stretch differs from another."""
    return side(*[round(2 * share * size) * (place % 2) for place in range(runs)], size=size)


def test_too_few_runs_show_nothing():
    assert rate_change(side(*[1] * 9), side(*[1] * 50)) is None
    assert rate_change(side(*[1] * 50), side(*[1] * 9)) is None


def test_a_clean_month_after_a_bad_one_is_a_change():
    change = rate_change(side(*[0] * 30), alternating(0.02, 60))
    assert change is not None
    assert (change.now, change.before) == (1.0, pytest.approx(0.98))
    assert change.value == pytest.approx(0.02)
    assert change.shown
    assert 0 < change.low < 0.02 <= change.high < 0.03


def test_the_interval_is_welchs_over_runs_with_two_more_on_each_side():
    rng = np.random.default_rng(3)
    now, before = (side(*rng.permutation([0, 1, 2, 3] * 12).tolist()) for _ in range(2))
    change = rate_change(now, before)
    shares = [np.concatenate([failed, [0, failed[failed > 0].mean()]]) / 100 for failed, _ in (now, before)]
    test = scipy_stats.ttest_ind(-shares[0], -shares[1], equal_var=False)
    interval = test.confidence_interval(0.95)
    assert change is not None
    assert change.value == 0.0
    # Never narrower than Welch's, which knows nothing of neighbours.
    assert change.low <= interval.low + 1e-12
    assert change.high >= interval.high - 1e-12
    assert change.high < 2.2 * interval.high


def test_one_bad_stretch_is_less_evidence_than_the_same_failures_spread():
    spread = rate_change(side(*[0] * 40), side(*([0, 0, 0, 4] * 10)))
    stretch = rate_change(side(*[0] * 40), side(*([0] * 25 + [4] * 10 + [0] * 5)))
    assert spread is not None
    assert stretch is not None
    assert spread.value == stretch.value
    assert spread.shown
    assert not stretch.shown


def test_without_a_failure_there_is_no_change():
    change = rate_change(side(*[0] * 30), side(*[0] * 20))
    assert change is not None
    assert (change.value, change.low, change.high, change.shown) == (0.0, 0.0, 0.0, False)


COUNTS = st.lists(st.integers(0, 20), min_size=10, max_size=40)


@given(COUNTS, COUNTS)
def test_the_interval_holds_the_difference_and_turns_round_with_it(one, other):
    forward, back = rate_change(side(*one), side(*other)), rate_change(side(*other), side(*one))
    assert forward is not None
    assert back is not None
    assert forward.low <= forward.value <= forward.high
    assert (back.low, back.high) == (pytest.approx(-forward.high), pytest.approx(-forward.low))
    assert not (forward.shown and forward.value == 0)
