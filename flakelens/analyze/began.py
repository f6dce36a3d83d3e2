"""Where a test's trouble came in: the commit range to look at, and for a flaky test how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from flakelens.analyze.because import Case
from flakelens.history import Run
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.report import RunPoint
from flakelens.report.brief import Began
from flakelens.stats.states import TestState

MISS = 0.05  # chance that a flaky test shows nothing in the clean runs that bound the range


def chances(case: Case) -> tuple[int, int]:
    """In how many runs it failed or flaked since its trouble began, and in how many it was executed.

    A healing test's clean runs after its last flake are left out: they are the repair's. (0, 0): no trouble now.
    """
    finding = case.finding
    first = _first(case)
    if first is None:
        return 0, 0
    last = len(case.row) - 1
    if finding.state is TestState.FLAKY and finding.healing:
        last = finding.evidence[-1]
    inside = case.usable.copy()
    inside[:first] = inside[last + 1 :] = False
    if finding.state is TestState.FLAKY:
        for spell in finding.spells:  # a lasting break is another matter than the flake
            inside[spell.first : spell.last + 1] = False
    bad = failed_first(case.row)
    return int((inside & bad).sum()), int(inside.sum())


def began_at(case: Case, rate: float | None) -> Began | None:
    """The newest range that holds what began it; None for a test without trouble now.

    Of a flaky test the good end lies as many clean runs before its first flake as leave a chance of 5 % or less that
    it flaked already, at `rate`, and showed nothing; with fewer runs before it, at the oldest of them.
    """
    first = _first(case)
    if first is None or rate is None:
        return None
    bad = _point(case, first)
    flaky = case.finding.state is TestState.FLAKY
    before = case.usable.copy()
    before[first:] = False
    if flaky and case.row[first] == Outcome.FLAKY:
        before &= case.scope.view.shown  # a report that hides retries would not have shown a flake like this
    clean = [place for place in np.flatnonzero(before).tolist() if case.row[place] in (Outcome.PASSED, Outcome.FLAKY)]
    if flaky:
        clean = [place for place in clean if case.row[place] == Outcome.PASSED]
    if not flaky and not clean:
        return Began(kind="fails", good=None, bad=bad, clean=0, sure=None)
    if not flaky:
        other = [place for place in clean if case.run(place).commit != bad.commit]
        good = (other or clean)[-1]
        return Began(
            kind="fails", good=_point(case, good), bad=bad, clean=sum(place >= good for place in clean), sure=None
        )
    return flaked_first(case.run(first), [case.run(place) for place in clean], rate)


def flaked_first(bad: Run, clean: Sequence[Run], rate: float) -> Began:
    """The range of what flakes at `rate` (above 0, at most 1) and did so first in the run `bad`.

    `clean`: the runs before it that would have shown a flake and did not, oldest first.
    """
    if not clean:
        return Began(kind="flakes", good=None, bad=point_of(bad), clean=0, sure=None)
    sure = min(rate, 1 - 1e-9)
    at = max(0, len(clean) - max(1, math.ceil(math.log(MISS) / math.log1p(-sure))))
    while at > 0 and clean[at].commit == bad.commit:
        at -= 1
    runs = len(clean) - at
    return Began(kind="flakes", good=point_of(clean[at]), bad=point_of(bad), clean=runs, sure=1 - (1 - sure) ** runs)


def _first(case: Case) -> int | None:
    """The first run of the present trouble."""
    finding = case.finding
    if finding.state in (TestState.BROKEN, TestState.FLAKY):
        return finding.since
    if finding.state is TestState.UNSURE:
        failed = np.flatnonzero(case.usable & (case.row == Outcome.FAILED)).tolist()
        return failed[0] if failed else None
    return None


def _point(case: Case, position: int) -> RunPoint:
    return point_of(case.run(position))


def point_of(run: Run) -> RunPoint:
    """A run as a brief names it."""
    return RunPoint(run=run.key, commit=run.commit, started_at=run.started_at)
