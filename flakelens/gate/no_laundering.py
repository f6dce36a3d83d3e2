"""`no-laundering`: tests that were active before and are now skipped or gone count as failed.

A rate can be raised by repairing tests or by removing them; this criterion tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flakelens.gate.criterion import CriterionFinding, Observed, Scope, beside, count_of, named
from flakelens.model import GateState, Outcome, TestId
from flakelens.policy import NoLaunderingPolicy


def judge(ident: str, policy: NoLaunderingPolicy, scopes: Sequence[Scope], *, threshold: float) -> CriterionFinding:
    """The finding over all areas: the baseline tests, each in the newest run of its own area.

    Baseline: active `baseline_runs` runs before the newest (at the oldest, if there are fewer), or at the newest MET
    verdict older than that; without acknowledged and renamed ones. A baseline test that merely has no result yet in the
    newest run is left to `complete`.
    """
    passed = total = 0
    washed: list[TestId] = []
    failed: list[TestId] = []
    exempt = 0
    for scope in scopes:
        view = scope.view
        reach = view.outcomes.shape[1]
        if reach == 0:
            continue
        baseline = view.active(max(1, reach - policy.baseline_runs)) | scope.baseline
        exempt += int((baseline & scope.acknowledged).sum())
        baseline &= ~scope.acknowledged
        newest = view.outcomes[:, -1]
        lost = baseline & (view.gone() | (newest == Outcome.SKIPPED))
        judged = baseline & ((newest != Outcome.NONE) | lost)
        good = judged & ~lost & ((newest == Outcome.PASSED) | (newest == Outcome.FLAKY))
        passed += int(good.sum())
        total += int(judged.sum())
        washed += [scope.ids[test] for test in np.flatnonzero(lost)]
        failed += [scope.ids[test] for test in np.flatnonzero(judged & ~lost & ~good)]
    if not total:
        return CriterionFinding(
            id=ident,
            kind="no-laundering",
            area=_area(scopes),
            state=GateState.INCONCLUSIVE,
            observed=None,
            required=threshold / 100,
            why="There is no earlier run to compare with.",
        )
    share = passed / total
    met = share * 100 >= threshold - 1e-9
    count = (
        f"on the baseline set: {passed:,}/{total:,} = {beside(share, threshold / 100)} in the newest run of each area"
    )
    lost_text = f", with {count_of(len(washed), 'test')} now skipped or gone: {named(washed)}" if washed else ""
    return CriterionFinding(
        id=ident,
        kind="no-laundering",
        area=_area(scopes),
        state=GateState.MET if met else GateState.NOT_MET,
        observed=Observed(
            value=share, low=None, high=None, n=1, method="newest run of each area", count=(passed, total)
        ),
        required=threshold / 100,
        why=f"{count[:1].upper()}{count[1:]}{lost_text}.",
        needs_runs=0 if met else (None if washed else 1),
        repair_first=() if met or not washed else (f"bring back {named(washed)}, or acknowledge them with a reason",),
        evidence=(f"{count_of(exempt, 'test')} acknowledged or renamed.",) if exempt else (),
        next_steps=tuple(
            f'flakelens acknowledge "{test.name}" --reason WHY --by WHO' for test in washed[:2] if not met
        ),
        tests=(*washed, *failed) if not met else tuple(washed),
    )


def _area(scopes: Sequence[Scope]) -> str:
    return scopes[0].name if len(scopes) == 1 else "all"
