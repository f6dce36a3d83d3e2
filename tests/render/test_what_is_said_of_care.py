"""Sentences for what is rare in verify, the quarantine, the shared history, the database and the forecast.

Each row is one situation, and what a reader must find in the text (or must not).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flakelens.decisions import QuarantineEntry, TestRef
from flakelens.facts import RunKey
from flakelens.model import GateState, Outcome, TestId
from flakelens.render.safe import shorten_middle
from flakelens.render.sync import SyncReport, sync_text
from flakelens.render.text.db import info_text
from flakelens.render.text.forecast import forecast_text
from flakelens.render.text.quarantine import list_text, suggestion_text
from flakelens.render.text.verify import verify_text
from flakelens.report import RunCell, TestLine, VerifyReport
from flakelens.report.forecast import ForecastReport, GateOutlook, GatePlan, ToRepair
from flakelens.report.quarantine import Quarantined, QuarantineReport, QuarantineSuggestion
from flakelens.stats.states import TestFinding, TestState
from flakelens.stats.turnover import Turnover
from flakelens.stats.verification import RateBasis, Repair
from flakelens.store import DERIVED, Room, StoreInfo

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
RUN = RunKey("github", "1007")


def one_line(text: str) -> str:
    return " ".join(text.split())


# --- verify


def a_line(name: str = "is sent", file: str = "src/mail.test.ts", **given: Any) -> TestLine:
    values: dict[str, Any] = {
        "id": TestId(file, name, ""),
        "reported": TestId(file, name, ""),
        "area": "components",
        "focuses": (),
        "finding": TestFinding(state=TestState.FLAKY, p_stable=0.1, p_flaky=0.9, p_broken=0.0),
        "quarantined": False,
        "runs": 40,
        "failures": 0,
        "flaky_runs": 4,
        "pass_rate": None,
        "first_attempt_pass_rate": None,
        "last_outcome": Outcome.PASSED,
        "last_run": RUN,
        "since_run": None,
        "since_commit": "",
        "strip": "PPKP",
    }
    return TestLine(**{**values, **given})


def a_cell(n: int) -> RunCell:
    return RunCell(
        run=RunKey("github", str(n)), commit=f"{n:040x}", started_at=NOW, counts=True, why_not="",
        outcome=Outcome.FLAKY if n % 2 else Outcome.FAILED, outage=False, partial=False, evidence=None,
    )  # fmt: skip


def a_verification(**given: Any) -> VerifyReport:
    values: dict[str, Any] = {
        "line": a_line(), "commit": "ab" * 20, "branch": "main", "state": Repair.HELD, "basis": RateBasis.RESULTS,
        "failures": 9, "results": 60, "rate": 0.15, "needed": 19, "clean": 25, "hidden": 0, "again": (), "clean_after": 0,
        "failed_before": RUN, "before": "PFP", "since": "PPP",
    }  # fmt: skip
    return VerifyReport(**{**values, **given})


@pytest.mark.parametrize(
    ("given", "said", "unsaid"),
    [
        ({}, ["The repair has held", "9 of 60 results"], ["rests on", "second attempts"]),
        (
            {"state": Repair.UNKNOWN, "failures": 0, "rate": None, "needed": None, "failed_before": None},
            ["Nothing to verify", "none of its 60 results on main before that commit is a failure"],
            ["through"],
        ),
        ({"failures": 1}, ["rests on one failure only"], []),
        ({"failures": 2}, ["rests on 2 failures only"], []),
        ({"failures": 1, "basis": RateBasis.BROKEN}, ["before, it failed in 1 result on end"], ["rests on"]),
        ({"hidden": 1}, ["1 pass since may have been second attempts"], []),
        (
            {"state": Repair.AGAIN, "again": tuple(map(a_cell, range(1, 9))), "clean_after": 2},
            ["It failed again", "in 8 runs", "and failed in 3 more runs since", "2 clean results after that"],
            [],
        ),
        (
            {"state": Repair.AGAIN, "again": (a_cell(1),), "needed": None, "rate": None},
            ["failed, then passed", "after that"],
            ["gets through"],
        ),
        ({"line": a_line(file="")}, ["is sent"], [".test.ts"]),
        ({"results": 0, "failures": 0, "failed_before": None}, ["0 of 0 results (-)"], ["last time"]),
    ],
)
def test_verify_says(given: dict[str, Any], said: list[str], unsaid: list[str]) -> None:
    shown = one_line(verify_text(a_verification(**given), width=300, colour=False))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown


# --- the quarantine


def an_entry(**given: Any) -> Quarantined:
    entry = QuarantineEntry(
        test=TestRef(name="is sent", file=given.pop("file", "")), owner="ada", reason="race",
        created=NOW - timedelta(days=3), expires=given.pop("expires", NOW + timedelta(days=9)), issue=given.pop("issue", ""),
    )  # fmt: skip
    return Quarantined(**{"entry": entry, "status": "active", "lines": (), "release": False, **given})


@pytest.mark.parametrize(
    ("entries", "said", "unsaid"),
    [
        ((), ["Nothing is in quarantine.", "✓ the quarantine keeps its limits"], ["May be released"]),
        ((an_entry(),), ["is sent", "9 days left", "ada: race"], ["https://tracker"]),
        ((an_entry(issue="https://tracker/1", file="src/a.test.ts"),), ["https://tracker/1", "src/a.test.ts"], []),
        ((an_entry(status="expired", expires=NOW - timedelta(days=1)),), ["expired 2026-11-19"], ["left"]),
        ((an_entry(status="unknown"),), ["no run knows it"], []),
        ((an_entry(release=True),), ["May be released", "flakelens quarantine remove 'is sent'"], []),
    ],
)
def test_the_list_of_the_quarantine_says(entries: tuple[Quarantined, ...], said: list[str], unsaid: list[str]) -> None:
    report = QuarantineReport(as_of=NOW, entries=entries, areas=(), faults=(), checked=True)
    shown = one_line(list_text(report, width=200, colour=False))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown


@pytest.mark.parametrize(
    ("given", "said", "unsaid"),
    [
        ({}, ["No test is suggested for quarantine."], ["  - "]),
        ({"suggested": (a_line(owner="@ada"),)}, ["1 flaky test might go", "an unknown share", "quarantine add TEST --reason"], ["--owner"]),
        ({"suggested": tuple(a_line(str(n)) for n in range(25))}, ["25 flaky tests might go", "and 5 more; --format json has all", "--owner NAME"], []),
        ({"full": (a_line(),)}, ["1 more flaky test in areas whose share is used up"], ["repair them first"]),
        ({"never": 2}, ["2 flaky tests in areas without any quarantine: repair them first"], ["broken"]),
        ({"repair": 1}, ["1 broken test: these are to be repaired, not hidden"], ["used up"]),
    ],
)  # fmt: skip
def test_suggestions_for_the_quarantine_say(given: dict[str, Any], said: list[str], unsaid: list[str]) -> None:
    found = QuarantineSuggestion(**{"suggested": (), "full": (), "never": 0, "repair": 0, **given})
    shown = one_line(suggestion_text(found, width=200, colour=False))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown


# --- the shared history, the database


def a_sync(**given: Any) -> SyncReport:
    values: dict[str, Any] = dict.fromkeys(SyncReport.__struct_fields__, 0)
    values |= {"direction": "pull", "remote": "dir:history", "window": None, "damaged": None, "refused": ()}
    return SyncReport(**{**values, **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "There is no shared history at dir:history yet"),
        ({"there": 3}, "Nothing new at dir:history"),
        ({"there": 3, "packs": 2, "runs": 2, "bytes": 2_500_000}, "Pulled 2 runs (0 reports) and 0 verdicts from dir:history: 2 packs, 2.5 MB."),
        ({"direction": "push"}, "Nothing to push: dir:history has everything."),
        ({"direction": "push", "packs": 1, "runs": 1, "verdicts": 2, "renames": 1, "bytes": 4_000}, "Pushed 1 run, 2 verdicts, 1 renamed file to dir:history: 1 pack, 4 kB."),
        ({"direction": "push", "packs": 1}, "Pushed joined packs to"),
        ({"left": 4, "window": 300}, "4 older packs left where they are: the newest 300 runs"),
        ({"joined": 31}, "31 packs of the history joined."),
        ({"skipped": 1}, "Left out 1 run that this database has pruned."),
        ({"local": 2}, "2 runs of this machine not shared: it is no CI."),
        ({"refused": tuple((f"p{n}", "it is cut off") for n in range(12))}, "12 packs could not be used: - p0: it is cut off"),
        ({"refused": tuple((f"p{n}", "it is cut off") for n in range(12))}, "and 2 more"),
    ],
)  # fmt: skip
def test_sync_says(given: dict[str, Any], said: str) -> None:
    shown = one_line(sync_text(a_sync(**given), width=300, colour=False))
    assert said in shown


def rooms(*names: str) -> dict[str, Room]:
    return {name: Room(runs=1, results=10, size=400) for name in names}


@pytest.mark.parametrize(
    ("given", "pruned", "said", "unsaid"),
    [
        ({"first_run": None, "last_run": None, "by_branch": {}}, 0, ["no run yet", "12 kB"], ["Runs by branch", "pruned"]),
        ({}, 3, ["3 runs pruned; their sums per test were kept", "7 runs from 2026-11-20"], ["more branch", "earlier month"]),
        ({"by_branch": rooms(*(f"b{n}" for n in range(9))), "size": 3_400_000}, 0, ["and 1 more branch", "3.4 MB"], []),
        ({"by_branch": rooms(*(f"b{n}" for n in range(10)))}, 0, ["and 2 more branches"], []),
        ({"by_branch": rooms(""), "size": 2_500_000_000}, 0, ["(unknown)", "2.50 GB"], []),
        ({"by_month": rooms(*(f"m{n}" for n in range(13)))}, 0, ["1 earlier month", "m12"], ["m0 "]),
        ({"before": Room(runs=2, results=90, size=4_000)}, 0, ["--keep-days 90 would take out 2 runs with 90 results: about 4 kB"], []),
        ({"before": Room(runs=2, results=90, size=0)}, 0, ["2 runs with 90 results. Sums"], ["results: about"]),
    ],
)  # fmt: skip
def test_db_info_says(given: dict[str, Any], pruned: int, said: list[str], unsaid: list[str]) -> None:
    values: dict[str, Any] = dict.fromkeys(StoreInfo.__struct_fields__, 0)
    values |= {"first_run": NOW, "last_run": NOW, "size": 12_000, "by_month": rooms("2026-11"), "before": Room(0, 0, 0)}
    values |= {"rows": {"run": 7, "verdict": 0, **dict.fromkeys(DERIVED, 0)}, "table_bytes": {"run": 4096}}
    values |= {"by_branch": {"main": Room(7, 70, 0)}, "index_bytes": {}}
    shown = one_line(info_text("a.db", StoreInfo(**{**values, **given}), pruned, days=90, width=100, colour=False))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown


# --- the forecast


def an_outlook(state: GateState = GateState.INCONCLUSIVE, **given: Any) -> GateOutlook:
    plan = GatePlan(
        gate="gate1", branch="main", state=state, as_of=NOW, missing=(), runs=9, expected=None, recent_clean=20, recent=30,
        batches=(),
    )  # fmt: skip
    values: dict[str, Any] = dict.fromkeys(GateOutlook.__struct_fields__)
    values |= {
        "plan": plan,
        "causes": (),
        "enough": True,
        "turnover": Turnover(days=30, repaired=4, arrived=2),
        "history_days": 40,
    }
    return GateOutlook(**{**values, **given})


REPAIR = ToRepair(tests=(TestId("a", "is sent", ""),), criteria=("stable",), pass_rate=None)
LATER = NOW + timedelta(days=20)
DATES = {"repaired": LATER, "earliest": LATER, "latest": None, "causes": (REPAIR, REPAIR)}


@pytest.mark.parametrize(
    ("outlook", "said", "unsaid"),
    [
        (an_outlook(GateState.MET), ["It is met now."], ["to repair"]),
        (an_outlook(), ["No test must be repaired first: clean runs are missing."], ["do not reach"]),
        (an_outlook(enough=False), ["The causes known so far do not reach the pass rate"], ["No test must"]),
        (an_outlook(turnover=None), ["cannot be said after 40 days of history"], ["In the last"]),
        (an_outlook(causes=(REPAIR,)), ["At this rate it takes more than"], []),
        (
            an_outlook(causes=(REPAIR,), turnover=Turnover(days=30, repaired=0, arrived=0)),
            ["the gate is not met: nothing is repaired"],
            [],
        ),
        (
            an_outlook(causes=(REPAIR,), turnover=Turnover(days=30, repaired=2, arrived=2)),
            ["as many causes come as are repaired"],
            [],
        ),
        (
            an_outlook(**DATES, enough=False),
            ["; that is not enough for the gate.", "not within", "the last of these is"],
            [],
        ),
        (an_outlook(**DATES), ["when the runs that prove it will have come cannot be said."], []),
        (
            an_outlook(**DATES, met=LATER, proof_runs=9),
            ["If the 9 runs after that are clean, the gate is met about"],
            [],
        ),
    ],
)
def test_the_outlook_says(outlook: GateOutlook, said: list[str], unsaid: list[str]) -> None:
    report = ForecastReport(branch="main", as_of=NOW, runs=40, history_days=40, areas=(), outlook=outlook)
    shown = one_line(forecast_text(report, width=300, colour=False))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown


# --- titles in little room


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 10, "short"),
        ("a long title", 0, ""),
        ("a long title", 1, "…"),
        ("a long title", 7, "a l…tle"),
        ("日本語のテスト", 5, "日…ト"),
        ("ae\u0301ae\u0301ae\u0301ae\u0301", 5, "ae\u0301…ae\u0301"),  # a mark keeps to its letter
        ("xxxxe\u0301", 3, "x…e\u0301"),
    ],
)
def test_the_middle_is_left_out(text: str, width: int, shown: str) -> None:
    assert shorten_middle(text, width) == shown
