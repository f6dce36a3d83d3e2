"""Checks of what grows: the database, and areas whose size moved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flakelens.doctor.look import Look
from flakelens.gate.criterion import count_of
from flakelens.report import Finding

MOVED = 0.20  # share by which the size of an area may move within the newest 30 complete runs
LARGE = 1_000_000_000  # bytes from which on a database is worth a thought
AHEAD = 90  # days that its growth is thought ahead
_REACH = 30
_NEWEST = 3
_LEAST_RUNS = 13
_LEAST_TESTS = 3


def areas_that_moved(look: Look) -> Iterator[Finding]:
    """Areas that execute a fifth more or fewer tests than some runs before: a rate over other tests is another rate."""
    for name, view in look.evidence.views.items():
        whole = np.flatnonzero(view.complete)[-_REACH:]
        if len(whole) < _LEAST_RUNS:
            continue
        sizes = view.executed[whole]
        before, now = float(np.median(sizes[:-10])), float(np.median(sizes[-_NEWEST:]))
        if not before or abs(now - before) <= MOVED * before or abs(now - before) < _LEAST_TESTS:
            continue
        yield Finding(
            code="area-moved",
            where=name,
            message=f"{name} executes {now:.0f} tests in its newest runs, {before:.0f} before "
            f"({(now - before) / before * 100:+.0f} % within {len(whole)} complete runs): its rates are about other "
            "tests.",
            mend=f"flakelens events --area {name} names what is new, gone or skipped. If the patterns of the policy "
            "moved them, correct these; tests removed on purpose: flakelens acknowledge.",
            serious=False,
        )


def large_database(look: Look) -> Iterator[Finding]:
    """A database that is large, or soon will be at the pace of the last 30 days."""
    if look.size is None or not look.size.runs:
        return
    size = look.size
    per_run = size.size / size.runs
    per_day = per_run * size.lately / size.days
    later = size.size + per_day * AHEAD
    if size.size < LARGE and later < 2 * LARGE:
        return
    yield Finding(
        code="database-size",
        where=f"{size.size / 1e9:.2f} GB",
        message=f"The database holds {count_of(size.runs, 'run')} at {_bytes(per_run)} each and grows by "
        f"{_bytes(per_day)} a day: {later / 1e9:.1f} GB in {AHEAD} days.",
        mend="The gate looks at the newest 300 runs of the branch, prices at 30 days. Keep half a year:\n"
        "  flakelens db prune --older-than 180d\n"
        "The sums per test stay; flakelens db info says what takes the room.",
        serious=False,
    )


def _bytes(number: float) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"
