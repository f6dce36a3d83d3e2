"""What the hidden chain says of each test: healthy, flaky or broken, now and in every run."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens.counts import Tally, ever_failed, passed_runs
from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.stats.chain import chunks, smooth
from flakelens.stats.fitting import fit, fit_window
from flakelens.stats.leaps import leap
from flakelens.stats.markov import (
    BROKEN,
    DEFAULTS,
    FLAKY,
    HEALTHY,
    LEVELS,
    Floats,
    Parameters,
    Series,
    never_failing,
    outage_shares,
    passing,
    rounded,
    series,
)
from flakelens.stats.outages import outage_at_start

LIKELY = 0.5  # a state is named when it is likelier than the two others together


class Posterior(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs say of N tests. `now` (N, 8) is P(state) after the newest run, rows sum to 1 (see `markov`).

    Only tests that failed outside of the outages have a course; for the others every run is as likely healthy as the
    newest. `troubled` (n,) are their positions, ascending, and `broken` (n, R) the runs in which P(broken) > .5 by all
    that is known, later runs included; of passes only those are looked at that lie between two broken results.
    """

    now: Floats
    troubled: Int32s
    broken: Bools

    def three(self) -> Floats:
        """P(stable), P(flaky), P(broken) now, (N, 3)."""
        return _three(self.now)

    def after_clean_runs(self, count: int, passing: Bools, parameters: Parameters) -> Posterior:
        """What `count` more runs would say, each on a commit of its own, in which the tests `passing` (N,) pass.

            a ~ a (T D)^count,   D = diag(1 - p),  T = transitions

        What was broken in earlier runs is not thought over again.
        """
        step = parameters.transitions() * (1.0 - parameters.failing())
        now = self.now.copy()
        moved = now[passing] @ np.linalg.matrix_power(step, count)
        now[passing] = moved / moved.sum(axis=1, keepdims=True)
        more = np.zeros((len(self.troubled), count), np.bool_)
        return replace(self, now=now, broken=np.concatenate([self.broken, more], axis=1))


class FitInput(NamedTuple):
    """What parameters are fitted to; R may be 0."""

    outcomes: Int8s  # (N, R)
    commits: Int32s  # (R,)
    outage: Bools  # (R,) confirmed
    retries_shown: Bools | None  # (R,) or (N, R)


def fit_input(outcomes: Int8s, commits: Int32s, *, outage: Bools, retries_shown: Bools | None = None) -> FitInput:
    """Those of the runs 1..R of the branch that its parameters are fitted to: see `fitting.fit_window`."""
    runs = slice(*(fit_window(outcomes.shape[1]) or (0, 0)))
    shown = None if retries_shown is None else retries_shown[..., runs]
    return FitInput(outcomes[:, runs], commits[runs], outage[runs], shown)


def fit_to(given: FitInput) -> Parameters:
    """The parameters fitted to these runs, the defaults without any: a pure function of them.

    To six digits, so that a verdict that names them is the same on another machine.
    """
    if not len(given.commits):
        return DEFAULTS
    outage = outage_shares(given.outcomes, with_start(given.outcomes, given.outage))
    return rounded(fit(series(given.outcomes, given.commits, outage=outage, retries_shown=given.retries_shown)))


def observe(
    outcomes: Int8s,
    commits: Int32s,
    *,
    outage: Bools,
    suspected: Bools | None = None,
    retries_shown: Bools | None = None,
    counted: Tally | None = None,
) -> Series:
    """The runs as the chain sees them: an outage explains what failed in it. Arguments as for `find_posterior`."""
    explained = with_start(outcomes, outage if suspected is None else outage | suspected)
    return series(outcomes, commits, outage=outage_shares(outcomes, explained, counted), retries_shown=retries_shown)


def find_posterior(
    outcomes: Int8s,
    commits: Int32s,
    *,
    outage: Bools,
    disagreed: Bools,
    suspected: Bools | None = None,
    retries_shown: Bools | None = None,
    parameters: Parameters = DEFAULTS,
    counted: Tally | None = None,
) -> Posterior:
    """The state of every test as probabilities, from the runs of the gated branch, oldest first.

    `outcomes` (N, R) int8; `commits` (R,) equal for runs of one commit; `outage` (R,) confirmed outages; `suspected`
    (R,) outages that nothing has confirmed or refuted yet; `disagreed` (N,) tests that failed and passed on one commit
    of a pull request; `retries_shown` (R,) or (N, R) FAILED is known to have failed its retry too; `counted` is
    `tally` of the outcomes, where that is known. A test without a result has the probabilities of the prior.
    """
    seen = observe(outcomes, commits, outage=outage, suspected=suspected, retries_shown=retries_shown, counted=counted)
    # What failed in outages alone is as good as never failed: the closed form holds for it too.
    failed = ever_failed(outcomes, seen.outage == 0)
    calm, troubled = np.flatnonzero(~failed), np.flatnonzero(failed).astype(np.int32)
    if (commits[1:] != commits[:-1]).all():
        now = passing(parameters, passed_runs(outcomes))  # of the troubled ones it is not the last word
    else:
        now = np.empty((len(outcomes), len(parameters.prior())))
        now[calm] = never_failing(parameters, outcomes[calm] == Outcome.PASSED, commits)
    broken = np.zeros((len(troubled), outcomes.shape[1]), np.bool_)
    for rows in chunks(len(troubled)):
        tests = troubled[rows]
        now[tests], broken[rows] = leap(seen.rows(tests), parameters)
    now[disagreed] = _after_disagreement(now[disagreed])
    return Posterior(now=now, troubled=troubled, broken=broken)


def course(seen: Series, parameters: Parameters, *, disagreed: Bools | None = None) -> Floats:
    """P(stable), P(flaky), P(broken) of each test in every run by all that is known, (N, R, 3). For few tests.

    The newest run has what `find_posterior` says of the same runs. `disagreed` (N,) as there: it is known of the test,
    not of a moment, and holds for every run.
    """
    if not seen.outcomes.shape[1]:
        return np.empty((len(seen.outcomes), 0, 3))
    calm = ~(seen.failed & (seen.outage == 0)).any(axis=1)
    unsaid = replace(seen, outcomes=np.where(calm[:, None] & seen.failed, np.int8(Outcome.NONE), seen.outcomes))
    states = smooth(unsaid, parameters).states
    if disagreed is not None:
        states[:, disagreed] = _after_disagreement(states[:, disagreed])
    return _three(states).transpose(1, 0, 2)


def clean_runs_until_stable(now: Floats, parameters: Parameters, most: int = 300) -> int | None:
    """Clean runs on new commits after which one test's state `now` (8,) is likely healthy; None beyond `most`."""
    step = parameters.transitions() * (1.0 - parameters.failing())
    state = now
    for count in range(most + 1):
        if state[HEALTHY] > LIKELY:
            return count
        state = state @ step
        state = state / state.sum()
    return None


def with_start(outcomes: Int8s, outage: Bools) -> Bools:
    """`outage` with the first run marked too if it looks like one: a model must not learn that tests begin broken."""
    explained = outage.copy()
    if len(explained):
        explained[0] |= outage_at_start(outcomes)
    return explained


def _three(states: Floats) -> Floats:
    return np.stack([states[..., HEALTHY], states[..., FLAKY].sum(axis=-1), states[..., BROKEN]], axis=-1)


def _after_disagreement(states: Floats) -> Floats:
    """A fail and a pass on one commit of a pull request: p (1 - p) for a flaky level, next to nothing for healthy.

    P(broken) stays what it was: the request says nothing about the gated branch.
    """
    levels = np.array(LEVELS)
    said = states.copy()
    said[..., HEALTHY] *= DEFAULTS.pull_breaks * 0.03  # the request broke it, and it passed by chance
    said[..., FLAKY] *= levels * (1.0 - levels)
    rest = said[..., :BROKEN]
    kept = states[..., BROKEN]
    said[..., :BROKEN] = rest * ((1.0 - kept) / np.maximum(rest.sum(axis=-1), 1e-300))[..., None]
    return said
