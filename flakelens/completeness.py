"""Per area: which runs are its runs, which are complete, which tests are expected, active or gone.

Everything is per area: an area's window is its own newest runs, so that a nightly E2E suite is not judged by the day's
unit runs. Pure functions of a History; the gated branch's counting runs only, partial reports left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from flakelens.facts import Bools, Int8s, Int32s, Int64s
from flakelens.history import History, Report, Run
from flakelens.masks import mask
from flakelens.model import Outcome, RetryEvidence

# A test is expected if it had a result in one of the previous 5 runs of its area, and gone only when those without it
# span at least 2 commits: five reruns of one commit say nothing about a test's removal.
EXPECTED_RUNS = 5
EXPECTED_SHARE = 0.95  # of the expected tests must have a result in a complete run
ACTIVE_RUNS = 10
VALID_RESULTS = 5  # results that make a run valid for an area's rates, or all expected tests if fewer

_FIRST_ATTEMPTS_SHOWN = frozenset({RetryEvidence.RECORDED, RetryEvidence.NONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaView:
    """One area over its own runs, oldest first.

    Shapes: R runs of the area, N tests of it. `tests` are positions in History.tests, `runs` in History.runs.
    """

    name: str
    tests: Int32s  # (N,)
    runs: Int32s  # (R,)
    commits: Int32s  # (R,) commit numbers
    started: Int64s  # (R,) seconds since 1970, UTC
    outcomes: Int8s  # (N, R) whole reports only
    faults: tuple[str, ...]  # (R,) what is wrong with the run's reports of this area, "" for nothing
    shown: Bools  # (R,) every report of the area shows first attempts (RECORDED or NONE)
    expected: Bools  # (N, R) had a result in one of the previous runs
    missing: Bools  # (N, R) expected, without a result
    first: Int32s  # (N,) the first run with a result; R for none

    @property
    def ran(self) -> Bools:
        """Executed (passed, flaky or failed), not skipped. Shape (N, R)."""
        result: Bools = (self.outcomes != Outcome.NONE) & (self.outcomes != Outcome.SKIPPED)
        return result

    @property
    def executed(self) -> Int64s:
        """Tests executed per run: the denominator of both rates. Shape (R,)."""
        return np.asarray(self.ran.sum(axis=0), np.int64)

    @property
    def failed(self) -> Int64s:
        """Tests failed after retries per run. Shape (R,)."""
        return np.asarray((self.outcomes == Outcome.FAILED).sum(axis=0), np.int64)

    @property
    def first_failed(self) -> Int64s:
        """Tests whose first attempt failed per run. Shape (R,)."""
        both = (self.outcomes == Outcome.FAILED) | (self.outcomes == Outcome.FLAKY)
        return np.asarray(both.sum(axis=0), np.int64)

    @property
    def valid(self) -> Bools:
        """Runs with enough results for rates: 5, or all expected tests if these are fewer. Shape (R,)."""
        expected = self.expected.sum(axis=0)
        needed = np.where(expected > 0, np.minimum(VALID_RESULTS, expected), VALID_RESULTS)
        small = len(self.tests) < VALID_RESULTS
        if small:  # the first run of a small area has no expected tests yet
            needed = np.minimum(needed, np.maximum(1, len(self.tests)))
        result: Bools = self.executed >= needed
        return result

    @property
    def complete(self) -> Bools:
        """Runs without a fault in which at least 95 % of the expected tests have a result. Shape (R,)."""
        expected = self.expected.sum(axis=0)
        missing = self.missing.sum(axis=0)
        sound = np.fromiter((not fault for fault in self.faults), np.bool_, len(self.faults))
        any_result = (self.outcomes != Outcome.NONE).any(axis=0)
        result: Bools = sound & any_result & (missing <= (1 - EXPECTED_SHARE) * expected + 1e-9)
        return result

    def gone(self) -> Bools:
        """Tests that had a result once and are no longer expected after the newest run. Shape (N,)."""
        reach = self.outcomes.shape[1]
        seen = self.outcomes != Outcome.NONE
        if reach == 0:
            return np.zeros(len(self.tests), np.bool_)
        result: Bools = seen.any(axis=1) & ~seen[:, _window_start(self.commits, reach) :].any(axis=1)
        return result

    def active(self, upto: int | None = None) -> Bools:
        """Tests executed in the newest 10 runs of the area and not gone; `upto` cuts off later runs. Shape (N,)."""
        view = self if upto is None else self.before(upto)
        if view.outcomes.shape[1] == 0:
            return np.zeros(len(self.tests), np.bool_)
        result: Bools = view.ran[:, -ACTIVE_RUNS:].any(axis=1) & ~view.gone()
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
            expected=self.expected[:, cut],
            missing=self.missing[:, cut],
            first=np.minimum(self.first, upto),
        )

    def with_clean_runs(self, count: int) -> AreaView:
        """The view after `count` more runs, each on a commit of its own, complete, all active tests passing.

        They start one median interval apart. What "needs N more clean runs" is tried on.
        """
        active = self.active()
        clean = np.where(active, Outcome.PASSED, Outcome.NONE).astype(np.int8)
        newest = int(self.started[-1]) if len(self.started) else 0
        steps = np.arange(1, count + 1)
        return make_view(
            name=self.name,
            tests=self.tests,
            runs=np.concatenate([self.runs, np.full(count, -1, np.int32)]),
            commits=np.concatenate([self.commits, (self.commits.max(initial=0) + steps).astype(np.int32)]),
            started=np.concatenate([self.started, newest + steps * self.median_interval()]),
            outcomes=np.concatenate([self.outcomes, np.repeat(clean[:, None], count, axis=1)], axis=1),
            faults=(*self.faults, *("" for _ in range(count))),
            shown=np.concatenate([self.shown, np.ones(count, np.bool_)]),
        )

    def median_interval(self) -> int:
        """Seconds between the starts of two runs of the area, the median of the newest 30; 0 below two runs."""
        gaps = np.diff(np.sort(self.started)[-31:])
        return int(np.median(gaps)) if len(gaps) else 0


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
) -> AreaView:
    """A view from its own columns; what is expected and missing follows from the outcomes."""
    seen = outcomes != Outcome.NONE
    reach = outcomes.shape[1]
    running = np.zeros((len(tests), reach + 1), np.int32)
    np.cumsum(seen, axis=1, out=running[:, 1:])
    starts = np.fromiter((_window_start(commits, run) for run in range(reach)), np.int64, reach)
    expected = running[:, :reach] - running[:, starts] > 0
    # The sentinel column makes argmax point behind the last run for tests without a result.
    first = np.concatenate([seen, np.ones((len(tests), 1), np.bool_)], axis=1).argmax(axis=1).astype(np.int32)
    return AreaView(
        name=name,
        tests=tests,
        runs=runs,
        commits=commits,
        started=started,
        outcomes=outcomes,
        faults=faults,
        shown=shown,
        expected=expected,
        missing=expected & ~seen,
        first=first,
    )


def _window_start(commits: Int32s, run: int) -> int:
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
) -> dict[str, AreaView]:
    """The view of every area. `index[i]` is the position in `names` of test i's area.

    `area_of_file(producer, job, file)` names the area that a report without results, or a suite that failed to load,
    belongs to by policy; "" where the policy does not say. `counting` chooses other runs than those that count.
    """
    chosen = np.flatnonzero(history.counting if counting is None else counting)
    carried = _Carriers(history, names, index, area_of_file)
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
            outcomes=rows[:, runs],
            faults=tuple(carried.fault(history.runs[run], name) for run in runs),
            shown=np.array([carried.shows_first_attempts(history.runs[run], name) for run in runs], np.bool_),
        )
    return views


class _Carriers:
    """Which areas a report carries: those of its tests, and for a report without tests those it usually has."""

    def __init__(
        self, history: History, names: tuple[str, ...], index: Int32s, area_of_file: Callable[[str, str, str], str]
    ) -> None:
        self._names = names
        self._index = index
        self._area_of_file = area_of_file
        self._of_tests: dict[int, frozenset[str]] = {}
        usual: dict[tuple[str, str], set[str]] = defaultdict(set)
        for run in history.runs:
            for report in run.reports:
                usual[self._channel(report)] |= self._by_tests(report)
        self._usual: Mapping[tuple[str, str], set[str]] = usual

    @staticmethod
    def _channel(report: Report) -> tuple[str, str]:
        return ("job", report.job) if report.job else ("name", mask(report.name))

    def _by_tests(self, report: Report) -> frozenset[str]:
        known = self._of_tests.get(id(report.tests))
        if known is None:
            known = frozenset(self._names[place] for place in np.unique(self._index[report.tests]))
            self._of_tests[id(report.tests)] = known
        return known

    def areas(self, report: Report) -> frozenset[str]:
        """The areas of one report."""
        areas = self._by_tests(report)
        if areas and not report.damaged:
            return areas
        usual = areas | self._usual.get(self._channel(report), set())
        return frozenset(usual or {self._area_of_file(report.producer, report.job, "")} - {""})

    def carries(self, run: Run, area: str) -> bool:
        """Does a report of the run, other than a partial one, belong to the area?"""
        return any(area in self.areas(report) for report in run.reports if not report.partial)

    def shows_first_attempts(self, run: Run, area: str) -> bool:
        """Do all reports of the area in this run show failed first attempts, or have none to show?"""
        mine = [report for report in run.reports if area in self.areas(report)]
        return bool(mine) and all(report.evidence in _FIRST_ATTEMPTS_SHOWN for report in mine)

    def fault(self, run: Run, area: str) -> str:
        """What is wrong with the run's reports of the area, in words; "" for nothing."""
        faults: list[str] = []
        shards: dict[tuple[str, int], set[int]] = defaultdict(set)
        mine = [report for report in run.reports if area in self.areas(report) and not report.partial]
        # A job that crashed and was run again is mended: its newest attempt speaks.
        newest = {(self._channel(report), report.shard): report.attempt for report in mine}
        for report in mine:
            if report.attempt < newest[self._channel(report), report.shard]:
                continue
            if report.shard and (declared := shard_numbers(report.shard)):
                shards[report.job, declared[1]].add(declared[0])
            if report.stale:
                faults.append(f"{report.name} is a copy of an earlier run's report")
            elif report.damaged:
                faults.append(f"{report.name} is empty or was cut off")
            faults += [
                f"{suite} failed to load"
                for suite in report.load_failures
                if self._area_of_file(report.producer, report.job, suite) in ("", area)
            ]
        for (job, count), there in shards.items():
            if absent := sorted(set(range(1, count + 1)) - there):
                of = f" of job {job}" if job else ""
                faults.append(f"shard {', '.join(f'{number}/{count}' for number in absent)}{of} is missing")
        return "; ".join(dict.fromkeys(faults))


def shard_numbers(shard: str) -> tuple[int, int] | None:
    """("2/4") -> (2, 4); None for anything else."""
    number, _, count = shard.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 10_000:
        return int(number), int(count)
    return None
