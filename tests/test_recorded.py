"""The recorded runs against what Jest and Playwright themselves said about them, in truth.json.

Two things are not in JUnit and are allowed for, by name: a `test.todo` is written as a passed case, and a retry that
the report hides reads "passed" unless an attachment gives it away.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from flakelens.analyze.gate import judge_gate
from flakelens.areas import assign
from flakelens.decisions import Decisions
from flakelens.facts import Facts
from flakelens.gate.evidence import Evidence
from flakelens.history import History, build
from flakelens.ingest import ingest
from flakelens.model import Outcome, RetryEvidence
from flakelens.policy_text import parse
from flakelens.stats.states import TestState
from flakelens.store import open_store

RECORDED = Path(__file__).parent.parent / "fixtures" / "recorded"
WORDS = {Outcome.PASSED: "passed", Outcome.FLAKY: "flaky", Outcome.FAILED: "failed", Outcome.SKIPPED: "skipped"}
Truth = dict[str, Any]


@pytest.fixture(scope="module")
def truth() -> Truth:
    """What the tools said."""
    said: Truth = json.loads((RECORDED / "truth.json").read_text(encoding="utf-8"))
    return said


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """All recorded runs, through the store."""
    path = tmp_path_factory.mktemp("recorded") / "recorded.db"
    with open_store(path, create=True) as store:
        moment = datetime(2026, 11, 21, tzinfo=UTC)
        ingest([str(RECORDED / "runs")], store=store, run_per_dir=True, ingested_at=moment)
        return store.read()


@pytest.fixture(scope="module")
def history(facts: Facts) -> History:
    """The history that the shipped policy makes of them."""
    return build(facts, parse(), branch="main")


def reports_of(truth: Truth) -> list[tuple[Truth, Truth]]:
    return [(run, report) for run in truth["runs"] for report in run["reports"]]


def test_the_history_is_as_long_as_promised(truth: Truth) -> None:
    main = {run["commit"] for run in truth["runs"] if run["branch"] == "main"}
    assert len(truth["runs"]) >= 60
    assert len(main) >= 30
    assert {run["branch"] for run in truth["runs"]} > {"main"}


def test_every_run_and_report_arrived(truth: Truth, facts: Facts) -> None:
    told = {(run["run"], run["attempt"], report["job"], report["shard"] or "") for run, report in reports_of(truth)}
    found = {(run.key.run, report.attempt, report.job, report.shard) for run in facts.runs for report in run.reports}
    assert found == told


def test_counts_per_run_area_and_status_are_those_of_the_tools(truth: Truth, facts: Facts, history: History) -> None:
    areas = assign(history.tests, parse())
    place = {test.id: position for position, test in enumerate(history.tests)}
    by_place = {
        (run.key.run, report.attempt, report.job, report.shard): report for run in facts.runs for report in run.reports
    }
    differing = []
    for run, said in reports_of(truth):
        if said["damaged"] == "truncated":
            continue
        report = by_place[run["run"], run["attempt"], said["job"], said["shard"] or ""]
        found: dict[str, Counter[str]] = {}
        for key, outcome in zip(report.tests.tolist(), report.outcomes.tolist(), strict=True):
            area = areas.names[areas.index[place[history.names.ids[key]]]]
            found.setdefault(area, Counter())[WORDS[Outcome(outcome)]] += 1
        for area, counts in said["areas"].items():
            seen = found.pop(area, Counter())
            hidden = Counter(_area(test["file"]) for test in said["hidden_in_junit"])[area]
            revealed = seen["flaky"] - (counts["flaky"] - hidden)  # hidden retries that attachments gave away
            if run["branch"] == "invoice-mail" and said["producer"] == "jest-junit":
                # Two tests of this branch never stood in a report with paths: nothing says what they belong to.
                seen["passed"] += {"components": 2, "unassigned": -2}.get(area, 0)
            expected = Counter(
                passed=counts["passed"] + counts["todo"] + hidden - revealed,
                flaky=counts["flaky"] - hidden + revealed,
                failed=counts["failed"],
                skipped=counts["skipped"],
            )
            if +seen != +expected or not 0 <= revealed <= hidden:
                differing.append((run["dir"], said["name"], area, dict(seen), counts, hidden))
        differing += [(run["dir"], said["name"], area, dict(counts)) for area, counts in found.items()]
    assert differing == []


def _area(file: str) -> str:
    folders = (("src/__tests__/api/ai/", "AI"), ("src/__tests__/app/", "components"), ("e2e/", "E2E"))
    return next((area for folder, area in folders if file.startswith(folder)), "unassigned")


def test_what_junit_hides_is_called_hidden(truth: Truth, history: History) -> None:
    evidence = {
        (run.key.run, report.attempt, report.job, report.shard): report.evidence
        for run in history.runs
        for report in run.reports
    }
    for run, said in reports_of(truth):
        found = evidence[run["run"], run["attempt"], said["job"], said["shard"] or ""]
        if said["producer"].startswith("jest"):
            assert found is RetryEvidence.HIDDEN
        elif not said["visible_retries"]:
            assert found is not RetryEvidence.RECORDED, run["dir"]


def test_a_run_with_a_damaged_report_is_not_complete(truth: Truth, facts: Facts) -> None:
    by_place = {
        (run.key.run, report.attempt, report.job, report.shard): report for run in facts.runs for report in run.reports
    }
    seen = Counter[str]()
    for run, said in reports_of(truth):
        report = by_place[run["run"], run["attempt"], said["job"], said["shard"] or ""]
        if said["damaged"] is None:
            assert not report.damaged, run["dir"]
            assert not report.load_failures, run["dir"]
        else:
            assert report.damaged or report.load_failures, run["dir"]
            seen[said["damaged"]] += 1
    assert seen["truncated"] >= 1
    assert seen["load-error"] >= 2


def test_a_change_of_the_reporters_options_does_not_split_a_test(truth: Truth, history: History) -> None:
    """Every Jest test that ran before and after the switch has one identity; what has none is named."""
    by_title: dict[tuple[str, str], set[str]] = {}
    for test in history.tests:
        by_title.setdefault((test.id.name, test.id.variant), set()).add(test.id.file)
    split = {name for (name, _), files in by_title.items() if "" in files and len(files) > 1}
    assert split <= set(history.names.ambiguous)
    assert history.names.ambiguous == ()
    assert len(history.names.adopted) > 100
    changing = truth["designed"]["titles"]["changing"]
    (masked,) = [test.id for test in history.tests if "<uuid>" in test.id.name]
    assert masked.file == changing["file"]


def _folded(test: Truth) -> str:
    return " ".join(test["title"].replace(" › ", " ").split())


def test_the_designed_regressions_are_in_the_outcomes(truth: Truth, history: History) -> None:
    """A test with a broken window on main failed in every run of the window that had a result of it."""
    order = [change["commit"] for change in truth["commits"]]
    wrong = []
    for test in truth["designed"]["tests"]:
        for window in test["windows"]:
            if window["state"] != "broken" or window["from_commit"] not in order:  # one is a pull request's
                continue
            end = order.index(window["to_commit"]) if window["to_commit"] else len(order)
            commits = set(order[order.index(window["from_commit"]) : end])
            rows = [
                position
                for position, row in enumerate(history.tests)
                if row.id.name == _folded(test)
                and row.id.variant == (test["project"] or "")
                and row.id.file in (test["file"], test["file"].removeprefix("e2e/"))
            ]
            columns = [n for n, run in enumerate(history.runs) if run.counts and run.commit in commits]
            outcomes = history.outcomes[rows][:, columns]
            if not (outcomes == Outcome.FAILED).any() or (outcomes == Outcome.PASSED).any():
                wrong.append((test["file"], test["title"], test["project"], outcomes.tolist()))
    assert wrong == []


def test_the_outage_is_seen_as_one_and_its_victims_are_not_flaky(truth: Truth, history: History) -> None:
    evidence = Evidence(
        history=history, policy=parse(), decisions=Decisions(), as_of=datetime(2026, 11, 21, tzinfo=UTC)
    )
    confirmed = {history.runs[evidence.counting[place]].key.run for place in np.flatnonzero(evidence.outages.confirmed)}
    assert confirmed == {run["run"] for run in truth["runs"] if run["dir"] in truth["outages"]}
    blamed = {
        scope.ids[test]
        for scope in (evidence.scope(area) for area in evidence.areas.names)
        for test, finding in enumerate(scope.findings)
        if finding.state is TestState.FLAKY
    }
    designed = {_folded(test) for test in truth["designed"]["tests"] if test["kind"] == "flaky"}
    designed |= {_folded(test) for group in truth["designed"]["co_failing"] for test in group["tests"]}
    assert {test.name for test in blamed} <= designed


def test_any_order_of_ingest_and_twice_give_the_same_verdict(tmp_path: Path) -> None:
    """Each run by itself, shuffled, some twice; all at once in order: the same report, hashes and all."""
    moment = datetime(2026, 11, 20, 20, tzinfo=UTC)
    folders = sorted(RECORDED.glob("runs/*/"))
    shuffled = [*folders, *folders[::3]]
    Random(7).shuffle(shuffled)
    reports = []
    for number, calls in enumerate(([RECORDED / "runs"], shuffled)):
        with open_store(tmp_path / f"{number}.db", create=True) as store:
            for folder in calls:
                ingest([str(folder)], store=store, run_per_dir=folder.name == "runs", ingested_at=moment)
            reports.append(judge_gate(store, parse(), Decisions(), "gate1", as_of=moment).report)
    assert reports[0] == reports[1]
    assert reports[0].verdict.criteria
