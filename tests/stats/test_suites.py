"""stats.suites: is a suite slower, and because of more tests or slower ones?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.stats.suites import Slower, filled, slower

NAN = np.nan
RUNS = 40
STEP = 20  # the run in which something changes


def a_suite(tests: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Durations of steady tests with 5 % noise, (tests, RUNS)."""
    return seconds * np.exp(rng.normal(0, 0.05, (tests, RUNS)))


def judged(seconds: np.ndarray, ran: np.ndarray, totals: np.ndarray | None = None) -> Slower | None:
    known = filled(np.where(ran, seconds, NAN))
    return slower(np.where(ran, known, 0).sum(axis=0) if totals is None else totals, known, ran)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_steady_suite_is_not_slower(rng: np.random.Generator) -> None:
    assert judged(a_suite(10, 2.0, rng), np.ones((10, RUNS), np.bool_)) is None


def test_more_tests_are_told_from_slower_ones(rng: np.random.Generator) -> None:
    seconds = a_suite(15, 2.0, rng)
    ran = np.ones((15, RUNS), np.bool_)
    ran[10:, :STEP] = False
    found = judged(seconds, ran)
    assert found is not None
    assert (found.first, found.runs, found.tests_before, found.tests_now) == (STEP, RUNS - STEP, 10, 15)
    assert found.before == pytest.approx(20, rel=0.05)
    assert found.now == pytest.approx(30, rel=0.05)
    assert found.added == pytest.approx(10, rel=0.05)
    assert found.removed == 0
    assert found.same == pytest.approx(0, abs=0.5)


def test_slower_tests_are_told_from_more(rng: np.random.Generator) -> None:
    seconds = a_suite(10, 2.0, rng)
    seconds[:3, STEP:] *= 3
    found = judged(seconds, np.ones((10, RUNS), np.bool_))
    assert found is not None
    assert (found.added, found.removed) == (0, 0)
    assert found.same == pytest.approx(12, rel=0.1)


def test_both_at_once_and_tests_that_went(rng: np.random.Generator) -> None:
    seconds = a_suite(12, 2.0, rng)
    seconds[:5, STEP:] *= 3
    ran = np.ones((12, RUNS), np.bool_)
    ran[10, :STEP] = False
    ran[11, STEP:] = False
    found = judged(seconds, ran)
    assert found is not None
    assert (found.added, found.removed) == (pytest.approx(2, rel=0.1), pytest.approx(2, rel=0.1))
    assert found.same == pytest.approx(20, rel=0.1)


def test_a_faster_suite_is_no_news_here(rng: np.random.Generator) -> None:
    seconds = a_suite(10, 2.0, rng)
    seconds[:, STEP:] /= 2
    assert judged(seconds, np.ones((10, RUNS), np.bool_)) is None


def test_a_test_that_fails_makes_its_suite_neither_faster_nor_slower(rng: np.random.Generator) -> None:
    """It was executed, but no passing attempt says how long it takes: half of the suite breaks for good."""
    seconds = a_suite(10, 2.0, rng)
    seconds[:5, STEP:] = NAN
    known = filled(seconds)
    ran = np.ones((10, RUNS), np.bool_)
    assert slower(np.where(ran, known, 0).sum(axis=0), known, ran) is None
    backwards = filled(seconds[:, ::-1])
    assert slower(np.where(ran, backwards, 0).sum(axis=0), backwards, ran) is None


def test_a_step_of_the_whole_that_no_test_explains(rng: np.random.Generator) -> None:
    """The set-up of a job: its reports say more, its tests do not."""
    seconds = a_suite(10, 2.0, rng)
    ran = np.ones((10, RUNS), np.bool_)
    found = judged(seconds, ran, totals=seconds.sum(axis=0) + np.where(np.arange(RUNS) < STEP, 5.0, 20.0))
    assert found is not None
    assert found.now - found.before == pytest.approx(15, rel=0.1)
    assert found.added - found.removed + found.same == pytest.approx(0, abs=1)


def test_runs_that_say_nothing_are_left_out(rng: np.random.Generator) -> None:
    seconds = a_suite(4, 2.0, rng)
    seconds[:, STEP:] *= 2
    totals = seconds.sum(axis=0)
    totals[[3, 17, STEP, 30]] = NAN
    found = judged(seconds, np.ones((4, RUNS), np.bool_), totals=totals)
    assert found is not None
    assert (found.first, found.runs) == (STEP + 1, RUNS - STEP - 2)


def test_gaps_are_closed_by_the_last_known_value_and_else_by_the_first() -> None:
    rows = np.array([[NAN, 1, NAN, 3, NAN], [NAN] * 5, [2, 2, 2, 2, 4]])
    assert filled(rows).tolist() == [[1, 1, 1, 3, 3], [0] * 5, [2, 2, 2, 2, 4]]
    assert filled(np.empty((3, 0))).shape == (3, 0)


@given(
    st.lists(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=6, max_size=6), min_size=1, max_size=5),
)
def test_known_durations_stay_and_none_is_made_up(rows: list[list[float | None]]) -> None:
    seconds = np.array([[NAN if value is None else value for value in row] for row in rows])
    for row, closed in zip(seconds, filled(seconds), strict=True):
        known = row[~np.isnan(row)]
        assert (closed[~np.isnan(row)] == known).all()
        assert set(closed.tolist()) <= set(known.tolist()) | (set() if len(known) else {0.0})
