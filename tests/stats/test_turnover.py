"""stats.turnover: a date follows from the counts, and where more comes than goes there is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.stats.turnover import HORIZON, Turnover, outlook


def after(repaired: int, arrived: int, days: int = 28) -> Turnover:
    return Turnover(days=days, repaired=repaired, arrived=arrived)


@pytest.mark.parametrize(
    ("causes", "repaired", "arrived", "days"),
    [
        (0, 0, 9, 0.0),  # nothing to repair: now
        (2, 4, 0, 14.0),  # one a week
        (3, 5, 2, 28.0),
        (1, 3, 3, None),  # as many come as go
        (1, 2, 5, None),  # more come than go
        (1, 0, 0, None),  # nobody repairs
        (40, 1, 0, None),  # beyond a year
    ],
)
def test_the_expected_day(causes, repaired, arrived, days):
    assert outlook(causes, after(repaired, arrived)).expected == days


def test_few_events_leave_a_wide_range_and_many_a_narrow_one():
    few, many = outlook(2, after(2, 0)), outlook(2, after(200, 0, days=2800))
    assert few.expected == many.expected == 28.0
    assert few.earliest < many.earliest < 28 < many.latest < 70 < few.latest
    assert outlook(1, after(1, 0)).latest is None  # one repair may well have been luck


def test_the_same_counts_give_the_same_days():
    assert outlook(3, after(5, 1)) == outlook(3, after(5, 1))


@settings(max_examples=25)
@given(st.integers(1, 8), st.integers(0, 12), st.integers(0, 12))
def test_more_repairs_are_never_later_and_more_causes_never_earlier(causes, repaired, arrived):
    far = HORIZON * 10.0
    here, better, longer = (
        outlook(causes, after(repaired, arrived)).expected or far,
        outlook(causes, after(repaired + 1, arrived)).expected or far,
        outlook(causes + 1, after(repaired, arrived)).expected or far,
    )
    assert better <= here <= longer
