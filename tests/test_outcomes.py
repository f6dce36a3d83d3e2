"""outcomes: what attempts that follow one another and jobs that stand side by side make of a test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.facts import Int8s
from flakelens.model import Outcome, Status, outcome_of
from flakelens.outcomes import chain, worst
from tests.letters import letters, matrix


@pytest.mark.parametrize(
    ("attempts", "outcome"),
    [
        ("FP", "K"),  # failed, then passed
        ("FFP", "K"),
        ("FF", "F"),
        ("PF", "F"),
        ("KF", "F"),
        ("KP", "K"),
        ("FK", "K"),
        ("F.", "F"),  # the re-run did not run it
        (".P", "P"),
        ("P.", "P"),
        ("FS", "F"),  # a later skip says nothing
        ("PS", "P"),
        ("SP", "P"),
        ("SF", "F"),
        ("SS", "S"),
        ("..", "."),
    ],
)
def test_attempts_follow_one_another(attempts: str, outcome: str) -> None:
    so_far = matrix(".")[0]
    for attempt in attempts:
        so_far = chain(so_far, matrix(attempt)[0])
    assert letters(so_far[None]) == [outcome]


@pytest.mark.parametrize(
    ("jobs", "outcome"),
    [("FP", "F"), ("FK", "F"), ("KP", "K"), ("PS", "P"), ("KS", "K"), ("S.", "S"), ("FS", "F"), ("..", ".")],
)
def test_the_worst_of_jobs_side_by_side(jobs: str, outcome: str) -> None:
    one, other = matrix(jobs[0])[0], matrix(jobs[1])[0]
    assert letters(worst(one, other)[None]) == [outcome]
    assert letters(worst(other, one)[None]) == [outcome]


CODES = st.lists(st.sampled_from(list(Outcome)), min_size=3, max_size=3)


def code(outcome: Outcome) -> Int8s:
    return np.array([outcome], np.int8)


@given(CODES)
def test_worst_does_not_care_for_order_or_repetition(three: list[Outcome]) -> None:
    a, b, c = map(code, three)
    assert worst(a, worst(b, c)) == worst(worst(c, a), b)
    assert worst(a, a) == a


@given(CODES)
def test_chaining_attempts_can_be_done_in_any_grouping(three: list[Outcome]) -> None:
    a, b, c = map(code, three)
    assert chain(a, chain(b, c)) == chain(chain(a, b), c)


@given(st.lists(st.sampled_from([Status.PASSED, Status.FAILED, Status.ERRORED]), min_size=1))
def test_attempts_of_one_report_and_attempts_of_a_run_say_the_same(statuses: list[Status]) -> None:
    so_far = code(Outcome.NONE)
    for status in statuses:
        so_far = chain(so_far, code(outcome_of([status])))
    assert so_far[0] == outcome_of(statuses)
