"""Triage of the recorded runs, held against what truth.json says of every failure's cause.

Each run is triaged as one would some days later, with all runs known. The truth names for a test the commits in which
it was broken, in which it was flaky, and the runs that were outages; nothing else failed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flakelens.analyze.triage import triage_report
from flakelens.decisions import Decisions
from flakelens.ingest import ingest
from flakelens.policy_text import parse
from flakelens.report.triage import TriagedTest, TriageReport
from flakelens.stats.triage import TriageVerdict
from flakelens.store import open_store

RECORDED = Path(__file__).parent.parent / "fixtures" / "recorded"
NEW, ONGOING, FLAKE, OUTAGE, NO_HISTORY = (
    TriageVerdict.NEW,
    TriageVerdict.ONGOING,
    TriageVerdict.FLAKE,
    TriageVerdict.OUTAGE,
    TriageVerdict.NO_HISTORY,
)
Truth = dict[str, Any]


class Judged(NamedTuple):
    """One failure with its true cause: "new" (broken by this commit), "old" (before it), "flaky", "outage"."""

    folder: str
    branch: str
    first_run: bool  # of its commit
    cause: frozenset[str]
    test: TriagedTest

    def __repr__(self) -> str:
        test = self.test
        return f"{self.folder} {test.id.name} {test.id.variant}: {set(self.cause)} called {test.verdict}"


@pytest.fixture(scope="module")
def truth() -> Truth:
    """What happened."""
    said: Truth = json.loads((RECORDED / "truth.json").read_text(encoding="utf-8"))
    return said


@pytest.fixture(scope="module")
def reports(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> dict[str, TriageReport]:
    """The triage of every run, by its folder."""
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    with open_store(tmp_path_factory.mktemp("triage") / "recorded.db", create=True) as store:
        ingest([str(RECORDED / "runs")], store=store, run_per_dir=True, ingested_at=moment)
        return {
            run["dir"]: triage_report(store, parse(), Decisions(), as_of=moment, run=run["run"])
            for run in truth["runs"]
            if run["attempt"] == 1
        }


@pytest.fixture(scope="module")
def failures(truth: Truth, reports: dict[str, TriageReport]) -> list[Judged]:
    """Every failure of every run with its cause."""
    windows = _windows(truth)
    seen: set[str] = set()
    found = []
    for run in truth["runs"]:
        if run["attempt"] > 1:
            continue
        first = run["commit"] not in seen
        seen.add(run["commit"])
        for test in reports[run["dir"]].failures:
            cause = set(_causes(truth, windows[test.id.name, test.id.variant], run["commit"]))
            if run["dir"] in truth["outages"]:
                cause.add("outage")
            found.append(Judged(run["dir"], run["branch"], first, frozenset(cause), test))
    return found


def _windows(truth: Truth) -> dict[tuple[str, str], list[Truth]]:
    """The windows of every designed test, by title and project."""
    windows: dict[tuple[str, str], list[Truth]] = defaultdict(list)
    for test in truth["designed"]["tests"]:
        windows[_folded(test["title"]), test["project"] or ""] += test["windows"]
    for group in truth["designed"]["co_failing"]:
        for test in group["tests"]:
            windows[_folded(test["title"]), test["project"] or ""] += group["windows"]
    return windows


def _folded(title: str) -> str:
    return title.replace(" › ", " ")


def _causes(truth: Truth, windows: list[Truth], commit: str) -> Iterator[str]:
    line = [each["commit"] for each in truth["commits"]]
    for branch in truth["branches"]:
        own = [each["commit"] for each in branch["commits"]]
        if commit in own:  # what main was like at the branch point, then the branch's own commits
            line = [*line[: line.index(branch["start"]) + 1], *own]
    here = line.index(commit)
    for window in windows:
        if window["from_commit"] in line:
            first = line.index(window["from_commit"])
            stop = line.index(window["to_commit"]) if window["to_commit"] in line else len(line)
            if first <= here < stop:
                yield "flaky" if window["state"] == "flaky" else "new" if first == here else "old"


def test_nothing_failed_for_a_reason_that_is_not_known(failures: list[Judged]) -> None:
    assert [each for each in failures if not each.cause] == []
    assert len(failures) > 150


def test_no_change_of_the_code_is_dismissed(failures: list[Judged]) -> None:
    broken = [each for each in failures if each.cause & {"new", "old"}]
    assert len(broken) > 40
    assert [each for each in broken if each.test.dismissed] == []


def test_breaks_are_named_at_their_commit_and_as_old_ones_after_it(failures: list[Judged]) -> None:
    """Of tests that do not flake as well; a test with under five results has no history and says so."""
    plain = [each for each in failures if each.cause in ({"new"}, {"old"}) and each.test.verdict is not NO_HISTORY]
    assert len(plain) >= 35
    wrong = [each for each in plain if each.test.verdict is not (NEW if each.first_run else ONGOING)]
    assert wrong == []
    for each in plain:
        if each.branch == "main":
            assert each.test.explained is ("old" in each.cause), each


def test_flakes_are_called_flakes(failures: list[Judged]) -> None:
    flakes = [each for each in failures if each.cause == {"flaky"} and each.test.verdict is not NO_HISTORY]
    assert len(flakes) >= 100
    wrong = [each for each in flakes if each.test.verdict is not FLAKE]
    # It failed in every run of one commit and was not known to be flaky well enough: nobody could tell.
    assert {(each.test.id.name, each.folder[:3]) for each in wrong} == {
        ("AI call budget refuses the call after the last one of the budget", "019"),
        ("AI call budget refuses the call after the last one of the budget", "020"),
    }
    others = [each for each in flakes if each.test.area != "AI"]
    dismissed = [each for each in others if each.test.dismissed]
    assert len(dismissed) / len(others) > 0.75


def test_victims_of_the_outage_are_dismissed_unless_they_are_of_the_ai_area(failures: list[Judged]) -> None:
    victims = [each for each in failures if "outage" in each.cause]
    assert len(victims) == 11
    for each in victims:
        assert each.test.verdict is (FLAKE if "flaky" in each.cause and each.test.verdict is FLAKE else OUTAGE), each
        assert each.test.dismissed is (each.test.area != "AI"), each
    assert sum(each.test.verdict is OUTAGE for each in victims) >= 10


def test_the_first_pull_request(truth: Truth, reports: dict[str, TriageReport]) -> None:
    """Its own test fails on both runs of its first commit; what else failed there is flaky on main."""
    first, again, second = (reports[folder] for folder in ("021-babe7c7", "022-babe7c7", "023-b273790"))
    (own,) = [
        _folded(test["title"]) for test in truth["designed"]["tests"]
        if test["windows"][0]["from_commit"].startswith("babe7c7")
    ]  # fmt: skip
    for report in (first, again):
        (mine,) = [test for test in report.failures if test.id.name == own]
        assert (mine.verdict, mine.explained) == (NO_HISTORY, False)
        assert {test.verdict for test in report.failures if test.id.name != own} == {FLAKE}
        assert report.new_flaky == ()
    assert own not in {test.id.name for test in second.failures}
    assert {test.verdict for test in second.failures} == {FLAKE}
    assert first.new_tests == again.new_tests > 0
    assert first.run.why_not == "pull request"


def test_the_second_pull_request_has_nothing_to_explain(reports: dict[str, TriageReport]) -> None:
    for folder in ("067-ee9e079", "068-cb6b78f"):
        assert reports[folder].failures == ()
        assert reports[folder].explained
        assert {test.verdict for test in reports[folder].flaky} <= {FLAKE}


def test_what_could_not_be_loaded_or_read_is_said(truth: Truth, reports: dict[str, TriageReport]) -> None:
    said = {run["dir"] for run in truth["runs"] for report in run["reports"] if report["load_errors"]}
    said |= set(truth["truncated"])
    assert {folder for folder, report in reports.items() if report.lost} == said
    assert all(not reports[folder].explained for folder in said)
