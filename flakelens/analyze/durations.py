"""How long tests take when they pass, run by run, and since when. Never mixed with how far they can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from flakelens.gate.evidence import Evidence
from flakelens.report import DurationLine
from flakelens.stats.durations import Floats, find_levels
from flakelens.store import Store


class Timed(NamedTuple):
    """Seconds of passing attempts, tests x runs; NaN without one. The mean where a run has several of a test."""

    runs: list[int]  # positions in History.runs, oldest first
    seconds: Floats


def timed(store: Store, evidence: Evidence, tests: Iterable[int] | None = None, *, last: int | None = None) -> Timed:
    """The durations of some tests (positions in History.tests; None: of all) in the newest `last` counting runs.

    Runs with a confirmed outage and partial, stale or damaged reports are left out: what a test takes when all is well.
    """
    history = evidence.history
    confirmed = evidence.outages.confirmed
    runs = [run for place, run in enumerate(evidence.counting) if not confirmed[place]]
    runs = runs if last is None else runs[-last:] if last else []
    column = {
        report.key: place
        for place, run in enumerate(runs)
        for report in history.runs[run].reports
        if not (report.partial or report.stale or report.damaged)
    }
    wanted = list(range(len(history.tests))) if tests is None else list(tests)
    row = {history.tests[position].id: place for place, position in enumerate(wanted)}
    keys = {key: row[test] for key, test in history.names.ids.items() if test in row}
    found = store.durations(column, None if tests is None else keys)
    shape = (len(wanted), len(runs))
    if not len(found.tests):
        return Timed(runs, np.full(shape, np.nan))
    places = _lookup(keys)[found.tests] * shape[1] + _lookup(column)[found.reports]
    counts = np.bincount(places, minlength=shape[0] * shape[1])
    sums = np.bincount(places, found.milliseconds / 1000, minlength=shape[0] * shape[1])
    with np.errstate(invalid="ignore"):
        return Timed(runs, (sums / counts).reshape(shape))


def _lookup(places: dict[int, int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    table = np.zeros(max(places) + 1, np.int64)
    table[list(places)] = list(places.values())
    return table


def duration_line(store: Store, evidence: Evidence, test: int) -> DurationLine | None:
    """What one test (its position in History.tests) takes, and since when; None: nothing is known."""
    runs, seconds = timed(store, evidence, [test])
    return line_of(evidence, runs, seconds[0])


def line_of(evidence: Evidence, runs: list[int], seconds: Floats) -> DurationLine | None:
    """The newest level of a row of `timed`, and the one before."""
    known = np.flatnonzero(~np.isnan(seconds))
    levels = find_levels(seconds[known])
    if not levels:
        return None
    now = levels[-1]
    first = evidence.history.runs[runs[int(known[now.first])]]
    changed = len(levels) > 1
    return DurationLine(
        seconds=now.seconds,
        runs=now.runs,
        before=levels[-2].seconds if changed else None,
        since_run=first.key if changed else None,
        since_commit=first.commit if changed else "",
    )
