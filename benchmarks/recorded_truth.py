"""States on the recorded runs of real tests, after every run, held against what was designed into them (truth.json)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.table import Row, Section, judged
from flakelens.analyze.evidence import load
from flakelens.decisions import Decisions
from flakelens.demo import ingest_recorded, recorded_runs
from flakelens.gate.evidence import Evidence
from flakelens.model import TestId
from flakelens.policy_text import parse
from flakelens.stats.states import TestFinding, TestState
from flakelens.store import open_store

LATER = datetime(2026, 12, 1, tzinfo=UTC)
FLAKY, BROKEN = TestState.FLAKY, TestState.BROKEN
Name = tuple[str, str, str]  # file, title, variant


class Truth:
    """What was designed: which tests flake or die with a shared service, and on which commits a test is broken."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        self.order = {change["commit"]: place for place, change in enumerate(told["commits"])}
        designed = told["designed"]
        self._renamed = {_file(one["new"]): _file(one["old"]) for one in designed["renames"]}
        self._windows: dict[Name, list[dict[str, str]]] = {}
        for test in designed["tests"]:
            self._windows.setdefault(self._name(test), []).extend(test["windows"])
        self.together = {self._name(test) for group in designed["co_failing"] for test in group["tests"]}

    def _name(self, test: dict[str, Any]) -> Name:
        file = _file(test["file"])
        return self._renamed.get(file, file), test["title"].replace(" › ", " "), test["project"] or ""

    def name(self, test: TestId) -> Name:
        """A test by the first name of its file."""
        return self._renamed.get(test.file, test.file), test.name, test.variant

    def flakes(self, test: Name) -> bool:
        """Does it flake, or die with a shared service, at any time?"""
        return test in self.together or any(window["state"] == "flaky" for window in self._windows.get(test, ()))

    def broken(self, test: Name, commit: str) -> bool:
        """Is it broken on that commit?"""
        place = self.order[commit]
        return any(
            self.order[window["from_commit"]] <= place < self.order.get(window["to_commit"] or "", len(self.order))
            for window in self._windows.get(test, ())
            if window["state"] != "flaky"
        )


class Said(NamedTuple):
    """What was said of one test after one run."""

    test: Name
    commit: str
    finding: TestFinding
    results: str  # letters of its runs so far


def looks(folder: Path) -> Iterator[Said]:
    """Every test after every counting run, known as of then."""
    letters = np.frombuffer(b".PKFS", np.uint8)
    truth = Truth(folder)
    with TemporaryDirectory() as temporary, open_store(Path(temporary) / "db", create=True) as store:
        ingest_recorded(folder, store, ingested_at=LATER)
        evidence = load(store, parse(), Decisions(), as_of=LATER).evidence
    for newest in evidence.counting:
        past = evidence.history.select(np.arange(newest + 1, dtype=np.int32))
        run = past.runs[-1]
        then = Evidence(history=past, policy=evidence.policy, decisions=evidence.decisions, as_of=run.started_at)
        for area in then.areas.names:
            scope = then.scope(area)
            for row, test, finding in zip(scope.view.outcomes, scope.ids, scope.findings, strict=True):
                yield Said(truth.name(test), run.commit, finding, letters[row].tobytes().decode())


class Score(NamedTuple):
    """Counts over all looks; the sets hold tests."""

    called_flaky: set[Name]
    wrongly_flaky: set[Name]  # called flaky at any look, and not designed to flake
    flaking: set[Name]  # designed to flake, and did so in at least two runs
    called_broken: Counter[bool]  # looks: rightly or not
    broken: Counter[int]  # looks at a test designed broken, by how many of its newest results failed on end
    seen_broken: Counter[int]  # of these, called broken


def score(folder: Path) -> Score:
    """Every word that was said, beside the truth."""
    truth = Truth(folder)
    found = Score(set(), set(), set(), Counter(), Counter(), Counter())
    for said in looks(folder):
        flakes = truth.flakes(said.test)
        now = truth.broken(said.test, said.commit)
        state = said.finding.state
        if state is FLAKY:
            (found.called_flaky if flakes else found.wrongly_flaky).add(said.test)
        if flakes and len(said.finding.evidence) >= 2:
            found.flaking.add(said.test)
        if state is BROKEN:
            found.called_broken[now] += 1
        executed = [letter for letter in said.results if letter in "PKF"]
        failing = len(executed) - len("".join(executed).rstrip("F"))
        if now and failing and not flakes:
            found.broken[min(failing, 3)] += 1
            found.seen_broken[min(failing, 3)] += state is BROKEN
    return found


def _file(path: str) -> str:
    """As reports have it: Playwright's paths are relative to its folder of tests."""
    return path.removeprefix("e2e/")


def sections(small: bool) -> list[Section]:
    """Precision and recall of "flaky" and "broken"."""
    del small  # two seconds
    found = score(recorded_runs())
    right, wrong = len(found.called_flaky), len(found.wrongly_flaky)
    recall = len(found.called_flaky & found.flaking) / len(found.flaking)
    broke = found.called_broken
    rows = [
        Row("called flaky: precision", f"{right / (right + wrong):.3f} ({right} of {right + wrong} tests)",
            ">= 0.98", judged(right / (right + wrong), 0.98, 0, at_least=True)),
        Row("called flaky: recall, of tests that flaked twice", f"{recall:.3f} of {len(found.flaking)} tests",
            ">= 0.95", judged(recall, 0.95, 0, at_least=True)),
        Row("called broken: precision", f"{broke[True] / broke.total():.3f} of {broke.total()} looks",
            ">= 0.9", judged(broke[True] / broke.total(), 0.9, 0, at_least=True)),
    ]  # fmt: skip
    for failing, words in ((1, "after one failing run"), (2, "after two"), (3, "after three or more")):
        looked, seen = found.broken[failing], found.seen_broken[failing]
        target = (">= 0.93", judged(seen / looked, 0.93, 0, at_least=True)) if failing == 2 and looked else ("", "")
        rows.append(Row(f"a break seen {words}", f"{seen} of {looked} looks", *target))
    return [Section("Every test after every run, by its designed truth", tuple(rows))]
