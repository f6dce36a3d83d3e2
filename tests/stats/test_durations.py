"""stats.durations: slower tests are found, steady ones left alone, whatever the noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.stats.durations import LEAST_RUNS, find_levels

RUNS = 100
HISTORIES = 600


def normal(spread):
    return lambda rng: rng.normal(0, spread, RUNS)


def outliers(rng):
    """Every twentieth run some busy machine takes several times as long."""
    return rng.normal(0, 0.2, RUNS) + (rng.random(RUNS) < 0.05) * np.abs(rng.normal(0, 1.5, RUNS))


def two_machines(rng):
    return rng.normal(0, 0.1, RUNS) + (rng.random(RUNS) < 0.4) * 0.35


def lasting(share):
    """A slow machine stays slow for a while."""

    def noise(rng):
        steps = rng.normal(0, 0.2 * np.sqrt(1 - share**2), RUNS)
        values = [rng.normal(0, 0.2)]
        for step in steps[1:]:
            values.append(share * values[-1] + step)
        return np.array(values)

    return noise


NOISES = {
    "15 % normal": normal(0.15),
    "25 % normal": normal(0.25),
    "40 % normal": normal(0.4),
    "outliers": outliers,
    "two machines": two_machines,
    "lasting .3": lasting(0.3),
    "lasting .6": lasting(0.6),
    "lasting .8": lasting(0.8),
}


def durations(noise, rng, *, times=1.0, since=RUNS, base=1.2):
    logs = noise(rng)
    logs[since:] += np.log(times)
    return np.round(base * np.exp(logs), 3)


@pytest.mark.parametrize("kind", NOISES)
def test_a_steady_test_is_seldom_called_slower(kind):
    rng = np.random.default_rng(1)
    alarms = sum(len(find_levels(durations(NOISES[kind], rng))) > 1 for _ in range(HISTORIES))
    print(f"{kind}: {alarms / HISTORIES:.1%} false alarms")  # noqa: T201 - shown with -s
    # Noise that lasts for ten runs on end cannot be told from a level: the known weak spot.
    assert alarms / HISTORIES <= (0.05 if kind != "lasting .8" else 0.12)


@pytest.mark.parametrize("kind", ["15 % normal", "25 % normal", "outliers", "two machines", "lasting .3"])
def test_half_as_slow_again_for_15_runs_is_found(kind):
    rng = np.random.default_rng(2)
    found, near = 0, 0
    for _ in range(HISTORIES):
        levels = find_levels(durations(NOISES[kind], rng, times=1.5, since=85))
        slower = len(levels) > 1 and levels[-1].seconds > 1.2 * levels[-2].seconds
        found += slower
        near += slower and abs(levels[-1].first - 85) <= 3
    print(f"{kind}: found {found / HISTORIES:.1%}, within 3 runs {near / HISTORIES:.1%}")  # noqa: T201 - shown with -s
    assert found / HISTORIES >= 0.9
    assert near / found >= 0.8


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([], []),
        ([1.0], [(0, 1.0)]),
        ([1.0] * 50, [(0, 1.0)]),
        ([0.0] * 50, [(0, 0.0)]),
        ([1.0] * 20 + [2.0] * 20, [(0, 1.0), (20, 2.0)]),
        ([2.0] * 20 + [1.0] * 20, [(0, 2.0), (20, 1.0)]),  # faster is a change, too
        ([1.0] * 20 + [2.0] * 20 + [4.0] * 20, [(0, 1.0), (20, 2.0), (40, 4.0)]),
        ([1.0] * 20 + [2.0] * (LEAST_RUNS - 1), [(0, 1.0)]),  # too few runs to believe
        ([1.0] * 90 + [2.0] * 4, [(0, 1.0)]),
        ([1.0] * 40 + [2.0] * LEAST_RUNS, [(0, 1.0), (40, 2.0)]),
        ([1.0] * 20 + [1.15] * 20, [(0, 1.075)]),  # nobody's business
        ([0.002] * 20 + [0.004] * 20, [(0, 0.003)]),
        ([0.0] * 20 + [1.0] * 20, [(0, 0.0), (20, 1.0)]),
        ([1.0] * 20 + [60.0] + [1.0] * 20, [(0, 1.0)]),  # one slow run is no level
        ([1.0, 1.1] * 10 + [1.6, 1.7] * 10, [(0, 1.05), (20, 1.65)]),  # ties share their ranks
    ],
)
def test_levels(values, levels):
    found = find_levels(np.array(values, np.float64))
    assert [(level.first, pytest.approx(level.seconds)) for level in found] == levels


@given(st.lists(st.floats(0, 1000), max_size=120))
def test_levels_follow_one_another_and_cover_all(values):
    found = find_levels(np.array(values, np.float64))
    assert sum(level.runs for level in found) == len(values)
    assert [level.first for level in found] == list(np.cumsum([0, *(level.runs for level in found)])[: len(found)])
    assert all(level.runs >= LEAST_RUNS for level in found) or len(found) <= 1


@given(st.lists(st.integers(100, 5000), min_size=16, max_size=60), st.integers(1, 7))
def test_the_unit_does_not_matter_where_changes_are_large_enough(milliseconds, times):
    one = np.array(milliseconds, np.float64)
    assert [level.first for level in find_levels(one)] == [level.first for level in find_levels(one * times)]
