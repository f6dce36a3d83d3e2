"""The states of all tests of a suite, each worked out when it is asked for.

Most tests of a suite never fail, and most questions are about few of the others: a verdict asks for the state of all,
for the evidence of some, and tries many futures that it asks next to nothing about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import overload

import numpy as np
from msgspec.structs import replace

from flakelens.counts import ever_failed, ever_seen, executed_runs
from flakelens.facts import Bools, Int8s, Int32s, Int64s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.markov import Floats
from flakelens.stats.probabilities import LIKELY, Posterior
from flakelens.stats.states import (
    FAILING_RUNS,
    STABLE_RESULTS,
    TestFinding,
    TestState,
    as_told,
    beliefs,
    judge_troubled,
    name_state,
)


def find_states(
    outcomes: Int8s,
    commits: Int32s,
    *,
    outage: Bools,
    elsewhere: Bools,
    gone: Bools,
    disagreed: Bools,
    posterior: Posterior,
) -> Findings:
    """The state of every test from the runs of the gated branch, oldest first.

    `outcomes` (N, R) int8; `commits` (R,) equal for runs of one commit; `outage` (R,) outages, left out;
    `elsewhere` (N,) tests with results outside these runs; `gone` (N,); `disagreed` (N,) tests that failed and passed
    on one commit of a pull request: evidence for flaky, never for broken; `posterior` of the same runs.
    """
    return Findings(
        outcomes=outcomes,
        commits=commits,
        kept=~outage,
        elsewhere=elsewhere,
        gone=gone,
        disagreed=disagreed,
        posterior=posterior,
    )


class Findings(Sequence[TestFinding]):
    """The findings of N tests by position; made by `find_states`. Nobody writes into what it was made of."""

    def __init__(
        self,
        *,
        outcomes: Int8s,
        commits: Int32s,
        kept: Bools,
        elsewhere: Bools,
        gone: Bools,
        disagreed: Bools,
        posterior: Posterior,
    ) -> None:
        """`outcomes` (N, R) and `commits` (R,); `kept` (R,) the runs that are no outage."""
        self._outcomes = outcomes
        self._kept = np.flatnonzero(kept).astype(np.int32)
        self._commits = commits[self._kept]
        self._is_kept = kept
        self._elsewhere = elsewhere
        self._ever = ever_seen(outcomes)
        self._gone = gone & self._ever
        self._disagreed = disagreed
        self._posterior = posterior
        self._troubled = (ever_failed(outcomes, kept) | disagreed) & self._ever
        self._known: dict[int | tuple[object, ...], TestFinding] = {}

    @cached_property
    def _results(self) -> Int64s:
        """In how many kept runs each test was executed, (N,)."""
        return executed_runs(self._outcomes, self._is_kept)

    @cached_property
    def _three(self) -> Floats:
        return as_told(self._posterior.three())

    @cached_property
    def _place(self) -> dict[int, int]:
        return {test: at for at, test in enumerate(self._posterior.troubled.tolist())}

    @cached_property
    def _commit_numbers(self) -> Int32s:
        """The commits of the kept runs, numbered from 0."""
        return np.unique(self._commits, return_inverse=True)[1].astype(np.int32)

    def __len__(self) -> int:
        return len(self._outcomes)

    @overload
    def __getitem__(self, test: int) -> TestFinding: ...

    @overload
    def __getitem__(self, test: slice) -> tuple[TestFinding, ...]: ...

    def __getitem__(self, test: int | slice) -> TestFinding | tuple[TestFinding, ...]:
        if isinstance(test, slice):
            return tuple(self[one] for one in range(len(self))[test])
        test = range(len(self))[test]  # counts from the end, and refuses what lies outside
        if not self._troubled[test]:
            return self._steady(test)
        if test not in self._known:
            found = self._judged(test)
            self._known[test] = _gone(found) if self._gone[test] else found
        return self._known[test]

    def troubled(self, tests: Bools) -> list[int]:
        """Those of `tests` (N,) with a failure or a disagreement, ascending: only these can be flaky or broken, or
        have spells."""
        found: list[int] = np.flatnonzero(self._troubled & tests).tolist()
        return found

    def spelled(self, tests: Bools) -> list[int]:
        """Those of `tests` (N,) that may have spells, ascending: the others have none."""
        spelled = np.zeros(len(tests), np.bool_)
        spelled[self._posterior.troubled[self._posterior.broken.any(axis=1)]] = True
        return self.troubled(tests & spelled)

    def state(self, test: int) -> TestState:
        """The state of one test, for those who need no more of its finding."""
        if self._gone[test]:
            return TestState.GONE
        return self._plainly[test] if test in self._plainly else self[test].state

    def being(self, state: TestState, tests: Bools) -> list[int]:
        """Those of `tests` (N,) that are flaky or broken, ascending. `state` is one of these two."""
        return [test for test in self.troubled(tests) if self.state(test) is state]

    def by_state(self, tests: Bools) -> dict[TestState, int]:
        """How many of `tests` (N,) have each state, in alphabetical order; states without any are left out."""
        calm = tests & ~self._troubled
        counts = Counter(self.state(test) for test in self.troubled(tests))
        stable = self._ever & ~self._gone & (self._results >= STABLE_RESULTS) & (self._three[:, 0] > LIKELY)
        only = ~self._ever & self._elsewhere
        for state, which in (
            (TestState.GONE, self._gone),
            (TestState.STABLE, stable),
            (TestState.BRANCH_ONLY, only),
            (TestState.UNSURE, ~(self._gone | stable | only)),
        ):
            counts[state] += int(np.count_nonzero(calm & which))
        return {state: number for state, number in sorted(counts.items()) if number}

    def _steady(self, test: int) -> TestFinding:
        """A test without trouble. Those that ran equally often share one finding: a suite has few such kinds."""
        count, ever, gone = int(self._results[test]), bool(self._ever[test]), bool(self._gone[test])
        stable, flaky, broken = self._three[test].tolist()
        beside = bool(self._elsewhere[test])
        kind = (count, ever, beside, gone, stable, flaky, broken)
        if kind not in self._known:
            if not ever:
                state = TestState.BRANCH_ONLY if beside else TestState.UNSURE
            else:
                state = TestState.STABLE if count >= STABLE_RESULTS and stable > LIKELY else TestState.UNSURE
            found = TestFinding(
                state=state,
                p_stable=stable,
                p_flaky=flaky,
                p_broken=broken,
                results=count,
                flake_rate=0.0 if count else None,
                outside=count,
            )
            self._known[kind] = _gone(found) if gone else found
        return self._known[kind]

    @cached_property
    def _plainly(self) -> dict[int, TestState]:
        """The states of those tests with trouble that are told by counting alone, all at once.

        These were broken in no run, and none of their failures stands on a commit with other runs: a recorded retry is
        all that can have failed and passed on one commit. `judge_troubled` says the same of each.
        """
        if not len(self._kept):
            return {}
        commits = self._commit_numbers
        alone = np.bincount(commits)[commits] == 1
        broken = np.zeros(len(self), np.bool_)
        broken[self._posterior.troubled[self._posterior.broken.any(axis=1)]] = True
        tests = np.flatnonzero(self._troubled & ~broken)
        rows = self._outcomes[tests][:, self._kept]
        plain = ~failed_first(rows[:, ~alone]).any(axis=1)
        tests, rows = tests[plain], rows[plain]
        executed = was_executed(rows)
        so_far = np.cumsum(executed, axis=1, dtype=np.int32)  # of its executed results, which one a failure is
        test, run = np.divmod(np.flatnonzero(rows == Outcome.FAILED), rows.shape[1])
        nth = so_far[test, run]
        begins = np.ones(len(nth), np.bool_)
        begins[1:] = (test[1:] != test[:-1]) | (nth[1:] != nth[:-1] + 1)
        stretches = np.bincount(test[begins], minlength=len(tests))
        retried = rows == Outcome.FLAKY
        newest = np.take_along_axis(retried, rows.shape[1] - 1 - executed[:, ::-1].argmax(axis=1)[:, None], axis=1)
        speaks = (stretches >= FAILING_RUNS) | self._disagreed[tests] | retried.any(axis=1)
        told = zip(tests.tolist(), newest[:, 0].tolist(), self._results[tests].tolist(), speaks.tolist(), strict=True)
        return {
            each: name_state(
                beliefs(self._posterior.now[each], cannot_be_broken=retried_now),
                results=results,
                spell_open=False,
                speaks_for_flaky=speaks_for_flaky,
            )
            for each, retried_now, results, speaks_for_flaky in told
        }

    def _judged(self, test: int) -> TestFinding:
        row = self._outcomes[test, self._kept]
        positions = np.flatnonzero(was_executed(row))
        kept = self._kept[positions]
        at = self._place.get(test)
        broken = np.zeros(len(kept), np.bool_) if at is None else self._posterior.broken[at, kept]
        return judge_troubled(
            row[positions],
            self._commit_numbers[positions],
            kept,
            broken,
            self._posterior.now[test],
            disagreed=bool(self._disagreed[test]),
        )


def _gone(found: TestFinding) -> TestFinding:
    return replace(found, state=TestState.GONE, since=None, tried=None, clean_seen=None)
