"""The rates of one suite from its own history: expectation-maximisation (Dempster, Laird & Rubin 1977) over `chain`.

Tests with failures are fitted one by one, at most 1,500 of them (evenly spread, scaled up); tests that never failed
enter as counts, through a few stand-ins of typical length. Prior counts worth a few tests keep small suites sane. An
iteration that does not raise the penalised likelihood is not taken: the result is never less likely than the start.

`relapses` is not fitted: bursts of a flaky test would buy it, and then explain every burst as a break.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens.facts import Bools, Int8s
from flakelens.model import Outcome
from flakelens.stats.chain import Smoothed, Step, chunks, smooth
from flakelens.stats.markov import (
    BROKEN,
    DEFAULTS,
    FAILED_AGAIN,
    FLAKY,
    HEALTHY,
    LEVELS,
    STATES,
    Floats,
    Parameters,
    Series,
    emissions,
    observe,
    series,
)

ITERATIONS = 4
MOST_TESTS = 1500
STEP_RUNS = 50  # parameters change only when so many runs have come since
WINDOW_RUNS = 300  # states, rates and fits look at no more than so many newest runs of the gated branch
_STAND_INS = 8
_MOST, _LEAST = 0.5, 1e-6  # bounds of a fitted rate

# Prior counts (events, chances): what a suite is believed to be before it is seen.
_PRIOR_BREAKS = (1.0, 500.0)
_PRIOR_FLAKY_BREAKS = (1.0, 500.0)
_PRIOR_MENDS = (1.2, 10.0)
_PRIOR_FLAKES = (0.5, 1000.0)
_PRIOR_CALMS = (1.5, 500.0)
_PRIOR_LEVEL = 0.5  # tests per level
_PRIOR_FLAKY = (1.0, 10.0)
_PRIOR_BROKEN = (0.1, 10.0)
_PRIOR_STRAY = (0.02, 2000.0)
_PRIOR_PULL_BREAKS = (0.5, 500.0)
_PRIOR_RETRY_FAILS = (1.5, 5.0)


def window_length(runs: int) -> int:
    """How many newest of a branch's `runs` are read: from a multiple of 50 on, so that those of `fit_window` are among
    them, and their parameters hold for 50 runs.
    """
    return WINDOW_RUNS + runs % STEP_RUNS


def fit_window(runs: int) -> tuple[int, int] | None:
    """Which runs 1..R of the branch parameters are fitted on: [start, stop), the newest 300 of the first k runs with k
    the greatest multiple of 50; None below 50 runs, where the defaults hold."""
    stop = runs // STEP_RUNS * STEP_RUNS
    return (max(0, stop - WINDOW_RUNS), stop) if stop else None


class _Counts(msgspec.Struct):
    """Expected events, weighted by the number of tests that a row stands for."""

    moves: Floats = msgspec.field(default_factory=lambda: np.zeros((STATES, STATES)))
    first: Floats = msgspec.field(default_factory=lambda: np.zeros(STATES))
    strays: Floats = msgspec.field(default_factory=lambda: np.zeros(2))  # failures of healthy tests, and their runs
    retries: Floats = msgspec.field(default_factory=lambda: np.zeros(2))  # failed retries of flakes, and retries
    pulls: Floats = msgspec.field(default_factory=lambda: np.zeros(2))  # broken by a pull request, and chances to be
    log_likelihood: float = 0.0


def fit(observed: Series, start: Parameters = DEFAULTS, iterations: int = ITERATIONS) -> Parameters:
    """The parameters after at most `iterations` of EM from `start`; `start` itself without any result."""
    if not observed.ran.any():
        return start
    sample, weights = _sample(observed)
    best, best_score = start, -math.inf
    current = start
    for _ in range(iterations + 1):
        counts = _expect(sample, weights, current)
        score = counts.log_likelihood + _log_prior(current)
        if score <= best_score:
            break
        best, best_score = current, score
        current = _maximise(counts)
    return best


def score(observed: Series, parameters: Parameters) -> float:
    """What `fit` raises: the log likelihood of its sample plus the log of the prior."""
    return _expect(*_sample(observed), parameters).log_likelihood + _log_prior(parameters)


def _sample(observed: Series) -> tuple[Series, Floats]:
    """The tests to fit on, and how many tests each of them stands for."""
    # What fails in an outage alone says as much about its state as a test that never failed, and there are many.
    quiet = observed.outage == 0
    troubled = (observed.failed & quiet).any(axis=1)
    failing = np.flatnonzero(troubled)
    chosen = failing[:: max(1, math.ceil(len(failing) / MOST_TESTS))]
    weights = np.full(len(chosen), len(failing) / max(1, len(chosen)))
    rows, counts = _stand_ins(observed, ~troubled)
    shown, odds = observed.retries_shown, observed.message_odds
    usual = shown[~troubled].mean(axis=0) > 0.5 if len(rows) else shown[:0]
    return (
        series(
            np.concatenate([observed.outcomes[chosen], rows]),
            observed.commits,
            outage=observed.outage,
            retries_shown=np.concatenate([shown[chosen], np.broadcast_to(usual, rows.shape)]),
            pulls=observed.pulls,
            message_odds=None if odds is None else np.concatenate([odds[chosen], np.ones(rows.shape, np.float32)]),
        ),
        np.concatenate([weights, counts]),
    )


def _stand_ins(observed: Series, calm: Bools) -> tuple[Int8s, Floats]:
    """Tests that never failed, by the number k of their results: rows that pass in the newest k runs, and weights."""
    results = observed.ran.sum(axis=1)
    lengths = np.sort(results[calm & (results > 0)])
    groups = [group for group in np.array_split(lengths, _STAND_INS) if len(group)]
    runs = observed.outcomes.shape[1]
    rows = np.full((len(groups), runs), Outcome.NONE, np.int8)
    for row, group in zip(rows, groups, strict=True):
        row[runs - round(float(group.mean())) :] = Outcome.PASSED
    return rows, np.array([float(len(group)) for group in groups])


def _expect(sample: Series, weights: Floats, parameters: Parameters) -> _Counts:
    counts = _Counts()
    for rows in chunks(len(weights)):
        part = sample.rows(np.arange(len(weights))[rows])
        _add(counts, part, weights[rows], smooth(part, parameters), parameters)
    return counts


def _add(counts: _Counts, part: Series, weights: Floats, found: Smoothed, parameters: Parameters) -> None:
    matrix = parameters.transitions()
    counts.first += weights @ found.states[0]
    low_levels = np.array([0.0, *(level <= parameters.retry_fails for level in LEVELS), 0.0])
    pulls: dict[int, Floats] = {}
    for step in found.steps:
        run = step.run
        counts.log_likelihood += float(weights @ np.log(step.likelihood))
        if step.moved.any():
            counts.moves += _moves(step, found.later[run], weights, matrix)
        if step.pull_break is not None:
            pulls[int(part.pulls[run])] = _broken_by_pull(step, part, step.predicted * found.later[run], parameters)
        elif part.outage[run] == 0:
            state, failed = found.states[run], part.failed[:, run]
            healthy = weights * state[:, HEALTHY]
            counts.strays += [healthy @ failed, healthy @ part.ran[:, run]]
            retried = failed & part.retries_shown[:, run]
            if retried.any():
                flaked = weights * (state @ low_levels) * retried
                counts.retries += [flaked @ (part.codes[:, run] == FAILED_AGAIN), flaked.sum()]
    for number, broke in pulls.items():
        ever = weights * part.ran[:, part.pulls == number].any(axis=1)
        counts.pulls += [ever @ broke, ever.sum()]


def _moves(step: Step, later: Floats, weights: Floats, matrix: Floats) -> Floats:
    """Expected moves between states on one commit, (S, S), as one `share` of the chances for them."""
    part = np.eye(STATES) + step.share * (matrix - np.eye(STATES))
    after = step.evidence * later
    total = ((step.before @ part) * after).sum(axis=1)
    moves: Floats = part * (step.before.T @ (after * (weights * step.moved / total)[:, None]))
    chances = step.share * moves.sum(axis=1)
    np.fill_diagonal(moves, 0.0)
    np.fill_diagonal(moves, np.maximum(chances - moves.sum(axis=1), 0.0))
    return moves


def _broken_by_pull(step: Step, part: Series, state: Floats, parameters: Parameters) -> Floats:
    """P(the pull request broke the test | its runs so far, and `state`, all that other runs say), (n,).

    The filter's own belief would blame the request for flakes of tests not yet known to be flaky.
    """
    assert step.pull_break is not None
    table = observe(emissions(parameters, float(part.outage[step.run])), part.codes[:, step.run], step.odds)
    broken = step.pull_break * table[:, BROKEN]
    plain = (1.0 - step.pull_break) * (state * table).sum(axis=1) / state.sum(axis=1)
    result: Floats = broken / (broken + plain)
    return result


def _maximise(counts: _Counts) -> Parameters:
    moves, first = counts.moves, counts.first
    leaving = moves.sum(axis=1)
    entering = moves[HEALTHY, FLAKY] + moves[BROKEN, FLAKY] + first[FLAKY] + _PRIOR_LEVEL
    flaky_moves = moves[FLAKY].sum()
    mended = moves[BROKEN].sum() - moves[BROKEN, BROKEN]
    tests = first.sum()
    return replace(
        DEFAULTS,
        breaks=_rate(moves[HEALTHY, BROKEN], leaving[HEALTHY], _PRIOR_BREAKS),
        flaky_breaks=_rate(moves[FLAKY, BROKEN].sum(), flaky_moves, _PRIOR_FLAKY_BREAKS),
        mends=_rate(mended, leaving[BROKEN], _PRIOR_MENDS),
        flakes=_rate(moves[HEALTHY, FLAKY].sum(), leaving[HEALTHY], _PRIOR_FLAKES),
        calms=_rate(moves[FLAKY, HEALTHY].sum(), flaky_moves, _PRIOR_CALMS),
        levels=tuple((entering / entering.sum()).tolist()),
        prior_flaky=_rate(first[FLAKY].sum(), tests, _PRIOR_FLAKY),
        prior_broken=_rate(first[BROKEN], tests, _PRIOR_BROKEN),
        stray=_rate(counts.strays[0], counts.strays[1], _PRIOR_STRAY),
        pull_breaks=_rate(counts.pulls[0], counts.pulls[1], _PRIOR_PULL_BREAKS),
        retry_fails=_rate(counts.retries[0], counts.retries[1], _PRIOR_RETRY_FAILS),
    )


def _rate(events: float, chances: float, prior: tuple[float, float]) -> float:
    return float(np.clip((events + prior[0]) / (chances + prior[1]), _LEAST, _MOST))


def _log_prior(parameters: Parameters) -> float:
    """ln of the prior density whose counts are added above, up to a constant."""
    pairs = (
        (parameters.breaks, _PRIOR_BREAKS),
        (parameters.flaky_breaks, _PRIOR_FLAKY_BREAKS),
        (parameters.mends, _PRIOR_MENDS),
        (parameters.flakes, _PRIOR_FLAKES),
        (parameters.calms, _PRIOR_CALMS),
        (parameters.prior_flaky, _PRIOR_FLAKY),
        (parameters.prior_broken, _PRIOR_BROKEN),
        (parameters.stray, _PRIOR_STRAY),
        (parameters.pull_breaks, _PRIOR_PULL_BREAKS),
        (parameters.retry_fails, _PRIOR_RETRY_FAILS),
    )
    of_rates = sum(yes * math.log(rate) + (n - yes) * math.log1p(-rate) for rate, (yes, n) in pairs)
    return of_rates + _PRIOR_LEVEL * sum(math.log(level) for level in parameters.levels)
