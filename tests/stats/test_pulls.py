"""stats.pulls: what pull requests say of the gated branch when all runs are looked back at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.stats.chain import log_likelihood, smooth
from flakelens.stats.markov import (
    BROKEN,
    DEFAULTS,
    FLAKY,
    GATED,
    HEALTHY,
    STATES,
    Floats,
    Parameters,
    Series,
    emissions,
    series,
)
from flakelens.stats.pulls import OLDER, shares_of_moves
from tests.filtered import filter_states
from tests.letters import matrix, numbers

LIVELY = Parameters(breaks=0.05, flaky_breaks=0.04, mends=0.3, flakes=0.03, prior_flaky=0.3, pull_breaks=0.1)


def told(row: str, pulls: str, commits: str = "") -> Series:
    """One test in letters; `pulls` "." for the gated branch, else the request's letter; each run its own commit."""
    marks = np.array([GATED if mark == "." else ord(mark) for mark in pulls], np.int32)
    at = numbers(commits) if commits else np.arange(len(row), dtype=np.int32)
    return series(matrix(row), at, retries_shown=np.ones(len(row), np.bool_), pulls=marks)


@pytest.mark.parametrize(
    ("commits", "pulls", "shares"),
    [
        ("abc", "...", [1, 1, 1]),
        ("abc", ".r.", [1, 1 / 2, 1 / 2]),
        ("abbc", ".rr.", [1, 1 / 2, 1 / 2, 1 / 2]),  # twice the same commit: one step
        ("abcd", ".rs.", [1, 1 / 3, 1 / 3, 1 / 3]),
        ("abad", ".r..", [1, 0, 1, 1]),  # between two runs of one commit nothing moves
        ("abc", "..r", [1, 1, 1 / 2]),
        ("ab", "r.", [1, 1]),
        ("a", "r", [1]),
    ],
)
def test_a_pull_request_takes_part_of_the_way_to_the_next_commit(commits: str, pulls: str, shares: list[float]) -> None:
    marks = np.array([GATED if mark == "." else ord(mark) for mark in pulls], np.int32)
    assert shares_of_moves(numbers(commits), marks) == pytest.approx(shares)


def by_paths(seen: Series) -> Floats:
    """P(state in each run | all runs), (R, S): the sum over every path, for requests of one run each."""
    codes, own = seen.codes[0], LIVELY.transitions() - np.eye(STATES)
    shares = shares_of_moves(seen.commits, seen.pulls)
    found = np.zeros((len(codes), STATES))
    on_branch = False
    weights = []
    for run, code in enumerate(codes):
        step = np.eye(STATES) + shares[run] * own if on_branch else np.eye(STATES)
        table = emissions(LIVELY, 0.0)[code].copy()
        if seen.pulls[run] == GATED:
            on_branch = True
        else:
            broken = table[BROKEN]
            table[BROKEN] = (1 - OLDER) * broken + OLDER * table[HEALTHY]
            table = LIVELY.pull_breaks * broken + (1 - LIVELY.pull_breaks) * table
        weights.append((step, table))
    for path in itertools.product(range(STATES), repeat=len(codes)):
        weight = LIVELY.prior()[path[0]]
        for run, state in enumerate(path):
            weight *= weights[run][1][state] * (weights[run][0][path[run - 1], state] if run else 1.0)
        for run, state in enumerate(path):
            found[run, state] += weight
    return found / found.sum(axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("PKF"), st.booleans()), min_size=1, max_size=4))
def test_looking_back_as_a_sum_over_all_paths(runs: list[tuple[str, bool]]) -> None:
    pulls = "".join(chr(ord("r") + place) if pull else "." for place, (_, pull) in enumerate(runs))
    seen = told("".join(letter for letter, _ in runs), pulls)
    assert smooth(seen, LIVELY).states[:, 0] == pytest.approx(by_paths(seen), abs=1e-9)


def flaky_at(row: str, pulls: str, place: int) -> float:
    return float(smooth(told(row, pulls), DEFAULTS).states[place, 0, FLAKY].sum())


def test_a_failure_beside_a_failing_pull_request_is_seldom_a_flake() -> None:
    before, after = "P" * 40, "P" * 20
    alone = flaky_at(before + "PF" + after, "." * 40 + "r." + "." * 20, 41)
    beside = flaky_at(before + "FF" + after, "." * 40 + "r." + "." * 20, 41)
    follows = flaky_at(before + "FF" + after, "." * 40 + ".r" + "." * 20, 40)
    assert beside < alone / 3
    assert follows < alone / 3


def test_a_pull_request_branched_off_before_the_break_does_not_refute_it() -> None:
    smoothed = smooth(told("P" * 40 + "FFPFF" + "P" * 9, "." * 42 + "r" + "." * 11), DEFAULTS)
    assert smoothed.states[40, 0, BROKEN] > 0.9


def test_the_state_now_takes_nobody_elses_word_for_a_break() -> None:
    seen = told("P" * 40 + "FF", "." * 40 + "rs")
    assert filter_states(seen, DEFAULTS)[0, BROKEN] < 0.01


@given(st.lists(st.sampled_from("PKF."), min_size=1, max_size=8).map("".join))
def test_without_pull_requests_looking_back_ends_where_the_filter_does(row: str) -> None:
    seen = told(row, "." * len(row))
    smoothed = smooth(seen, LIVELY)
    assert smoothed.steps[-1].filtered == pytest.approx(filter_states(seen, LIVELY), abs=1e-12)
    said = sum(float(np.log(step.likelihood).sum()) for step in smoothed.steps)
    assert said == pytest.approx(log_likelihood(seen, LIVELY), abs=1e-9)
