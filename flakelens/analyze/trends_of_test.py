"""One test over its runs: outcomes beside what was believed of it after each, and how long it took."""

from __future__ import annotations

import numpy as np

from flakelens.analyze.durations import timed
from flakelens.gate.evidence import Evidence
from flakelens.model import Outcome, RetryEvidence
from flakelens.report.trends import DurationLevel, DurationPoint, DurationSeries, TestPoint, TestSeries
from flakelens.stats.chain import walk
from flakelens.stats.durations import find_levels
from flakelens.stats.markov import BROKEN, FLAKY
from flakelens.stats.probabilities import observe
from flakelens.store import Store

_HIDDEN = frozenset({RetryEvidence.HIDDEN, RetryEvidence.UNKNOWN})


def series_of_test(evidence: Evidence, position: int) -> TestSeries:
    """The test at a position of `History.tests`, over the counting runs of its area.

    P(flaky) and P(broken) after a run are those of the hidden chain (`stats.chain`) given that run and the earlier
    ones, with the suite's parameters: what was known then, not what later runs taught. Pull requests enter at the end.
    """
    history = evidence.history
    scope = evidence.scope(evidence.areas.names[int(evidence.areas.index[position])])
    view = scope.view
    place = int(np.flatnonzero(view.tests == position)[0])
    seen = observe(
        view.outcomes, view.commits, outage=scope.outage, suspected=scope.suspected, retries_shown=scope.retried
    )
    finding = scope.findings[place]
    states = [step.filtered[0] for step in walk(seen.rows(np.array([place])), scope.parameters)]
    believed = [(float(state[FLAKY].sum()), float(state[BROKEN])) for state in states]
    if believed and not scope.disagreed[place]:
        believed[-1] = finding.p_flaky, finding.p_broken  # as `show` says it: no break where a commit was divided
    first = int(view.first[place])
    hidden = 0
    points = []
    for column, run_position in enumerate(view.runs):
        run = history.runs[run_position]
        outcome = Outcome(int(view.outcomes[place, column]))
        known = column >= first
        if outcome is not Outcome.NONE:
            hidden += any(r.evidence in _HIDDEN for r in run.reports if not r.stale and (r.tests == position).any())
        points.append(
            TestPoint(
                run=run.key.run,
                commit=run.commit,
                started_at=run.started_at,
                outcome=outcome,
                outage=bool(scope.outage[column]),
                p_flaky=believed[column][0] if known else None,
                p_broken=believed[column][1] if known else None,
            )
        )
    test = history.tests[position]
    ever = first < len(points)
    return TestSeries(
        id=test.id,
        reported=test.reported,
        points=tuple(points),
        hidden=hidden,
        p_flaky=finding.p_flaky if ever else None,
        p_broken=finding.p_broken if ever else None,
        disagreed=bool(scope.disagreed[place]),
    )


def durations_of_test(store: Store, evidence: Evidence, position: int) -> DurationSeries:
    """How long the test at a position of `History.tests` took in each run in which it passed, and its levels."""
    runs, seconds = timed(store, evidence, [position])
    known = np.flatnonzero(~np.isnan(seconds[0]))
    test = evidence.history.tests[position]
    return DurationSeries(
        id=test.id,
        reported=test.reported,
        points=tuple(
            DurationPoint(
                run=run.key.run, commit=run.commit, started_at=run.started_at, seconds=float(seconds[0, place])
            )
            for place in known
            for run in (evidence.history.runs[runs[place]],)
        ),
        levels=tuple(
            DurationLevel(first=level.first, runs=level.runs, seconds=level.seconds)
            for level in find_levels(seconds[0, known])
        ),
    )
