"""What every check looks at, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property

import msgspec

from flakelens.facts import RunKey
from flakelens.gate.evidence import Evidence, label
from flakelens.history import Report, Run
from flakelens.model import Problem
from flakelens.policy import ALL_AREAS, Policy
from flakelens.store import Extent

NEWEST = 10  # counting runs whose reports are looked at: older ones are history, and cannot be mended
_EXAMPLES = 3


class Look(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The newest 300 runs as the gate sees them, and what the store noted about them."""

    evidence: Evidence
    in_future: int  # runs that say they start after now
    problems: Mapping[RunKey, tuple[Problem, ...]]
    as_of: datetime
    size: Extent | None = None  # of the database; None without one

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.evidence.policy

    @cached_property
    def newest(self) -> tuple[Run, ...]:
        """The newest counting runs, oldest first; where none counts, the newest of any kind."""
        runs = self.evidence.history.runs
        counting = [runs[position] for position in self.evidence.counting]
        return tuple((counting or list(runs))[-NEWEST:])

    def channels(self) -> Iterator[tuple[str, str, Run, list[Report]]]:
        """Producer and job with their newest run among the newest ones, and their reports in it."""
        found: dict[tuple[str, str], tuple[Run, list[Report]]] = {}
        for run in self.newest:
            of_run: dict[tuple[str, str], list[Report]] = {}
            for report in run.reports:
                of_run.setdefault((report.producer, report.job), []).append(report)
            found.update({channel: (run, reports) for channel, reports in of_run.items()})
        for (producer, job), (run, reports) in sorted(found.items()):
            yield producer, job, run, reports

    def areas_of(self, reports: list[Report]) -> tuple[str, ...]:
        """The areas of the tests in some reports, in the policy's order."""
        areas = self.evidence.areas
        present = {int(areas.index[test]) for report in reports for test in report.tests.tolist()}
        return tuple(areas.names[place] for place in sorted(present))

    def judged_areas(self, *kinds: type) -> frozenset[str]:
        """Areas that criteria of these kinds (none: of any kind) name; "*" is left out."""
        return frozenset(
            area
            for gate in self.policy.gates.values()
            for criterion in gate.criteria.values()
            if not kinds or isinstance(criterion, kinds)
            for area in criterion.areas
            if area != ALL_AREAS
        )


def where_of(producer: str, job: str) -> str:
    """How findings name who wrote a report."""
    return f"{producer}, job {job}" if job else producer


def some(names: list[str], *, quoted: bool = False) -> str:
    """The first few names and how many more."""
    shown = ", ".join(f'"{name}"' if quoted else name for name in names[:_EXAMPLES])
    return f"{shown} and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else shown


__all__ = ["NEWEST", "Look", "label", "some", "where_of"]
