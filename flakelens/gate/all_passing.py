"""`all-passing`: every active test of the area passed in each of its newest complete runs, and none is unreliable."""

from __future__ import annotations

import numpy as np

from flakelens.facts import Int32s
from flakelens.gate.criterion import CriterionFinding, Observed, Scope, count_of, named, percent
from flakelens.gate.trying import clean_runs_by_trying
from flakelens.model import GateState, Outcome, TestId
from flakelens.policy import AllPassingPolicy
from flakelens.stats.states import TestState


def judge(ident: str, policy: AllPassingPolicy, scope: Scope, *, needs: bool = True) -> CriterionFinding:
    """The finding. Quarantined tests are left out; a new test is judged only in runs since its first."""
    view = scope.view
    judged = scope.active & ~scope.quarantined
    newest = np.flatnonzero(view.complete)[-policy.runs :]
    window = view.outcomes[:, newest]
    is_there = newest[None, :] >= view.first[:, None]
    bad = judged[:, None] & is_there & (window != Outcome.PASSED)
    failed = bad & ((window == Outcome.FAILED) | (window == Outcome.FLAKY))
    skipped = bad & (window == Outcome.SKIPPED)
    absent = bad & (window == Outcome.NONE)
    broken = _in_state(scope, judged, TestState.BROKEN)
    flaky = _in_state(scope, judged, TestState.FLAKY)
    against = np.flatnonzero(failed.any(axis=1) | skipped.any(axis=1)).tolist()
    culprits = sorted({*against, *broken, *flaky})
    clean = int((judged & ~bad.any(axis=1)).sum())
    if culprits:
        state = GateState.NOT_MET
    elif not judged.any() or len(newest) < policy.runs or absent.any():
        state = GateState.INCONCLUSIVE
    else:
        state = GateState.MET
    tests = tuple(scope.ids[test] for test in culprits)
    repair = tuple(f'repair "{scope.ids[test].name}", broken now' for test in broken)
    needed: int | None = None
    if needs and not broken and judged.any():
        needed = clean_runs_by_trying(scope, lambda later: judge(ident, policy, later, needs=False).state)
    elif state is GateState.MET:
        needed = 0
    total = int(judged.sum())
    return CriterionFinding(
        id=ident,
        kind="all-passing",
        area=scope.name,
        state=state,
        observed=None
        if not total or not len(newest)
        else Observed(
            value=clean / total, low=None, high=None, n=len(newest), method="newest complete runs", count=(clean, total)
        ),
        required=1.0,
        why=_why(scope, policy, newest, state, (failed.any(axis=1), skipped.any(axis=1), absent), tests, total),
        needs_runs=needed,
        repair_first=repair,
        evidence=_hidden(scope, newest, state),
        next_steps=tuple(f'flakelens show "{test.name}"' for test in tests[:3]),
        tests=tests,
    )


def _in_state(scope: Scope, judged: np.ndarray[tuple[int], np.dtype[np.bool_]], state: TestState) -> list[int]:
    return [
        test
        for test in np.flatnonzero(judged).tolist()
        if scope.findings[test].state is state and not scope.findings[test].healing
    ]


def _why(
    scope: Scope,
    policy: AllPassingPolicy,
    newest: Int32s,
    state: GateState,
    trouble: tuple[np.ndarray, np.ndarray, np.ndarray],  # type: ignore[type-arg]
    tests: tuple[TestId, ...],
    total: int,
) -> str:
    failed, skipped, absent = trouble
    if not total:
        return f"{scope.name} has no active test; no data is never a pass."
    runs = f"the newest {count_of(len(newest), 'complete run')}"
    if state is GateState.MET:
        return f"All {count_of(total, 'active test')} passed in each of {runs}."
    if state is GateState.NOT_MET:
        parts = []
        if failed.any():
            parts.append(f"{count_of(int(failed.sum()), 'test')} failed or flaked in {runs}")
        if skipped.any():
            parts.append(f"{count_of(int(skipped.sum()), 'test')} newly skipped")
        known = {
            TestState.BROKEN: [test for test in tests if _state_of(scope, test) is TestState.BROKEN],
            TestState.FLAKY: [test for test in tests if _state_of(scope, test) is TestState.FLAKY],
        }
        parts += [f"{len(found)} {label}" for label, found in known.items() if found]
        return f"{', '.join(parts)}: {named(tests)}."
    if len(newest) < policy.runs:
        return f"Only {count_of(len(newest), 'complete run')} of {policy.runs} asked for."
    missing = tuple(scope.ids[test] for test in np.flatnonzero(absent.any(axis=1)))
    return f"{count_of(len(missing), 'active test')} without a result in {runs}: {named(missing)}."


def _state_of(scope: Scope, test: TestId) -> TestState:
    return scope.findings[scope.ids.index(test)].state


def _hidden(scope: Scope, newest: Int32s, state: GateState) -> tuple[str, ...]:
    """What so many clean runs can still hide: no failure in n runs is compatible with any rate up to 1 - .05^(1/n)."""
    if state is not GateState.MET or not len(newest):
        return ()
    view = scope.view
    troubled = ((view.outcomes == Outcome.FAILED) | (view.outcomes == Outcome.FLAKY)).any(axis=0)
    last = np.flatnonzero(troubled)
    clean = view.outcomes.shape[1] - 1 - int(last[-1]) if len(last) else view.outcomes.shape[1]
    bound = 1 - 0.05 ** (1 / max(1, clean))
    return (
        f"{count_of(clean, 'clean run')} in a row still allow that up to {percent(bound)} of runs fail somewhere in "
        f"{scope.name} (95 %).",
    )
