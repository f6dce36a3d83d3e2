"""`all-passing`: every active test of the area passed in each of its newest complete runs, and none is unreliable."""

from __future__ import annotations

import msgspec
import numpy as np

from flakelens.facts import Bools
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

_UNRELIABLE = (TestState.BROKEN, TestState.FLAKY)


class _Window(msgspec.Struct, frozen=True):
    """The judged tests in the newest complete runs. Lists hold positions in the scope, each test once per list."""

    runs: int
    judged: Bools  # (N,)
    failed: list[int]  # failed, errored or flaked in one of the runs
    skipped: list[int]  # newly skipped
    absent: list[int]  # merely without a result


class _Now(msgspec.Struct, frozen=True):
    """Positions of the judged tests that are unreliable by their state now."""

    broken: list[int]
    flaky: list[int]  # and not healing


def judge(ident: str, policy: AllPassingPolicy, scope: Scope, *, needs: bool = True) -> CriterionFinding:
    """The finding. Quarantined tests are left out; a new test is judged only in runs since its first."""
    window = _look(policy, scope)
    now = _Now(*(_being(each, scope, window) for each in _UNRELIABLE))
    state = _state(policy, scope, window)
    culprits = sorted({*window.failed, *window.skipped, *now.broken, *now.flaky})
    tests = tuple(scope.ids[test] for test in culprits)
    count = int(window.judged.sum())
    needed: int | None = 0 if state is GateState.MET else None
    if needs and needed is None and count and not now.broken:
        needed = clean_runs_by_trying(scope, lambda later: _state(policy, later, _look(policy, later)))
    clean = count - len({*window.failed, *window.skipped, *window.absent})
    return CriterionFinding(
        id=ident,
        kind="all-passing",
        area=scope.name,
        state=state,
        observed=Observed(
            value=clean / count,
            low=None,
            high=None,
            n=window.runs,
            method="newest complete runs",
            count=(clean, count),
        )
        if count and window.runs
        else None,
        required=1.0,
        why=_why(scope, policy, window, now, state),
        needs_runs=needed,
        repair_first=repairs(scope.ids[test] for test in now.broken),
        evidence=_hidden(scope) if state is GateState.MET else (),
        next_steps=looks(tests),
        tests=tests,
    )


def _look(policy: AllPassingPolicy, scope: Scope) -> _Window:
    view = scope.view
    judged = scope.active & ~scope.quarantined
    newest = view.newest_complete(policy.runs)
    outcomes = view.outcomes[:, newest]
    asked = judged[:, None] & (newest[None, :] >= view.first[:, None])

    def having(*kinds: Outcome) -> list[int]:
        found: list[int] = np.flatnonzero((asked & np.isin(outcomes, kinds)).any(axis=1)).tolist()
        return found

    return _Window(
        runs=len(newest),
        judged=judged,
        failed=having(Outcome.FAILED, Outcome.FLAKY),
        skipped=having(Outcome.SKIPPED),
        absent=having(Outcome.NONE),
    )


def _state(policy: AllPassingPolicy, scope: Scope, window: _Window) -> GateState:
    # The states of tests are asked for last and one by one: the first unreliable one says it, of hundreds.
    if window.failed or window.skipped or _is_unreliable(scope, window):
        return GateState.NOT_MET
    lacking = not window.judged.any() or window.runs < policy.runs or window.absent
    return GateState.INCONCLUSIVE if lacking else GateState.MET


def _is_unreliable(scope: Scope, window: _Window) -> bool:
    """Whether a judged test is broken, or flaky and not healing."""
    found = (scope.findings[test] for test in scope.findings.troubled(window.judged))
    return any(finding.state in _UNRELIABLE and not finding.healing for finding in found)


def _being(state: TestState, scope: Scope, window: _Window) -> list[int]:
    """The judged tests that are in this state and not healing."""
    return [test for test in scope.findings.being(state, window.judged) if not scope.findings[test].healing]


def _why(scope: Scope, policy: AllPassingPolicy, window: _Window, now: _Now, state: GateState) -> str:
    if not window.judged.any():
        return no_active_test(scope)

    def names(tests: list[int]) -> str:
        return named([scope.ids[test] for test in tests])

    runs = f"the newest {count_of(window.runs, 'complete run')}"
    if state is GateState.MET:
        return f"All {count_of(int(window.judged.sum()), 'active test')} passed in each of {runs}."
    if state is GateState.NOT_MET:
        recent = {*window.failed, *window.skipped}
        parts = [
            f"{count_of(len(tests), 'test')} {what}: {names(tests)}"
            for tests, what in (
                (window.failed, f"failed or flaked in {runs}"),
                (window.skipped, f"newly skipped in {runs}"),
                ([test for test in now.broken if test not in recent], "broken now"),
                ([test for test in now.flaky if test not in recent], "flaky and not yet healed"),
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
