"""verify on the recorded runs of real tests, whose flakes were repaired in commits that truth.json names."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flakelens.analyze.verify import verify_report
from flakelens.decisions import Decisions
from flakelens.demo import ingest_recorded
from flakelens.policy_text import parse
from flakelens.stats.verification import Repair
from flakelens.store import Store, open_store

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
TRUTH = json.loads((RECORDED / "truth.json").read_text(encoding="utf-8"))
LATER = datetime(2026, 12, 1, tzinfo=UTC)
NAMED_EARLY = TRUTH["commits"][len(TRUTH["commits"]) // 3]["commit"]  # long before the flakes were repaired


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("recorded") / "recorded.db", create=True) as opened:
        ingest_recorded(RECORDED, opened, ingested_at=LATER)
        yield opened


def repaired() -> list[tuple[str, str]]:
    """The flaky tests of the recorded application that were repaired: how to name them, and the commit."""
    order = [change["commit"] for change in TRUTH["commits"]]
    found = []
    for test in TRUTH["designed"]["tests"]:
        ends = [window["to_commit"] for window in test["windows"] if window["state"] == "flaky"]
        if test["kind"] == "flaky" and ends and ends[-1] in order and order.index(ends[-1]) > order.index(NAMED_EARLY):
            project = f" [{test['project']}]" if test["project"] else ""
            found.append((f"{test['file'].removeprefix('e2e/')} > {test['title']}{project}", ends[-1]))
    return found


def state(store: Store, test: str, commit: str) -> Repair:
    return verify_report(store, parse(), Decisions(), as_of=LATER, test=test, since=commit).state


def test_no_real_repair_is_called_a_failure_and_the_frequent_flakes_are_verified(store):
    said = Counter(state(store, test, commit) for test, commit in repaired())
    assert said.keys() <= {Repair.HELD, Repair.EARLY, Repair.UNKNOWN}
    assert said[Repair.HELD] >= 5


def test_long_before_the_real_repair_hardly_anything_is_called_held(store):
    """Two of 17 are: two tests that flaked 3 and 5 times in 26 runs, and then in none of the next 57."""
    said = Counter(state(store, test, NAMED_EARLY) for test, _ in repaired())
    assert said.total() >= 15
    assert said[Repair.HELD] <= 2
    assert said[Repair.AGAIN] >= 6
