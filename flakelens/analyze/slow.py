"""The tests and suites that became slower, by the time that they add to a run."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flakelens.analyze.durations import line_of, timed
from flakelens.analyze.evidence import load
from flakelens.analyze.filters import known_names
from flakelens.analyze.suites import suite_lines
from flakelens.decisions import Decisions
from flakelens.policy import UNASSIGNED, Policy
from flakelens.report.slow import SlowLine, SlowReport
from flakelens.store import Store

WINDOW = 100  # newest counting runs whose durations are read: the query costs a row per result


def slow_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    area: Collection[str] = (),
    limit: int | None = None,
) -> SlowReport:
    """The tests and suites whose newest level of duration is above the one before, what adds most to a run first.

    Over the newest 100 runs that count for the gated branch, passing attempts alone. `limit` of each, None: all. Raises
    UsageError for an area that does not exist.
    """
    known_names(area, (*policy.area_names(), UNASSIGNED), "area")
    evidence = load(store, policy, decisions, as_of=as_of, window=WINDOW).evidence
    history = evidence.history
    if store is None or not evidence.counting:
        return SlowReport(branch=history.branch, runs=0, tests=(), total=0, matching=0)
    tests = [
        position
        for position in range(len(history.tests))
        if not area or evidence.areas.names[int(evidence.areas.index[position])] in area
    ]
    everything = len(tests) == len(history.tests)
    runs, seconds = times = timed(store, evidence, None if everything else tests)
    lines = []
    for place, position in enumerate(tests):
        line = line_of(evidence, runs, seconds[place])
        if line is not None and line.before is not None and line.seconds > line.before:
            test = history.tests[position]
            name = evidence.areas.names[int(evidence.areas.index[position])]
            lines.append(SlowLine(id=test.id, reported=test.reported, area=name, duration=line))
    lines.sort(key=lambda line: (-line.added, line.id))
    suites = suite_lines(evidence, times, tests, area)
    return SlowReport(
        branch=history.branch,
        runs=len(runs),
        tests=tuple(lines if limit is None else lines[:limit]),
        total=len(tests),
        matching=len(lines),
        suites=tuple(suites if limit is None else suites[:limit]),
        suites_matching=len(suites),
    )
