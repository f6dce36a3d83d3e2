"""Suites that became slower: areas and files by what their tests take, jobs by what their reports say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from flakelens.analyze.durations import Timed
from flakelens.carriers import channel, shard_numbers
from flakelens.facts import Bools
from flakelens.gate.evidence import Evidence
from flakelens.history import Report
from flakelens.outcomes import failed_first, was_executed
from flakelens.report import DurationLine
from flakelens.report.slow import SuiteLine
from flakelens.stats.durations import Floats
from flakelens.stats.suites import Slower, filled, slower

_LEAST_TESTS = 2  # in a file: of a single test its own line says it


def suite_lines(evidence: Evidence, timed: Timed, tests: Sequence[int], areas: Collection[str]) -> list[SuiteLine]:
    """What became slower, what adds most first; `timed` are the durations of `tests` (positions in History.tests).

    With `areas` named only these and their files: a job may hold several areas.
    """
    book = _Book(evidence, timed, tests)
    lines = [line for area in evidence.areas.names if not areas or area in areas for line in book.area(area)]
    if not areas:
        lines += book.jobs()
    return sorted(lines, key=lambda line: (-line.added, line.kind, line.name))


class _Book:
    """The durations of some tests over the timed runs, and what of them can be summed up."""

    def __init__(self, evidence: Evidence, timed: Timed, tests: Sequence[int]) -> None:
        self.evidence = evidence
        self.runs = timed.runs
        self.seconds = filled(timed.seconds)
        self.tests = np.asarray(tests, np.int64)
        self.ran = was_executed(evidence.history.whole[np.ix_(self.tests, np.asarray(timed.runs, np.int64))])

    def area(self, area: str) -> Iterator[SuiteLine]:
        """The area and its files, over its complete runs: what is missing from a run is not fast."""
        view = self.evidence.views[area]
        complete = np.isin(self.runs, view.runs[view.complete])
        place = self.evidence.areas.names.index(area)
        rows = np.flatnonzero(self.evidence.areas.index[self.tests] == place).tolist()
        yield from self._summed("area", area, area, rows, complete)
        files: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            files[self.evidence.history.tests[self.tests[row]].id.file].append(row)
        for file, own in sorted(files.items()):
            if file and len(own) >= _LEAST_TESTS:
                yield from self._summed("file", file, area, own, complete)

    def _summed(
        self, kind: Literal["area", "file"], name: str, area: str, rows: Sequence[int], usable: Bools
    ) -> Iterator[SuiteLine]:
        ran = self.ran[rows]
        totals = np.where(usable & ran.any(axis=0), np.where(ran, self.seconds[rows], 0.0).sum(axis=0), np.nan)
        found = slower(totals, self.seconds[rows], ran)
        if found is not None:
            yield self._line(kind, name, area, found)

    def jobs(self) -> Iterator[SuiteLine]:
        """Jobs by the seconds of their reports, in runs in which nothing failed: a time-out is no slowness."""
        totals: dict[tuple[str, str], Floats] = {}
        rosters: dict[tuple[str, str], set[int]] = defaultdict(set)
        for place, run in enumerate(self.runs):
            by_job: dict[tuple[str, str], list[Report]] = defaultdict(list)
            for report in self.evidence.history.runs[run].reports:
                if not report.partial and not report.stale:
                    by_job[channel(report)].append(report)
            for job, reports in by_job.items():
                first = min(report.attempt for report in reports)
                own = [report for report in reports if report.attempt == first]
                if (took := _clean_seconds(own)) is not None:
                    totals.setdefault(job, np.full(len(self.runs), np.nan))[place] = took
                    rosters[job] |= {test for report in own for test in report.tests.tolist()}
        for job, known in sorted(totals.items()):
            rows = np.flatnonzero(np.isin(self.tests, list(rosters[job])))
            found = slower(known, self.seconds[rows], self.ran[rows])
            if found is not None:
                yield self._line("job", job[1], "", found)

    def _line(self, kind: Literal["area", "file", "job"], name: str, area: str, found: Slower) -> SuiteLine:
        first = self.evidence.history.runs[self.runs[found.first]]
        return SuiteLine(
            kind=kind,
            name=name,
            area=area,
            duration=DurationLine(
                seconds=found.now,
                runs=found.runs,
                before=found.before,
                since_run=first.key,
                since_commit=first.commit,
            ),
            tests_before=found.tests_before,
            tests_now=found.tests_now,
            added_tests=found.added,
            removed_tests=found.removed,
            same_tests=found.same,
        )


def _clean_seconds(reports: Iterable[Report]) -> float | None:
    """What all shards of a job took together; None where one is missing, damaged, failed somewhere or does not say."""
    total = 0.0
    shards: set[int] = set()
    declared = 0
    for report in reports:
        if report.damaged or report.load_failures or report.seconds is None or failed_first(report.outcomes).any():
            return None
        total += report.seconds
        if numbers := shard_numbers(report.shard):
            shards.add(numbers[0])
            declared = max(declared, numbers[1])
    return total if len(shards) == declared else None
