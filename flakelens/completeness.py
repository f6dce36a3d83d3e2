"""Per area: which runs are its runs, which are complete, which tests are expected, active or gone.

Everything is per area: an area's window is its own newest runs, so that a nightly E2E suite is not judged by the day's
unit runs. Pure functions of a History; the gated branch's counting runs only, partial reports left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

import msgspec
import numpy as np

from flakelens.carriers import Carriers
from flakelens.facts import Bools, Int8s, Int32s, Int64s, columns, median
from flakelens.history import History
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed

# A test is expected if it had a result in one of the previous 5 runs of its area, and gone only when those without it
# span at least 2 commits: five reruns of one commit say nothing about a test's removal.
EXPECTED_RUNS = 5
EXPECTED_SHARE = 0.95  # of the expected tests must have a result in a complete run
ACTIVE_RUNS = 10
NEVER = 2**40
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

    @cached_property
    def expected(self) -> Bools:
        """Had a result in one of the previous runs of the area, and its title has not moved. Shape (N, R)."""
        if self.grown is not None:
            before, newest = self.grown
            return np.concatenate([before.expected, newest.expected[:, self._known_to_tail :]], axis=1)
        reach = len(self.runs)
        found = _seen_lately(self.outcomes != Outcome.NONE, [window_start(self.commits, run) for run in range(reach)])
        for test in np.flatnonzero(self.until < reach).tolist():
            found[test, max(0, int(self.until[test])) :] = False
        return found

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
    def executed(self) -> Int64s:
        """Tests executed per run: the denominator of both rates. Shape (R,)."""
        return self._of_each_run("executed", lambda view: _counted(was_executed(view.outcomes)))

    @cached_property
    def failed(self) -> Int64s:
        """Tests failed after retries per run. Shape (R,)."""
        return self._of_each_run("failed", lambda view: _counted(view.outcomes == Outcome.FAILED))

    @cached_property
    def first_failed(self) -> Int64s:
        """Tests whose first attempt failed per run. Shape (R,)."""
        return self._of_each_run("first_failed", lambda view: _counted(failed_first(view.outcomes)))

    @cached_property
    def valid(self) -> Bools:
        """Runs with enough executed tests for rates: 5, or all expected ones if these are fewer. Shape (R,)."""

        def found(view: AreaView) -> Bools:
            if view.executed.min(initial=VALID_RESULTS) >= VALID_RESULTS:
                return np.ones(len(view.runs), np.bool_)
            # An area's first run has no expected tests; a small area can have no more than all of its tests. A skipped
            # test has its result, but none that a rate could use.
            due = view.expected | ~view.expected.any(axis=0)
            expected = _counted(due & (view.outcomes != Outcome.SKIPPED))
            result: Bools = view.executed >= np.clip(expected, 1, VALID_RESULTS)
            return result

        return self._of_each_run("valid", found)

    @cached_property
    def complete(self) -> Bools:
        """Runs without a fault in which at least 95 % of the expected tests have a result. Shape (R,)."""

        def found(view: AreaView) -> Bools:
            sound = np.fromiter((not fault for fault in view.faults), np.bool_, len(view.faults))
            any_result = (view.outcomes != Outcome.NONE).any(axis=0)
            allowed = (1 - EXPECTED_SHARE) * _counted(view.expected) + 1e-9
            result: Bools = sound & any_result & (_counted(view.missing) <= allowed)
            return result

        return self._of_each_run("complete", found)

    def _of_each_run(self, name: str, found: Callable[[AreaView], _Array]) -> _Array:
        """What `found` says of every run; of a view with clean runs behind, only these are looked at anew."""
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
        reach = self.outcomes.shape[1]
        if reach == 0:
            return np.zeros(len(self.tests), np.bool_)
        newest = self.outcomes[:, window_start(self.commits, reach) :]
        lately = (newest != Outcome.NONE).any(axis=1) & (self.until >= reach)
        result: Bools = (self.first < reach) & ~lately
        return result

    def active(self, upto: int | None = None) -> Bools:
        """Tests executed in the newest 10 runs of the area and not gone; `upto` cuts off later runs. Shape (N,)."""
        view = self if upto is None else self.before(upto)
        if view.outcomes.shape[1] == 0:
            return np.zeros(len(self.tests), np.bool_)
        result: Bools = was_executed(view.outcomes[:, -ACTIVE_RUNS:]).any(axis=1) & ~view.gone()
        return result

    def before(self, upto: int) -> AreaView:
        """The same view of the first `upto` runs."""
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
        )

    def with_clean_runs(self, count: int, *, after: int = 0) -> AreaView:
        """The view after `count` more runs, each on a commit of its own, complete, all active tests passing.

        What was skipped stays skipped. The runs start one median interval apart, after the newest and after the moment
        `after` (seconds since 1970): what is yet to run cannot have started before now. What "needs N more clean runs"
        is tried on.
        """
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
    seen = outcomes != Outcome.NONE
    reach = outcomes.shape[1]
    return AreaView(
        name=name,
        tests=tests,
        runs=runs,
        commits=commits,
        started=started,
        outcomes=outcomes,
        faults=faults,
        shown=shown,
        first=np.where(seen.any(axis=1), seen.argmax(axis=1) if reach else 0, reach).astype(np.int32),
        until=until,
    )


def _counted(cells: Bools) -> Int64s:
    """How many hold in each column, (R,)."""
    # 32 bits hold any suite, and are added up twice as fast as 64.
    found: Int64s = cells.view(np.uint8).sum(axis=0, dtype=np.uint32).astype(np.int64)
    return found


def _seen_lately(seen: Bools, starts: Sequence[int]) -> Bools:
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


def area_views(
    history: History,
    names: tuple[str, ...],
    index: Int32s,
    area_of_file: Callable[[str, str, str], str],
    *,
    counting: Bools | None = None,
    moved: Mapping[int, int] | None = None,
) -> dict[str, AreaView]:
    """The view of every area. `index[i]` is the position in `names` of test i's area.

    `area_of_file(producer, job, file)` names the area that a report without results, or a suite that failed to load,
    belongs to by policy; "" where the policy does not say. `counting` chooses other runs than those that count.
    `moved` gives for tests that ceased the run in which the same title began in another file: from then on they are
    not expected.
    """
    chosen = np.flatnonzero(history.counting if counting is None else counting)
    carried = Carriers(history, names, index, area_of_file)
    until = np.full(len(history.tests), NEVER, np.int64)
    for test, run in (moved or {}).items():
        until[test] = run
    views = {}
    for place, name in enumerate(names):
        tests = np.flatnonzero(index == place).astype(np.int32)
        rows = history.whole[tests]
        with_result = (rows != Outcome.NONE).any(axis=0)
        runs = np.array(
            [run for run in chosen if with_result[run] or carried.carries(history.runs[run], name)], np.int32
        )
        views[name] = make_view(
            name=name,
            tests=tests,
            runs=runs,
            commits=history.commits[runs],
            started=np.array([int(history.runs[run].started_at.timestamp()) for run in runs], np.int64),
            outcomes=columns(rows, runs),
            faults=tuple(carried.fault(history.runs[run], name) for run in runs),
            shown=np.array([carried.shows_first_attempts(history.runs[run], name) for run in runs], np.bool_),
            until=np.searchsorted(runs, until[tests]) + np.where(until[tests] == NEVER, NEVER, 0),
        )
    return views
