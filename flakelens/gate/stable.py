"""`stable`: no test of the area is broken, none broke lately without a verified repair, and its own pass rate holds."""

from __future__ import annotations

import numpy as np

from flakelens.gate.criterion import CriterionFinding, Scope, count_of, looks, named, no_active_test, percent, repairs
from flakelens.gate.rates import LARGE_LOSS, area_state, judge_runs, observed_of, rate_sentence, rule_for
from flakelens.gate.trying import clean_runs_by_trying
from flakelens.model import GateState, Outcome
from flakelens.policy import StablePolicy
from flakelens.stats.states import Spell, TestState

_MOST_EARLIER = 5  # regressions that are told one by one


def judge(ident: str, policy: StablePolicy, scope: Scope, *, needs: bool = True) -> CriterionFinding:
    """The finding. Quarantined tests are left out of "broken", never out of the rate."""
    view = scope.view
    rule = rule_for(policy.threshold, policy.evidence)
    finding = judge_runs(view.failed, view.executed, scope.outage, view.valid, rule)
    state = area_state(finding)
    asked = scope.active & ~scope.quarantined
    broken = scope.findings.being(TestState.BROKEN, asked)
    spelled = scope.findings.spelled(asked)
    newest = view.outcomes.shape[1] - policy.runs
    lately = [
        test
        for test in spelled
        if test not in broken and any(_unverified(spell, newest) for spell in scope.findings[test].spells)
    ]
    why = rate_sentence(finding, rule, state, "pass rate after retries", LARGE_LOSS)
    tests = tuple(scope.ids[test] for test in (*broken, *lately))
    if not scope.active.any():
        state, why = GateState.INCONCLUSIVE, no_active_test(scope)
    elif broken:
        state = GateState.NOT_MET
        why = f"{count_of(len(broken), 'test')} broken now: {named(tests[: len(broken)])}."
    elif lately:
        state = GateState.NOT_MET
        why = (
            f"{count_of(len(lately), 'test')} broke in the newest {policy.runs} runs, the repair not verified yet: "
            f"{named(tests)}."
        )
    needed: int | None = 0 if state is GateState.MET else None
    if needs and not broken and needed is None and scope.active.any():
        needed = clean_runs_by_trying(scope, lambda later: judge(ident, policy, later, needs=False).state)
    return CriterionFinding(
        id=ident,
        kind="stable",
        area=scope.name,
        state=state,
        observed=observed_of(finding, "runs, Korn-Graubard"),
        required=policy.threshold / 100,
        why=why,
        needs_runs=needed,
        repair_first=repairs(scope.ids[test] for test in broken),
        evidence=(*_green(scope), *_earlier(scope, spelled, newest)),
        next_steps=looks(tests),
        tests=tests,
    )


def _unverified(spell: Spell, newest: int) -> bool:
    """Did it break in the newest runs, and has the repair not yet seen as many clean results as it takes?"""
    return spell.first >= newest and (spell.mended is None or spell.clean < spell.needed)


def _green(scope: Scope) -> tuple[str, ...]:
    share = green_share(scope)
    return () if share is None else (f"A run of {scope.name} is all green with probability {percent(share)}.",)


def green_share(scope: Scope) -> float | None:
    """P(no test fails after retries in a run): Jeffreys mean over the newest 30 runs. None without runs."""
    valid = scope.view.valid
    if not valid.any():
        return None
    failed = scope.view.failed[valid][-30:]
    return float((np.count_nonzero(failed == 0) + 0.5) / (len(failed) + 1))


def _earlier(scope: Scope, spelled: list[int], newest: int) -> tuple[str, ...]:
    """Earlier regressions, repaired since: they do not speak against the area now, but are its record."""
    lines: list[tuple[int, str]] = []
    for test in spelled:
        for spell in scope.findings[test].spells:
            if spell.mended is not None and not _unverified(spell, newest):
                length = int(
                    np.count_nonzero(scope.view.outcomes[test, spell.first : spell.last + 1] == Outcome.FAILED)
                )
                told = (
                    f'"{scope.ids[test].name}" was broken for {count_of(length, "run")} from '
                    f"{scope.label(spell.first)}, repaired by {scope.label(spell.mended)}."
                )
                lines.append((-spell.first, told))
    newest_first = [told for _, told in sorted(lines)]
    more = len(newest_first) - _MOST_EARLIER
    return (*newest_first[:_MOST_EARLIER], *((f"{more} more regressions before these.",) if more > 0 else ()))
