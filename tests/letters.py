"""Histories in letters: one row per test, one letter per run. P passed, K flaky, F failed, S skipped, "." no result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from msgspec.structs import replace

from flakelens.facts import Facts, Int8s, Int32s, ReportFacts, RunFacts, RunKey, TestFacts
from flakelens.history import History, build
from flakelens.model import Event, Rename, RunInfo, TestId
from flakelens.policy import Policy
from flakelens.policy_text import parse

LETTERS = ".PKFS"
T0 = datetime(2026, 10, 1, 8, tzinfo=UTC)
FIELDS_OF_REPORT = {
    "attempt", "job", "shard", "producer", "declared", "shown", "partial", "damaged", "load_failures",
    "earlier_elsewhere",
}  # fmt: skip


def matrix(*rows: str) -> Int8s:
    """("PF", "PP") -> outcomes of 2 tests in 2 runs."""
    return np.array([[LETTERS.index(letter) for letter in row.replace(" ", "")] for row in rows], np.int8)


def letters(outcomes: Int8s) -> list[str]:
    """The inverse of `matrix`."""
    return ["".join(LETTERS[code] for code in row) for row in outcomes]


def numbers(commits: str) -> Int32s:
    """ "aabc" -> commit numbers 0 0 1 2."""
    order = list(dict.fromkeys(commits))
    return np.array([order.index(letter) for letter in commits], np.int32)


@dataclass
class Told:
    """Facts under construction. Tests are named by what the reports call them: "file::name" or "name"."""

    keys: dict[tuple[TestId, int, str], int] = field(default_factory=dict)
    runs: list[RunFacts] = field(default_factory=list)
    renames: list[Rename] = field(default_factory=list)
    reports: int = 0

    def run(self, *reports: ReportFacts, number: int | None = None, hours: float | None = None, **info: Any) -> Told:
        """One more run, an hour after the last; fields of RunInfo by name. Same number: more of the same run."""
        number = len(self.runs) + 1 if number is None else number
        started = T0 + timedelta(hours=number if hours is None else hours)
        values: dict[str, Any] = {
            "commit": f"{number:07x}",
            "branch": "main",
            "event": Event.PUSH,
            "started_at": started,
        }
        record = RunInfo(**({"provider": "github", "run": str(number)} | values | info))
        for place, run in enumerate(self.runs):
            if run.key == RunKey(record.provider, record.run):
                self.runs[place] = replace(run, infos=(*run.infos, record), reports=(*run.reports, *reports))
                return self
        self.runs.append(RunFacts(key=RunKey(record.provider, record.run), infos=(record,), reports=reports))
        return self

    def report(
        self, outcomes: Mapping[str, str] | str = "", *, stamped: bool = True, sha: str = "", **fields: Any
    ) -> ReportFacts:
        """A report: {"a.ts::t": "P"} or "PF." for the tests t0, t1.. of src/app.test.ts ("." leaves one out)."""
        assert fields.keys() <= FIELDS_OF_REPORT | {"name"}
        if isinstance(outcomes, str):
            outcomes = {f"src/app.test.ts::t{n}": letter for n, letter in enumerate(outcomes) if letter != "."}
        producer = fields.get("producer", "jest")
        tests = []
        for title in outcomes:
            file, _, name = title.rpartition("::")
            name, _, variant = name.partition("@")
            tests.append(self.keys.setdefault((TestId(file, name, variant), 1, producer), len(self.keys) + 1))
        self.reports += 1
        given: dict[str, Any] = {
            "attempt": 1, "job": "", "shard": "", "name": "junit.xml", "producer": producer, "declared": None,
            "shown": None, "partial": False, "damaged": False, "load_failures": (), "earlier_elsewhere": False,
        }  # fmt: skip
        return ReportFacts(
            key=self.reports,
            sha256=hashlib.sha256((sha or str(self.reports)).encode()).hexdigest(),
            started_at=T0 if stamped else None,
            seconds=None,
            ingested_at=T0 + timedelta(days=900),
            tests=np.array(tests, np.int32),
            outcomes=np.array([LETTERS.index(letter) for letter in outcomes.values()], np.int8),
            **(given | fields),
        )

    def facts(self) -> Facts:
        """All that was told."""
        tests = tuple(TestFacts(key, test, ordinal, producer) for (test, ordinal, producer), key in self.keys.items())
        return Facts(runs=tuple(self.runs), tests=tests, renames=tuple(self.renames))

    def history(self, policy: Policy | str = "", *, branch: str = "main", environment: str = "") -> History:
        """What the facts tell under a policy."""
        rules = parse(policy) if isinstance(policy, str) else policy
        return build(self.facts(), rules, branch=branch, environment=environment)


def rows_of(history: History, *, whole: bool = False) -> dict[str, str]:
    """{"t0": "PF."}: the history in letters by test name."""
    shown = history.whole if whole else history.outcomes
    return dict(zip((test.id.name for test in history.tests), letters(shown), strict=True))


def a_suite(*rows: str, commits: str = "", **fields: Any) -> History:
    """A history of one report per run: each row a test t0, t1.. ; `commits` one letter per run, else all differ."""
    told = Told()
    for place, column in enumerate(zip(*(row.replace(" ", "") for row in rows), strict=True)):
        commit = {"commit": commits[place] * 7} if commits else {}
        told.run(told.report("".join(column), **fields), **commit)
    return told.history()


def shuffled(facts: Facts, order: Sequence[int]) -> Facts:
    """The same facts as another store would tell them: runs, records, reports and tests in another order."""
    return Facts(
        runs=tuple(
            replace(facts.runs[place], infos=facts.runs[place].infos[::-1], reports=facts.runs[place].reports[::-1])
            for place in order
        ),
        tests=facts.tests[::-1],
        renames=facts.renames[::-1],
    )


def flags(values: Any) -> str:
    """Truth values as letters: x for true, - for false."""
    return "".join("x" if value else "-" for value in values)
