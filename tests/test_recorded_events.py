"""The events of the recorded runs against their design: what truth.json says was done to the app, and when.

Expectations are read from truth.json alone. A break that only one run of the branch saw can be no more than "failed
once". A test that flakes by design at the same time may be called broken a little earlier, when it failed by itself
right before, or for a few of these tests not at all: two failures on end are no proof there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flakelens.analyze.events import events_between, grouped_events
from flakelens.analyze.evidence import load
from flakelens.decisions import Decisions
from flakelens.gate.evidence import Evidence
from flakelens.ingest import ingest
from flakelens.model import TestId
from flakelens.policy_text import parse
from flakelens.report.events import TestEvent
from flakelens.stats.changes import ChangeKind
from flakelens.store import open_store

RECORDED = Path(__file__).parent.parent / "fixtures" / "recorded"
AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
Truth = dict[str, Any]


class Break(NamedTuple):
    """A designed break of one test on the branch, and what the tools said of the test around it."""

    test: Truth
    begin: int  # commit numbers
    end: int  # the first commit of the repair
    passed: set[int]  # the last commit before it on which the test passed, by whole reports and by salvaged ones
    failed_before: bool  # its last run before the break failed
    failures: int  # failing runs within the break
    flaky: bool  # by design it flaked at that time as well

    @property
    def sure(self) -> bool:
        """Can the runs show when it broke? A single failure cannot, and not those of a test that flakes as well."""
        return self.failures >= 2 and not self.failed_before and not self.flaky


@pytest.fixture(scope="module")
def truth() -> Truth:
    said: Truth = json.loads((RECORDED / "truth.json").read_text(encoding="utf-8"))
    return said


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """As a command reads it; fitted parameters are kept in the store, which stays open meanwhile."""
    path = tmp_path_factory.mktemp("events") / "recorded.db"
    with open_store(path, create=True) as store:
        ingest([str(RECORDED / "runs")], store=store, run_per_dir=True, ingested_at=AS_OF)
        yield load(store, parse(), Decisions(), as_of=AS_OF).evidence


@pytest.fixture(scope="module")
def events(evidence: Evidence) -> tuple[TestEvent, ...]:
    return events_between(evidence, None)


def is_it(test: Truth, found: TestId) -> bool:
    """Playwright writes paths relative to its folder; JUnit folds the separators of titles."""
    name = " ".join(test["title"].replace(" › ", " ").split())
    files = (test["file"], test["file"].removeprefix("e2e/"))
    return (found.name, found.variant) == (name, test.get("project") or "") and found.file in files


def key_of(test: Truth) -> tuple[str, str, str | None]:
    return test["file"], test["title"], test["project"]


def commits_of(truth: Truth) -> list[str]:
    return [change["commit"] for change in truth["commits"]]


def outcomes_of(truth: Truth, test: Truth, *, salvaged: bool = False) -> list[tuple[int, bool]]:
    """(commit number, failed) of every run of the branch that executed the test, outages left out."""
    order, found = commits_of(truth), []
    for run in truth["runs"]:
        if run["branch"] != "main" or run["dir"] in truth["outages"]:
            continue
        for report in run["reports"]:
            playwright = report["producer"] == "playwright"
            if playwright == test["file"].startswith("e2e/") and (salvaged or not report["damaged"]):
                failed = any(key_of(one) == key_of(test) for one in report["tests"]["failed"])
                found.append((order.index(run["commit"]), failed))
    return sorted(found, key=lambda one: one[0])


def breaks(truth: Truth) -> list[Break]:
    order = commits_of(truth)
    found = []
    for test in truth["designed"]["tests"]:
        for window in test["windows"]:
            if window["state"] != "broken" or window["from_commit"] not in order:  # one is a pull request's
                continue
            begin, end = order.index(window["from_commit"]), order.index(window["to_commit"])
            said = outcomes_of(truth, test)
            before = [one for one in said if one[0] < begin]
            passed = {
                max(commit for commit, failed in known if commit < begin and not failed)
                for known in (said, outcomes_of(truth, test, salvaged=True))
            }
            failures = sum(failed for commit, failed in said if begin <= commit < end)
            flaky = any(
                order.index(other["from_commit"]) < begin
                and (other["to_commit"] is None or order.index(other["to_commit"]) >= end)
                for one in truth["designed"]["tests"]
                for other in one["windows"]
                if other["state"] == "flaky" and key_of(one) == key_of(test)
            )
            found.append(Break(test, begin, end, passed, before[-1][1], failures, flaky))
    return found


def test_the_design_has_breaks_of_every_sort(truth: Truth) -> None:
    """Else the tests below would hold of nothing."""
    found = breaks(truth)
    assert sum(one.sure for one in found) >= 15
    assert any(one.failures == 1 for one in found)
    assert any(one.flaky for one in found)


def test_every_designed_break_is_found_at_its_commit_and_so_is_its_repair(
    truth: Truth, events: tuple[TestEvent, ...]
) -> None:
    order = commits_of(truth)
    wrong, taken_for_flakes = [], []
    for one in breaks(truth):
        own = [event for event in events if is_it(one.test, event.id)]
        begun = [event for event in own if event.kind in (ChangeKind.REGRESSED, ChangeKind.FAILED)]
        if one.failures >= 2:
            begun = [event for event in begun if event.kind is ChangeKind.REGRESSED]
        if one.failed_before:
            fits = [
                event
                for event in begun
                if order.index(event.at.commit) <= one.begin and event.until and event.until.commit == order[one.end]
            ]
        else:
            fits = [
                event
                for event in begun
                if event.at.commit == order[one.begin]
                and event.range
                and event.range.text in {f"{order[passed]}..{order[one.begin]}" for passed in one.passed}
                and event.until
                and event.until.commit == order[one.end]
            ]
        if one.flaky and not fits:
            assert any(event.kind is ChangeKind.FLAKY for event in own)
            taken_for_flakes.append(one)
            continue
        if not fits:
            wrong.append(("break", one, begun))
        fixed = [
            event
            for event in own
            if event.kind is ChangeKind.FIXED
            and event.at.commit == order[one.end]
            and event.range
            and order.index(event.range.first.commit) < one.end
        ]
        if not fixed and any(event.kind is ChangeKind.REGRESSED for event in fits):
            wrong.append(("repair", one, own))
    assert wrong == []
    assert len(taken_for_flakes) < sum(one.flaky for one in breaks(truth)) / 2


def test_what_regressed_without_design_is_a_flaky_test(truth: Truth, events: tuple[TestEvent, ...]) -> None:
    order = commits_of(truth)
    designed = [(one.test, order[one.begin]) for one in breaks(truth)]
    flaky = [test for test in truth["designed"]["tests"] if test["kind"] == "flaky"]
    flaky += [test for group in truth["designed"]["co_failing"] for test in group["tests"]]
    stray = [
        event
        for event in events
        if event.kind is ChangeKind.REGRESSED
        and not any(is_it(test, event.id) and event.at.commit == commit for test, commit in designed)
    ]
    assert [event for event in stray if not any(is_it(test, event.id) for test in flaky)] == []


def test_what_broke_at_one_commit_is_one_block(truth: Truth, evidence: Evidence, events: Iterable[TestEvent]) -> None:
    order = commits_of(truth)
    groups = grouped_events(evidence, (event for event in events if event.kind is ChangeKind.REGRESSED))
    by_commit = {group.at.commit: group for group in groups}
    assert len(by_commit) == len(groups)
    for begin in {one.begin for one in breaks(truth)}:
        for one in breaks(truth):
            if one.begin != begin or not one.sure:
                continue
            assert any(is_it(one.test, event.id) for event in by_commit[order[begin]].events), one


def test_tests_come_go_and_move_when_the_design_says_so(truth: Truth, events: tuple[TestEvent, ...]) -> None:
    design = truth["designed"]
    runs_of = {run["commit"] for run in truth["runs"] if run["branch"] == "main"}

    def at(kind: ChangeKind) -> set[tuple[str, str]]:
        return {(event.at.commit, event.id.file) for event in events if event.kind is kind}

    for added in (*design["added_tests"], *design["added_files"]):
        assert added["commit"] in runs_of
        assert (added["commit"], added["file"]) in at(ChangeKind.NEW)
    for deleted in design["deleted"]:
        assert (deleted["commit"], deleted["file"]) in at(ChangeKind.GONE)
    for rename in design["renames"]:
        old, new = (rename[end].removeprefix("e2e/") for end in ("old", "new"))
        moved = {
            (event.at.commit, event.old.file)
            for event in events
            if event.kind is ChangeKind.RENAMED and event.old and event.new and event.new.file == new
        }
        assert moved == {(rename["commit"], old)}
    kinds = {ChangeKind.NEW, ChangeKind.GONE}
    files = {one["file"] for key in ("added_tests", "added_files", "deleted") for one in design[key]}
    assert {event.id.file for event in events if event.kind in kinds} == files


def test_the_test_that_is_always_skipped_is_said_to_be(truth: Truth, events: tuple[TestEvent, ...]) -> None:
    skipped = truth["designed"]["titles"]["skipped"]
    found = [event for event in events if event.kind is ChangeKind.SKIPPED]
    assert [is_it(skipped, event.id) for event in found] == [True]
    assert (found[0].before, found[0].until) == (None, None)


def test_each_night_tells_what_the_nights_before_could_not(evidence: Evidence, events: tuple[TestEvent, ...]) -> None:
    """Every event is news exactly once, whenever one asks."""
    days = sorted({event.known.started_at.date() for event in events})
    midnights = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
    sizes = [len(events_between(evidence, midnight)) for midnight in midnights]
    assert sizes[0] == len(events)
    assert sizes == sorted(sizes, reverse=True)
    told = [
        event
        for begin, end in zip(midnights, [*midnights[1:], AS_OF], strict=True)
        for event in events_between(evidence, begin)
        if event.known.started_at < end
    ]
    assert sorted(map(repr, told)) == sorted(map(repr, events))
