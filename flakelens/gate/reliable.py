"""`reliable`: the first-attempt pass rate over the runs whose retries can be seen, and no broken test."""

from __future__ import annotations

import numpy as np

from flakelens.gate.criterion import CriterionFinding, Scope, count_of, named, no_active_test, repairs
from flakelens.gate.rates import LARGE_LOSS, area_state, judge_runs, observed_of, rate_sentence, rule_for
from flakelens.gate.trying import clean_runs_by_trying
from flakelens.model import GateState
from flakelens.policy import ReliablePolicy
from flakelens.stats.states import TestState

REACH = 100  # newest runs of the area that are looked at
RECENT = 30
RECENT_SHOWN = 10  # of the newest 30 must show first attempts: old merits do not certify runs that hide theirs

SHOW_RETRIES = (
    "playwright.config.ts: reporter: [['junit', { outputFile: 'results.xml', includeRetries: true }]]",
    'if that is set already: ingest with --retries recorded, or write [[retries]] producer = "playwright", '  # noqa: ISC004
    'evidence = "recorded" into flakelens.toml (evidence = "none" where retries are off)',
)


def judge(ident: str, policy: ReliablePolicy, scope: Scope, *, needs: bool = True) -> CriterionFinding:
    """The finding. Runs with HIDDEN or UNKNOWN retries have no first attempts to show and are not used."""
    view = scope.view
    reach = view.outcomes.shape[1]
    usable = view.shown & view.valid & (np.arange(reach) >= reach - REACH)
    rule = rule_for(policy.threshold, policy.evidence)
    finding = judge_runs(view.first_failed, view.executed, scope.outage, usable, rule)
    state = area_state(finding)
    judged = scope.active & ~scope.quarantined
    broken = tuple(scope.ids[test] for test in scope.findings.being(TestState.BROKEN, judged))
    recent = int(np.count_nonzero(usable[-RECENT:]))
    why = rate_sentence(finding, rule, state, "first-attempt pass rate", LARGE_LOSS)
    too_few = recent < RECENT_SHOWN
    if not scope.active.any():
        state, why = GateState.INCONCLUSIVE, no_active_test(scope)
    elif broken:
        state, why = GateState.NOT_MET, f"{count_of(len(broken), 'test')} broken now: {named(broken)}."
    elif too_few and state is not GateState.NOT_MET:
        state = GateState.INCONCLUSIVE
        why = (
            f"Only {recent} of the newest {min(RECENT, reach)} runs show their first attempts; "
            f"{RECENT_SHOWN} are asked for."
        )
    needed: int | None = 0 if state is GateState.MET else None
    if needs and not broken and needed is None and scope.active.any():
        needed = clean_runs_by_trying(scope, lambda later: judge(ident, policy, later, needs=False).state)
    hidden = int(np.count_nonzero(view.valid[-RECENT:] & ~view.shown[-RECENT:]))
    return CriterionFinding(
        id=ident,
        kind="reliable",
        area=scope.name,
        state=state,
        observed=observed_of(finding, "first attempts, Korn-Graubard"),
        required=policy.threshold / 100,
        why=why,
        needs_runs=needed,
        repair_first=repairs(broken),
        evidence=(f"{count_of(hidden, 'run')} of the newest {min(RECENT, reach)} hide their retries.",)
        if hidden
        else (),
        next_steps=SHOW_RETRIES if hidden and state is not GateState.MET else (),
        tests=broken,
    )
