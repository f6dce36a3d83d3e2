"""One run among the others: what came before it, what after, which runs are of its own request, was it an outage?

A run of the gated branch stands among its runs. Any other run - of a pull request, another branch, a fork, a laptop -
starts from its branch point; a fork's and a laptop's never speak for others.
"""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.gate.evidence import Evidence
from flakelens.history import History, Run
from flakelens.model import Event, Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.fitting import WINDOW_RUNS
from flakelens.stats.outages import RECOVERED_SHARE, outage_of_pull
from flakelens.stats.probabilities import with_start

_FORK, _LAPTOP, _PULL = "from a fork", "a laptop's run", "pull request"


class OutageOfRun(msgspec.Struct, frozen=True, kw_only=True):
    """Was the run an outage? Neither confirmed nor open: no, or refuted."""

    confirmed: bool
    open: bool  # suspected, and nothing has confirmed or refuted it yet
    victims: Int32s  # tests that newly failed in it, if it was suspected


class RunInHistory(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One run of an evidence, and the others as they look from there. Costs are paid when first asked for."""

    evidence: Evidence
    position: int  # in History.runs

    @property
    def history(self) -> History:
        """Of the evidence."""
        return self.evidence.history

    @property
    def run(self) -> Run:
        """The run itself."""
        return self.history.runs[self.position]

    @cached_property
    def column(self) -> Int8s:
        """(N,) its outcomes, filtered reports included."""
        column: Int8s = self.history.outcomes[:, self.position]
        return column

    @cached_property
    def branch_point(self) -> int:
        """Runs of the history before this position are before the run; the others came after.

        Of a pull request the newest run of its base commit, if the gated branch ran that; else by time.
        """
        run = self.run
        if not run.counts and run.base_commit:
            same = [place for place in self.evidence.counting if self.history.runs[place].commit == run.base_commit]
            if same:
                return same[-1] + 1
        return self.position

    @cached_property
    def own(self) -> tuple[int, ...]:
        """The other runs of its pull request or branch, oldest first; none for a run of the gated branch."""
        if self.run.counts:
            return ()
        own = [place for place, run in enumerate(self.history.runs) if place != self.position and self._together(run)]
        return tuple(sorted(own, key=lambda place: (self.history.runs[place].started_at, place)))

    def _together(self, other: Run) -> bool:
        """Is it a run of the same request? Of a fork only the branch's name is known, and anybody may use it."""
        run = self.run
        if other.counts or other.why_not != run.why_not or other.branch != run.branch or not run.branch:
            return False
        if run.why_not in (_LAPTOP, "uncommitted changes"):
            return False  # between two runs of a working tree anything may have changed
        return run.why_not != _FORK or (bool(run.commit) and other.commit == run.commit)

    @cached_property
    def own_before(self) -> tuple[int, ...]:
        """Of `own`, what started earlier."""
        return tuple(place for place in self.own if self._start(place) < self._start(self.position))

    @cached_property
    def own_again(self) -> tuple[int, ...]:
        """Of `own`, later runs of the same commit: reruns."""
        commit = self.run.commit
        later = (place for place in self.own if self._start(place) > self._start(self.position))
        return tuple(place for place in later if commit and self.history.runs[place].commit == commit)

    def _start(self, place: int) -> tuple[object, int]:
        return self.history.runs[place].started_at, place

    @cached_property
    def before(self) -> list[int]:
        """The runs of the gated branch before it, oldest first; the newest 300."""
        return [place for place in self.evidence.counting if place < self.branch_point and place != self.position][
            -WINDOW_RUNS:
        ]

    @cached_property
    def after(self) -> list[int]:
        """The runs of the gated branch after it, oldest first."""
        return [place for place in self.evidence.counting if place >= self.branch_point and place != self.position]

    @cached_property
    def quiet_before(self) -> list[int]:
        """`before` without confirmed outages."""
        return [place for place in self.before if not self.confirmed[place]]

    @cached_property
    def confirmed(self) -> Bools:
        """(R,) confirmed outages of the gated branch."""
        flags = np.zeros(len(self.history.runs), np.bool_)
        counting = self.evidence.counting
        if counting:
            flags[counting] = with_start(self.history.whole[:, counting], self.evidence.outages.confirmed)
        return flags

    @cached_property
    def failed(self) -> Int32s:
        """Tests that failed in the run, or failed and then passed: positions, ascending."""
        return np.flatnonzero(failed_first(self.column)).astype(np.int32)

    @cached_property
    def speaking(self) -> tuple[int, ...]:
        """Runs that say something about tests: of the gated branch, and of this repository's pull requests."""
        runs = enumerate(self.history.runs)
        pulls = (Event.PULL_REQUEST, _PULL)
        return tuple(place for place, run in runs if run.counts or (run.event, run.why_not) == pulls)

    @cached_property
    def spoke_before(self) -> tuple[int, ...]:
        """Every earlier run that speaks for tests, oldest first: of the gated branch, of this repository's pull
        requests, and its own.
        """
        others = [place for place in self.speaking if place < self.branch_point and place not in self.own]
        return tuple(place for place in (*others, *self.own_before) if place != self.position)

    # --- the outage ---

    @cached_property
    def outage(self) -> OutageOfRun:
        """Was the run an outage?"""
        if self.run.counts:
            return self._outage_of_branch()
        return self._outage_beside(self.position, [*self.before, *self.own_before], list(self.own_again))

    def _outage_of_branch(self) -> OutageOfRun:
        found = self.evidence.outages
        place = self.evidence.counting.index(self.position)
        victims = found.newly.get(place, np.empty(0, np.int32))
        confirmed = bool(self.confirmed[self.position])
        suspected = bool(found.suspected[place])
        later = self.history.whole[victims][:, self.after]
        return OutageOfRun(
            confirmed=confirmed, open=suspected and not confirmed and not _refuted(later), victims=victims
        )

    def _outage_beside(self, place: int, before: list[int], again: list[int]) -> OutageOfRun:
        outcomes = self.history.outcomes
        found = outage_of_pull(outcomes[:, before], outcomes[:, [place, *again]])
        victims = self._newly(place, before) if found.suspected else np.empty(0, np.int32)
        still_open = found.suspected and not found.confirmed and not found.refuted
        return OutageOfRun(confirmed=found.confirmed, open=still_open, victims=victims)

    def _newly(self, place: int, before: list[int]) -> Int32s:
        """Tests that failed first in a run, and did not in their result before."""
        outcomes = self.history.outcomes[:, before]
        ran = was_executed(outcomes)
        last = np.where(ran, np.arange(len(before)), -1).max(axis=1, initial=-1)
        failing = (last >= 0) & failed_first(outcomes[np.arange(len(outcomes)), last]) if before else last >= 0
        return np.flatnonzero(failed_first(self.history.outcomes[:, place]) & (last >= 0) & ~failing).astype(np.int32)


def _refuted(later: Int8s) -> bool:
    """Have so many of the victims failed again in their next result that two thirds can no longer have recovered?"""
    ran = was_executed(later)
    if not ran.size:
        return False
    following = np.take_along_axis(later, ran.argmax(axis=1)[:, None], axis=1)[:, 0]
    again = ran.any(axis=1) & (following == Outcome.FAILED)
    return bool(np.count_nonzero(again) > (1 - RECOVERED_SHARE) * len(later))
