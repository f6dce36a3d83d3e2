"""Sentences for what is rare in causes, plans and briefs: long lists, nothing known, what other tests do not lead to.

Each row is one situation, and what a reader must find in the text (or must not).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flakelens.facts import RunKey
from flakelens.model import GateState, TestId
from flakelens.render.markdown.brief_cause import cause_markdown
from flakelens.render.text.causes import causes_text
from flakelens.render.text.plan import plan_text
from flakelens.report import FailureGroup
from flakelens.report.brief import CauseBrief, CauseFailure, GroupRun, Line
from flakelens.report.causes import (
    CauseLine,
    CausesReport,
    CauseState,
    CauseTest,
    FactorLine,
    PlanReport,
    PlanStep,
    SignatureLine,
)
from flakelens.reproduce import Command, GroupCommand
from flakelens.stats.fixplan import Figures
from flakelens.stats.price import Price, Saving
from flakelens.stats.signatures import Category

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
RUN = RunKey("github", "1007")


def one_line(text: str) -> str:
    return " ".join(text.split())


# --- causes and plan

NOTHING = Saving(runs=0, reruns=0, minutes=None, timed=0, pull_request_runs=0, pull_requests=0)
SOME = Saving(runs=3, reruns=1, minutes=12.0, timed=3, pull_request_runs=1, pull_requests=1)
PRICE = Price(runs=40, failed=9, alone=8, reruns=1, minutes=60.0, timed=9, pull_request_runs=0, pull_requests=0)


def a_cause_test(n: int = 1, **given: Any) -> CauseTest:
    values: dict[str, Any] = {
        "id": TestId("src/a.test.ts", f"test {n}", ""), "area": "components", "state": "flaky", "runs": 10 - n % 9, "owner": "",
    }  # fmt: skip
    return CauseTest(**{**values, **given})


def a_signature(**given: Any) -> SignatureLine:
    values: dict[str, Any] = {
        "hash": "0123456789ab", "line": "no mail", "example": "no mail within 5 s", "category": Category.UNCLEAR,
        "failures": 9, "of": 9,
    }  # fmt: skip
    return SignatureLine(**{**values, **given})


def a_factor(**given: Any) -> FactorLine:
    values: dict[str, Any] = {
        "factor": "job", "level": "e2e", "failed": 8, "ran": 20, "failed_elsewhere": 1, "ran_elsewhere": 20,
        "odds_ratio": 12.7, "low": 1.4, "high": 114.0, "not_separable_from": (),
    }  # fmt: skip
    return FactorLine(**{**values, **given})


def a_cause(tests: int = 2, **given: Any) -> CauseLine:
    values: dict[str, Any] = {
        "id": "c0ffee", "state": CauseState.FLAKY, "tests": tuple(map(a_cause_test, range(1, tests + 1))),
        "areas": ("components",), "files": ("src/a.test.ts",), "signature": a_signature(), "factors": (), "runs": 9,
        "failures": 9, "flaky": 2, "first": RUN, "last": RUN, "owners": (), "price": PRICE,
    }  # fmt: skip
    return CauseLine(**{**values, **given})


def figures(rate: float) -> Figures:
    return Figures(pass_rate=rate, first_attempt_pass_rate=None, green_share=0.5)


def a_plan(rates: list[float], **given: Any) -> PlanReport:
    steps = tuple(PlanStep(cause=a_cause(), after=figures(rate), saves=NOTHING) for rate in rates)
    values: dict[str, Any] = {
        "gate": "gate1", "criterion": "pass-rate", "branch": "main", "required": 0.98, "state": GateState.NOT_MET,
        "pass_rate": None, "window_runs": 30, "planned_runs": 60, "held_out": True, "now": figures(0.964),
        "settled": figures(0.964), "repaired": 0, "steps": steps, "enough": None,
    }  # fmt: skip
    return PlanReport(**{**values, **given})


@pytest.mark.parametrize(
    ("report", "said", "unsaid"),
    [
        (a_plan([], now=None, settled=None), ["No run has results to plan with yet"], ["REPAIR"]),
        (a_plan([0.99], enough=1), ["this cause takes you to 99.0 %"], ["causes take", "more cause"]),
        (a_plan([0.97, 0.985], enough=2), ["these 2 causes take you to 98.5 %"], ["together"]),
        (
            a_plan([0.97, 0.985], enough=2, steps=tuple(PlanStep(cause=a_cause(), after=figures(r), saves=SOME) for r in (0.97, 0.985))),
            ["Steps 1 to 2 together"],
            [],
        ),
        (a_plan([], enough=0, settled=figures(0.99), repaired=2), ["what is repaired already takes you to 99.0 %", "2 tests repaired already"], []),
        (a_plan([0.97]), ["The causes known so far lead to 97.0 %: the rest are failures that have no cause yet"], []),
        (a_plan([]), ["The causes known so far lead to 96.4 %"], []),
        (a_plan([], now=figures(0.99), enough=0), ["You are at 99.0 %; gate1 asks for 98 %"], ["cause left", "causes left"]),
        (a_plan([0.995], now=figures(0.99), enough=0), ["1 cause left: without them 50.0 % of runs are green"], []),
        (a_plan([0.99] * 7, enough=1), ["and 3 more causes; -v shows them"], []),
        (a_plan([0.99], enough=1, held_out=False, planned_runs=8), ["With 8 runs the same runs choose and are replayed"], ["every other one"]),
    ],
)  # fmt: skip
def test_plan_says(report: PlanReport, said: list[str], unsaid: list[str]) -> None:
    shown = one_line(plan_text(report, width=300, colour=False))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown


def test_causes_say_how_many_are_not_listed_and_how_sure_a_factor_is() -> None:
    cause = a_cause(
        12, signature=None, factors=(a_factor(), a_factor(odds_ratio=None, low=None, high=None, failed_elsewhere=0))
    )
    report = CausesReport(branch="main", runs=40, left_out=1, clusters=(cause,), singles=(), matching=1, over=2)
    shown = one_line(causes_text(report, width=200, colour=False))
    for said in (
        "its failures said nothing",
        "odds × 12.7 (1.4 to 114.0)",
        "more tests; -v lists them",
        "1 outage left out",
    ):
        assert said in shown, shown
    assert "-v lists them" not in causes_text(report, width=200, colour=False, verbose=True)


# --- the brief of a cause


def a_group(**given: Any) -> FailureGroup:
    values: dict[str, Any] = dict.fromkeys(FailureGroup.__struct_fields__)
    values |= {
        "text": "Error: no mail",
        "first_line": "Error: no mail",
        "count": 3,
        "runs": 3,
        "first": RUN,
        "last": RUN,
    }
    return FailureGroup(
        **{name: value for name, value in {**values, **given}.items() if name in FailureGroup.__struct_fields__}
    )


def a_failure(n: int = 1, **given: Any) -> CauseFailure:
    values: dict[str, Any] = {
        "headline": f"no mail {n}", "category": Category.UNCLEAR, "group": a_group(), "tests": (TestId("a", "b", ""),),
        "lines": (), "shared": (),
    }  # fmt: skip
    return CauseFailure(**{**values, **given})


def a_brief(**given: Any) -> CauseBrief:
    values: dict[str, Any] = {
        "cause": a_cause(), "branch": "main", "runs": 40, "several": 7, "failing": 9, "tried": 20, "rate": 0.45, "repeats": 6,
        "hidden": False, "began": None, "failures": (), "commands": (), "clean_needed": 30,
    }  # fmt: skip
    return CauseBrief(**{**values, **given})


def a_command(**given: Any) -> GroupRun:
    values: dict[str, Any] = {
        "variant": "chromium", "tests": 2,
        "command": GroupCommand(Command("playwright", "npx playwright test a", ""), whole_files=False),
    }  # fmt: skip
    return GroupRun(**{**values, **given})


WHOLE = GroupCommand(Command("playwright", "npx playwright test a", ""), whole_files=True)


@pytest.mark.parametrize(
    ("given", "said", "unsaid"),
    [
        ({}, ["The command line of the tool that runs these tests is not known here", "30 runs in a row"], ["hide retries"]),
        ({"cause": a_cause(signature=None)}, ["# Repair: what 2 tests share"], ["say the same", "a guess"]),
        ({"cause": a_cause(signature=a_signature(category=Category.TIMEOUT))}, ["a guess from its message"], []),
        ({"cause": a_cause(signature=a_signature(failures=1, of=4))}, [], ["say the same"]),
        ({"cause": a_cause(files=())}, ["unknown: the reports carry no path"], []),
        ({"cause": a_cause(failures=0)}, ["2 flakes"], ["failures, "]),
        ({"cause": a_cause(25)}, ["and 5 more tests; `--format json` has all", "These fail most"], []),
        ({"hidden": True}, ["hide retries: failures that a retry passed over are not in these counts"], []),
        ({"rate": None, "clean_needed": None}, [], ["How to know that it is fixed", "How often"]),
        ({"clean_needed": None}, ["After the repair, ask with:"], ["in a row"]),
        ({"failures": tuple(map(a_failure, range(7)))}, ["How they fail: 7 kinds", "and 2 more kinds"], []),
        ({"failures": (a_failure(shared=(Line(file="src/mail.ts", line=3, source="send()"),)),)}, ["Outside of the test files", "src/mail.ts"], ["In the test files"]),
        ({"failures": (a_failure(lines=(Line(file="src/a.test.ts", line=3, source=""),), group=a_group(count=1, runs=1)),)}, ["In the test files", "once in 1 run"], ["Outside of"]),
        ({"commands": (a_command(),)}, ["Once, the 2 tests together:", "6 tries show"], ["in project"]),
        ({"commands": (a_command(tests=1), a_command(variant="webkit"))}, ["Once, its one test in project `chromium`", "in project `webkit`"], []),
        ({"commands": (a_command(command=WHOLE),), "repeats": 1}, ["the whole files of 2 tests", "one try is enough"], ["tries show"]),
        ({"commands": (a_command(),), "repeats": None}, ["If they pass here"], ["tries show", "one try"]),
    ],
)  # fmt: skip
def test_the_brief_of_a_cause_says(given: dict[str, Any], said: list[str], unsaid: list[str]) -> None:
    shown = one_line(cause_markdown(a_brief(**given)))
    assert [each for each in said if each not in shown] == [], shown
    assert [each for each in unsaid if each in shown] == [], shown
