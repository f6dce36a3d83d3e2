"""One test over its runs: outcomes beside what was believed of it after each, and how long it took."""

from __future__ import annotations

import numpy as np

from flakelens.analyze.durations import timed
from flakelens.gate.evidence import Evidence
from flakelens.model import Outcome, RetryEvidence
from flakelens.report_trends import DurationLevel, DurationPoint, DurationSeries, TestPoint, TestSeries
from flakelens.stats.chain import walk
from flakelens.stats.durations import find_levels
from flakelens.stats.markov import BROKEN, FLAKY, outage_shares, series
from flakelens.stats.probabilities import find_parameters, with_start
from flakelens.store import Store

_HIDDEN = frozenset({RetryEvidence.HIDDEN, RetryEvidence.UNKNOWN})


def series_of_test(evidence: Evidence, position: int) -> TestSeries:
    """The test at a position of `History.tests`, over the counting runs of its area.

    P(flaky) and P(broken) after a run are those of the hidden chain (`stats.chain`) given that run and the earlier
    ones, with the parameters fitted to its area: what was known then, not what later runs taught. The runs of pull
    requests are not in it.
    """
    history = evidence.history
    scope = evidence.scope(evidence.areas.names[int(evidence.areas.index[position])])
    view = scope.view
    place = int(np.flatnonzero(view.tests == position)[0])
    recorded = np.array([_recorded(evidence, run) for run in view.runs], np.bool_)
    parameters = find_parameters(view.outcomes, view.commits, outage=scope.outage, retries_shown=recorded)
    outage = outage_shares(view.outcomes, with_start(view.outcomes, scope.outage))
    seen = series(view.outcomes[[place]], view.commits, outage=outage, retries_shown=recorded)
    states = [step.filtered[0] for step in walk(seen, parameters)]
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
                p_flaky=float(states[column][FLAKY].sum()) if known else None,
                p_broken=float(states[column][BROKEN]) if known else None,
            )
        )
    test = history.tests[position]
    return TestSeries(id=test.id, reported=test.reported, points=tuple(points), hidden=hidden)


def _recorded(evidence: Evidence, run: int) -> bool:
    """Is a failure of this run known to have failed its retry too?"""
    reports = [report for report in evidence.history.runs[run].reports if not report.stale]
    return bool(reports) and all(report.evidence is RetryEvidence.RECORDED for report in reports)


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
