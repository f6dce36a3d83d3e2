"""What the criteria that ask for a rate share: the rule from a threshold, the figure shown, the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from flakelens.facts import Bools, Int64s
from flakelens.gate.criterion import Observed, beside, count_of, percent
from flakelens.model import GateState
from flakelens.stats.rate import Clause, RateFinding, RateRule, judge_rate, limit_of

# An area is judged by its own evidence; how often it may be lost whole is asked of the pooled rate alone.
LARGE_LOSS = frozenset({"large-loss", "large-losses"})


def rule_for(threshold: float, evidence: Literal["e-value", "observed"]) -> RateRule:
    """The rule of a threshold in percent."""
    return RateRule(limit=limit_of(round(threshold / 100, 12)), evidence=evidence)


def judge_runs(failed: Int64s, executed: Int64s, outage: Bools, valid: Bools, rule: RateRule) -> RateFinding:
    """The finding over the valid runs of an area."""
    return judge_rate(failed[valid], executed[valid], outage[valid], rule)


def area_state(finding: RateFinding) -> GateState:
    """The state without the clauses about large losses."""
    if finding.observed is None:
        return GateState.INCONCLUSIVE
    if all(clause.holds for clause in finding.clauses if clause.name not in LARGE_LOSS):
        return GateState.MET
    violated = any(clause.holds for clause in finding.violations if clause.name not in LARGE_LOSS)
    return GateState.NOT_MET if violated else GateState.INCONCLUSIVE


def observed_of(finding: RateFinding, method: str) -> Observed | None:
    """The figure that is shown beside the threshold."""
    seen = finding.observed
    if seen is None:
        return None
    return Observed(
        value=seen.value, low=seen.low, high=seen.high, n=seen.n_runs, method=method, count=(seen.passed, seen.executed)
    )


def rate_sentence(finding: RateFinding, rule: RateRule, state: GateState, what: str, ignore: frozenset[str]) -> str:
    """Why the rate is judged as it is, in one sentence. `what` names the rate: "pass rate after retries"."""
    threshold = percent(1 - rule.limit)
    seen = finding.observed
    if seen is None:
        return f"No run has results to take a {what} from."
    rate = beside(seen.value, 1 - rule.limit)
    figure = f"{what} {seen.passed:,}/{seen.executed:,} = {rate} over {count_of(seen.n_runs, 'run')}"
    if state is GateState.MET:
        how = "the point alone is compared" if rule.evidence == "observed" else "and the runs prove it"
        return f"{_capital(figure)}, at least {threshold}, {how}."
    if state is GateState.NOT_MET:
        return f"{_capital(figure)}, {_violation(finding.violations, threshold, ignore)}."
    failing = [clause for clause in finding.clauses if not clause.holds and clause.name not in ignore]
    return f"{_capital(figure)}, but {' and '.join(_lack(clause, threshold) for clause in failing[:2])}."


def _violation(violations: Sequence[Clause], threshold: str, ignore: frozenset[str]) -> str:
    held = {clause.name: clause for clause in violations if clause.holds and clause.name not in ignore}
    if "below" in held:
        return f"below {threshold}"
    if "mirror" in held:
        return f"and the newest runs prove that it is below {threshold}"
    losses = held["large-losses"].facts
    return (
        f"but {losses['runs']} of the newest {losses['of']} runs lost more than {percent(losses['above'], 0)} of their "
        f"tests, certainly more than {percent(losses['limit'], 0)} of runs"
    )


def _lack(clause: Clause, threshold: str) -> str:
    facts = clause.facts
    if clause.name == "observed":
        return f"that is below {threshold} on too few runs to be sure"
    if clause.name == "minimum-runs":
        return f"only {count_of(int(facts['runs']), 'run')} of {facts['minimum_runs']} are there"
    if clause.name == "evidence":
        strength = min(float(np.exp(min(facts["e_log"], 50.0))), 1e6)
        return (
            f"{count_of(int(facts['runs']), 'run')} do not prove {threshold} yet (the odds against chance are "
            f"{strength:.1f}:1, 20:1 is asked)"
        )
    if clause.name == "last":
        return f"the last {count_of(int(facts['runs']), 'run')} stand at {percent(1 - facts['share'])}"
    return (
        f"{facts['of']} runs with {facts['runs']} large losses cannot rule out that more than "
        f"{percent(facts['limit'], 0)} of runs are lost (upper bound {percent(facts['bound'])})"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
