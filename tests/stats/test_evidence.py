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
    badness,
    clip_cap,
    log_e_value,
    mirror_log_e,
    pooled_log_e,
    stretch_factor,
)

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

shares = st.lists(st.floats(0, 1), min_size=1, max_size=130)
limits = st.floats(0.001, 0.49)


def plain_e(x: list[float], m: float, cap: float) -> float:
    """The e-value with products and no logarithms."""
    fortunes = [math.prod(1 + j / (cap - m) * (m - min(v, cap)) for v in x) for j in (0.25, 0.6, 0.999)]
    return sum(fortunes) / 3


def plain_s(x: list[float], sizes: list[int], m: float) -> float:
    """The guard with loops."""
    n = len(x)
    floors = [max(m / 2, 1.1 * math.sqrt(m * (1 - m) / size)) for size in sizes]
    z = [min(1.0, max(0.0, v - floor) / (m / 2)) for v, floor in zip(x, floors, strict=True)]
    lags = max(1, round(1.3 * math.sqrt(n)))
    s = 1.0
    for lag in range(1, lags + 1):
        s += 2.5 * 2 * (1 - lag / (lags + 1)) * sum(min(z[t], z[t + lag]) ** 2 for t in range(n - lag)) / n
    return min(s, 3.0)


def plain_pooled(x: list[float], sizes: list[int], m: float, cap: float) -> float:
    guarded = []
    for w in (30, 100):
        log = math.log(plain_e(x[-w:], m, cap))
        guarded.append(log / plain_s([min(v, cap) for v in x[-w:]], sizes[-w:], m) if log > 0 else log)
    return float(np.logaddexp(*guarded)) - math.log(2)


def pooled(x: list[float] | NDArray[np.float64], m: float = 0.02, size: int = 500) -> float:
    return pooled_log_e(np.asarray(x, dtype=np.float64), np.full(len(x), size), m, clip_cap(m))


@pytest.mark.parametrize(("m", "cap"), [(0.005, 0.10), (0.02, 0.10), (0.05, 0.10), (0.051, 0.102), (0.3, 0.6)])
def test_cap(m: float, cap: float) -> None:
    assert clip_cap(m) == pytest.approx(cap)


@pytest.mark.parametrize(("m", "runs"), [(0.005, 89), (0.01, 41), (0.02, 18), (0.05, 6)])
def test_clean_runs_that_prove_a_limit(m: float, runs: int) -> None:
    assert pooled(np.zeros(runs), m) >= LOG_PROOF > pooled(np.zeros(runs - 1), m)


def test_hundred_clean_runs_cannot_prove_four_in_a_thousand() -> None:
    assert pooled(np.zeros(1000), 0.004) < LOG_PROOF


def test_no_runs_are_no_evidence() -> None:
    nothing = np.array([])
    assert log_e_value(nothing, 0.02, 0.1) == mirror_log_e(nothing, 0.02) == pooled(nothing) == 0.0


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=25))
def test_e_value_as_written_out(x: list[float]) -> None:
    assert log_e_value(np.array(x), 0.02, 0.1) == pytest.approx(math.log(plain_e(x, 0.02, 0.1)), abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 0.15), st.integers(1, 3000)), min_size=1, max_size=110), st.floats(0.005, 0.2))
def test_pooled_as_written_out(runs: list[tuple[float, int]], m: float) -> None:
    x, sizes = [share for share, _size in runs], [size for _share, size in runs]
    value = pooled_log_e(np.array(x), np.array(sizes), m, clip_cap(m))
    assert value == pytest.approx(plain_pooled(x, sizes, m, clip_cap(m)), abs=1e-6)


@given(shares, limits, st.data())
def test_one_more_failure_is_never_evidence_for_the_rate(x: list[float], m: float, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(x) - 1))
    worse = list(x)
    worse[at] = data.draw(st.floats(x[at], 1))
    cap = clip_cap(m)
    assert log_e_value(np.array(worse), m, cap) <= log_e_value(np.array(x), m, cap) + 1e-9
    assert mirror_log_e(np.array(worse), m) >= mirror_log_e(np.array(x), m) - 1e-9
    for size in (5, 60, 1000):
        assert pooled(worse, m, size) <= pooled(x, m, size) + 1e-9


@given(shares, limits, st.sampled_from([1, 5, 60, 1000]), st.data())
def test_one_more_failure_never_weakens_the_guard(x: list[float], m: float, size: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(x) - 1))
    worse = list(x)
    worse[at] = data.draw(st.floats(x[at], 1))
    assert guard(worse, m, size) >= guard(x, m, size)


@given(shares, st.randoms())
def test_order_does_not_matter_without_the_guard(x: list[float], random: Random) -> None:
    shuffled = list(x)
    random.shuffle(shuffled)
    assert log_e_value(np.array(x), 0.02, 0.1) == pytest.approx(log_e_value(np.array(shuffled), 0.02, 0.1), abs=1e-9)


def guard(x: list[float] | NDArray[np.float64], m: float = 0.02, size: int = 500) -> float:
    return stretch_factor(badness(np.asarray(x, dtype=np.float64), np.full(len(x), size), m))


@given(shares, limits)
def test_guard_is_between_one_and_three(x: list[float], m: float) -> None:
    assert 1.0 <= guard(x, m) <= 3.0


def test_guard_lets_good_runs_and_lone_bad_ones_be() -> None:
    assert guard(np.full(50, 0.0099)) == 1.0
    assert guard([0.0] * 30 + [0.5] + [0.0] * 30) == 1.0
    assert guard([0.5] + [0.0] * 40 + [0.5]) == 1.0


def test_guard_sees_stretches_and_hardly_chance() -> None:
    rng = np.random.default_rng(3)
    independent = [guard(rng.binomial(500, 0.005, 100) / 500) for _ in range(200)]
    assert float(np.mean(independent)) < 1.05
    assert guard(np.repeat([0.0, 0.05, 0.0, 0.0, 0.04], 20)) == 3.0
    assert guard(np.repeat([0.0, 0.016, 0.0], [70, 6, 24])) > 1.2


def test_guard_knows_that_one_failure_of_sixty_tests_is_chance() -> None:
    runs = np.tile([1, 0, 0], 30)
    assert guard(runs / 60, size=60) == 1.0 < guard(runs / 60, size=6000)
    assert guard(2 * runs / 60, size=60) > 1.0


def test_two_outages_near_each_other_are_no_breakage() -> None:
    x = np.zeros(100)
    x[[40, 45]] = 0.4
    assert guard(x) < 1.05


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
