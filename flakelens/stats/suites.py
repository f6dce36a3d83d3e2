"""Did a suite become slower, and is that more tests or slower tests? An area, a file, or all that one job runs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from flakelens.facts import Bools
from flakelens.stats.durations import Floats, find_levels


class Slower(NamedTuple):
    """A suite whose newest level of duration is above the one before. Medians over runs; seconds.

    The three parts are medians of their own and need not add up to the difference exactly.
    """

    first: int  # position of the first run of the newest level
    runs: int  # of that level, with a known duration
    before: float
    now: float
    tests_before: int
    tests_now: int
    added: float  # what tests take that never ran in the level before
    removed: float  # what tests took there that never ran since
    same: float  # what the others take longer; below 0: less


def filled(seconds: Floats) -> Floats:
    """Durations with each gap closed by the test's last known value, or its first where none is before. (N, R).

    A test that fails takes as long as when it last passed: what a failure lasts is its time-out's business. A test
    that never passed takes nothing.
    """
    tests, reach = seconds.shape
    if not reach:
        return seconds
    places = np.arange(reach)
    known = ~np.isnan(seconds)
    last = np.maximum.accumulate(np.where(known, places, -1), axis=1)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)
    source = np.where(last < 0, first[:, None], last)
    result: Floats = np.nan_to_num(seconds[np.arange(tests)[:, None], source])
    return result


def slower(totals: Floats, seconds: Floats, ran: Bools) -> Slower | None:
    """The step up to the newest level of `totals` (R,), NaN where a run says nothing; None: it did not become slower.

    The change point is that of single tests (`find_levels`). `seconds` (N, R) are the `filled` durations of the
    suite's tests and `ran` (N, R) where they were executed: they tell what the step is made of.
    """
    known = np.flatnonzero(~np.isnan(totals))
    levels = find_levels(totals[known])
    if len(levels) < 2 or levels[-1].seconds <= levels[-2].seconds:
        return None
    old, new = levels[-2:]
    before = known[old.first : old.first + old.runs]
    now = known[new.first :]
    then = np.asarray(ran[:, before].any(axis=1), np.bool_)
    since = np.asarray(ran[:, now].any(axis=1), np.bool_)
    spent = np.where(ran, seconds, 0.0)

    def typical(tests: Bools, runs: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        return float(np.median(spent[np.ix_(tests, runs)].sum(axis=0)))

    both = then & since
    return Slower(
        first=int(now[0]),
        runs=new.runs,
        before=old.seconds,
        now=new.seconds,
        tests_before=int(np.median(ran[:, before].sum(axis=0))),
        tests_now=int(np.median(ran[:, now].sum(axis=0))),
        added=typical(since & ~then, now),
        removed=typical(then & ~since, before),
        same=typical(both, now) - typical(both, before),
    )
