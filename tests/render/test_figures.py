"""How what a cause costs and what a repair saves is said."""

from __future__ import annotations

import pytest

from flakelens.render.price_words import cost, runner_time, saving
from flakelens.stats.price import Price, Saving, total


def a_price(**fields) -> Price:
    usual = {"runs": 90, "failed": 9, "alone": 9, "reruns": 0, "minutes": None, "timed": 0}
    return Price(**{**usual, "pull_request_runs": 0, "pull_requests": 0, **fields})


def a_saving(**fields) -> Saving:
    usual = {"runs": 9, "reruns": 0, "minutes": None, "timed": 0, "pull_request_runs": 0, "pull_requests": 0}
    return Saving(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"failed": 0}, ""),
        ({}, "cost 9 red runs in 30 days"),
        ({"alone": 4}, "cost 9 red runs (4 by it alone) in 30 days"),
        ({"alone": 0}, "cost 9 red runs (none by it alone) in 30 days"),
        (
            {"reruns": 14, "minutes": 372.0, "timed": 9, "pull_requests": 3},
            "cost 9 red runs, 14 re-runs, 6.2 runner hours, 3 blocked pull requests in 30 days",
        ),
        (
            {"reruns": 1, "minutes": 35.2, "timed": 8},
            "cost 9 red runs, 1 re-run, at least 35 runner minutes in 30 days",
        ),
    ],
)
def test_a_price_is_one_line(fields, said):
    assert cost(a_price(**fields)) == said


def test_a_saving_is_one_line_and_nothing_is_said_plainly():
    full = a_saving(reruns=14, minutes=372.0, timed=9, pull_requests=3)
    assert saving(full) == "saves 9 red runs, 14 re-runs, 6.2 runner hours, 3 blocked pull requests in 30 days"
    assert saving(full, "save").startswith("save 9 red runs")
    assert saving(a_saving(runs=0)) == "saves no run of the last 30 days: none failed by this alone"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0.01, "1 runner second"), (1, "1 runner minute"), (89.4, "89 runner minutes"), (90, "1.5 runner hours")],
)
def test_time_is_said_in_the_unit_that_fits(minutes, said):
    assert runner_time(minutes) == said


def test_savings_add_up_and_time_that_nobody_knows_stays_unknown():
    both = total([a_saving(minutes=2.0, timed=1), a_saving(runs=1, reruns=2)])
    assert (both.runs, both.reruns, both.minutes, both.timed) == (10, 2, 2.0, 1)
    assert total([a_saving()]).minutes is None
