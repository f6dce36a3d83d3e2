"""What a pull request says of the gated branch, and what only of itself.

Per (pull request, test) there is a break of the request's own, D, with prior d = `pull_breaks` at each of its commits,
believed until the test passes there. While runs come in (`PullRequest.see`), a commit of a request on which the test
passed at least once hands back

    L(s) = P(seen on the commit | s) / P(at least one pass on it | s),   both with D summed out

which shifts the state between healthy and the flaky levels, while P(broken) stays what it was: a fail and a pass on one
commit say flaky, failing runs say nothing. L is conditional on a pass because the commits without one are left out.

Looking back (`PullRequest.told`) nothing is left out: P(seen on the commit | s), D summed out, where s = broken counts
as healthy with probability `OLDER`, for the request may have been branched off before the break. A failure of the gated
branch with a failing pull request beside it is seldom a flake.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import was_executed
from flakelens.stats.markov import BROKEN, FAILED_AGAIN, GATED, HEALTHY, STATES, Floats, Parameters

OLDER = 0.2  # set by hand

_ONES = np.ones(STATES)


class PullRequest:
    """The belief in a break of its own (N,), and what its newest commit has shown."""

    def __init__(self, tests: int, parameters: Parameters) -> None:
        self.d = parameters.pull_breaks
        self.belief = np.full(tests, self.d)
        self.tests = tests
        self.commit: int | None = None
        self._start(None)

    def _start(self, commit: int | None) -> None:
        if commit is not None and self.commit is not None:  # each further commit may break what passed before it
            self.belief = self.belief + (1.0 - self.belief) * self.d
        self.commit = commit
        self.believed = self.belief  # before this commit
        self.met = np.zeros(self.tests, np.bool_)
        self.plain = self.all_failed = self.handed = self.handed_back = np.ones((self.tests, STATES))
        self.broken = self.broken_all_failed = np.ones(self.tests)
        self.passed = np.zeros(self.tests, np.bool_)

    def first_met(self, commit: int, codes: Int8s) -> Bools:
        """Tests that run on the request's newest commit for the first time, (N,). Before `see`."""
        if commit != self.commit:
            self._start(commit)
        fresh = was_executed(codes) & ~self.met
        self.met = self.met | fresh
        return fresh

    def see(
        self,
        commit: int,
        state: Floats,
        forecast: Floats,
        table: Floats,
        codes: Int8s,
        plain: Floats,
        retries_shown: Bools,
    ) -> Floats:
        """Takes in one run; the factor for the state of the gated branch.

        `state` is that of the gated branch, `forecast` what it has become on the request's new commit, `table` the
        run's `emissions`, `plain` what was seen by state; a test that D broke behaves as a broken one.
        """
        if commit != self.commit:
            self._start(commit)
        ran = was_executed(codes)
        broken = plain[:, BROKEN]
        with_break = self.belief * broken
        self.belief = with_break / (with_break + (1.0 - self.belief) * ((forecast * plain) @ _ONES))
        self.plain, self.broken = self.plain * plain, self.broken * broken
        no_pass = table[np.where(ran, np.where(retries_shown, FAILED_AGAIN, Outcome.FAILED), Outcome.NONE)]
        self.all_failed = self.all_failed * no_pass
        self.broken_all_failed = self.broken_all_failed * no_pass[:, BROKEN]
        self.passed = self.passed | (codes == Outcome.PASSED) | (codes == Outcome.FLAKY)
        any_pass = 1.0 - self._either(self.all_failed, self.broken_all_failed)
        total = self._either(self.plain, self.broken) / np.maximum(any_pass, 1e-300)
        total = np.where(self.passed[:, None], total, self.handed)
        factor: Floats = total / self.handed
        self.handed = total
        rest = state[:, :BROKEN]
        factor[:, BROKEN] = (rest * factor[:, :BROKEN]).sum(axis=1) / np.maximum(rest.sum(axis=1), 1e-300)
        return factor

    def told(self) -> Floats:
        """The factor for the state of the gated branch by all that the run says that `see` took in last."""
        plain = self.plain.copy()
        plain[:, BROKEN] = (1.0 - OLDER) * self.plain[:, BROKEN] + OLDER * self.plain[:, HEALTHY]
        total = self.believed[:, None] * self.broken[:, None] + (1.0 - self.believed[:, None]) * plain
        factor: Floats = total / self.handed_back
        self.handed_back = total
        return factor

    def _either(self, plain: Floats, broken: Floats) -> Floats:
        result: Floats = self.d * broken[:, None] + (1.0 - self.d) * plain
        return result


def shares_of_moves(commits: Int32s, pulls: Int32s) -> Floats:
    """Looking back, which share of the way from one commit of the gated branch to the next each run's commit is, (R,).

    A pull request may be the first to meet a break. So k of its commits between two of the gated branch are steps of
    1 / (k + 1) each, and the next one of the branch is the last step; between two runs of one commit nothing moves.
    """
    shares = np.ones(len(commits))
    for one, two in pairwise([*np.flatnonzero(pulls == GATED).tolist(), len(commits)]):
        between = slice(one + 1, two)
        if two < len(commits) and commits[one] == commits[two]:
            shares[between] = 0.0
        elif two > one + 1:
            shares[one + 1 : two + 1] = 1.0 / (len(np.unique(commits[between])) + 1)
    return shares
