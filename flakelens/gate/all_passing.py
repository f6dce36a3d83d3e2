"""`all-passing`: every active test of the area passed in each of its newest complete runs, and none is unreliable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flakelens.gate.criterion import (
    CriterionFinding,
    Observed,
    Scope,
    count_of,
    looks,
    named,
    no_active_test,
    percent,
    repairs,
)
from flakelens.gate.trying import clean_runs_by_trying
from flakelens.model import GateState, Outcome
from flakelens.outcomes import failed_first
from flakelens.policy import AllPassingPolicy
from flakelens.stats.states import TestState


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The judged tests in the newest complete runs. Lists hold positions in the scope, each test once per list."""

    runs: int
    judged: int
    failed: list[int]  # failed, errored or flaked in one of the runs
    skipped: list[int]  # newly skipped
    absent: list[int]  # merely without a result
    broken: list[int]  # by state, now
    flaky: list[int]  # by state, now, and not healing

    @property
    def culprits(self) -> list[int]:
        return sorted({*self.failed, *self.skipped, *self.broken, *self.flaky})

    def state(self, asked: int) -> GateState:
        if self.culprits:
            return GateState.NOT_MET
        lacking = not self.judged or self.runs < asked or self.absent
        return GateState.INCONCLUSIVE if lacking else GateState.MET


def judge(ident: str, policy: AllPassingPolicy, scope: Scope, *, needs: bool = True) -> CriterionFinding:
    """The finding. Quarantined tests are left out; a new test is judged only in runs since its first."""
    window = _look(policy, scope)
    state = window.state(policy.runs)
    tests = tuple(scope.ids[test] for test in window.culprits)
    needed: int | None = 0 if state is GateState.MET else None
    if needs and needed is None and window.judged and not window.broken:
        needed = clean_runs_by_trying(scope, lambda later: _look(policy, later).state(policy.runs))
    clean = window.judged - len({*window.failed, *window.skipped, *window.absent})
    return CriterionFinding(
        id=ident,
        kind="all-passing",
        area=scope.name,
        state=state,
        observed=Observed(
            value=clean / window.judged,
            low=None,
            high=None,
            n=window.runs,
            method="newest complete runs",
            count=(clean, window.judged),
        )
        if window.judged and window.runs
        else None,
        required=1.0,
        why=_why(scope, policy, window, state),
        needs_runs=needed,
        repair_first=repairs(scope.ids[test] for test in window.broken),
        evidence=_hidden(scope) if state is GateState.MET else (),
        next_steps=looks(tests),
        tests=tests,
    )


def _look(policy: AllPassingPolicy, scope: Scope) -> _Window:
    view = scope.view
    judged = scope.active & ~scope.quarantined
    newest = np.flatnonzero(view.complete)[-policy.runs :]
    outcomes = view.outcomes[:, newest]
    asked = judged[:, None] & (newest[None, :] >= view.first[:, None])

    def having(*kinds: Outcome) -> list[int]:
        found: list[int] = np.flatnonzero((asked & np.isin(outcomes, kinds)).any(axis=1)).tolist()
        return found

    def now(state: TestState) -> list[int]:
        findings = scope.findings
        return [t for t in np.flatnonzero(judged).tolist() if findings[t].state is state and not findings[t].healing]

    return _Window(
        runs=len(newest),
        judged=int(judged.sum()),
        failed=having(Outcome.FAILED, Outcome.FLAKY),
        skipped=having(Outcome.SKIPPED),
        absent=having(Outcome.NONE),
        broken=now(TestState.BROKEN),
        flaky=now(TestState.FLAKY),
    )


def _why(scope: Scope, policy: AllPassingPolicy, window: _Window, state: GateState) -> str:
    if not window.judged:
        return no_active_test(scope)

    def names(tests: list[int]) -> str:
        return named([scope.ids[test] for test in tests])

    runs = f"the newest {count_of(window.runs, 'complete run')}"
    if state is GateState.MET:
        return f"All {count_of(window.judged, 'active test')} passed in each of {runs}."
    if state is GateState.NOT_MET:
        recent = {*window.failed, *window.skipped}
        parts = [
            f"{count_of(len(tests), 'test')} {what}: {names(tests)}"
            for tests, what in (
                (window.failed, f"failed or flaked in {runs}"),
                (window.skipped, f"newly skipped in {runs}"),
                ([test for test in window.broken if test not in recent], "broken now"),
                ([test for test in window.flaky if test not in recent], "flaky and not yet healed"),
            )
            if tests
        ]
        return f"{'; '.join(parts)}."
    if window.runs < policy.runs:
        return f"Only {count_of(window.runs, 'complete run')} of the {policy.runs} asked for."
    return f"{count_of(len(window.absent), 'active test')} without a result in {runs}: {names(window.absent)}."


def _hidden(scope: Scope) -> tuple[str, ...]:
    """What so many clean runs can still hide: no failure in n runs allows any rate up to 1 - .05^(1/n)."""
    outcomes = scope.view.outcomes
    troubled = np.flatnonzero(failed_first(outcomes).any(axis=0))
    clean = outcomes.shape[1] - 1 - int(troubled[-1]) if len(troubled) else outcomes.shape[1]
    bound = percent(1 - 0.05 ** (1 / max(1, clean)))
    hidden = f"up to {bound} of runs fail somewhere in {scope.name} (95 %)"
    return (f"{count_of(clean, 'clean run')} in a row still allow that {hidden}.",)
