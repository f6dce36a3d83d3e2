"""Which areas the reports of a run carry, and what is wrong with them there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property

from flakelens.facts import Int32s, RunKey, distinct
from flakelens.history import History, Report, Run
from flakelens.masks import mask
from flakelens.model import RetryEvidence

_FIRST_ATTEMPTS_SHOWN = frozenset({RetryEvidence.RECORDED, RetryEvidence.NONE})


class Carriers:
    """Which areas a report carries: those of its tests, and for a report without tests those it usually has."""

    def __init__(
        self, history: History, names: tuple[str, ...], index: Int32s, area_of_file: Callable[[str, str, str], str]
    ) -> None:
        self._names = names
        self._index = index
        self._area_of_file = area_of_file
        self._of_tests: dict[int, frozenset[str]] = {}
        self._of_run: dict[RunKey, dict[str, list[str]]] = {}
        self._runs = history.runs

    @cached_property
    def _usual(self) -> Mapping[tuple[str, str], set[str]]:
        """The areas of each job or name, and of each producer; asked for only where a report does not say its own."""
        usual: dict[tuple[str, str], set[str]] = defaultdict(set)
        for run in self._runs:
            for report in run.reports if run.counts else ():
                for key in (channel(report), ("producer", report.producer)):
                    usual[key] |= self._by_tests(report)
        return usual

    def _by_tests(self, report: Report) -> frozenset[str]:
        known = self._of_tests.get(id(report.tests))
        if known is None:
            known = frozenset(self._names[place] for place in distinct(self._index[report.tests]))
            self._of_tests[id(report.tests)] = known
        return known

    def _usually(self, report: Report) -> set[str]:
        """Its areas, and those of its job or name in other runs; else what the policy says, else its producer's."""
        usual = self._by_tests(report) | self._usual.get(channel(report), set())
        by_policy = {self._area_of_file(report.producer, report.job, "")} - {""}
        return set(usual) or by_policy or self._usual.get(("producer", report.producer), set())

    def areas(self, report: Report) -> AbstractSet[str]:
        """The areas of one report: what is cut off, or could not be loaded, belongs to it too."""
        plain = self._by_tests(report)
        if plain and not report.damaged and not report.load_failures:  # as most
            return plain
        areas = set(plain)
        if not areas or report.damaged:
            areas |= self._usually(report)
        for suite in report.load_failures:
            areas |= self._of_suite(report, suite)
        return areas

    def _of_suite(self, report: Report, suite: str) -> set[str]:
        """The area of a suite that failed to load; where the policy does not know it, any that the report has."""
        area = self._area_of_file(report.producer, report.job, suite)
        return {area} if area else self._usually(report)

    def carries(self, run: Run, area: str) -> bool:
        """Does a report of the run, other than a partial one, belong to the area, or a shard that did not come?"""
        return area in self._faults(run)

    def fault(self, run: Run, area: str) -> str:
        """What is wrong with the run's reports of the area, in words; "" for nothing."""
        faults = self._faults(run).get(area)
        return "; ".join(dict.fromkeys(faults)) if faults else ""

    def shows_first_attempts(self, run: Run, area: str) -> bool:
        """Do all reports of the area in this run show failed first attempts, or have none to show?"""
        shown = False
        for report in run.reports:
            if not report.partial and not report.stale and area in self.areas(report):
                if report.evidence not in _FIRST_ATTEMPTS_SHOWN:
                    return False
                shown = True
        return shown

    def _faults(self, run: Run) -> dict[str, list[str]]:
        """What is wrong with the run's reports, by area; areas that the run carries without a fault are there too."""
        known = self._of_run.get(run.key)
        if known is None:
            known = self._of_run[run.key] = self._find_faults(run)
        return known

    def _find_faults(self, run: Run) -> dict[str, list[str]]:
        faults: dict[str, list[str]] = defaultdict(list)
        whole = [report for report in run.reports if not report.partial]
        if not any(report.damaged or report.stale or report.load_failures or report.shard for report in whole):
            return {area: [] for report in whole for area in self.areas(report)}
        # A job that crashed and was run again is mended: its newest attempt speaks.
        newest = {(channel(report), report.shard): report.attempt for report in whole}
        for report in whole:
            areas = self.areas(report)
            for area in areas:
                faults[area] += ()
            if report.attempt < newest[channel(report), report.shard]:
                continue
            for area in areas if report.stale else ():
                faults[area].append(f"{report.name} is a copy of an earlier run's report")
            for area in self._usually(report) if report.damaged and not report.stale else ():
                faults[area].append(f"{report.name} is empty or was cut off")
            for suite in report.load_failures:
                for area in self._of_suite(report, suite):
                    faults[area].append(f"{suite} failed to load")
        # Which of a job's areas a missing shard held nobody knows: it is missing for all of them.
        for (job, count), shards in _sharded(whole).items():
            there = {number for number, _ in shards}
            if absent := sorted(set(range(1, count + 1)) - there):
                of = f" of job {job}" if job else ""
                said = f"shard {', '.join(f'{number}/{count}' for number in absent)}{of} is missing"
                for area in set().union(*(self._usually(report) for _, report in shards)):
                    faults[area].append(said)
        return dict(faults)


def channel(report: Report) -> tuple[str, str]:
    """What makes reports of different runs the same report again: the job, else the name."""
    return ("job", report.job) if report.job else ("name", mask(report.name))


def _sharded(reports: Iterable[Report]) -> Mapping[tuple[str, int], list[tuple[int, Report]]]:
    """Reports with their shard number, by job and declared number of shards."""
    shards: dict[tuple[str, int], list[tuple[int, Report]]] = defaultdict(list)
    for report in reports:
        if declared := shard_numbers(report.shard):
            shards[report.job, declared[1]].append((declared[0], report))
    return shards


def shard_numbers(shard: str) -> tuple[int, int] | None:
    """("2/4") -> (2, 4); None for anything else."""
    number, _, count = shard.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 10_000:
        return int(number), int(count)
    return None
