"""analyze.causes and plan on the recorded runs, whose causes are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flakelens.analyze.causes import causes_report
from flakelens.decisions import Decisions
from flakelens.demo import ingest_recorded, recorded_runs
from flakelens.model import Outcome, TestId
from flakelens.plan import plan_report
from flakelens.policy_text import parse
from flakelens.report.causes import CauseLine, CausesReport
from flakelens.stats.signatures import Category, signature_of
from flakelens.store import Store, open_store

END = datetime(2026, 11, 21, tzinfo=UTC)
Truth = dict[str, Any]


@pytest.fixture(scope="module")
def truth() -> Truth:
    said: Truth = json.loads((recorded_runs() / "truth.json").read_text(encoding="utf-8"))
    return said


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path: Path = tmp_path_factory.mktemp("causes") / "recorded.db"
    with open_store(path, create=True) as opened:
        ingest_recorded(recorded_runs(), opened, ingested_at=END)
        yield opened


@pytest.fixture(scope="module")
def report(store: Store) -> CausesReport:
    return causes_report(store, parse(), Decisions(), as_of=END, over=True)


def folded(title: str) -> str:
    return " ".join(title.replace(" › ", " ").split())


def of_test(report: CausesReport, title: str) -> CauseLine:
    lines = (*report.clusters, *(line for group in report.singles for line in group))
    return next(line for line in lines if any(test.id.name == title for test in line.tests))


def test_tests_that_were_made_to_fail_together_are_one_cluster_and_nothing_else_is_in_it(
    truth: Truth, report: CausesReport
) -> None:
    (designed,) = truth["designed"]["co_failing"]
    expected = {TestId(test["file"], folded(test["title"]), test["project"] or "") for test in designed["tests"]}
    assert len(expected) == 5
    found = of_test(report, min(expected).name)
    assert {test.id for test in found.tests} == expected
    assert found.signature is not None
    assert found.signature.line == "Error: /rates did not answer within <time>"
    assert found.signature.category is Category.NETWORK
    assert found.signature.failures == found.signature.of == found.failures


def test_tests_that_one_commit_broke_are_one_cluster(truth: Truth, report: CausesReport) -> None:
    broken = {
        folded(test["title"])
        for test in truth["designed"]["tests"]
        if any(window["cause"] == "the texts changed, the tests did not" for window in test["windows"])
    }
    found = of_test(report, min(broken))
    assert {test.id.name for test in found.tests} == broken
    assert str(found.state) == "over"


def test_no_test_has_two_causes(report: CausesReport) -> None:
    tests = [test.id for line in report.clusters for test in line.tests]
    tests += [line.tests[0].id for group in report.singles for line in group]
    assert len(tests) == len(set(tests))


def test_the_outage_is_nobodys_cause(truth: Truth, report: CausesReport) -> None:
    assert report.left_out == len(truth["outages"])
    victims = max(len(line.tests) for line in report.clusters)
    assert victims <= 8  # 134 tests died in the outage


def test_every_recorded_message_has_a_signature_and_a_kind(store: Store) -> None:
    bad = (Outcome.FAILED, Outcome.FLAKY)
    pairs = [
        (one.key, test)
        for run in store.read().runs
        for one in run.reports
        for test, outcome in zip(one.tests.tolist(), one.outcomes.tolist(), strict=True)
        if outcome in bad
    ]
    said = [message for messages in store.messages(pairs).values() for message in messages]
    signatures = {signature_of(message.text, message.type) for message in said}
    assert len(said) > 200
    assert len(signatures) <= 32
    assert all(signature.line and signature.category is not Category.UNCLEAR for signature in signatures)
    assert not [signature.line for signature in signatures if "/home/" in signature.line or "\x1b" in signature.line]


def test_the_plan_of_an_early_week_leads_upwards(store: Store) -> None:
    plan = plan_report(store, parse(), Decisions(), "gate1", as_of=datetime(2026, 11, 1, tzinfo=UTC))
    assert plan.now is not None
    assert plan.settled is not None
    assert plan.pass_rate is not None
    assert plan.now.pass_rate == pytest.approx(plan.pass_rate.value)
    rates = [plan.now.pass_rate, plan.settled.pass_rate, *(step.after.pass_rate for step in plan.steps)]
    assert rates == sorted(rates)
    assert plan.steps
    greener = plan_report(store, parse(), Decisions(), "gate1", as_of=datetime(2026, 11, 1, tzinfo=UTC), order="runs")
    assert greener.steps[2].after.green_share >= plan.steps[2].after.green_share - 0.05


def test_an_unfinished_history_gives_an_empty_report() -> None:
    report = causes_report(None, parse(), Decisions(), as_of=END - timedelta(days=365))
    assert (report.runs, report.clusters, report.singles, report.matching) == (0, (), (), 0)
