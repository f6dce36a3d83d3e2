"""States on the recorded runs, asked after every run, beside what truth.json says was designed into the tests."""

from __future__ import annotations

import pytest

from benchmarks.recorded_truth import Score, score
from flakelens.demo import recorded_runs


@pytest.fixture(scope="module")
def found() -> Score:
    return score(recorded_runs())


def test_nothing_but_a_flake_is_ever_called_flaky(found: Score) -> None:
    """Neither a broken test nor a victim of the outage, at any of 85 looks."""
    assert found.wrongly_flaky == set()


def test_every_test_that_flaked_twice_is_called_flaky(found: Score) -> None:
    assert found.flaking <= found.called_flaky
    assert len(found.called_flaky) >= 25


def test_every_break_is_seen_with_its_second_failing_run_and_none_before(found: Score) -> None:
    assert found.broken[2] >= 19
    assert found.seen_broken[2] == found.broken[2]
    assert found.seen_broken[1] == 0  # one failing run is not yet a word


def test_broken_is_rarely_said_of_a_flake(found: Score) -> None:
    assert found.called_broken[False] <= 2
    assert found.called_broken[True] >= 21
