"""Tests that failed and passed on one commit of a pull request: such a commit cannot have broken what passed on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flakelens.facts import Bools, Int8s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.outages import MINIMUM_NEW_FAILURES, outage_of_pull


def disagreed(outcomes: Int8s, gated: Bools, commits: Sequence[str]) -> Bools:
    """Which tests failed and passed on one commit of a pull request, or flaked there, (N,).

    `outcomes` (N, R), runs oldest first; `gated` (R,) runs of the gated branch; `commits` (R,) names the commit of a
    pull request's run, "" for a run that is no evidence. Two things are no disagreement of the test's own: a run that
    looks like an outage, and results beside a failure on the gated branch, right before or after: a broken test that
    passes by luck once in a hundred attempts would otherwise be taken for a flaky one.
    """
    found = np.zeros(len(outcomes), np.bool_)
    runs: dict[str, list[int]] = {}
    for run, commit in enumerate(commits):
        if commit:
            runs.setdefault(commit, []).append(run)
    for positions in runs.values():
        kept = _without_outages(outcomes, gated, positions)
        columns = outcomes[:, kept]
        failed, passed = (columns == Outcome.FAILED).any(axis=1), (columns == Outcome.PASSED).any(axis=1)
        own = (columns == Outcome.FLAKY).any(axis=1) | (failed & passed)
        if own.any():
            own &= _sound(outcomes, gated, positions, own)
            found |= own
    return found


def _without_outages(outcomes: Int8s, gated: Bools, positions: list[int]) -> list[int]:
    """The runs of one commit that no outage seems to have struck."""
    kept = []
    for place, run in enumerate(positions):
        failed = np.count_nonzero(failed_first(outcomes[:, run]))
        before = np.flatnonzero(gated[:run])
        many = failed >= MINIMUM_NEW_FAILURES and len(before)
        if not many or not outage_of_pull(outcomes[:, before], outcomes[:, positions[place:]]).suspected:
            kept.append(run)
    return kept


def _sound(outcomes: Int8s, gated: Bools, positions: list[int], tests: Bools) -> Bools:
    """Of `tests`, those that did not fail on the gated branch right before and right after the runs, (N,)."""
    sound = tests.copy()
    branch = np.flatnonzero(gated)
    asked = np.flatnonzero(tests)
    for side in (branch[branch < positions[0]][::-1], branch[branch > positions[-1]]):
        nearest_first = outcomes[np.ix_(asked, side)]
        if nearest_first.size:
            ran = was_executed(nearest_first)
            nearest = np.take_along_axis(nearest_first, ran.argmax(axis=1)[:, None], axis=1)[:, 0]
            sound[asked[nearest == Outcome.FAILED]] = False
    return sound
