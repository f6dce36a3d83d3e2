"""How likely one test was stable, flaky or broken in each run of the gated branch, by all that is known now."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from flakelens.analyze.because import Case
from flakelens.outcomes import was_executed
from flakelens.report import Chances
from flakelens.stats.probabilities import course, observe

_DIGITS = 6  # as those of `stats.states`


def course_of(case: Case) -> dict[int, Chances]:
    """By the position in `History.runs`: the runs of its area on the gated branch that have a result of it.

    From what its state now is told from (`Scope.posterior`), so that the newest is what `tests` says of it.
    """
    scope, test = case.scope, [case.place]
    everything = observe(scope.view.outcomes, scope.view.commits, outage=scope.outage, suspected=scope.suspected)
    seen = replace(everything.rows(np.array(test)), retries_shown=scope.retried[test])
    (found,) = course(seen, scope.parameters, disagreed=scope.disagreed[test]).round(_DIGITS)
    positions = np.flatnonzero(was_executed(case.row)).tolist()
    return {int(scope.view.runs[place]): Chances(*found[place].tolist()) for place in positions}
