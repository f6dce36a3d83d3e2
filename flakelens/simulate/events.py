"""What happens in each run: which commit of which branch is tested, what fails at first and why, and the retries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from flakelens.model import Attempt, CaseResult, RetryEvidence, Status
from flakelens.simulate.plan import Plan
from flakelens.simulate.suite import Test

_RERUN = 0.2  # share of runs that test the commit of the run before again
_MEAN_PR_BREAK = 4  # tests that a pull request breaks, if it breaks any
_PULLS = 1  # the stream of random numbers for pull requests: without any, all else stays as it is

# Every first-attempt failure has one of these causes, and says so.
MESSAGES = {
    "flake": "TimeoutError: locator.click: Timeout 5000ms exceeded.\n    at {file}:{line}:11",
    "broken": "Error: expect(received).toBe(expected) // Object.is equality\n\nExpected: 3\nReceived: 4\n"
    "    at {file}:{line}:20",
    "outage": "Error: connect ECONNREFUSED 10.0.0.5:5432\n    at {file}:{line}:5",
    "pull_request": "TypeError: Cannot read properties of undefined (reading 'total')\n    at {file}:{line}:14",
}
# Chance that a second attempt fails as well; a flake's is its own rate, at least _AGAIN_FLAKE.
_AGAIN = {"broken": 0.98, "outage": 0.9, "pull_request": 0.98}
_AGAIN_FLAKE = 0.3


class PullRequest(NamedTuple):
    """One commit that wants to enter the main branch."""

    branch: str
    commit: int
    base: int  # the commit of the main branch that it starts from, counted on that branch
    breaks: tuple[int, ...]  # tests, which pass without it


class Timeline(NamedTuple):
    """Which commit each run tests."""

    commits: list[int]  # of each run
    bases: list[int]  # of each run: the commit of the main branch that it stands on, counted on that branch
    main: list[int]  # the commits of the main branch
    pulls: dict[int, PullRequest]  # by commit


def timeline_of(plan: Plan, rng: np.random.Generator) -> Timeline:
    """The commits; what a pull request breaks is drawn by `with_breaks`, when the suite is known."""
    commits = np.cumsum(np.concatenate([[0], rng.random(plan.runs - 1) >= _RERUN])).astype(int).tolist()
    of_pulls = np.random.default_rng([plan.seed, _PULLS]).random(commits[-1] + 1) < plan.pull_requests
    of_pulls[0] = False  # the branch has to begin somewhere
    main = np.flatnonzero(~of_pulls).tolist()
    place = (np.cumsum(~of_pulls) - 1).tolist()
    pulls = {
        commit: PullRequest(f"pull-{number}", commit, place[commit], ())
        for number, commit in enumerate(np.flatnonzero(of_pulls).tolist(), 1)
    }
    return Timeline(commits, [place[commit] for commit in commits], main, pulls)


def with_breaks(plan: Plan, timeline: Timeline, tests: Sequence[Test]) -> Timeline:
    """The same, each pull request with the tests that it breaks: some, four on average, or none."""
    rng = np.random.default_rng([plan.seed, _PULLS, 1])
    pulls = {}
    for commit, pull in timeline.pulls.items():
        whole = [position for position, test in enumerate(tests) if not test.is_broken(pull.base)]
        size = min(len(whole), int(rng.geometric(1 / _MEAN_PR_BREAK)))
        drawn = rng.permutation(len(whole))[:size].tolist()
        broken = rng.random() < plan.pr_broken
        pulls[commit] = pull._replace(breaks=tuple(sorted(whole[each] for each in drawn)) if broken else ())
    return timeline._replace(pulls=pulls)


def causes_of(
    tests: Sequence[Test], base: int, breaks: Collection[int], share: float, rng: np.random.Generator
) -> list[str]:
    """Why the first attempt of each test fails in a run; "" where it passes. What is broken cannot flake.

    `base`: the commit of the main branch; `breaks`: what a pull request broke; `share`: of an outage.
    """
    hit, flake = rng.random(len(tests)), rng.random(len(tests))
    found = []
    for position, test in enumerate(tests):
        if test.is_broken(base):
            found.append("broken")
        elif position in breaks:
            found.append("pull_request")
        elif hit[position] < share:
            found.append("outage")
        else:
            found.append("flake" if flake[position] < test.flake_rate else "")
    return found


def cases_of(
    plan: Plan, tests: Sequence[Test], causes: Sequence[str], number: int, rng: np.random.Generator
) -> list[tuple[int, CaseResult]]:
    """The cases of one run as the reports will show them, each with the position of its test."""
    noise = np.exp(rng.normal(0, 0.15, (len(tests), 2)))
    again = rng.random(len(tests))
    cases = []
    for position, (test, cause) in enumerate(zip(tests, causes, strict=True)):
        slow = test.slower[1] if test.slower and number >= test.slower[0] else 1.0
        seconds = [round(float(test.seconds * slow * factor), 3) for factor in noise[position]]
        attempts = [Attempt(Status.PASSED, seconds[0], "", "")]
        if cause:
            text = MESSAGES[cause].format(file=test.id.file, line=10 + position)
            failed = Attempt(Status.FAILED, seconds[0], "Error" if test.area == "E2E" else "", text)
            attempts = [failed]
            retried = plan.retries is RetryEvidence.HIDDEN or (
                plan.retries is RetryEvidence.RECORDED and test.area == "E2E"
            )
            if retried:
                fails = again[position] < _AGAIN.get(cause, max(test.flake_rate, _AGAIN_FLAKE))
                attempts.append(
                    failed._replace(seconds=seconds[1]) if fails else Attempt(Status.PASSED, seconds[1], "", "")
                )
        if plan.retries is RetryEvidence.HIDDEN:
            attempts = attempts[-1:]
        cases.append((position, CaseResult(test.id, 1, tuple(attempts))))
    return cases
