"""One area over its own runs: which of them are complete, which tests are expected in them, active or gone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import msgspec
import numpy as np

from flakelens.counts import Tally, blocks, counted, tally
from flakelens.expected import first_seen, seen_lately, window_start
from flakelens.facts import Bools, Int8s, Int32s, Int64s, median
from flakelens.model import Outcome
from flakelens.outcomes import was_executed

EXPECTED_SHARE = 0.95  # of the expected tests must have a result in a complete run
ACTIVE_RUNS = 10
FUTURE_RUNS = 100  # clean runs that are laid out at a time
LATELY = 20  # newest runs, of which mostly is asked whether they are complete
NEVER = 2**40
_CELLS = 2**17  # tests x runs that are looked at at a time, so few that they stay in the processor's cache
VALID_RESULTS = 5  # results that make a run valid for an area's rates, or all expected tests if fewer


_Array = TypeVar("_Array", Bools, Int64s)


class AreaView(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One area over its own runs, oldest first.

    Shapes: R runs of the area, N tests of it. `tests` are positions in History.tests, `runs` in History.runs.
    What follows from the columns is worked out once, when first asked for; nobody writes into it.
    """

    name: str
    tests: Int32s  # (N,)
    runs: Int32s  # (R,)
    commits: Int32s  # (R,) commit numbers
    started: Int64s  # (R,) seconds since 1970, UTC
    outcomes: Int8s  # (N, R) whole reports only
    faults: tuple[str, ...]  # (R,) what is wrong with the run's reports of this area, "" for nothing
    shown: Bools  # (R,) every report of the area shows first attempts (RECORDED or NONE)
    first: Int32s  # (N,) the first run with a result; R for none
    until: Int64s  # (N,) the run from which its title stands in another file; NEVER for none
    # Of a view with clean runs behind: the view before them, and that of the newest runs and them.
    grown: tuple[AreaView, AreaView] | None = None
    parts: tuple[AreaView, ...] = ()  # of a view of several areas: views that have each of its tests once
    longer: AreaView | None = None  # the view that these are the first runs of: what it knows of them holds here too

    @cached_property
    def expected(self) -> Bools:
        """Had a result in one of the previous runs of the area, and its title has not moved. Shape (N, R)."""
        if self.longer is not None:
            return self.longer.expected[:, : len(self.runs)]
        if self.grown is not None:
            before, newest = self.grown
            return np.concatenate([before.expected, newest.expected[:, self._known_to_tail :]], axis=1)
        return self._expected(slice(None))

    def _expected(self, tests: slice) -> Bools:
        """`expected` of some tests, of a view that is not grown."""
        reach = len(self.runs)
        found = seen_lately(self.outcomes[tests] != Outcome.NONE, self._window_starts)
        until = self.until[tests]
        for test in np.flatnonzero(until < reach).tolist():
            found[test, max(0, int(until[test])) :] = False
        return found

    @cached_property
    def _window_starts(self) -> list[int]:
        return [window_start(self.commits, run) for run in range(len(self.runs))]

    @cached_property
    def missing(self) -> Bools:
        """Expected, without a result. Shape (N, R)."""
        result: Bools = self.expected & (self.outcomes == Outcome.NONE)
        return result

    @cached_property
    def ran(self) -> Bools:
        """Executed (passed, flaky or failed), not skipped. Shape (N, R)."""
        result: Bools = was_executed(self.outcomes)
        return result

    @cached_property
    def tally(self) -> Tally:
        """How many tests have which outcome in each run."""
        if not self.parts:
            return tally(self.outcomes)
        sums = np.zeros((len(Tally._fields), len(self.runs)), np.int64)
        for part in self.parts:
            here = np.isin(part.runs, self.runs)  # a run that is none of these has no result
            sums[:, np.searchsorted(self.runs, part.runs[here])] += np.array(part.tally)[:, here]
        return Tally(*sums)

    @cached_property
    def executed(self) -> Int64s:
        """Tests executed per run: the denominator of both rates. Shape (R,)."""
        return self._of_each_run("executed", lambda view: view.tally.executed)

    @cached_property
    def failed(self) -> Int64s:
        """Tests failed after retries per run. Shape (R,)."""
        return self._of_each_run("failed", lambda view: view.tally.failed)

    @cached_property
    def first_failed(self) -> Int64s:
        """Tests whose first attempt failed per run. Shape (R,)."""
        return self._of_each_run("first_failed", lambda view: view.tally.failed + view.tally.flaky)

    @cached_property
    def valid(self) -> Bools:
        """Runs with enough executed tests for rates: 5, or all expected ones if these are fewer. Shape (R,)."""

        def found(view: AreaView) -> Bools:
            if view.executed.min(initial=VALID_RESULTS) >= VALID_RESULTS:
                return np.ones(len(view.runs), np.bool_)
            # An area's first run has no expected tests; a small area can have no more than all of its tests. A skipped
            # test has its result, but none that a rate could use.
            due = view.expected | ~view.expected.any(axis=0)
            expected = counted(due & (view.outcomes != Outcome.SKIPPED))
            result: Bools = view.executed >= np.clip(expected, 1, VALID_RESULTS)
            return result

        return self._of_each_run("valid", found)

    @cached_property
    def complete(self) -> Bools:
        """Runs without a fault in which at least 95 % of the expected tests have a result. Shape (R,)."""

        def found(view: AreaView) -> Bools:
            sound = np.fromiter((not fault for fault in view.faults), np.bool_, len(view.faults))
            any_result = np.bitwise_or.reduce(view.outcomes, axis=0) != Outcome.NONE
            due, missing = np.zeros((2, len(view.runs)), np.int64)
            for tests in blocks(len(view.tests), size=_CELLS // max(1, len(view.runs)) + 1):
                expected = view._expected(tests)
                due += counted(expected)
                missing += counted(expected & (view.outcomes[tests] == Outcome.NONE))
            result: Bools = sound & any_result & (missing <= (1 - EXPECTED_SHARE) * due + 1e-9)
            return result

        return self._of_each_run("complete", found)

    def is_complete(self, run: int) -> bool:
        """`complete` of one run, of which mostly the newest are asked for: then only these are looked at."""
        first = len(self.runs) - len(self._complete_lately)
        return bool(self._complete_lately[run - first] if run >= first else self.complete[run])

    def newest_complete(self, count: int) -> Int64s:
        """The newest `count` complete runs, ascending; all of them where there are fewer."""
        first = len(self.runs) - len(self._complete_lately)
        found: Int64s = np.flatnonzero(self._complete_lately) + first
        if len(found) < count and first:
            found = np.flatnonzero(self.complete)
        return found[-count:]

    @cached_property
    def _complete_lately(self) -> Bools:
        """`complete` of the newest runs."""
        first = max(0, len(self.runs) - LATELY)
        if self.longer is not None and self.longer.grown is not None:  # to which the next one will be a bit shorter
            before, newest = self.longer.grown
            if first >= len(before.runs) - len(before._complete_lately):
                flags = np.concatenate([before._complete_lately, newest.complete[self.longer._known_to_tail :]])
                return flags[first - len(before.runs) + len(before._complete_lately) :][: len(self.runs) - first]
        lead = window_start(self.commits, first)
        return self._since(lead).complete[first - lead :]

    def _since(self, lead: int) -> AreaView:
        """The same area without its runs before `lead`."""
        return make_view(
            name=self.name,
            tests=self.tests,
            runs=self.runs[lead:],
            commits=self.commits[lead:],
            started=self.started[lead:],
            outcomes=self.outcomes[:, lead:],
            faults=self.faults[lead:],
            shown=self.shown[lead:],
            until=self.until - lead,
        )

    def _of_each_run(self, name: str, found: Callable[[AreaView], _Array]) -> _Array:
        """What `found` says of every run; of a view with clean runs behind, only these are looked at anew."""
        if self.longer is not None:
            result: _Array = getattr(self.longer, name)[: len(self.runs)]
            return result
        if self.grown is None:
            return found(self)
        before, newest = self.grown
        return np.concatenate([getattr(before, name), getattr(newest, name)[self._known_to_tail :]])

    @property
    def _known_to_tail(self) -> int:
        """How many runs both parts of `grown` hold."""
        return sum(len(part.runs) for part in self.grown or ()) - len(self.runs)

    def gone(self) -> Bools:
        """Tests that had a result once and are no longer expected after the newest run. Shape (N,)."""
        return self._gone

    @cached_property
    def _gone(self) -> Bools:
        reach = self.outcomes.shape[1]
        if reach == 0:
            return np.zeros(len(self.tests), np.bool_)
        newest = self.outcomes[:, window_start(self.commits, reach) :]
        lately = (newest != Outcome.NONE).any(axis=1) & (self.until >= reach)
        result: Bools = (self.first < reach) & ~lately
        return result

    def active(self, upto: int | None = None) -> Bools:
        """Tests executed in the newest 10 runs of the area and not gone; `upto` cuts off later runs. Shape (N,)."""
        return self._active if upto is None else self.before(upto)._active

    @cached_property
    def _active(self) -> Bools:
        if self.outcomes.shape[1] == 0:
            return np.zeros(len(self.tests), np.bool_)
        result: Bools = was_executed(self.outcomes[:, -ACTIVE_RUNS:]).any(axis=1) & ~self._gone
        return result

    def before(self, upto: int) -> AreaView:
        """The same view of the first `upto` runs. What is said of a run rests on the runs before it alone."""
        cut = slice(0, upto)
        return AreaView(
            name=self.name,
            tests=self.tests,
            runs=self.runs[cut],
            commits=self.commits[cut],
            started=self.started[cut],
            outcomes=self.outcomes[:, cut],
            faults=self.faults[cut],
            shown=self.shown[cut],
            first=np.minimum(self.first, upto),
            until=self.until,
            longer=self,
        )

    def with_clean_runs(self, count: int, *, after: int = 0) -> AreaView:
        """The view after `count` more runs, each on a commit of its own, complete, all active tests passing.

        What was skipped stays skipped. The runs start one median interval apart, after the newest and after the moment
        `after` (seconds since 1970): what is yet to run cannot have started before now. What "needs N more clean runs"
        is tried on.
        """
        known = self._futures.get(after)
        if known is None or len(known.runs) < len(self.runs) + count:
            # Who asks for a second one will ask for more: each is the beginning of a longer one.
            known = self._futures[after] = self._grow(count if known is None else max(count, FUTURE_RUNS), after)
        return known.before(len(self.runs) + count)

    @cached_property
    def _futures(self) -> dict[int, AreaView]:
        return {}

    def _grow(self, count: int, after: int) -> AreaView:
        clean = np.full(len(self.tests), Outcome.NONE, np.int8)
        clean[~self.gone() & (self.first < self.outcomes.shape[1])] = Outcome.SKIPPED
        clean[self.active()] = Outcome.PASSED
        newest = max(int(self.started[-1]) if len(self.started) else 0, after)
        steps = np.arange(1, count + 1)
        reach = len(self.runs)
        commits = np.concatenate([self.commits, (self.commits.max(initial=0) + steps).astype(np.int32)])
        columns = np.repeat(clean[:, None], count, axis=1)
        # What clean runs expect follows from the newest runs before them; the others stay as they are.
        lead = window_start(commits, reach)
        tail = make_view(
            name=self.name,
            tests=self.tests,
            runs=np.concatenate([self.runs[lead:], np.full(count, -1, np.int32)]),
            commits=commits[lead:],
            started=np.concatenate([self.started[lead:], newest + steps * self.median_interval()]),
            outcomes=np.concatenate([self.outcomes[:, lead:], columns], axis=1),
            faults=(*self.faults[lead:], *("" for _ in range(count))),
            shown=np.concatenate([self.shown[lead:], np.ones(count, np.bool_)]),
            until=self.until - lead,
        )
        more = slice(reach - lead, None)
        return AreaView(
            name=self.name,
            tests=self.tests,
            runs=np.concatenate([self.runs, tail.runs[more]]),
            commits=commits,
            started=np.concatenate([self.started, tail.started[more]]),
            outcomes=np.concatenate([self.outcomes, columns], axis=1),
            faults=(*self.faults, *tail.faults[more]),
            shown=np.concatenate([self.shown, tail.shown[more]]),
            first=np.where(self.first < reach, self.first, tail.first + lead),
            until=self.until,
            grown=(self, tail),
        )

    def median_interval(self) -> int:
        """Seconds between the starts of two runs of the area, the median of the newest 30; 0 below two runs."""
        gaps = np.diff(np.sort(self.started)[-31:])
        return int(median(gaps)) if len(gaps) else 0


def make_view(
    *,
    name: str,
    tests: Int32s,
    runs: Int32s,
    commits: Int32s,
    started: Int64s,
    outcomes: Int8s,
    faults: tuple[str, ...],
    shown: Bools,
    until: Int64s | None = None,
) -> AreaView:
    """A view from its own columns; what is expected and missing follows from the outcomes."""
    until = np.full(len(tests), NEVER, np.int64) if until is None else until
    return AreaView(
        name=name,
        tests=tests,
        runs=runs,
        commits=commits,
        started=started,
        outcomes=outcomes,
        faults=faults,
        shown=shown,
        first=first_seen(outcomes),
        until=until,
    )
