"""simulate: real report files whose truth is known, the same bytes for the same plan."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from flakelens.analyze.evidence import load
from flakelens.analyze.tests import tests_report as report_of_tests
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.ingest import ingest
from flakelens.junit import read_bytes
from flakelens.model import Event, Outcome, RetryEvidence
from flakelens.outcomes import failed_first
from flakelens.policy_text import parse
from flakelens.simulate import START, Plan, simulate
from flakelens.simulate.files import FIELDS
from flakelens.stats.states import TestState
from flakelens.store import Store, open_store

NONE, RECORDED, HIDDEN = RetryEvidence.NONE, RetryEvidence.RECORDED, RetryEvidence.HIDDEN
SMALL = {"tests": 40, "runs": 25, "flaky": 0.1, "broken": 0.1, "outages": 0.1}


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    told = hashlib.sha256()
    for path in files:
        told.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return told.hexdigest()


def truth_of(folder: Path) -> dict:
    return json.loads((folder / "truth.json").read_text())


def ingested(folder: Path, database: Path) -> tuple[Store, list]:
    store = open_store(database, create=True)
    done = ingest([str(folder / "runs")], store=store, run_per_dir=True, ingested_at=START.replace(month=2))
    return store, done


def test_the_same_plan_gives_the_same_bytes_and_another_seed_another_history(tmp_path):
    for name, seed in [("one", 7), ("two", 7), ("other", 8)]:
        simulate(Plan(**SMALL, seed=seed), tmp_path / name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two") != digest(tmp_path / "other")


@pytest.mark.parametrize("retries", [NONE, RECORDED, HIDDEN])
def test_every_failed_first_attempt_has_its_cause_in_the_truth_and_no_pass_has_one(tmp_path, retries):
    simulate(Plan(**SMALL | {"flaky": 0.4}, retries=retries), tmp_path / "out")
    truth = truth_of(tmp_path / "out")
    places = {(test["file"], test["name"], test["variant"]): place for place, test in enumerate(truth["tests"])}
    healed = 0
    for number, run in enumerate(truth["runs"], 1):
        folder = tmp_path / "out" / "runs" / f"{number:04}"
        failed, seen = set(), set()
        for name in ("jest.xml", "playwright.xml"):
            report = read_bytes(name, (folder / name).read_bytes())
            assert report.problems == ()
            assert report.producer == name.removesuffix(".xml")
            for case in report.cases:
                seen.add(places[tuple(case.id)])
                if case.outcome is not Outcome.PASSED:
                    failed.add(places[tuple(case.id)])
                healed += case.outcome is Outcome.FLAKY
        causes = [run["flake"], run["broken"], run["outage_failures"]]
        caused = set().union(*causes)
        assert sum(map(len, causes)) == len(caused), "one cause each"
        assert seen == set(places.values())
        assert (failed <= caused) if retries is HIDDEN else (failed == caused)
    assert (healed > 0) is (retries is RECORDED)


def test_what_is_broken_is_broken_at_these_commits_and_an_outage_hits_many(tmp_path):
    simulate(Plan(**SMALL, seed=2), tmp_path / "out")
    truth = truth_of(tmp_path / "out")
    commits = list(dict.fromkeys(run["commit"] for run in truth["runs"]))
    for place, test in enumerate(truth["tests"]):
        spell = test["broken"]
        expected = set(commits[commits.index(spell[0]) : commits.index(spell[1]) + 1]) if spell else set()
        assert {run["commit"] for run in truth["runs"] if place in run["broken"]} == expected
        assert not (spell and test["flake_rate"])
    outages = [run for run in truth["runs"] if run["outage"]]
    assert len(outages) == 2
    assert all(bool(run["outage_failures"]) <= run["outage"] for run in truth["runs"])


@pytest.mark.parametrize(
    ("retries", "of_jest", "of_playwright"), [(NONE, NONE, NONE), (RECORDED, NONE, RECORDED), (HIDDEN, HIDDEN, HIDDEN)]
)
def test_it_is_read_without_a_problem_with_the_areas_of_the_shipped_policy(tmp_path, retries, of_jest, of_playwright):
    simulate(Plan(**SMALL, retries=retries), tmp_path / "out")
    store, done = ingested(tmp_path / "out", tmp_path / "flakelens.db")
    with store:
        assert [problem for run in done for problem in run.problems] == []
        facts = store.read(branch="main")
        declared = {(report.producer, report.declared) for run in facts.runs for report in run.reports}
        assert declared == {("jest", of_jest), ("playwright", of_playwright)}
        moment = START.replace(month=2)
        report = report_of_tests(store, parse(), Decisions(), as_of=moment)
    expected = {
        test["name"].replace(" › ", " "): "unassigned" if test["area"] == "other" else test["area"]
        for test in truth_of(tmp_path / "out")["tests"]
    }
    assert {line.id.name: line.area for line in report.tests} == expected
    assert set(expected.values()) == {"AI", "components", "E2E", "unassigned"}


def test_what_flakes_in_truth_is_called_flaky_and_nothing_else(tmp_path):
    simulate(Plan(tests=120, runs=100, seed=3), tmp_path / "out")
    store, _ = ingested(tmp_path / "out", tmp_path / "flakelens.db")
    with store:
        report = report_of_tests(store, parse(), Decisions(), as_of=START.replace(month=2))
    flaky = {line.id.name for line in report.tests if line.finding.state is TestState.FLAKY}
    true = {
        test["name"].replace(" › ", " ") for test in truth_of(tmp_path / "out")["tests"] if test["flake_rate"] > 0.05
    }
    everything = {t["name"].replace(" › ", " ") for t in truth_of(tmp_path / "out")["tests"] if t["flake_rate"]}
    assert true <= flaky <= everything
    assert len(true) >= 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tests": 3}, "3 tests"),
        ({"runs": 0}, "0 runs"),
        ({"flaky": 1.5}, "--flaky 1.5"),
        ({"outages": -0.1}, "--outages -0.1"),
        ({"broken": float("nan")}, "--broken nan"),
        ({"flaky": 0.6, "broken": 0.6}, "flaky or broken"),
        ({"pull_requests": 1.2}, "--pull-requests 1.2"),
        ({"pr_broken": -1}, "--pr-broken -1"),
        ({"shards": 0}, "0 shards"),
        ({"tests": 20, "shards": 5}, "5 shards cannot share 4 E2E tests"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_before_anything_is_written(tmp_path, wrong, message):
    with pytest.raises(UsageError, match=message):
        simulate(Plan(**wrong), tmp_path / "out")
    assert not (tmp_path / "out").exists()


PULLS = SMALL | {"runs": 80, "pull_requests": 0.3, "pr_broken": 0.5, "shards": 3, "seed": 4}


def test_pull_requests_and_shards_are_read_back_as_the_truth_says(tmp_path):
    done = simulate(Plan(**PULLS), tmp_path / "out")
    truth = truth_of(tmp_path / "out")
    assert done.breaking == sum(bool(pull["breaks"]) for pull in truth["pull_requests"]) >= 3
    store, ingests = ingested(tmp_path / "out", tmp_path / "flakelens.db")
    with store:
        assert [problem for run in ingests for problem in run.problems] == []
        evidence = load(store, parse(), Decisions(), as_of=START.replace(month=3), window=None).evidence
    history = evidence.history
    names = {test.id.name: place for place, test in enumerate(history.tests)}
    place_of = [names[test["name"].replace(" › ", " ")] for test in truth["tests"]]
    runs = {run.key.run: position for position, run in enumerate(history.runs)}
    pulls = {pull["branch"]: pull for pull in truth["pull_requests"]}
    for said in truth["runs"]:
        position = runs[said["run"]]
        run = history.runs[position]
        pull = pulls.get(said["pull_request"])
        assert run.commit == said["commit"]
        assert (run.event is Event.PULL_REQUEST, run.counts) == (pull is not None, pull is None)
        assert run.branch == (pull["branch"] if pull else "main")
        assert sorted(report.shard for report in run.reports) == ["", "1/3", "2/3", "3/3"]
        failed = set(np.flatnonzero(failed_first(history.whole[:, position])).tolist())
        caused = {place_of[test] for field in FIELDS.values() for test in said[field]}
        assert failed == caused
        assert said["pull_request_failures"] == (pull["breaks"] if pull else [])
    assert len(evidence.counting) == 80 - done.pull_request_runs


def test_what_a_pull_request_broke_is_whole_on_the_main_branch(tmp_path):
    simulate(Plan(**PULLS | {"flaky": 0, "broken": 0, "outages": 0}, retries=NONE), tmp_path / "out")
    store, _ = ingested(tmp_path / "out", tmp_path / "flakelens.db")
    with store:
        report = report_of_tests(store, parse(), Decisions(), as_of=START.replace(month=3))
    assert {line.finding.state for line in report.tests} == {TestState.STABLE}
    truth = truth_of(tmp_path / "out")
    commits = {run["commit"] for run in truth["runs"] if run["pull_request"] is None}
    assert all(pull["base_commit"] in commits for pull in truth["pull_requests"])
    assert {pull["commit"] for pull in truth["pull_requests"]}.isdisjoint(commits)


def test_without_pull_requests_all_else_stays_as_it_is(tmp_path):
    """The same bytes of reports as before there were any: they are drawn from numbers of their own."""
    simulate(Plan(seed=3), tmp_path / "out")
    runs = sorted((tmp_path / "out" / "runs").rglob("*.*"))
    told = hashlib.sha256(b"".join(path.read_bytes() for path in runs)).hexdigest()
    assert told == "87b8903877cd38c7296a6803d7b8a33dd48067bd53ec3859e892cbadd4233504"
    assert {run["pull_request"] for run in truth_of(tmp_path / "out")["runs"]} == {None}


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        simulate(Plan(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "plan", [{"tests": 4, "runs": 1}, {"flaky": 0, "broken": 0, "outages": 0}, {"outages": 1, "runs": 3}]
)
def test_the_edges_of_a_plan(tmp_path, plan):
    done = simulate(Plan(**plan), tmp_path / "out")
    truth = truth_of(tmp_path / "out")
    assert (len(truth["tests"]), len(truth["runs"])) == (done.tests, done.runs)
    assert sum(run["outage"] for run in truth["runs"]) == done.outages
    if plan.get("flaky") == 0:
        assert done.first_failures == {"flake": 0, "broken": 0, "outage": 0, "pull_request": 0}
