"""From reports to matrices: where each test stands, and its outcome in each run after all attempts, jobs and shards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from flakelens.counts import blocks
from flakelens.facts import Int8s, Int32s, ReportFacts, distinct
from flakelens.outcomes import chain, worst


class Positions:
    """Test keys to positions, remembered per roster: reports of one suite share their array of keys."""

    def __init__(self, lookup: Int32s) -> None:
        self._lookup = lookup
        self._known: dict[int, tuple[Int32s, Int32s, bool]] = {}
        self._apart: dict[tuple[int, ...], bool] = {}

    def of(self, keys: Int32s) -> Int32s:
        """Where the tests of a roster stand."""
        return self._find(keys)[1]

    def distinct(self, keys: Int32s) -> bool:
        """No two keys of the roster are one test."""
        return self._find(keys)[2]

    def apart(self, rosters: Sequence[Int32s]) -> bool:
        """No two keys of all these rosters are one test."""
        which = tuple(map(id, rosters))
        known = self._apart.get(which)
        if known is None:
            places = np.concatenate([np.empty(0, np.int32), *map(self.of, rosters)])
            known = self._apart[which] = len(distinct(places)) == len(places)
        return known

    def _find(self, keys: Int32s) -> tuple[Int32s, Int32s, bool]:
        known = self._known.get(id(keys))
        if known is None:
            places = self._lookup[keys]
            # The keys are held, so that their id stays theirs.
            known = self._known[id(keys)] = (keys, places, len(distinct(places)) == len(places))
        return known


def matrices(runs: Sequence[Sequence[ReportFacts]], positions: Positions, size: int) -> tuple[Int8s, Int8s]:
    """Outcomes of `size` tests in each run, from its reports; and the same without those of partial reports."""
    outcomes = np.zeros((size, len(runs)), np.int8)
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)  # runs by the rosters of their reports
    for number, reports in enumerate(runs):
        alike[tuple(id(report.tests) for report in reports)].append(number)
    for numbers in alike.values():
        rosters = [report.tests for report in runs[numbers[0]]]
        if positions.apart(rosters):  # as most runs: jobs and shards of their own tests
            _put_together(outcomes, [runs[number] for number in numbers], numbers, positions)
        else:
            for number in numbers:
                outcomes[:, number] = _column(runs[number], positions, size)
    partial = [number for number, reports in enumerate(runs) if any(report.partial for report in reports)]
    if not partial:
        return outcomes, outcomes
    whole = outcomes.copy()
    for number in partial:
        whole[:, number] = _column([report for report in runs[number] if not report.partial], positions, size)
    return outcomes, whole


def _put_together(
    outcomes: Int8s, runs: Sequence[Sequence[ReportFacts]], numbers: Sequence[int], positions: Positions
) -> None:
    """Writes runs whose reports have the same rosters, no test twice, into the columns `numbers` of `outcomes`."""
    empty = np.empty(0, np.int8)
    by_run = np.concatenate([empty, *(report.outcomes for reports in runs for report in reports)])
    places = np.concatenate([np.empty(0, np.int32), *(positions.of(report.tests) for report in runs[0])])
    by_run = by_run.reshape(len(runs), len(places))
    everywhere = len(numbers) == outcomes.shape[1]
    for tests in blocks(len(places)):  # turned round piece by piece: in one go it would take twice as long
        turned = by_run[:, tests].T
        if everywhere:
            outcomes[places[tests]] = turned
        else:
            outcomes[places[tests, None], numbers] = turned


def _column(reports: Sequence[ReportFacts], positions: Positions, size: int) -> Int8s:
    """Outcomes of one run: a job's attempts follow one another, jobs and shards stand side by side."""
    column = np.zeros(size, np.int8)
    by_job: dict[str, dict[int, list[ReportFacts]]] = defaultdict(lambda: defaultdict(list))
    for report in reports:
        by_job[report.job][report.attempt].append(report)
    for attempts in by_job.values():
        if len(attempts) == 1:  # then jobs and reports stand side by side
            for report in next(iter(attempts.values())):
                _put(column, report, positions)
            continue
        of_job = np.zeros(size, np.int8)
        for _, side_by_side in sorted(attempts.items()):
            of_attempt = np.zeros(size, np.int8)
            for report in side_by_side:
                _put(of_attempt, report, positions)
            of_job = chain(of_job, of_attempt)
        column = worst(column, of_job)
    return column


def _put(column: Int8s, report: ReportFacts, positions: Positions) -> None:
    """Adds the outcomes of a report to those beside it."""
    where = positions.of(report.tests)
    if positions.distinct(report.tests):
        column[where] = worst(column[where], report.outcomes)
    else:  # an alias or a rename made two tests of one report the same
        for position, outcome in zip(where, report.outcomes, strict=True):
            column[position] = worst(column[position], outcome)
