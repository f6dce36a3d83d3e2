"""Walking the hidden chain of `markov` through the runs: filtering forwards, smoothing backwards, all tests at once.

The chain is that of the gated branch. A test's state moves when the test is seen on a commit other than the one it was
last seen on. A run of a pull request starts from the state of the gated branch and moves nothing: per (pull request,
test) there is a break of its own, D, with prior d = `pull_breaks` at each of its commits, believed until the test
passes there. A commit of a pull request on which the test passed at least once hands back

    L(s) = P(seen on the commit | s) / P(at least one pass on it | s),   both with D summed out

which shifts the state between healthy and the flaky levels, while P(broken) stays what it was. So a fail and a pass on
one commit of a pull request say flaky, and failing runs of pull requests say nothing about the gated branch; L is
conditional on a pass because the commits without one are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flakelens.facts import Bools, Int8s
from flakelens.model import Outcome
from flakelens.outcomes import was_executed
from flakelens.stats.markov import (
    BROKEN,
    GATED,
    STATES,
    Floats,
    Parameters,
    Series,
    emissions,
)

CHUNK = 1000  # tests smoothed at a time: bounds the memory

_ONES = np.ones(STATES)


@dataclass(frozen=True, slots=True)
class Step:
    """One run of the filter. Shapes (N, S) unless said."""

    run: int
    before: Floats  # state given the earlier runs, as of the last commit
    predicted: Floats  # state at this run given the earlier runs, were the test to run in it
    pull_break: Floats | None  # (N,) P(D) given the earlier runs; None on the gated branch
    moved: Bools  # (N,) the test ran, and the commit was new to it
    evidence: Floats  # what this run multiplies the state by
    filtered: Floats  # state given the earlier runs and this one
    likelihood: Floats  # (N,) P(what was seen in this run | the earlier runs)


class _Pull:
    """One pull request: the belief in a break of its own (N,), and what its newest commit has shown."""

    def __init__(self, tests: int, parameters: Parameters) -> None:
        self.d = parameters.pull_breaks
        self.belief = np.full(tests, self.d)
        self.tests = tests
        self._start(-1)

    def _start(self, commit: int) -> None:
        self.commit = commit
        self.plain = self.all_failed = self.handed = np.ones((self.tests, STATES))
        self.broken = self.broken_all_failed = np.ones(self.tests)
        self.passed = np.zeros(self.tests, np.bool_)

    def forecast(self, commit: int) -> Floats:
        """P(D) before a run on `commit`, (N,): each further commit of the request may break what passed before it."""
        if self.commit < 0 or commit == self.commit:
            return self.belief
        return self.belief + (1.0 - self.belief) * self.d

    def see(self, commit: int, state: Floats, forecast: Floats, table: Floats, codes: Int8s) -> Floats:
        """Takes in one run; the factor for the state of the gated branch.

        `state` is that of the gated branch, `forecast` what it has become on the request's new commit, `table` the
        run's `emissions`; a test that D broke behaves as a broken one.
        """
        self.belief = self.forecast(commit)
        if commit != self.commit:
            self._start(commit)
        ran = was_executed(codes)
        plain, broken = table[codes], table[codes, BROKEN]
        with_break = self.belief * broken
        self.belief = with_break / (with_break + (1.0 - self.belief) * ((forecast * plain) @ _ONES))
        self.plain, self.broken = self.plain * plain, self.broken * broken
        self.all_failed = self.all_failed * np.where(ran[:, None], table[Outcome.FAILED], 1.0)
        self.broken_all_failed = self.broken_all_failed * np.where(ran, table[Outcome.FAILED, BROKEN], 1.0)
        self.passed = self.passed | (codes == Outcome.PASSED) | (codes == Outcome.FLAKY)
        any_pass = 1.0 - self._either(self.all_failed, self.broken_all_failed)
        total = self._either(self.plain, self.broken) / np.maximum(any_pass, 1e-300)
        total = np.where(self.passed[:, None], total, self.handed)
        factor: Floats = total / self.handed
        self.handed = total
        rest = state[:, :BROKEN]
        factor[:, BROKEN] = (rest * factor[:, :BROKEN]).sum(axis=1) / np.maximum(rest.sum(axis=1), 1e-300)
        return factor

    def _either(self, plain: Floats, broken: Floats) -> Floats:
        result: Floats = self.d * broken[:, None] + (1.0 - self.d) * plain
        return result


def walk(series: Series, parameters: Parameters) -> Iterator[Step]:
    """The filter, run by run: `predicted` is the forecast before a run, `filtered` the state after it."""
    tests, runs = series.outcomes.shape
    matrix = parameters.transitions()
    state = np.tile(parameters.prior(), (tests, 1))
    last = np.full(tests, -1, np.int64)
    numbers = np.unique(series.commits, return_inverse=True)[1] if runs else series.commits
    nothing = np.zeros(tests, np.bool_)
    pulls: dict[int, _Pull] = {}
    for run in range(runs):
        codes = series.outcomes[:, run]
        shown = bool(series.retries_shown[run])
        table = emissions(parameters, float(series.outage[run]), shown)
        evidence = table[codes]
        number = int(series.pulls[run])
        moved, predicted = nothing, state
        pull_break = None
        if number == GATED:
            ran = series.ran[:, run]
            fresh = (last != numbers[run]) & (last >= 0)
            if fresh.any():
                predicted = state @ matrix
                if not fresh.all():
                    predicted = np.where(fresh[:, None], predicted, state)
            moved = fresh & ran
            last = np.where(ran, numbers[run], last)
        else:
            pull = pulls.setdefault(number, _Pull(tests, parameters))
            pull_break = pull.forecast(int(numbers[run]))
            # The request may have been the first to meet a break that is new on the gated branch.
            predicted = np.where((last >= 0)[:, None], state @ matrix, state)
            evidence = pull.see(int(numbers[run]), state, predicted, table, codes)
        joint = (predicted if number == GATED else state) * evidence
        likelihood = joint @ _ONES
        filtered = joint / likelihood[:, None]
        if number == GATED and not ran.all():
            filtered = np.where(ran[:, None], filtered, state)  # what was not seen has not moved
        yield Step(run, state, predicted, pull_break, moved, evidence, filtered, likelihood)
        state = filtered


def filter_states(series: Series, parameters: Parameters) -> Floats:
    """The state of each test after the last run, given all runs, (N, S); the prior without runs."""
    state = np.tile(parameters.prior(), (len(series.outcomes), 1))
    for step in walk(series, parameters):
        state = step.filtered
    return state


def predict(series: Series, parameters: Parameters) -> Floats:
    """The state at the first run on a new commit after the last one, (N, S)."""
    ever = (series.ran & (series.pulls == GATED)).any(axis=1)
    state = filter_states(series, parameters)
    return np.where(ever[:, None], state @ parameters.transitions(), state)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Everything that all runs say about every moment, for a chunk of tests."""

    states: Floats  # (R, n, S) P(state in run | all runs)
    steps: tuple[Step, ...]
    later: Floats  # (R, n, S) what the runs after it say: P(later runs | state in run), scaled


def smooth(series: Series, parameters: Parameters) -> Smoothed:
    """Forward and backward over all runs (Rabiner 1989). Memory: 40 N R S bytes; see `CHUNK`."""
    steps = tuple(walk(series, parameters))
    tests = len(series.outcomes)
    later = np.ones((len(steps), tests, STATES))
    back = parameters.transitions().T
    for step in reversed(steps[1:]):
        message = step.evidence * later[step.run]
        if step.moved.any():
            message = np.where(step.moved[:, None], message @ back, message)
        later[step.run - 1] = message / (message @ _ONES)[:, None]
    states = np.empty_like(later)
    for step in steps:
        joint = step.filtered * later[step.run]
        states[step.run] = joint / (joint @ _ONES)[:, None]
    return Smoothed(states, steps, later)


def at_run(series: Series, parameters: Parameters, run: int) -> tuple[Step, Floats]:
    """The step of one run, and what the runs after it say: P(later runs | state in that run), scaled, (N, S).

    The same as `smooth` gives for this run, without keeping the runs before it.
    """
    chosen = None
    after: list[tuple[Floats, Bools]] = []
    for step in walk(series, parameters):
        if step.run == run:
            chosen = step
        elif step.run > run:
            after.append((step.evidence, step.moved))
    if chosen is None:
        raise ValueError(f"there is no run {run} among {series.outcomes.shape[1]}")
    back = parameters.transitions().T
    later = np.ones((len(series.outcomes), STATES))
    for evidence, moved in reversed(after):
        message = evidence * later
        if moved.any():
            message = np.where(moved[:, None], message @ back, message)
        later = message / (message @ _ONES)[:, None]
    return chosen, later


def chunks(tests: int) -> Iterator[slice]:
    """Rows to smooth at a time."""
    return (slice(start, start + CHUNK) for start in range(0, tests, CHUNK))


def log_likelihood(series: Series, parameters: Parameters) -> float:
    """ln P(all that was seen), summed over the tests."""
    return float(sum(np.log(step.likelihood).sum() for step in walk(series, parameters)))
