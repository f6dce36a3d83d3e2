"""What made the tests of one run fail: the hidden chain walked through what came before the run and what came after.

A run of the gated branch stands among its runs. Any other run - of a pull request, another branch, a fork, a laptop -
starts from the state at its branch point and has a break of its own; a fork's and a laptop's never speak for others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.gate.evidence import WINDOW_RUNS, Evidence
from flakelens.history import History, Run
from flakelens.model import Event, Outcome, RetryEvidence
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.chain import Step, at_run
from flakelens.stats.markov import BROKEN, GATED, Floats, emissions, outage_shares, series
from flakelens.stats.outages import MINIMUM_NEW_FAILURES, RECOVERED_SHARE, outage_of_pull
from flakelens.stats.probabilities import with_start
from flakelens.stats.triage import CAUSES, causes, flaky_levels, with_later_of_request

_AFTER = 50  # later runs of the gated branch that are listened to
_FORK, _LAPTOP, _PULL = "from a fork", "a laptop's run", "pull request"


@dataclass(frozen=True, kw_only=True)
class OutageOfRun:
    """Was the run an outage? Neither confirmed nor open: no, or refuted."""

    confirmed: bool
    open: bool  # suspected, and nothing has confirmed or refuted it yet
    victims: Int32s  # tests that newly failed in it, if it was suspected


@dataclass(frozen=True, kw_only=True)
class Blame:
    """The causes of the failures of one run. Shapes: n tests, in the order of `tests`."""

    tests: Int32s  # (n,) positions in History.tests, ascending: failed or flaky in the run
    probabilities: Floats  # (n, 5) in the order of `stats.triage.CAUSES`
    levels: Floats  # (n, 6) see `stats.triage.flaky_levels`


@dataclass(frozen=True, kw_only=True)
class RunInHistory:
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
        return [place for place in self.before if not self._outages[place]]

    @cached_property
    def _outages(self) -> Bools:
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
    def spoke_before(self) -> tuple[int, ...]:
        """Every earlier run that speaks for tests, oldest first: of the gated branch, of this repository's pull
        requests, and its own.
        """
        others = [place for place in self._speaking() if place < self.branch_point and place not in self.own]
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
        confirmed = bool(self._outages[self.position])
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

    # --- the causes ---

    @cached_property
    def blame(self) -> Blame:
        """Why each of its failures failed."""
        tests = self.failed
        probabilities = np.zeros((len(tests), len(CAUSES)))
        levels = np.zeros((len(tests), 6))
        places, at = self._order()
        shares = self._shares(places, at)
        producers = np.array([self.history.tests[test].producer for test in tests])
        for producer in dict.fromkeys(producers.tolist()):
            mine = np.flatnonzero(producers == producer)
            probabilities[mine], levels[mine] = self._weigh(tests[mine], producer, places, at, shares)
        return Blame(tests=tests, probabilities=probabilities, levels=levels)

    def _weigh(self, tests: Int32s, producer: str, places: list[int], at: int, shares: Floats) -> tuple[Floats, Floats]:
        shown = np.fromiter((_recorded(self.history.runs[place], producer) for place in places), np.bool_, len(places))
        seen = series(
            self.history.outcomes[tests][:, places],
            self._commits(places),
            outage=shares,
            retries_shown=shown,
            pulls=self._pulls(places),
        )
        parameters = self.evidence.parameters
        step, later = at_run(seen, parameters, at)
        step, later = self._after_reruns(step, later, tests, producer)
        codes = self.column[tests]
        found = causes(
            step,
            parameters,
            outage=float(shares[at]),
            failed_again=(codes == Outcome.FAILED) & shown[at],
            healed=codes == Outcome.FLAKY,
            later=later,
        )
        return found, flaky_levels(step, later)

    def _after_reruns(self, step: Step, later: Floats, tests: Int32s, producer: str) -> tuple[Step, Floats]:
        """What reruns of the same commit of a pull request say: of the state, and of a break of its own."""
        if not self.own_again:
            return step, later
        plain, broken = np.ones_like(later), np.ones(len(later))
        for place in self.own_again:
            table = emissions(self.evidence.parameters, 0.0, _recorded(self.history.runs[place], producer))
            codes = self.history.outcomes[tests, place]
            plain *= table[codes]
            broken *= table[codes, BROKEN]
        return with_later_of_request(step, later, plain=plain, broken=broken), later * plain

    def _order(self) -> tuple[list[int], int]:
        """The runs as the chain is to meet them, and where this one stands among them."""
        own = {self.position, *self.own}
        others = [place for place in self._speaking() if place not in own]
        first = self.before[0] if self.before else 0
        last = self.after[:_AFTER][-1] if self.after else len(self.history.runs)
        before = [place for place in others if first <= place < self.branch_point]
        after = [place for place in others if self.branch_point <= place <= last]
        return [*before, *self.own_before, self.position, *after], len(before) + len(self.own_before)

    def _speaking(self) -> Iterable[int]:
        """Runs that say something about tests: of the gated branch, and of this repository's pull requests."""
        for place, run in enumerate(self.history.runs):
            if run.counts or (run.event is Event.PULL_REQUEST and run.why_not == _PULL):
                yield place

    def _commits(self, places: list[int]) -> Int32s:
        numbers: dict[str, int] = {}
        names = (self.history.runs[place].commit or f"\0{place}" for place in places)
        return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int32, len(places))

    def _pulls(self, places: list[int]) -> Int32s:
        own = {self.position, *self.own}
        numbers: dict[object, int] = {}
        found = []
        for place in places:
            run = self.history.runs[place]
            name = "own" if place in own else (run.branch, run.base_branch, "" if run.branch else place)
            found.append(GATED if run.counts else numbers.setdefault(name, len(numbers)))
        return np.array(found, np.int32)

    def _shares(self, places: list[int], at: int) -> Floats:
        """o_t of every run of the order."""
        flags = np.zeros(len(places), np.bool_)
        for place, run in enumerate(places):
            if place == at:
                flags[place] = self.outage.confirmed or self.outage.open
            elif self.history.runs[run].counts:
                flags[place] = self._outages[run]
            else:
                flags[place] = self._was_outage_beside(run)
        return outage_shares(self.history.outcomes[:, places], flags)

    def _was_outage_beside(self, place: int) -> bool:
        """Was another run of a pull request an outage? Asked only where it matters for the tests in question."""
        column = self.history.outcomes[:, place]
        failed = failed_first(column)
        if not failed[self.failed].any() or np.count_nonzero(failed) < MINIMUM_NEW_FAILURES:
            return False
        commit = self.history.runs[place].commit
        again = [
            other
            for other in range(place + 1, len(self.history.runs))
            if commit and self.history.runs[other].commit == commit and not self.history.runs[other].counts
        ]
        before = [run for run in self.evidence.counting if run < place]
        found = outage_of_pull(self.history.outcomes[:, before], self.history.outcomes[:, [place, *again]])
        return found.confirmed or (found.suspected and not found.refuted)


def _refuted(later: Int8s) -> bool:
    """Have so many of the victims failed again in their next result that two thirds can no longer have recovered?"""
    ran = was_executed(later)
    if not ran.size:
        return False
    following = np.take_along_axis(later, ran.argmax(axis=1)[:, None], axis=1)[:, 0]
    again = ran.any(axis=1) & (following == Outcome.FAILED)
    return bool(np.count_nonzero(again) > (1 - RECOVERED_SHARE) * len(later))


def _recorded(run: Run, producer: str) -> bool:
    """Do the run's reports of this producer show retries?"""
    there = [report.evidence for report in run.reports if report.producer == producer and not report.stale]
    return bool(there) and all(evidence is RetryEvidence.RECORDED for evidence in there)
