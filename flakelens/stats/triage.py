"""Why did it fail? The probability of each cause of one failure, from what the test had shown before.

The odds are the one-step forecast of the chain: a flake of a flaky test, an outage of the run, a break new with this
commit, a break that was there before, or one that only this pull request has. What the failure says enters them through
the chain (`message_odds`), and a signature that is not usual for the test forbids a dismissal.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np

from flakelens.facts import Bools
from flakelens.stats.chain import Step
from flakelens.stats.markov import BROKEN, BROKEN_FAILS, BROKEN_RETRY_FAILS, FLAKY, LEVELS, Floats, Parameters

# The order of `causes`, and the keys of `triage --format json`.
CAUSES = ("flake", "outage", "new_break", "ongoing_break", "pr_only")
FLAKE, OUTAGE, NEW_BREAK, ONGOING_BREAK, PR_ONLY = range(5)
DISMISSED_ABOVE = 0.95
LEAST_RESULTS = 5  # earlier results below which there is no history to judge by
SETTLED_ABOVE = 0.95  # how sure reruns must make us
MOST_RERUNS = 20  # of one commit; a test that needs more to be told from a broken one fails nearly always

USUAL_SHARE = 0.2  # of a test's earlier failures: below it a signature is not what the test flakes with

_OUTAGE_RETRY_FAILS = 0.9


class TriageVerdict(StrEnum):
    """What a person reads about one failure."""

    NEW = "new"
    ONGOING = "ongoing"
    FLAKE = "flake"
    OUTAGE = "outage"
    SUSPECTED_OUTAGE = "suspected-outage"
    NO_HISTORY = "no-history"


_VERDICT_OF = (
    TriageVerdict.FLAKE,
    TriageVerdict.OUTAGE,
    TriageVerdict.NEW,
    TriageVerdict.ONGOING,
    TriageVerdict.NEW,
)


def causes(
    step: Step,
    parameters: Parameters,
    *,
    outage: float,
    failed_again: Bools,
    healed: Bools,
    later: Floats | None = None,
) -> Floats:
    """P(cause | the test failed in this run), (N, 5) in the order of `CAUSES`, rows sum to 1.

    `step` is the run as `chain.walk` met it; `outage` its o_t, suspected or confirmed; `failed_again` and `healed` (N,)
    say whether the retry failed or passed, both false where there was none. Weights before normalising, with a the
    forecast of the state and D the belief in a break by the pull request:

        flake    (1 - D) sum_F a_s p_s rf_s          outage   (1 - D) o (1 - a_B .99) .9
        ongoing  (1 - D) min(b, a_B) .99 .98         new      (1 - D) (a_B - min(b, a_B)) .99 .98
        pr_only  D .99 .98

    b is P(broken) before the run; the last factor is P(the retry failed), or 1 less it where the retry passed. The
    breaks are multiplied by the odds of what the failure said, where the series knows (`message_odds`). `later`
    (N, S), P(what came after | state), lets what is known since then speak: the same sums with a_s later_s.
    """
    own, again = parameters.failing(), parameters.failing_again()
    said = later if later is not None else np.ones_like(step.predicted)
    state = step.predicted
    retried = np.where(failed_again, 1, np.where(healed, 2, 0))

    def retry(fails: Floats | float) -> Floats:
        value = np.asarray(fails, np.float64)
        table = np.stack([np.ones_like(value), value, 1.0 - value])
        return np.asarray(table[retried], np.float64)

    weights = np.zeros((len(state), len(CAUSES)))
    weights[:, FLAKE] = (state[:, FLAKY] * own[FLAKY] * said[:, FLAKY] * retry(again[FLAKY])).sum(axis=1)
    spared = state * (1.0 - own) * said
    weights[:, OUTAGE] = outage * spared.sum(axis=1) * retry(_OUTAGE_RETRY_FAILS)
    broken = state[:, BROKEN]
    ongoing = np.minimum(step.before[:, BROKEN], broken)
    fails = BROKEN_FAILS * retry(BROKEN_RETRY_FAILS) * (1.0 if step.odds is None else step.odds)
    weights[:, ONGOING_BREAK] = ongoing * fails * said[:, BROKEN]
    weights[:, NEW_BREAK] = (broken - ongoing) * fails * said[:, BROKEN]
    if step.pull_break is not None:
        weights *= (1.0 - step.pull_break)[:, None]
        weights[:, PR_ONLY] = step.pull_break * (state * said).sum(axis=1) * fails
    result: Floats = weights / np.maximum(weights.sum(axis=1), 1e-300)[:, None]
    return result


def usual(same: int, earlier: int) -> bool:
    """Is a signature what the test is known to fail with? `same` of its `earlier` failures had it.

    Seen before is not enough: a message that any failure can have has been seen in every test that fails often, and
    nearly all failures that were dismissed wrongly had one that was rare in their test (measured: `benchmarks
    accuracy`).
    """
    return same > 0 and same >= USUAL_SHARE * earlier


def verdict(
    probabilities: Floats, *, earlier_results: int, suspected_outage: bool, newly_failed: bool
) -> TriageVerdict:
    """The word for one failure. `suspected_outage`: it failed in an outage that nothing has confirmed yet.

    What `newly_failed` in one is a part of it whatever its history says; what had failed or flaked just before may be
    a flake or a break beside it, and shares its doubt only where the outage is what most likely made it fail.
    """
    if suspected_outage and newly_failed:
        return TriageVerdict.SUSPECTED_OUTAGE
    if earlier_results < LEAST_RESULTS:
        return TriageVerdict.NO_HISTORY
    word = _VERDICT_OF[int(np.argmax(probabilities))]
    return TriageVerdict.SUSPECTED_OUTAGE if suspected_outage and word is TriageVerdict.OUTAGE else word


def dismissed(
    probabilities: Floats, *, word: TriageVerdict, confirmed_outage: bool, ai: bool, signature_known: bool
) -> bool:
    """May the failure be waved through without a person?

    P(flake) + P(confirmed outage) > .95, not of the AI area, and with a signature that is `usual` in this test or its
    cluster, or that of the confirmed outage (`signature_known`). Never without a history, never in an outage that is
    only suspected.
    """
    if ai or not signature_known or word in (TriageVerdict.SUSPECTED_OUTAGE, TriageVerdict.NO_HISTORY):
        return False
    harmless = probabilities[FLAKE] + (probabilities[OUTAGE] if confirmed_outage else 0.0)
    return bool(harmless > DISMISSED_ABOVE)


def with_later_of_request(step: Step, later: Floats, *, plain: Floats, broken: Floats) -> Step:
    """`step`, a run of a pull request, once the later runs of its commit are known: P(D) given them as well.

    `later` (N, S) is what all other runs say, `plain` (N, S) P(the later runs of the commit | state, without D) and
    `broken` (N,) the same with D. The odds of D are multiplied by P(they | D) / P(they | no D).
    """
    if step.pull_break is None:
        raise ValueError("a run of the gated branch has no break of its own")
    state = step.predicted * later
    with_break = step.pull_break * broken * state.sum(axis=1)
    without = (1.0 - step.pull_break) * (state * plain).sum(axis=1)
    return step._replace(pull_break=with_break / np.maximum(with_break + without, 1e-300))


def flaky_levels(step: Step, later: Floats | None = None) -> Floats:
    """P(level | the failure was a flake), (N, 6): which of the rates F1..F6 a test has if this was one."""
    said = later[:, FLAKY] if later is not None else 1.0
    weights = step.predicted[:, FLAKY] * np.array(LEVELS) * said
    result: Floats = weights / np.maximum(weights.sum(axis=1), 1e-300)[:, None]
    return result


def reruns_to_settle(probabilities: Floats, levels: Floats) -> int | None:
    """How often to rerun one failed test on its commit, at most, until it is clear whether it is a flake or a break.

    A pass settles it at once: what is broken does not pass on the commit that broke it. If all n reruns fail,

        P(flake) sum_j level_j p_j^n,   P(outage) .9^n,   P(break) .99^n   (times a constant)

    and n is the smallest for which the break has more than .95. `probabilities` (5,) as `causes` gives them, `levels`
    (6,) as `flaky_levels`. 0: it is clear already; None: more than 20 would be needed.
    """
    broken = float(probabilities[NEW_BREAK] + probabilities[ONGOING_BREAK] + probabilities[PR_ONLY])
    if broken > SETTLED_ABOVE:
        return 0
    for n in range(1, MOST_RERUNS + 1):
        flake = float(probabilities[FLAKE] * (levels * np.array(LEVELS) ** n).sum())
        outage = float(probabilities[OUTAGE]) * _OUTAGE_RETRY_FAILS**n
        lasting = broken * BROKEN_FAILS**n
        if lasting > SETTLED_ABOVE * (flake + outage + lasting) and not math.isclose(lasting, 0.0):
            return n
    return None
