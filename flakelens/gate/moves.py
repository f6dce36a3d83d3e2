"""Tests that moved: they ceased in one file where the same title began in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flakelens.facts import Int8s
from flakelens.history import Test
from flakelens.model import Outcome


def find_moved(tests: Sequence[Test], counted: Int8s) -> dict[int, int]:
    """Old position to new, where that is one alone. `counted` (tests, runs) the runs that count, oldest first."""
    # A title can only have moved from where it no longer runs: few tests, and none in most suites.
    ceased = np.flatnonzero(counted[:, -1] == Outcome.NONE).tolist() if counted.shape[1] else []
    titles = {tests[position].id[1:] for position in ceased}
    by_title: dict[tuple[str, str], list[int]] = {}
    for position, test in enumerate(tests) if titles else ():
        if test.id[1:] in titles:
            by_title.setdefault(test.id[1:], []).append(position)
    found = {}
    for positions in by_title.values():
        there = spans(counted, positions) if len(positions) > 1 else {}
        for old, (_, last) in there.items():
            heirs = [new for new, (first, _) in there.items() if new != old and last < first]
            if len(heirs) == 1:
                found[old] = heirs[0]
    return found


def spans(counted: Int8s, tests: list[int]) -> dict[int, tuple[int, int]]:
    """The first and the last run with a result of each test; without any, left out."""
    seen = counted[tests] != Outcome.NONE
    runs = {test: np.flatnonzero(row) for test, row in zip(tests, seen, strict=True)}
    return {test: (int(there[0]), int(there[-1])) for test, there in runs.items() if len(there)}
