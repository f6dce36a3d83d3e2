"""stats.pace: the pattern of the last two weeks, repeated; by hand and as properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flakelens.stats.pace import DAY, Pace, pace_of

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def seconds(*moments: datetime) -> np.ndarray:
    return np.array([int(moment.timestamp()) for moment in moments], np.int64)


def when(pace: Pace | None, number: int) -> str:
    assert pace is not None
    moment = pace.moment_of(number)
    assert moment is not None
    return datetime.fromtimestamp(moment, UTC).strftime("%a %d %H:%M")


def weekdays_at_ten_and_two(days: int) -> np.ndarray:
    """Two runs on every working day from Monday on."""
    moments = [MONDAY + timedelta(days=day, hours=hour) for day in range(days) for hour in (10, 14)]
    return seconds(*(moment for moment in moments if moment.weekday() < 5))


def test_a_team_that_does_not_run_on_weekends_gets_monday():
    friday_evening = MONDAY + timedelta(days=18, hours=18)
    pace = pace_of(weekdays_at_ten_and_two(19), int(friday_evening.timestamp()))
    assert pace is not None
    assert (pace.pattern, pace.periods, pace.runs) == ("week", 2, 20)
    assert pace.per_day == pytest.approx(10 / 7)
    assert [when(pace, n) for n in (1, 2, 3, 11)] == ["Mon 23 10:00", "Mon 23 14:00", "Tue 24 10:00", "Mon 30 10:00"]


def test_in_the_middle_of_a_day_the_rest_of_it_comes_first():
    noon = MONDAY + timedelta(days=16, hours=12)  # a Wednesday
    pace = pace_of(weekdays_at_ten_and_two(17), int(noon.timestamp()))
    assert [when(pace, n) for n in (1, 2)] == ["Wed 18 14:00", "Thu 19 10:00"]


def test_a_run_of_one_week_in_two_counts_half():
    """Saturday's run came in one of two weeks: the next Saturday brings half a run, the whole comes on Monday."""
    saturday = MONDAY + timedelta(days=12, hours=9)
    started = np.concatenate([weekdays_at_ten_and_two(19), seconds(saturday)])
    sunday = MONDAY + timedelta(days=20)
    pace = pace_of(started, int(sunday.timestamp()))
    assert pace is not None
    assert pace.runs == 21
    assert [when(pace, n) for n in (10, 11)] == ["Fri 27 14:00", "Mon 30 10:00"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0.5, None),
        (1, ("day", 1)),
        (3.9, ("day", 3)),
        (6.9, ("day", 6)),
        (7, ("week", 1)),
        (13, ("week", 1)),
        (14, ("week", 2)),
        (90, ("week", 2)),
    ],
)
def test_what_repeats_follows_from_how_much_is_known(days, expected):
    until = int(MONDAY.timestamp())
    pace = pace_of(np.arange(until - round(days * DAY), until + 1, 3600), until)
    assert (pace and (pace.pattern, pace.periods)) == expected


def test_less_than_a_week_repeats_the_day():
    until = MONDAY + timedelta(days=3)
    nightly = seconds(*(MONDAY + timedelta(days=day, hours=2) for day in range(3)))
    pace = pace_of(nightly, int(until.timestamp()))
    assert pace is None  # two whole days hold two runs: too few
    pace = pace_of(np.sort(np.concatenate([nightly, nightly + 3600])), int(until.timestamp()))
    assert [when(pace, n) for n in (1, 2, 3)] == ["Thu 05 02:00", "Thu 05 03:00", "Fri 06 02:00"]


def test_a_branch_that_stood_still_for_two_weeks_has_no_pace():
    until = int(MONDAY.timestamp())
    assert pace_of(np.arange(until - 60 * DAY, until - 20 * DAY, 3600), until) is None
    assert pace_of(np.empty(0, np.int64), until) is None


@given(
    st.lists(st.integers(0, 20 * DAY), min_size=3, max_size=60),
    st.integers(1, 40),
)
def test_later_runs_come_later_and_the_pace_is_kept(ages, number):
    until = int(MONDAY.timestamp())
    pace = pace_of(np.array([until - age for age in ages], np.int64), until)
    assume(pace is not None)
    moments = [pace.moment_of(n) for n in range(number + 1)]
    assert moments[0] == until
    assert all(a <= b for a, b in pairwise(moments))  # never None: the pattern has runs
    assert moments[1] > until
    # Twice the runs of the pattern take once more the time that it was taken from.
    one, two = (pace.moment_of(n * pace.runs) for n in (1, 2))
    assert two - one == pace.periods * pace.length


@given(st.integers(2, 48), st.integers(0, 300))
def test_even_runs_come_one_interval_apart(runs, number):
    """So many runs a week at equal distances: run n comes after n intervals."""
    until = int(MONDAY.timestamp())
    assume((7 * DAY) % runs == 0)
    step = 7 * DAY // runs
    pace = pace_of(until - step * np.arange(400), until)
    assert pace is not None
    assert pace.moment_of(number) == until + number * step
