"""Walking the hidden chain of `markov` through the runs: filtering forwards, smoothing backwards, all tests at once.

The chain is that of the gated branch. A test's state moves when the test is seen on a commit other than the one it was
last seen on. A run of a pull request starts from the state of the gated branch and moves nothing; what it hands back is
in `pulls`. Only when all runs are looked back at does the chain move on its commits too, and may it speak of a break.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from flakelens.facts import Bools, Int8s
from flakelens.stats.markov import GATED, STATES, Floats, Parameters, Series, emissions, observe
from flakelens.stats.pulls import PullRequest, shares_of_moves

CHUNK = 1000  # tests smoothed at a time: bounds the memory

_ONES = np.ones(STATES)


class Step(NamedTuple):
    """One run of the filter. Shapes (N, S) unless said."""

    run: int
    before: Floats  # state given the earlier runs, as of the last commit
    predicted: Floats  # state at this run given the earlier runs, were the test to run in it
    pull_break: Floats | None  # (N,) P(D) given the earlier runs; None on the gated branch
    moved: Bools  # (N,) the test ran, and the commit was new to it
    share: float  # of the way from one commit of the gated branch to the next that they moved: 1 unless looking back
    odds: Floats | None  # (N,) broken to not, by what the failures said
    evidence: Floats  # what this run multiplies the state by
    filtered: Floats  # state given the earlier runs and this one
    likelihood: Floats  # (N,) P(what was seen in this run | the earlier runs)


def walk(series: Series, parameters: Parameters, *, looking_back: bool = False) -> Iterator[Step]:
    """The filter, run by run: `predicted` is the forecast before a run, `filtered` the state after it.

    `looking_back`: with all that runs of pull requests say (`pulls`), for the forward half of `smooth`.
    """
    tests, runs = series.outcomes.shape
    matrix = parameters.transitions()
    state: Floats = np.tile(parameters.prior(), (tests, 1))
    seen, fresh = met_before(series)
    # By run and in one piece each: a step has little to work out, and would spend its time on finding its columns.
    codes: Int8s = np.ascontiguousarray(series.codes.T)
    ran: Bools = np.ascontiguousarray(series.ran.T)
    moves, fresh_share = fresh & ran, _shares(fresh)
    all_ran = np.count_nonzero(ran, axis=1) == tests
    moved: Bools
    nobody: Bools = np.zeros(tests, np.bool_)
    tables = {outage: emissions(parameters, outage) for outage in set(series.outage.tolist())}
    shares = shares_of_moves(series.commits, series.pulls) if looking_back else np.ones(runs)
    pulls: dict[int, PullRequest] = {}
    for run in range(runs):
        table = tables[float(series.outage[run])]
        number, share = int(series.pulls[run]), float(shares[run])
        odds = None if series.message_odds is None else series.message_odds[:, run].astype(np.float64)
        plain = observe(table, codes[run], odds)
        pull_break = None
        if number == GATED:
            moved = moves[run]
            predicted = _move(state, fresh[run], fresh_share[run], matrix, share)
            prior, evidence = predicted, plain
        else:
            commit = int(series.commits[run])
            pull = pulls.setdefault(number, PullRequest(tests, parameters))
            first = pull.first_met(commit, codes[run])
            pull_break = pull.belief
            # The request may have been the first to meet a break that is new on the gated branch.
            predicted = np.where(seen[run][:, None], state @ matrix, state)
            evidence = pull.see(commit, state, predicted, table, codes[run], plain, series.retries_shown[:, run])
            moved, prior = nobody, state
            if looking_back:
                moved, evidence = first & seen[run], pull.told()
                prior = predicted = _move(state, moved, _share(moved), matrix, share)
        joint = prior * evidence
        likelihood = joint @ _ONES
        filtered = joint / likelihood[:, None]
        if not all_ran[run]:
            filtered = np.where(ran[run, :, None], filtered, state)  # what was not seen has not moved
        yield Step(run, state, predicted, pull_break, moved, share, odds, evidence, filtered, likelihood)
        state = filtered


def met_before(series: Series) -> tuple[Bools, Bools]:
    """Of each test in each run of the gated branch: was it seen before, and not on this commit yet? (R, N) each."""
    runs = series.outcomes.shape[1]
    place = np.arange(1, runs + 1, dtype=np.int32)[:, None]
    ran = np.where(series.ran.T & (series.pulls == GATED)[:, None], place, np.int32(0))
    before = np.zeros_like(ran)  # the newest run before this one that the test ran in, counted from 1
    np.maximum.accumulate(ran[:-1], axis=0, out=before[1:])
    last = np.concatenate([[0], series.commits])[before]
    seen = before > 0
    return seen, seen & (last != series.commits[:, None])


def _shares(moved: Bools) -> list[float]:
    """The share of the tests that move in each run; `moved` (R, N)."""
    found: list[float] = (moved.sum(axis=1) / max(1, moved.shape[1])).tolist()
    return found


def _share(moved: Bools) -> float:
    return float(moved.sum() / max(1, len(moved)))


def _move(state: Floats, moved: Bools, of_all: float, matrix: Floats, share: float) -> Floats:
    """States after one step of the chain for those who `moved`; `of_all`, their share, spares most steps a look."""
    if of_all == 0.0:
        return state
    whole = state @ matrix
    after = whole if share == 1.0 else state + share * (whole - state)
    return after if of_all == 1.0 else np.where(moved[:, None], after, state)


class Smoothed(msgspec.Struct, frozen=True):
    """Everything that all runs say about every moment, for a chunk of tests."""

    states: Floats  # (R, n, S) P(state in run | all runs)
    steps: tuple[Step, ...]
    later: Floats  # (R, n, S) what the runs after it say: P(later runs | state in run), scaled


def smooth(series: Series, parameters: Parameters) -> Smoothed:
    """Forward and backward over all runs (Rabiner 1989). Memory: 40 N R S bytes; see `CHUNK`."""
    steps = tuple(walk(series, parameters, looking_back=True))
    tests = len(series.outcomes)
    later = np.ones((len(steps), tests, STATES))
    back = parameters.transitions().T
    of_all = _shares(np.array([step.moved for step in steps]).reshape(len(steps), tests))
    for step in reversed(steps[1:]):
        message = _move(step.evidence * later[step.run], step.moved, of_all[step.run], back, step.share)
        later[step.run - 1] = message / (message @ _ONES)[:, None]
    states = np.array([step.filtered for step in steps]).reshape(later.shape) * later
    states /= (states @ _ONES)[..., None]
    return Smoothed(states, steps, later)


def at_run(series: Series, parameters: Parameters, run: int) -> tuple[Step, Floats]:
    """One run as the filter meets it, and what the runs after it say: P(later runs | state in it), scaled, (N, S).

    Of runs of pull requests the filter's own evidence is taken, not that of looking back: a later failure of somebody
    else's request says nothing here. Without such runs it is what `smooth` gives for this run.
    """
    chosen = None
    after: list[Step] = []
    for step in walk(series, parameters):
        if step.run == run:
            chosen = step
        elif step.run > run:
            after.append(step)
    if chosen is None:
        raise ValueError(f"there is no run {run} among {series.outcomes.shape[1]}")
    back = parameters.transitions().T
    later = np.ones((len(series.outcomes), STATES))
    for step in reversed(after):
        message = _move(step.evidence * later, step.moved, _share(step.moved), back, step.share)
        later = message / (message @ _ONES)[:, None]
    return chosen, later


def chunks(tests: int) -> Iterator[slice]:
    """Rows to smooth at a time."""
    return (slice(start, start + CHUNK) for start in range(0, tests, CHUNK))


def log_likelihood(series: Series, parameters: Parameters) -> float:
    """ln P(all that was seen), summed over the tests."""
    return float(sum(np.log(step.likelihood).sum() for step in walk(series, parameters)))
