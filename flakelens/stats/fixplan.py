"""What to repair first, and what it would bring: greedy over causes, the effect replayed on runs not used to choose.

A run turns green only when all its failures are gone, so single tests are the wrong unit: a cause that hits many runs
is worth more than a test with many failures. For the pass rate failures simply add up, and the order by failures is
exactly the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome

MINIMUM_RUNS = 20  # with fewer, half of them say too little: all runs choose and are replayed

Order = Literal["runs", "failures"]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What some runs would look like. Shares from 0 to 1."""

    pass_rate: float  # results that did not fail after retries
    first_attempt_pass_rate: float | None  # over runs that show first attempts; None: there is none
    green_share: float  # runs without a failure after retries


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One more cause repaired."""

    cause: int  # position among the causes given
    after: Figures


class FixPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Causes in the order of repair. `before` and the steps are about the same runs."""

    before: Figures
    steps: tuple[Step, ...]
    held_out: bool  # the figures are of runs that had no part in choosing


def fix_plan(
    outcomes: Int8s, causes: Sequence[Int32s], *, shown: Bools | None = None, order: Order = "runs"
) -> FixPlan:
    """The order in which to repair `causes`, with predicted figures after each.

    `outcomes` (N, R) of the runs to plan with, confirmed outages left out, oldest first; `causes` are disjoint arrays
    of tests; `shown` (R,): runs whose reports show first attempts (None: all). By "runs" the next cause is the one
    that hits the most runs, by "failures" the one with the most failures after retries; ties by the other, then by
    position. Even runs choose and odd runs are replayed (from 20 runs on): the same runs would promise too much.
    """
    reach = outcomes.shape[1]
    held_out = reach >= MINIMUM_RUNS
    choosing = slice(0, None, 2) if held_out else slice(None)
    judging = slice(1, None, 2) if held_out else slice(None)
    visible = np.ones(reach, np.bool_) if shown is None else shown
    ranked = _ranked(outcomes[:, choosing], causes, order)
    replayed = _Replay(outcomes[:, judging], visible[judging])
    before = replayed.figures()
    steps = []
    for cause in ranked:
        replayed.repair(causes[cause])
        steps.append(Step(cause=cause, after=replayed.figures()))
    return FixPlan(before=before, steps=tuple(steps), held_out=held_out)


def figures_of(outcomes: Int8s, *, shown: Bools | None = None) -> Figures:
    """The figures of some runs as they are; without results a pass rate of 1 over nothing."""
    visible = np.ones(outcomes.shape[1], np.bool_) if shown is None else shown
    return _Replay(outcomes, visible).figures()


def _ranked(outcomes: Int8s, causes: Sequence[Int32s], order: Order) -> list[int]:
    failed = outcomes == Outcome.FAILED
    bad = failed | (outcomes == Outcome.FLAKY)
    keys = []
    for place, tests in enumerate(causes):
        hit = int(failed[tests].any(axis=0).sum())
        failures = int(failed[tests].sum())
        first = (hit, failures) if order == "runs" else (failures, hit)
        keys.append((*(-value for value in first), -int(bad[tests].sum()), place))
    return [key[-1] for key in sorted(keys)]


class _Replay:
    """Counts per run, from which the failures of repaired tests are taken."""

    def __init__(self, outcomes: Int8s, shown: Bools) -> None:
        self._failed = outcomes == Outcome.FAILED
        self._first = self._failed | (outcomes == Outcome.FLAKY)
        self._executed = (self._first | (outcomes == Outcome.PASSED)).sum(axis=0)
        self._failures = self._failed.sum(axis=0)
        self._first_failures = self._first.sum(axis=0)
        self._shown = shown

    def repair(self, tests: Int32s) -> None:
        self._failures = self._failures - self._failed[tests].sum(axis=0)
        self._first_failures = self._first_failures - self._first[tests].sum(axis=0)

    def figures(self) -> Figures:
        ran = self._executed > 0
        visible = self._shown & ran
        total, seen = int(self._executed.sum()), int(self._executed[visible].sum())
        return Figures(
            pass_rate=1 - int(self._failures.sum()) / total if total else 1.0,
            first_attempt_pass_rate=1 - int(self._first_failures[visible].sum()) / seen if seen else None,
            green_share=float((self._failures[ran] == 0).mean()) if ran.any() else 1.0,
        )
