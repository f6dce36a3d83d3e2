"""What `accuracy` measures on one history of HIST-SIM: the states of its tests and the causes of its failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.histories import COMMON, FLAKE, OUTAGE, Simulated, Suite, Window, simulate
from flakelens.model import Outcome
from flakelens.stats.chain import Step, chunks, smooth, walk
from flakelens.stats.disagreement import disagreed as disagreements
from flakelens.stats.findings import find_states
from flakelens.stats.fitting import fit
from flakelens.stats.markov import (
    BROKEN,
    FAILED_AGAIN,
    STATES,
    Parameters,
    Series,
    emissions,
    observe,
    outage_shares,
    series,
)
from flakelens.stats.message_odds import message_odds
from flakelens.stats.outages import find_outages, outage_at_start, outage_of_pull
from flakelens.stats.probabilities import find_posterior, fit_input, fit_to
from flakelens.stats.states import TestState
from flakelens.stats.triage import DISMISSED_ABOVE, causes, usual
from flakelens.stats.triage import FLAKE as P_FLAKE
from flakelens.stats.triage import OUTAGE as P_OUTAGE

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
WORD = "the word that people read"
TRAIN = 0.6  # share of the runs that triage is fitted on; the others are judged


@dataclass(frozen=True)
class Judged:
    """The outages of a history as the rule sees them, (R,) each."""

    confirmed: Bools
    suspected: Bools
    lasting: Bools  # suspected, neither confirmed nor refuted: the newest run, or a pull request's without a rerun

    @property
    def kept(self) -> Bools:
        """What the filter takes for an outage in the end."""
        return self.confirmed | self.lasting


def judge_outages(sim: Simulated) -> Judged:
    """Suspected and confirmed outages of the gated branch, and of each pull-request run beside it."""
    gated = np.flatnonzero(sim.gated)
    found = find_outages(sim.outcomes[:, gated])
    confirmed, suspected, lasting = (np.zeros(len(sim.commits), np.bool_) for _ in range(3))
    confirmed[gated], suspected[gated] = found.confirmed, found.suspected
    confirmed[gated[:1]] = outage_at_start(sim.outcomes[:, gated])
    newest = gated[-1]
    lasting[newest] = suspected[newest] and not confirmed[newest]
    for run in np.flatnonzero(~sim.gated):
        same = np.flatnonzero(sim.commits == sim.commits[run])
        found_here = outage_of_pull(sim.outcomes[:, gated[gated < run]], sim.outcomes[:, same[same >= run]])
        suspected[run], confirmed[run] = found_here.suspected, found_here.confirmed
        lasting[run] = found_here.suspected and not (found_here.confirmed or found_here.refuted)
    return Judged(confirmed, suspected, lasting)


def observed(sim: Simulated, outage: Bools, *, messages: bool = False) -> Series:
    """The history as the model sees it; with `messages` it reads what the failures said."""
    share = outage_shares(sim.outcomes, outage)
    ran = sim.outcomes != Outcome.NONE
    odds = message_odds(sim.signature, ran & (sim.cause > 0), ran, share) if messages else None
    return series(
        sim.outcomes,
        sim.commits,
        outage=share,
        message_odds=odds,
        retries_shown=np.full(len(sim.commits), sim.suite.retries),
        pulls=sim.pulls,
    )


def best_chances(seen: Series, parameters: Parameters) -> Floats:
    """Per test the largest P(flake) of its failures, by all runs: the score of "flaky at least once"."""
    found = np.zeros(len(seen.outcomes))
    troubled = np.flatnonzero(seen.failed.any(axis=1))
    for rows in chunks(len(troubled)):
        part = seen.rows(troubled[rows])
        smoothed = smooth(part, parameters)
        for step in smoothed.steps:
            if part.failed[:, step.run].any():
                flake = _causes(step, part, parameters, float(part.outage[step.run]), smoothed.later[step.run])[
                    :, P_FLAKE
                ]
                score = np.where(part.failed[:, step.run], flake, 0.0)
                found[troubled[rows]] = np.maximum(found[troubled[rows]], score)
    return found


def _causes(step: Step, seen: Series, parameters: Parameters, outage: float, later: Floats | None = None) -> Floats:
    codes = seen.codes[:, step.run]
    failed_again, healed = codes == FAILED_AGAIN, codes == Outcome.FLAKY
    return causes(step, parameters, outage=outage, failed_again=failed_again, healed=healed, later=later)


def state_scores(sim: Simulated, outages: Judged, models: dict[str, tuple[Series, Parameters]]) -> dict[str, Floats]:
    """One score per test and method for "this test flaked at least once", (N,)."""
    gated = sim.gated
    quiet = ~outages.kept
    return {
        **{name: best_chances(seen, parameters) for name, (seen, parameters) in models.items()},
        WORD: _word(sim, outages),
        "flip rate": _flip_rate(sim, np.ones_like(gated)),
        "flip rate, outages left out": _flip_rate(sim, quiet),
        "same-commit disagreement, outages left out": _disagreement(sim, quiet),
        "failure rate": _failure_rate(sim, np.ones_like(gated)),
    }


def _word(sim: Simulated, outages: Judged) -> Floats:
    """What people read: 1 for "flaky" now, one half for a test whose word is another but that has flakes counted."""
    gated = sim.gated
    none = np.zeros(sim.suite.tests, np.bool_)
    outcomes, commits = sim.outcomes[:, gated], sim.commits[gated]
    outage, shown = outages.confirmed[gated], np.full(len(commits), sim.suite.retries)
    disagreed = disagreements(
        sim.outcomes, gated, ["" if branch else str(c) for branch, c in zip(gated, sim.commits, strict=True)]
    )
    posterior = find_posterior(
        outcomes,
        commits,
        outage=outage,
        disagreed=disagreed,
        suspected=outages.lasting[gated],
        retries_shown=shown,
        parameters=fit_to(fit_input(outcomes, commits, outage=outage, retries_shown=shown)),
    )
    found = find_states(
        outcomes, commits, outage=outage, elsewhere=none, gone=none, disagreed=disagreed, posterior=posterior
    )
    return np.array([1.0 if f.state is TestState.FLAKY else 0.5 * bool(f.evidence) for f in found])


def _flip_rate(sim: Simulated, runs: Bools) -> Floats:
    """Share of consecutive results that differ (Apple, ICSE-SEIP 2020)."""
    outcomes = sim.outcomes[:, runs]
    failed = (outcomes == Outcome.FAILED) | (outcomes == Outcome.FLAKY)
    ran = outcomes != Outcome.NONE
    place = np.maximum.accumulate(np.where(ran, np.arange(ran.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(ran), 1), -1), place[:, :-1]], axis=1)
    flips = ran & (before >= 0) & (failed != np.take_along_axis(failed, np.maximum(before, 0), axis=1))
    return np.asarray(flips.sum(axis=1) / np.maximum(ran.sum(axis=1) - 1, 1))


def _disagreement(sim: Simulated, runs: Bools) -> Floats:
    """Share of the commits on which a test both failed and passed, retries included."""
    outcomes, commits = sim.outcomes[:, runs], sim.commits[runs]
    starts = np.flatnonzero(np.diff(commits, prepend=-1))
    failed = np.logical_or.reduceat((outcomes == Outcome.FAILED) | (outcomes == Outcome.FLAKY), starts, axis=1)
    passed = np.logical_or.reduceat((outcomes == Outcome.PASSED) | (outcomes == Outcome.FLAKY), starts, axis=1)
    return np.asarray((failed & passed).sum(axis=1) / np.maximum((failed | passed).sum(axis=1), 1))


def _failure_rate(sim: Simulated, runs: Bools) -> Floats:
    outcomes = sim.outcomes[:, runs]
    failed = ((outcomes == Outcome.FAILED) | (outcomes == Outcome.FLAKY)).sum(axis=1)
    return np.asarray(failed / np.maximum((outcomes != Outcome.NONE).sum(axis=1), 1))


def seen_broken(sim: Simulated, seen: Series, parameters: Parameters) -> NDArray[np.int64]:
    """Breaks with at least two results on the gated branch: is P(broken) > .5 by then? Five counts:

    all; seen after one; seen after two; all of tests that had not flaked before; of these, seen after two.
    """
    said = np.zeros(sim.outcomes.shape, np.bool_)
    for step in walk(seen, parameters):
        said[:, step.run] = step.filtered[:, BROKEN] > 0.5
    counts = np.zeros(5, np.int64)
    usable = (sim.outcomes != Outcome.NONE) & sim.gated
    flaked = (sim.outcomes != Outcome.NONE) & (sim.cause == FLAKE)
    for window in (*sim.windows, *sim.mass):
        for test in window.tests:
            runs = np.flatnonzero(usable[test, window.first : window.stop]) + window.first
            if len(runs) >= 2 and not (window.first and sim.broken[test, window.first - 1]):
                seen_in_two = said[test, runs[:2]].any()
                calm = not (flaked[test, : runs[0]]).any()
                counts += [1, said[test, runs[0]], seen_in_two, calm, calm and seen_in_two]
    return counts


@dataclass(frozen=True)
class Failures:
    """The failures of the judged part, one entry each: P(harmless) and the truth, at the run and one run later."""

    harmless: Bools  # a flake or an outage, not a change of the code
    now: Floats
    later: Floats
    dismissed_now: Bools
    dismissed_later: Bools


def triage_scores(sim: Simulated, outages: Judged, seen: Series) -> Failures:
    """Triage of every FAILED result in the newest 40 % of the runs, with parameters fitted on the runs before."""
    parameters = _trained(seen, round(TRAIN * len(sim.commits)))
    share = outage_shares(sim.outcomes, outages.suspected | outages.confirmed)
    known = _signature_usual(sim)
    following = _next_results(seen, parameters)
    found: list[tuple[NDArray[np.generic], ...]] = []
    first = round(TRAIN * len(sim.commits))
    for step in walk(seen, parameters):
        run = step.run
        tests = np.flatnonzero(sim.outcomes[:, run] == Outcome.FAILED)
        if run < first or not len(tests):
            continue
        # At the run itself an outage is suspected at most; one run later it is confirmed, refuted, or still suspected.
        now = _causes(step, seen, parameters, float(share[run]))[tests]
        settled = float(share[run]) if outages.confirmed[run] or outages.lasting[run] else 0.0
        later = _causes(step, seen, parameters, settled, following[run])[tests]
        free = known[tests, run] & (not outages.suspected[run])
        familiar = known[tests, run] | (sim.signature[tests, run] == COMMON)
        cleared = familiar if outages.confirmed[run] else known[tests, run] & (not outages.lasting[run])
        sums = [p[:, P_FLAKE] + p[:, P_OUTAGE] for p in (now, later)]
        cause = sim.cause[tests, run]
        found.append(
            (
                (cause == FLAKE) | (cause == OUTAGE),
                *sums,
                (sums[0] > DISMISSED_ABOVE) & free,
                (sums[1] > DISMISSED_ABOVE) & cleared,
            )
        )
    return Failures(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _next_results(seen: Series, parameters: Parameters) -> dict[int, Floats]:
    """Per run: P(the next result on the gated branch | state at this run), (N, S)."""
    tests, runs = seen.outcomes.shape
    back = parameters.transitions().T
    message, commit = np.ones((tests, STATES)), np.full(tests, -1)
    found = {}
    for run in reversed(range(runs)):
        moves = (commit >= 0) & (commit != seen.commits[run])
        found[run] = np.where(moves[:, None], message @ back, message)
        if seen.pulls[run] < 0:
            ran = seen.ran[:, run]
            table = emissions(parameters, float(seen.outage[run]))
            odds = None if seen.message_odds is None else seen.message_odds[:, run].astype(np.float64)
            message = np.where(ran[:, None], observe(table, seen.codes[:, run], odds), message)
            commit = np.where(ran, seen.commits[run], commit)
    return found


def _signature_usual(sim: Simulated) -> Bools:
    """Is the signature usual for the test by its earlier failures? (N, R), false where nothing failed."""
    known = np.zeros(sim.signature.shape, np.bool_)
    failed = (sim.cause > 0) & (sim.outcomes != Outcome.NONE)
    for test in np.flatnonzero(failed.any(axis=1)):
        before: Counter[int] = Counter()
        for run in np.flatnonzero(failed[test]):
            known[test, run] = usual(before[int(sim.signature[test, run])], before.total())
            before[int(sim.signature[test, run])] += 1
    return known


def mass_breaks(rng: np.random.Generator, suite: Suite) -> NDArray[np.int64]:
    """(breaks of five or more tests on the gated branch that last two of its commits, called confirmed outage)."""
    sim = simulate(rng, suite)
    gated = np.flatnonzero(sim.gated)
    confirmed = np.zeros(len(sim.commits), np.bool_)
    confirmed[gated] = find_outages(sim.outcomes[:, gated]).confirmed
    breaks = list(_lasting(sim))
    return np.array([len(breaks), sum(bool(confirmed[run]) for run in breaks)])


def _lasting(sim: Simulated) -> Iterator[int]:
    """The first gated run of each such break; those that begin in an outage are left to it."""
    window: Window
    for window in sim.mass:
        runs = np.flatnonzero(sim.gated[window.first : window.stop]) + window.first
        if len(window.tests) >= 5 and len(np.unique(sim.commits[runs])) >= 2 and not sim.outage[runs[0]]:
            yield int(runs[0])


def _trained(seen: Series, runs: int) -> Parameters:
    """Parameters of the first `runs` runs."""
    return fit(
        series(
            seen.outcomes[:, :runs],
            seen.commits[:runs],
            outage=seen.outage[:runs],
            retries_shown=seen.retries_shown[:, :runs],
            pulls=seen.pulls[:runs],
            message_odds=None if seen.message_odds is None else seen.message_odds[:, :runs],
        )
    )
