"""The chain of `chain` in leaps: from one event of a test to its next, all passes between them in one product.

Nearly all results of a suite are passes on a commit that is new to the test, and these say the same thing each time:
they multiply the state by M = T D (transitions, then the chances to pass; an outage takes the same share from every
state, and cancels). A stretch of k of them is M^k, worked out once for all tests. So a test costs as many steps as it
has other results, not as many as there are runs.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from flakelens.facts import Bools, Int32s, Int64s
from flakelens.model import Outcome
from flakelens.stats.chain import met_before
from flakelens.stats.markov import BROKEN, STATES, Floats, Parameters, Series, emissions

_POWERS = 64  # worked out at a time: the areas of a suite have much the same longest stretch


class Leapt(NamedTuple):
    """What all runs say of N tests: P(state) after the newest, and in which runs they were broken."""

    now: Floats  # (N, S)
    broken: Bools  # (N, R) P(broken) > 1/2 by all that is known; looked at in events, and between two broken ones


class _Events(msgspec.Struct, frozen=True, kw_only=True):
    """All results but passes on a new commit, E of them: first the first one of each test, then the second ones..

    Within these, tests stand in one order, those with the most events first: who has a next event, leads.
    """

    rounds: tuple[slice, ...]  # the first events, the second ones..
    order: Int64s  # (N,) which test stands where
    run: Int64s  # (E,)
    passes: Int32s  # (E,) passes on new commits since the event before
    rest: Int32s  # (N,) in the order of `order`: passes on new commits since its last event
    moved: Bools  # (E,) the commit was new to the test
    said: Floats  # (E, S) P(what was seen | state)
    plain: Bools  # (N, R) the passes on new commits


def leap(series: Series, parameters: Parameters) -> Leapt:
    """The newest state of the filter, and where `chain.smooth` holds a test for broken; equal but for rounding.

    `series` has no runs of pull requests and no odds of messages.
    """
    events = _events(series, parameters)
    matrix = parameters.transitions()
    powers = _powers(parameters, max(_most(events.passes), _most(events.rest)))
    state: Floats = np.tile(parameters.prior(), (len(events.order), 1))
    filtered = np.empty_like(events.said)
    for these in events.rounds:
        met = state[: these.stop - these.start]
        predicted = _through(met, powers[events.passes[these]])
        predicted = np.where(events.moved[these, None], predicted @ matrix, predicted)
        met[:] = filtered[these] = _whole(predicted * events.said[these])
    now = np.empty_like(state)
    now[events.order] = _whole(_through(state, powers[events.rest]))
    return Leapt(now, _broken(events, filtered, powers, matrix))


def _events(series: Series, parameters: Parameters) -> _Events:
    tests, runs = series.outcomes.shape
    moved = _moved(series)
    plain: Bools = moved & (series.outcomes == Outcome.PASSED)
    test, run = np.divmod(np.flatnonzero(series.ran & ~plain), max(1, runs))
    count = np.bincount(test, minlength=tests)
    order = np.argsort(-count, kind="stable")
    place = np.empty(tests, np.int64)
    place[order] = np.arange(tests)
    first = np.cumsum(count) - count
    nth = np.arange(len(test)) - first[test]
    so_far = np.cumsum(plain, axis=1, dtype=np.int32)
    before = so_far[test, run]
    passes = np.diff(before, prepend=np.int32(0))
    passes[nth == 0] = before[nth == 0]
    rest = so_far[:, -1].copy()
    has = count > 0
    rest[has] -= before[(first + count - 1)[has]]
    by_round = np.argsort(nth * tests + place[test], kind="stable")
    test, run = test[by_round], run[by_round]
    edges = np.concatenate([[0], np.cumsum(np.bincount(nth))]).tolist()
    outages, which = np.unique(series.outage, return_inverse=True)
    tables = np.array([emissions(parameters, outage) for outage in outages.tolist()]).reshape(len(outages), -1, STATES)
    return _Events(
        rounds=tuple(slice(start, stop) for start, stop in pairwise(edges)),
        order=order,
        run=run,
        passes=passes[by_round],
        rest=rest[order],
        moved=moved[test, run],
        said=tables[which[run], series.codes[test, run]],
        plain=plain,
    )


def _moved(series: Series) -> Bools:
    """Where a test ran, not for the first time, on a commit that was new to it, (N, R)."""
    if (series.commits[1:] <= series.commits[:-1]).any():
        again: Bools = met_before(series)[1].T & series.ran
        return again
    moved = series.ran.copy()  # a run each: all but the first
    moved[np.arange(len(moved)), moved.argmax(axis=1)] = False
    return moved


def _most(passes: Int32s) -> int:
    return int(passes.max(initial=0))


def _powers(parameters: Parameters, most: int) -> Floats:
    """M^0 .. M^most at least, (more than most, S, S)."""
    return _all_powers(parameters, most // _POWERS * _POWERS + _POWERS)


@lru_cache(maxsize=16)
def _all_powers(parameters: Parameters, count: int) -> Floats:
    step = parameters.transitions() * (1.0 - parameters.failing())
    powers = np.empty((count, STATES, STATES))
    powers[0] = np.eye(STATES)
    for k in range(count - 1):
        np.matmul(powers[k], step, out=powers[k + 1])
    powers.flags.writeable = False
    return powers


def _through(state: Floats, powers: Floats) -> Floats:
    """Each row of `state` (n, S) times its own matrix (n, S, S)."""
    result: Floats = np.matmul(state[:, None, :], powers)[:, 0]
    return result


def _whole(state: Floats) -> Floats:
    """Rows that sum to 1."""
    result: Floats = state / state.sum(axis=-1, keepdims=True)
    return result


def _broken(events: _Events, filtered: Floats, powers: Floats, matrix: Floats) -> Bools:
    """Backwards from event to event: P(what came later | state), times `filtered` (E, S) what came until then."""
    broken = np.zeros(events.plain.shape, np.bool_)
    later = powers[events.rest].sum(axis=2)  # of each test after its last event; then after ever earlier ones
    next_: Bools = np.zeros(0, np.bool_)  # whether it was broken at its next event
    after = slice(0, 0)  # the events of the next round
    for these in reversed(events.rounds):
        size, going_on = these.stop - these.start, after.stop - after.start
        told = events.said[after] * later[:going_on]
        told = np.where(events.moved[after, None], told @ matrix.T, told)
        later[:going_on] = _whole(_through(told, powers[events.passes[after]].transpose(0, 2, 1)))
        here: Bools = _whole(filtered[these] * later[:size])[:, BROKEN] > 0.5
        broken[events.order[:size][here], events.run[these][here]] = True
        for place in np.flatnonzero(here[:going_on] & next_ & (events.passes[after] > 0)).tolist():
            test, first, last = events.order[place], events.run[these][place], events.run[after][place]
            between = np.flatnonzero(events.plain[test, first:last]) + first
            ahead = powers[1 : len(between) + 1]
            state = filtered[these][place] @ ahead * (powers[len(between) - 1 :: -1] @ told[place])
            broken[test, between] = _whole(state)[:, BROKEN] > 0.5
        next_, after = here, these
    return broken
