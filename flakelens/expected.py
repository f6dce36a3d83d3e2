"""Which tests are expected in a run: by what ran in the runs of the area before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome

# A test is expected if it had a result in one of the previous 5 runs of its area, and gone only when those without it
# span at least 2 commits: five reruns of one commit say nothing about a test's removal.
EXPECTED_RUNS = 5


def first_seen(outcomes: Int8s) -> Int32s:
    """The first run in which each test has a result, their number for none."""
    tests, reach = outcomes.shape
    found = np.full(tests, reach, np.int32)
    if reach:
        there = outcomes[:, 0] != Outcome.NONE  # as most
        found[there] = 0
        later = np.flatnonzero(~there)
        seen = outcomes[later] != Outcome.NONE
        found[later] = np.where(seen.any(axis=1), seen.argmax(axis=1), reach)
    return found


def seen_lately(seen: Bools, starts: Sequence[int]) -> Bools:
    """Had a result in the window of each run, from `starts[run]` up to the run itself; (N, R) as `seen`.

    Windows of the usual length are one "or" of whole matrices; the few longer ones follow from the run before, or are
    looked at by themselves.
    """
    found = np.zeros_like(seen)
    for back in range(1, min(EXPECTED_RUNS, max(0, seen.shape[1] - 1)) + 1):
        found[:, back:] |= seen[:, :-back]
    for run, start in enumerate(starts):
        if start < run - EXPECTED_RUNS:
            if starts[run - 1] == start:
                found[:, run] = found[:, run - 1] | seen[:, run - 1]
            else:
                found[:, run] = seen[:, start:run].any(axis=1)
    return found


def window_start(commits: Int32s, run: int) -> int:
    """Where the look-back of the run at position `run` begins: 5 runs, and more until it spans 2 commits.

    Runs of one commit stand together, so a window spans two commits when its ends differ.
    """
    start = max(0, run - EXPECTED_RUNS)
    if start > 0 and commits[start] == commits[run - 1]:
        start = max(0, int(np.searchsorted(commits[:run], commits[run - 1])) - 1)
    return start
