"""The states of all tests of a suite, each worked out when it is asked for.

Most tests of a suite never fail, and most questions are about few of the others: a verdict asks for the state of all,
for the evidence of some, and tries many futures that it asks next to nothing about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import overload

import numpy as np
from msgspec.structs import replace

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.probabilities import LIKELY, Posterior
from flakelens.stats.states import STABLE_RESULTS, TestFinding, TestState, as_told, judge_troubled


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
    kept = np.flatnonzero(~outage).astype(np.int32)
    return Findings(
        rows=outcomes[:, kept] if len(kept) < outcomes.shape[1] else outcomes,
        kept=kept,
        commits=np.unique(commits[kept], return_inverse=True)[1].astype(np.int32),
        ever=(outcomes != Outcome.NONE).any(axis=1),
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
        rows: Int8s,
        kept: Int32s,
        commits: Int32s,
        ever: Bools,
        elsewhere: Bools,
        gone: Bools,
        disagreed: Bools,
        posterior: Posterior,
    ) -> None:
        """`rows` (N, K): the runs at the positions `kept` (K,), outages left out; `commits` (K,) numbered from 0."""
        self._rows = rows
        self._kept = kept
        self._commits = commits
        self._elsewhere = elsewhere
        self._gone = gone & ever
        self._ever = ever
        self._disagreed = disagreed
        self._posterior = posterior
        self._results = was_executed(rows).sum(axis=1)
        self._three = as_told(posterior.three())
        self._place = {test: at for at, test in enumerate(posterior.troubled.tolist())}
        self._troubled = (failed_first(rows).any(axis=1) | disagreed) & ever
        self._known: dict[int | tuple[object, ...], TestFinding] = {}

    def __len__(self) -> int:
        return len(self._rows)

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

    def being(self, state: TestState, tests: Bools) -> list[int]:
        """Those of `tests` (N,) that are flaky or broken, ascending. `state` is one of these two."""
        return [test for test in self.troubled(tests) if self[test].state is state]

    def by_state(self, tests: Bools) -> dict[TestState, int]:
        """How many of `tests` (N,) have each state, in alphabetical order; states without any are left out."""
        calm = tests & ~self._troubled
        counts = Counter(self[test].state for test in self.troubled(tests))
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

    def _judged(self, test: int) -> TestFinding:
        positions = np.flatnonzero(was_executed(self._rows[test]))
        kept = self._kept[positions]
        at = self._place.get(test)
        broken = np.zeros(len(kept), np.bool_) if at is None else self._posterior.broken[at, kept]
        return judge_troubled(
            self._rows[test, positions],
            self._commits[positions],
            kept,
            broken,
            self._posterior.now[test],
            disagreed=bool(self._disagreed[test]),
        )


def _gone(found: TestFinding) -> TestFinding:
    return replace(found, state=TestState.GONE, since=None, tried=None, clean_seen=None)
