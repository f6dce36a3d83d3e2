""" "Needs N more clean runs", found by trying: clean runs are appended and the criterion is judged again."""

from __future__ import annotations

from collections.abc import Callable

from flakelens.gate.criterion import Scope
from flakelens.model import GateState

MOST = 100


def clean_runs_by_trying(scope: Scope, judged: Callable[[Scope], GateState]) -> int | None:
    """The smallest n <= 100 such that `judged` says MET after n clean runs; None if there is none.

    Tries 1, then 100, then 2, 4.. and halves the last step: clean runs never speak against a criterion, so once MET it
    stays MET (a property test of each criterion holds it to that), and what 100 do not mend fewer will not.
    """
    if judged(scope) is GateState.MET:
        return 0
    low, high = 0, 1
    while judged(scope.with_clean_runs(high)) is not GateState.MET:
        if high == 1 and judged(scope.with_clean_runs(MOST)) is not GateState.MET:
            return None
        low, high = high, min(MOST, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        if judged(scope.with_clean_runs(middle)) is GateState.MET:
            high = middle
        else:
            low = middle
    return high
