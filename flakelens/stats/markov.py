"""The hidden state of a test: healthy, flaky at one of six rates, or broken; what each state makes likely to be seen.

A hidden Markov model in the spirit of Meta's Probabilistic Flakiness Score (2020): a failure comes from a bad state of
the code (broken, which lasts) or happens in a good one (flaky, which does not). Three rules carry it:

- the state moves only when the commit does, so a fail and a pass on one commit cannot both come from a broken test;
- what hits many tests at once (an outage) is estimated beforehand and explains the failures of its run;
- a retry is a second look at the same state.

Shapes: N tests, R runs oldest first, S = 8 states in the order healthy, F1..F6, broken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import asdict

from flakelens.counts import Tally, tally
from flakelens.facts import Bools, Int8s, Int32s, Int64s, median
from flakelens.model import Outcome
from flakelens.outcomes import failed_first

Floats = npt.NDArray[np.float64]

STATES = 8
HEALTHY, BROKEN = 0, 7
FLAKY = slice(1, 7)
LEVELS = (0.003, 0.01, 0.03, 0.1, 0.3, 0.65)  # chance that a first attempt fails, F1..F6
BROKEN_FAILS = 0.99
HEALTHY_RETRY_FAILS = 0.5
BROKEN_RETRY_FAILS = 0.98
OUTSIDE_RETRY_FAILS = 0.95  # when an outage was the cause
GATED = -1  # in `Series.pulls`: a run of the gated branch

# What can be seen of a test in a run: a model.Outcome, or this for FAILED where the report shows retries.
FAILED_AGAIN = len(Outcome)
_CODES = len(Outcome) + 1
_MOST_PATTERNS = 256  # of passes, in the commits that `never_failing` takes at a time
_LEAST = 1e-12  # no state is ever impossible: an impossible observation must not divide by zero


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of one suite. The defaults hold below 50 runs; `fitting.fit` replaces them."""

    breaks: float = 0.002  # chance per commit that a healthy test breaks
    flaky_breaks: float = 0.002  # chance per commit that a flaky test breaks
    mends: float = 0.12  # chance per commit that a broken test stops being so
    relapses: float = 0.1  # share of these that are flaky after; set by hand
    flakes: float = 0.0005  # chance per commit that a healthy test becomes flaky
    calms: float = 0.003  # chance per commit that a flaky test becomes healthy
    levels: tuple[float, ...] = (1 / 6,) * 6  # shares of F1..F6 among flaky tests
    prior_flaky: float = 0.10  # at a test's first result
    prior_broken: float = 0.01
    stray: float = 1e-5  # chance that a healthy test fails for no reason that the model knows
    pull_breaks: float = 0.002  # chance that a pull request breaks a given test
    retry_fails: float = 0.3  # chance that the retry of a flake fails too, where the flake rate itself is not higher

    def prior(self) -> Floats:
        """The state at a test's first result, (S,)."""
        flaky = self.prior_flaky * np.array(self.levels)
        return np.concatenate([[1.0 - self.prior_flaky - self.prior_broken], flaky, [self.prior_broken]])

    def transitions(self) -> Floats:
        """P(state after a new commit | state before), (S, S), rows sum to 1.

        H -> F_j: flakes levels_j; H -> B: breaks; F -> H: calms; F -> B: flaky_breaks; B -> H: mends (1 - relapses);
        B -> F_j: mends relapses levels_j.
        """
        matrix = np.zeros((STATES, STATES))
        matrix[HEALTHY, FLAKY] = self.flakes * np.array(self.levels)
        matrix[HEALTHY, BROKEN] = self.breaks
        matrix[FLAKY, HEALTHY] = self.calms
        matrix[FLAKY, BROKEN] = self.flaky_breaks
        matrix[BROKEN, HEALTHY] = (1.0 - self.relapses) * self.mends
        matrix[BROKEN, FLAKY] = self.relapses * self.mends * np.array(self.levels)
        np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
        return matrix

    def failing(self) -> Floats:
        """P(the first attempt fails by the test's own doing | state), (S,)."""
        return np.array([self.stray, *LEVELS, BROKEN_FAILS])

    def failing_again(self) -> Floats:
        """P(the retry fails too | state, the test's own doing), (S,)."""
        flaky = [max(level, self.retry_fails) for level in LEVELS]
        return np.array([HEALTHY_RETRY_FAILS, *flaky, BROKEN_RETRY_FAILS])


DEFAULTS = Parameters()


def rounded(parameters: Parameters, digits: int = 6) -> Parameters:
    """The same to so many significant digits: what two machines add up in another order is equal again."""

    def cut(value: float) -> float:
        return float(f"{value:.{digits}g}")

    values = asdict(parameters)
    levels = tuple(cut(level) for level in values.pop("levels"))
    return Parameters(levels=levels, **{name: cut(value) for name, value in values.items()})


class Series(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What was seen: outcomes of N tests in R runs, oldest first. Build it with `series`."""

    outcomes: Int8s  # (N, R) model.Outcome; FLAKY is a failed first attempt and a later pass
    commits: Int32s  # (R,) equal for runs of one commit
    outage: Floats  # (R,) o_t: share of the tests that an outage made fail, 0 without one
    retries_shown: Bools  # (N, R) a FAILED result here is known to have been retried and to have failed again
    pulls: Int32s  # (R,) GATED, or the number of the pull request that the run belongs to
    message_odds: npt.NDArray[np.float32] | None = None  # (N, R) `message_odds`; None: nothing is known of messages

    @cached_property
    def codes(self) -> Int8s:
        """What was seen, (N, R): the rows of `emissions`."""
        again = (self.outcomes == Outcome.FAILED) & self.retries_shown
        return np.where(again, np.int8(FAILED_AGAIN), self.outcomes)

    @cached_property
    def failed(self) -> Bools:
        """First attempts that failed, (N, R)."""
        result: Bools = failed_first(self.outcomes)
        return result

    @cached_property
    def ran(self) -> Bools:
        """Results that say anything: neither missing nor skipped, (N, R)."""
        result: Bools = self.failed | (self.outcomes == Outcome.PASSED)
        return result

    def rows(self, tests: npt.NDArray[np.integer] | Bools) -> Series:
        """The same runs for some of the tests."""
        return series(
            self.outcomes[tests],
            self.commits,
            outage=self.outage,
            retries_shown=self.retries_shown[tests],
            pulls=self.pulls,
            message_odds=None if self.message_odds is None else self.message_odds[tests],
        )


def series(
    outcomes: Int8s,
    commits: Int32s,
    *,
    outage: Floats | None = None,
    retries_shown: Bools | None = None,
    pulls: Int32s | None = None,
    message_odds: npt.NDArray[np.float32] | None = None,
) -> Series:
    """A Series; without `outage` there was none, without `retries_shown` no failure was retried, without `pulls` every
    run is of the gated branch.

    `retries_shown` is (R,), or (N, R) where one run holds reports that hide retries and reports that record them. False
    where they are hidden: the rates are then those of the results that are visible.
    """
    runs = outcomes.shape[1]
    shown = np.zeros(runs, np.bool_) if retries_shown is None else retries_shown
    return Series(
        outcomes=outcomes,
        commits=commits,
        outage=np.zeros(runs) if outage is None else outage,
        retries_shown=np.broadcast_to(shown, outcomes.shape),
        pulls=np.full(runs, GATED, np.int32) if pulls is None else pulls,
        message_odds=message_odds,
    )


def outage_shares(outcomes: Int8s, outage: Bools, counted: Tally | None = None) -> Floats:
    """o_t of the runs marked `outage`, (R,): the failing share of first attempts beyond the median of other runs.

    `counted` is what `tally` says of the outcomes, for those who know.
    """
    if not outage.any():
        return np.zeros(len(outage))
    executed, failed, flaky = counted or tally(outcomes)
    share = (failed + flaky) / np.maximum(executed, 1)
    others = share[~outage & (executed > 0)]
    usual = median(others) if len(others) else 0.0
    return np.where(outage, np.clip(share - usual, 0.0, 0.95), 0.0)


@lru_cache(maxsize=4096)
def emissions(parameters: Parameters, outage: float) -> Floats:
    """P(seen | state) in a run with outage share o, (6 codes, S); rows NONE and SKIPPED are 1: they say nothing.

        first attempt fails   q_s = 1 - (1 - p_s)(1 - o)
        its retry fails too   r_s = w rf_s + (1 - w) .95,   w = p_s / q_s

    PASSED 1 - q, FLAKY q (1 - r), FAILED q, FAILED_AGAIN q r.
    """
    own = parameters.failing()
    q = 1.0 - (1.0 - own) * (1.0 - outage)
    w = own / q
    again = w * parameters.failing_again() + (1.0 - w) * OUTSIDE_RETRY_FAILS
    table = np.ones((_CODES, STATES))
    table[Outcome.PASSED] = 1.0 - q
    table[Outcome.FLAKY] = q * (1.0 - again)
    table[Outcome.FAILED] = q
    table[FAILED_AGAIN] = q * again
    table = np.maximum(table, _LEAST)
    table.flags.writeable = False
    return table


def observe(table: Floats, codes: Int8s, odds: Floats | None) -> Floats:
    """P(what was seen of each test in a run | state), (N, S): rows of `emissions`, and what the failures said."""
    seen = table[codes]
    if odds is not None:
        seen[:, BROKEN] *= odds
    return seen


def passing(parameters: Parameters, passes: Int64s) -> Floats:
    """State of tests that never failed and passed in `passes` (n,) runs, each on a commit of its own; (n, S), equal to
    the filter's: prior D (T D)^(passes - 1), and the prior without any. D and T as in `never_failing`.
    """
    return _after_so_many_passes(parameters, int(passes.max(initial=0)))[passes]


@lru_cache(maxsize=16)
def _after_so_many_passes(parameters: Parameters, most: int) -> Floats:
    """The state after 0, 1, .. `most` passes, (most + 1, S): the areas of a suite ask for the same."""
    passed = 1.0 - parameters.failing()
    step = parameters.transitions() * passed
    states = np.empty((max(1, most) + 1, STATES))
    states[0] = parameters.prior()
    states[1] = parameters.prior() * passed
    for passes in range(2, most + 1):
        np.matmul(states[passes - 1], step, out=states[passes])
    # A healthy test passes nearly always: no sum comes near the smallest number, however many the runs.
    whole: Floats = states / states.sum(axis=1, keepdims=True)
    return whole


def never_failing(parameters: Parameters, passed: Bools, commits: Int32s) -> Floats:
    """State of tests that never failed, (n, S), equal to the filter's. `passed` (n, R); `commits` (R,), those of one
    commit on end.

        a ~ prior D^(k_1) T D^(k_2) .. T D^(k_c),   D = diag(1 - p),  T = transitions,  k_i passes on the i-th commit

    Outages cancel, for they make a pass less likely by the same factor in every state. Run by run this would be slow
    for so many tests; a few commits at a time have few different patterns of passes, each with one product for all,
    and most tests have that of passing throughout.
    """
    if not len(passed):
        return np.empty((0, STATES))
    if not passed.shape[1]:
        return np.tile(parameters.prior(), (len(passed), 1))
    # Most tests ran in the same runs, most of them in all: each such pattern is worked out once.
    patterns = np.packbits(passed, axis=1)
    place: dict[bytes, int] = {}
    which = [place.setdefault(bits, len(place)) for bits in patterns.view(f"V{patterns.shape[1]}").ravel().tolist()]
    _, example = np.unique(which, return_index=True)
    return _after_passes(parameters, passed[example], commits)[which]


def _after_passes(parameters: Parameters, passed: Bools, commits: Int32s) -> Floats:
    matrix, passing = parameters.transitions(), 1.0 - parameters.failing()
    # There is no T before the first commit, so it is taken off beforehand.
    state: Floats = np.tile(np.linalg.solve(matrix.T, parameters.prior()), (len(passed), 1))
    for runs, weights, sizes in _blocks(commits):
        seen = passed[:, runs]
        rest = np.flatnonzero(~seen.all(axis=1))
        number = seen[rest].astype(np.float32) @ weights
        order = np.argsort(number.astype(np.min_scalar_type(math.prod(sizes))), kind="stable")
        rest, number = rest[order], number[order]
        others = state[rest]
        changes = np.flatnonzero(number[1:] != number[:-1]) + 1
        for start, stop in pairwise([0, *changes.tolist(), len(rest)]):
            if start < stop:
                others[start:stop] @= _product(int(number[start]), sizes, matrix, passing)
        state = state @ _product(math.prod(sizes) - 1, sizes, matrix, passing)
        state[rest] = others
    # A healthy test passes nearly always: no sum comes near the smallest number, however many the runs.
    state = state / state.sum(axis=1, keepdims=True)
    state[~passed.any(axis=1)] = parameters.prior()
    return state


def _product(pattern: int, sizes: list[int], matrix: Floats, passing: Floats) -> Floats:
    """What the passes of a pattern, one digit for each commit, multiply the state by, (S, S)."""
    product: Floats = np.eye(STATES)
    for size in sizes:
        pattern, passes = divmod(pattern, size)
        if passes:
            product = (product @ matrix) * passing**passes
    return product


def _blocks(commits: Int32s) -> Iterator[tuple[slice, npt.NDArray[np.float32], list[int]]]:
    """A few commits at a time: their runs, and what the passes of each run weigh in the number of a pattern.

    The number has one digit per commit, its passes; `sizes` are the bases of the digits, the least digit first.
    """
    edges = [*np.flatnonzero(np.diff(commits, prepend=-1)).tolist(), len(commits)]
    weights: list[int] = []
    sizes: list[int] = []
    start, radix = 0, 1
    for begin, end in pairwise(edges):
        if sizes and radix * (end - begin + 1) > _MOST_PATTERNS:
            yield slice(start, begin), np.array(weights, np.float32), sizes
            start, weights, sizes, radix = begin, [], [], 1
        weights += [radix] * (end - begin)
        sizes.append(end - begin + 1)
        radix *= sizes[-1]
    if sizes:
        yield slice(start, len(commits)), np.array(weights, np.float32), sizes
