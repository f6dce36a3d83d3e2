"""Outages: runs in which far more tests newly failed than their own histories explain.

Suspected at the run itself, confirmed or refuted by the next results of the same tests. A break of many
tests at once stays failed in the next run and is therefore no outage; a group that dies again and again with a shared
cause is a cluster of tests, not an outage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from flakelens.counts import by_run
from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed

MINIMUM_NEW_FAILURES = 5
STANDARD_DEVIATIONS = 6.0
RECOVERED_SHARE = 2 / 3
# Weight of the prior on a test's chance to fail newly, in runs, and its mean: Google's 1.5 % of flaky runs, rounded
# down because most tests never flake.
_PRIOR_RUNS = 2.0
_PRIOR_MEAN = 0.01
# A recurring group: at most this share of the executed tests, and this much overlap with another suspected run.
_GROUP_SHARE = 0.25
_GROUP_OVERLAP = 0.5
_PULL_LOOKBACK = 50  # runs of the gated branch that a run of a pull request is compared with


class Outages(msgspec.Struct, frozen=True):
    """One entry per run of the history given: shapes (R,). A confirmed run is also suspected."""

    suspected: Bools
    confirmed: Bools
    open: Bools  # suspected, and nothing has come since that could confirm or refute it
    down: Bools  # suspected or confirmed, and more than a third of the victims still failed when the run ended
    newly: dict[int, Int32s]  # suspected run -> the tests that newly failed in it


def find_outages(outcomes: Int8s) -> Outages:
    """Suspected and confirmed outages among the runs of the gated branch, oldest first. `outcomes`: int8, (N, R).

    With n_t the tests whose first attempt fails in run t and did not fail in their previous run, and e_t the expected
    number of such tests - each test's chance (new failures + .02) / (chances to fail newly + 2) before t, summed over
    all tests that ran in t and did not fail before - run t is suspected when n_t >= 5 and n_t > e_t + 6 sqrt(e_t + 1).
    It is confirmed when at least 2/3 of those tests pass later in the same run (its failed jobs were run again), in a
    rerun of the commit, or in the next run (or the next that is not itself suspected). First attempts, because a rerun
    of the failed jobs must not hide the outage from those tests that were not run again.

    The normal bound is deliberately wide: e_t is itself an estimate. Compare Sippy and LUCI, which use a flat share.
    """
    tests, reach = outcomes.shape
    columns = by_run(outcomes)  # every run is looked at whole, and once
    suspected = np.zeros(reach, np.bool_)
    confirmed = np.zeros(reach, np.bool_)
    newly: dict[int, Int32s] = {}
    passed_last: Bools = np.zeros(tests, np.bool_)  # had a previous run, and did not fail in it
    chances = np.zeros(tests, np.float32)  # these two are whole numbers
    new_failures = np.zeros(tests, np.float32)
    for run, failed, ran in _each_run(columns):
        could = passed_last if ran is None else passed_last & ran
        among = could.astype(np.float32)
        hit = np.flatnonzero(could & failed)
        if (count := len(hit)) >= MINIMUM_NEW_FAILURES:
            # Nobody had more chances than there were runs: a floor of what is expected, and enough for most runs. It
            # is taken a little lower, for its sums are rounded.
            others = _PRIOR_RUNS * _PRIOR_MEAN * np.count_nonzero(could)
            floor = float(new_failures @ among + others) / (_PRIOR_RUNS + run)
            if _far_more(count, 0.999 * floor):
                rates = (new_failures + _PRIOR_RUNS * _PRIOR_MEAN) / (_PRIOR_RUNS + chances.astype(np.float64))
                if _far_more(count, float(rates.sum(where=could))):
                    suspected[run] = True
                    newly[run] = hit.astype(np.int32)
        chances += among
        new_failures[hit] += 1
        passed_last = ~failed if ran is None else np.where(ran, ~failed, passed_last)
    groups = _recurring_groups(outcomes, newly)
    for run in groups:
        suspected[run] = False
    undecided = np.zeros(reach, np.bool_)
    down = np.zeros(reach, np.bool_)
    for run, victims in newly.items():
        if suspected[run]:
            healed = outcomes[victims, run] == Outcome.FLAKY
            down[run] = np.count_nonzero(healed) < RECOVERED_SHARE * len(victims)
            later = np.arange(run + 1, reach)
            confirmed[run] = _recovered(columns, victims, later, healed) or (
                # Two outages in a row: the run after both says of each what it was.
                _recovered(columns, victims, later[~suspected[later]], healed)
            )
            undecided[run] = not any(was_executed(columns[after, victims]).any() for after in later)
            undecided[run] &= not confirmed[run]
    return Outages(
        suspected, confirmed, undecided, down, {run: tests for run, tests in newly.items() if suspected[run]}
    )


def _each_run(columns: Int8s) -> Iterator[tuple[int, Bools, Bools | None]]:
    """Each run with the tests whose first attempt failed, (N,), and those that ran; None for all of them, as mostly."""
    for start in range(0, len(columns), 16):  # so few that they stay in the processor's cache
        some = columns[start : start + 16]
        executed = was_executed(some)
        everyone = np.count_nonzero(executed, axis=1) == columns.shape[1]
        for place, failed in enumerate(failed_first(some)):
            yield start + place, failed, None if everyone[place] else executed[place]


def _far_more(count: int, expected: float) -> bool:
    return count > expected + STANDARD_DEVIATIONS * math.sqrt(expected + 1)


def _recovered(columns: Int8s, victims: npt.NDArray[np.integer], later: npt.NDArray[np.integer], healed: Bools) -> bool:
    """Did at least 2/3 of the victims pass later in the run (`healed`), or else in the next of the `later` runs?

    `columns` (R, N): the outcomes by run; `victims` and `healed` (n,).
    """
    passed = np.count_nonzero(healed)
    waiting = victims[~healed]
    for run in later:
        if not len(waiting):
            break
        column = columns[run, waiting]
        ran = was_executed(column)
        passed += np.count_nonzero(ran & (column != Outcome.FAILED))
        waiting = waiting[~ran]
    return bool(passed >= RECOVERED_SHARE * len(healed))


def _recurring_groups(outcomes: Int8s, newly: dict[int, Int32s]) -> set[int]:
    """Suspected runs whose victims are much the same few tests as in another one, with a pass between."""
    groups: set[int] = set()
    runs = sorted(newly)
    small = {}
    for run in runs:
        column = outcomes[:, run]
        executed = np.count_nonzero(was_executed(column))
        small[run] = len(newly[run]) <= _GROUP_SHARE * executed
    for place, one in enumerate(runs):
        for other in runs[place + 1 :]:
            if not (small[one] and small[other]):
                continue
            shared = np.intersect1d(newly[one], newly[other], assume_unique=True)
            union = len(newly[one]) + len(newly[other]) - len(shared)
            if len(shared) < _GROUP_OVERLAP * union:
                continue
            between = outcomes[shared, one + 1 : other]
            if (between == Outcome.PASSED).any():
                groups |= {one, other}
    return groups


def outage_at_start(outcomes: Int8s) -> bool:
    """Was the first run an outage? `find_outages` cannot say: nothing had passed before.

    Read backwards: tests that fail in the first run and pass in their next one, at least 5 of them, more than the mean
    new failures of a later run explain, and at least 2/3 of all that failed.
    """
    if outcomes.shape[1] < 2:
        return False
    victims = np.flatnonzero(failed_first(outcomes[:, 0]))
    count = len(victims)
    if count < MINIMUM_NEW_FAILURES:
        return False
    turned = (outcomes[:, :-1] == Outcome.PASSED) & failed_first(outcomes[:, 1:])
    expected = float(np.count_nonzero(turned)) / (outcomes.shape[1] - 1)
    if not _far_more(count, expected):
        return False
    return _recovered(outcomes.T, victims, np.arange(1, outcomes.shape[1]), np.zeros(count, np.bool_))


class PullOutage(NamedTuple):
    """What is known of a run of a pull request that may be an outage. Neither confirmed nor refuted: still open."""

    suspected: bool
    confirmed: bool
    refuted: bool  # at least 2/3 of the victims fail again in the next run of the commit


def outage_of_pull(gated: Int8s, pull: Int8s) -> PullOutage:
    """Is the first of the runs `pull` an outage?

    `gated` (N, R) the runs of the gated branch before it, `pull` (N, K) the run of a pull request and the later runs of
    its commit. Nothing but a rerun of the same commit can confirm it: the next run of the gated branch passes without
    the request's change too.
    """
    found = find_outages(np.hstack([gated[:, -_PULL_LOOKBACK:], pull]))
    place = min(gated.shape[1], _PULL_LOOKBACK)
    if not found.suspected[place]:
        return PullOutage(False, False, False)
    again = pull[found.newly[place], 1:]
    passing = np.isin(again, (Outcome.PASSED, Outcome.FLAKY))
    swapped = np.where(passing, Outcome.FAILED, np.where(again == Outcome.FAILED, Outcome.PASSED, again)).astype(
        np.int8
    )
    refuted = _recovered(swapped.T, np.arange(len(again)), np.arange(swapped.shape[1]), np.zeros(len(again), np.bool_))
    return PullOutage(True, bool(found.confirmed[place]), refuted)
