"""Causes that came and were repaired in the last 28 days: a truth table of small histories."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flakelens import policy_text
from flakelens.analyze.causes import Causes
from flakelens.analyze.evidence import load
from flakelens.analyze.turnover import history_days, turnover
from flakelens.decisions import Decisions
from flakelens.stats.turnover import Turnover
from tests.builders import START, a_run, a_store

RUNS = 240  # four a day: 60 days, of which the last 28 begin with run 128


def every(step: int, first: int = 0, last: int = RUNS) -> set[int]:
    """Runs in which a test flakes."""
    return set(range(first, last, step))


def between(first: int, last: int) -> set[int]:
    """Runs in which a test is broken."""
    return set(range(first, last + 1))


def counted(folder, failing: dict[str, set[int]], runs: int = RUNS) -> Turnover | None:
    calm = {f"calm {number}": set() for number in range(10)}
    told = [
        a_run(
            n,
            outcomes={name: "F" if n in where else "P" for name, where in (calm | failing).items()},
            started=START + timedelta(hours=6 * n),
        )
        for n in range(runs)
    ]
    with a_store(folder, told) as store:
        as_of = START + timedelta(hours=6 * runs)
        evidence = load(store, policy_text.parse(), Decisions(), as_of=as_of).evidence
        causes = Causes(evidence=evidence, store=store)
        return turnover(causes, history_days(causes))


@pytest.mark.parametrize(
    ("failing", "repaired", "came"),
    [
        ({}, 0, 0),
        # breaks
        ({"a": between(180, 185)}, 1, 1),
        ({"a": between(100, 105)}, 0, 0),  # over before
        ({"a": between(120, 140)}, 1, 0),  # began before, mended since
        ({"a": between(230, 239)}, 0, 1),  # broken now
        ({"a": between(180, 185), "b": between(180, 185)}, 1, 1),  # by one commit
        ({"a": between(180, 185), "b": between(200, 203)}, 2, 2),
        ({"a": between(180, 185), "b": between(180, 239)}, 0, 1),  # one of two mended: the cause is not
        # flakes
        ({"a": every(7)}, 0, 0),  # as old as the history
        ({"a": every(7, first=150)}, 0, 1),
        ({"a": every(7, last=150)}, 1, 0),
        ({"a": every(7, last=60)}, 0, 0),  # healed long ago
        ({"a": every(7, last=234)}, 0, 0),  # too few clean results since
        ({"a": every(40, first=5)}, 0, 0),  # rare: no one can say that it is new
        ({"a": every(7, first=150), "b": every(7, first=150)}, 0, 1),  # together
        ({"a": every(7, first=150), "b": every(9, first=151)}, 0, 2),
        ({"a": every(7, first=150), "b": every(9, first=150)}, 0, 1),  # began in one run
        ({"a": every(7, last=150), "b": every(7)}, 0, 0),  # together, and one goes on
        ({"a": {200}}, 0, 0),  # once
    ],
)
def test_what_came_and_what_was_repaired(tmp_path, failing, repaired, came):
    assert counted(tmp_path, failing) == Turnover(days=28, repaired=repaired, arrived=came)


@pytest.mark.parametrize(("runs", "days"), [(55, None), (56, 14), (80, 20), (200, 28)])
def test_a_short_history_is_counted_as_far_as_it_goes(tmp_path, runs, days):
    found = counted(tmp_path, {"a": between(40, 44)}, runs)
    assert (found and found.days) == days
