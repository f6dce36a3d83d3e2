"""`pass-rate`: the pass rate after retries over all its areas together reaches the threshold, and the runs prove it."""

from __future__ import annotations

from flakelens.gate.criterion import CriterionFinding, Scope, count_of, percent
from flakelens.gate.rates import judge_runs, observed_of, rate_sentence, rule_for
from flakelens.model import GateState
from flakelens.policy import PassRatePolicy
from flakelens.stats.rate import RateFinding, clean_runs_needed


def judge(ident: str, policy: PassRatePolicy, scope: Scope, *, needs: bool = True) -> CriterionFinding:
    """The finding; `needs=False` leaves out the search for `needs_runs`, for looking at many moments."""
    view = scope.view
    rule = rule_for(policy.threshold, policy.evidence)
    finding = judge_runs(view.failed, view.executed, scope.outage, view.valid, rule)
    needed: int | None = None
    if finding.state is GateState.MET:
        needed = 0
    elif needs:
        valid = view.valid
        suite = max(1, int(scope.active.sum()))
        needed = clean_runs_needed(view.failed[valid], view.executed[valid], scope.outage[valid], rule, suite)
    return CriterionFinding(
        id=ident,
        kind="pass-rate",
        area=scope.name,
        state=finding.state,
        observed=observed_of(finding, "runs, Korn-Graubard"),
        required=policy.threshold / 100,
        why=rate_sentence(finding, rule, finding.state, "pass rate after retries", frozenset()),
        needs_runs=needed,
        evidence=_evidence(finding, scope, rule.cap),
    )


def _evidence(finding: RateFinding, scope: Scope, cap: float) -> tuple[str, ...]:
    losses = finding.large_loss
    lines = []
    if losses.n:
        lines.append(
            f"{losses.k} of the newest {losses.n} runs lost more than {percent(cap, 0)} of their tests; the true share "
            f"of such runs is at most {percent(losses.upper)} (95 %)."
        )
    outages = int(scope.outage[-100:].sum())
    if outages:
        lines.append(f"{count_of(outages, 'confirmed outage')} in the newest 100 runs, left out of the rate shown.")
    if finding.last_rate is not None:
        last = percent(finding.last_rate)
        lines.append(f"The last 10 runs stand at {last}; no single run counts for more than {percent(cap, 0)}.")
    return tuple(lines)
