"""stats.factors: what explains failures is found, and what only goes with it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from flakelens.facts import Bools, Int32s
from flakelens.stats.factors import Effect, _Tables, benjamini_hochberg, cramers_v, find_effects


def test_cmh_and_odds_ratio_as_r_computes_them() -> None:
    """Berkeley's admissions by sex within six departments, `mantelhaen.test(UCBAdmissions)`."""
    admitted = [(512, 89), (353, 17), (120, 202), (138, 131), (53, 94), (22, 24)]
    rejected = [(313, 19), (207, 8), (205, 391), (279, 244), (138, 299), (351, 317)]
    sex, department, success = [], [], []
    for place, (yes, no) in enumerate(zip(admitted, rejected, strict=True)):
        for level in (0, 1):
            sex += [level] * (yes[level] + no[level])
            department += [place] * (yes[level] + no[level])
            success += [True] * yes[level] + [False] * no[level]
    tables = _Tables.of(np.array(sex, np.int32), np.array(department, np.int64), np.array(success))
    assert tables.statistic(0) == pytest.approx(1.4269, abs=1e-4)
    odds, low, high = tables.odds_ratio(0)
    assert (odds, low, high) == pytest.approx((0.9046968, 0.7719074, 1.0603298), abs=1e-6)


def test_benjamini_hochberg_as_scipy() -> None:
    p = np.random.default_rng(1).uniform(size=200) ** 3
    assert (benjamini_hochberg(p) == (false_discovery_control(p) <= 0.05)).all()
    assert benjamini_hochberg([]).tolist() == []
    assert benjamini_hochberg([0.9]).tolist() == [False]


RUNS = 400


def history(seed: int, follows: float) -> tuple[Bools, Bools, dict[str, Int32s]]:
    """One test that fails on browser 0 in 30 % of its runs, elsewhere in 3 %; the system goes with the browser."""
    rng = np.random.default_rng(seed)
    browser = rng.integers(0, 3, RUNS).astype(np.int32)
    system = np.where(rng.random(RUNS) < follows, np.minimum(browser, 1), rng.integers(0, 2, RUNS)).astype(np.int32)
    hour = rng.integers(0, 4, RUNS).astype(np.int32)
    failed = rng.random((1, RUNS)) < np.where(browser == 0, 0.3, 0.03)
    return failed, np.ones_like(failed), {"browser": browser, "system": system, "hour": hour}


def names(effects: tuple[Effect, ...]) -> set[tuple[str, int]]:
    return {(effect.factor, effect.level) for effect in effects if effect.odds_ratio > 1}


def test_the_true_factor_is_found_and_the_one_beside_it_is_not() -> None:
    failed, ran, factors = history(1, follows=0.7)
    alone = find_effects(failed, ran, {"system": factors["system"]})
    assert names(alone) == {("system", 0)}, "without the browser the system explains it, wrongly"
    found = find_effects(failed, ran, factors)
    assert names(found) == {("browser", 0)}
    (effect,) = [effect for effect in found if effect.odds_ratio > 1]
    assert effect.held_apart == ("system",)
    assert effect.low is not None
    assert effect.low > 1
    assert (effect.failed, effect.ran) == (
        int(failed[0, factors["browser"] == 0].sum()),
        int((factors["browser"] == 0).sum()),
    )


def test_factors_that_always_go_together_are_said_to() -> None:
    failed, ran, factors = history(2, follows=1.0)
    found = find_effects(failed, ran, {"browser": np.minimum(factors["browser"], 1), "system": factors["system"]})
    assert {(effect.factor, effect.not_separable_from) for effect in found} == {
        ("browser", ("system",)),
        ("system", ("browser",)),
    }
    assert all(effect.p_apart is None for effect in found)


def test_an_hour_with_an_outage_explains_nothing() -> None:
    rng = np.random.default_rng(3)
    failed = rng.random((40, RUNS)) < 0.03
    hour = rng.integers(0, 4, RUNS).astype(np.int32)
    outage = (hour == 0) & (rng.random(RUNS) < 0.15)
    failed |= outage & (rng.random(failed.shape) < 0.9)
    assert find_effects(failed, np.ones_like(failed), {"hour": hour})
    assert find_effects(failed, np.ones_like(failed), {"hour": hour}, outage=outage) == ()


def test_tests_that_hardly_fail_are_not_asked() -> None:
    failed = np.zeros((1, 200), np.bool_)
    failed[0, :2] = True
    level = np.zeros(200, np.int32)
    level[:4] = 1
    assert find_effects(failed, np.ones_like(failed), {"f": level}) == ()
    assert find_effects(failed, np.ones_like(failed), {"f": level}, minimum=2)


def test_an_unknown_level_is_left_out_and_a_level_may_differ_between_tests() -> None:
    failed = np.zeros((2, 60), np.bool_)
    failed[:, :6] = True
    mine = np.full((2, 60), -1, np.int32)
    mine[0, :10], mine[0, 10:50] = 0, 1  # of test 0; of test 1 nothing is known
    (effect,) = find_effects(failed, np.ones_like(failed), {"shard": mine})
    assert (effect.row, effect.level, effect.failed, effect.ran, effect.ran_elsewhere) == (0, 0, 6, 10, 40)
    assert effect.odds_ratio == float("inf")
    assert effect.low is None


def test_unrelated_factors_are_not_held_apart() -> None:
    rng = np.random.default_rng(4)
    values = [cramers_v(rng.integers(0, 4, 100).astype(np.int32), rng.integers(0, 4, 100).astype(np.int32))
              for _ in range(200)]  # fmt: skip
    assert np.mean(np.array(values) > 0.2) < 0.06
    same = np.arange(100, dtype=np.int32) % 3
    assert cramers_v(same, same) == pytest.approx(1.0, abs=0.02)
    assert cramers_v(same, np.zeros(100, np.int32)) == 0.0
