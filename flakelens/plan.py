"""The shortest way to the gate's pass rate: which causes to repair, in which order, and what each brings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from msgspec.structs import replace

from flakelens.analyze.causes import Causes
from flakelens.analyze.evidence import load
from flakelens.analyze.gate import gate_policy, rate_of
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import Int8s
from flakelens.gate import pass_rate
from flakelens.gate.criterion import Scope
from flakelens.gate.evidence import Evidence
from flakelens.gate.focus import FocusFinding, judge_focuses
from flakelens.gate.rates import rule_for
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.owners import NOBODY, Owners
from flakelens.policy import GatePolicy, PassRatePolicy, Policy
from flakelens.report.causes import CauseLine, CauseState, FocusLine, PlanReport, PlanStep
from flakelens.stats.fixplan import Figures, Order, figures_of, fix_plan
from flakelens.stats.states import TestFinding, TestState
from flakelens.store import Store

PLANNED_RUNS = 100  # newest runs that choose and are replayed: the gate's longer window
_OPEN = (CauseState.BROKEN, CauseState.FLAKY, CauseState.UNSURE)


def plan_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    gate: str,
    *,
    as_of: datetime,
    order: Order = "failures",
    owners: Owners = NOBODY,
) -> PlanReport:
    """What to repair for the pass-rate criterion of `gate`.

    Causes are ordered by failures, which gives the smallest set that reaches a pass rate, or by the runs that they
    hit, which gives the most green runs. What each saves is counted once, at the last repair that a run waits for. The
    share of failures that each step takes away is replayed over the newest
    100 runs (see `fix_plan`) and applied to the gate's own window. Raises UsageError for an unknown gate and for one
    without a pass-rate criterion.
    """
    judged = gate_policy(policy, gate)
    _criterion(gate, judged)
    evidence = load(store, policy, decisions, as_of=as_of, environment=judged.environment, owners=owners).evidence
    return plan_of(Causes(evidence=evidence, store=store), gate, order=order)


def plan_of(causes: Causes, gate: str, *, order: Order = "failures") -> PlanReport:
    """The plan on causes that are already found, as for `plan_report`."""
    evidence = causes.evidence
    judged = gate_policy(evidence.policy, gate)
    ident, criterion = _criterion(gate, judged)
    scope = evidence.pooled(criterion.areas, criterion.focuses)
    finding = pass_rate.judge(ident, criterion, scope, needs=False)
    focuses = judge_focuses(gate_policy(evidence.policy, gate), evidence)
    usable = np.flatnonzero(scope.view.valid & ~scope.outage)
    window = usable[-rule_for(criterion.threshold, criterion.evidence).window :]
    planned = usable[-PLANNED_RUNS:]
    report = PlanReport(
        gate=gate,
        criterion=ident,
        branch=evidence.history.branch,
        required=finding.required,
        state=finding.state,
        pass_rate=rate_of(scope.view.failed[window], scope.view.executed[window]),
        window_runs=len(window),
        planned_runs=len(planned),
        held_out=False,
        now=None,
        settled=None,
        repaired=0,
        steps=(),
        enough=None,
        focuses=_focus_lines(focuses, evidence),
    )
    if not len(window) or report.pass_rate is None:
        return report
    outcomes, shown = scope.view.outcomes, scope.view.shown
    remaining, repaired = _without_repaired(scope, outcomes)
    settled = figures_of(remaining[:, window], shown=shown[window])
    rows = {int(test): row for row, test in enumerate(scope.view.tests)}
    candidates = [
        cause
        for cause in causes.found
        if causes.state(cause) in _OPEN and any(int(test) in rows for test in cause.tests)
    ]
    members = [
        np.array([rows[int(test)] for test in cause.tests if int(test) in rows], np.int32) for cause in candidates
    ]
    plan = fix_plan(remaining[:, planned], members, shown=shown[planned], order=order)
    after = [_applied(settled, plan.before, step.after) for step in plan.steps]
    useful = [place for place, figures in enumerate(after) if figures != (after[place - 1] if place else settled)]
    lines = causes.lines(candidates)
    chosen = [lines[plan.steps[place].cause] for place in useful]
    mended = [scope.ids[row] for row in np.flatnonzero(repaired).tolist()]
    savings = causes.prices.savings([[test.id for test in line.tests] for line in chosen], repaired=mended)
    steps = tuple(
        PlanStep(cause=line, after=after[place], saves=saves)
        for line, place, saves in zip(chosen, useful, savings, strict=True)
    )
    return replace(
        report,
        focuses=_focus_lines(focuses, evidence, chosen),
        held_out=plan.held_out,
        now=figures_of(outcomes[:, window], shown=shown[window]),
        settled=settled,
        repaired=int((repaired & failed_first(outcomes[:, window]).any(axis=1)).sum()),
        steps=steps,
        enough=_enough(settled, steps, finding.required),
    )


def _focus_lines(
    focuses: Sequence[FocusFinding], evidence: Evidence, lines: Sequence[CauseLine] = ()
) -> tuple[FocusLine, ...]:
    """Each focus with the steps whose cause has a test of it, counted from 1."""
    if not focuses:
        return ()
    of_test = {test.id: names for test, names in zip(evidence.history.tests, evidence.focuses, strict=True)}
    touched = [{name for test in line.tests for name in of_test.get(test.id, ())} for line in lines]
    return tuple(
        FocusLine(focus=focus, steps=tuple(place for place, names in enumerate(touched, 1) if focus.name in names))
        for focus in focuses
    )


def _criterion(name: str, gate: GatePolicy) -> tuple[str, PassRatePolicy]:
    for ident, policy in gate.criteria.items():
        if isinstance(policy, PassRatePolicy) and policy.areas:
            return ident, policy
    raise UsageError(f"The gate {name!r} asks for no pass rate.", mend="flakelens causes lists what to repair.")


def _without_repaired(scope: Scope, outcomes: Int8s) -> tuple[Int8s, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """The outcomes without the failures of tests that are repaired or gone, and which tests these are."""
    repaired = np.fromiter((_repaired(finding) for finding in scope.findings), np.bool_, len(scope.findings))
    bad = failed_first(outcomes) & repaired[:, None]
    return np.where(bad, np.int8(Outcome.PASSED), outcomes).astype(np.int8), repaired


def _repaired(finding: TestFinding) -> bool:
    """Healing, gone, or broken once and mended; a stable test's rare failures stay: they will come again."""
    if finding.state in (TestState.FLAKY, TestState.BROKEN):
        return finding.healing
    return finding.state is TestState.GONE or any(spell.mended is not None for spell in finding.spells)


def _applied(now: Figures, before: Figures, after: Figures) -> Figures:
    """The share of what was lost that a replay took away, taken from what is lost now."""
    first = None
    if now.first_attempt_pass_rate is not None:
        first = now.first_attempt_pass_rate
        if before.first_attempt_pass_rate is not None and after.first_attempt_pass_rate is not None:
            first = _kept(first, before.first_attempt_pass_rate, after.first_attempt_pass_rate)
    return Figures(
        pass_rate=_kept(now.pass_rate, before.pass_rate, after.pass_rate),
        first_attempt_pass_rate=first,
        green_share=_kept(now.green_share, before.green_share, after.green_share),
    )


def _kept(now: float, before: float, after: float) -> float:
    return 1 - (1 - now) * (1 - after) / (1 - before) if before < 1 else now


def _enough(settled: Figures, steps: tuple[PlanStep, ...], required: float) -> int | None:
    reached = (place for place, figures in enumerate((settled, *(step.after for step in steps)))
               if figures.pass_rate >= required)  # fmt: skip
    return next(reached, None)
