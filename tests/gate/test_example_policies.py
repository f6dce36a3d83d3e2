"""The policies of docs/policies: each is met by a history that a team can have, refuted by another, and left open by a
third.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flakelens.model import Event, GateState, RetryEvidence, RunReports
from flakelens.policy_text import parse
from tests.builders import a_commit, a_report, a_run, started_at
from tests.gate.conftest import Judge, the

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE
FOLDER = Path(__file__).parents[2] / "docs" / "policies"
NAMES = ("gate1-stabilisation", "infrastructure", "deployment", "post-deployment")


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def test_each_example_is_tested_here() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_valid_policy_beside_gate_1(name: str) -> None:
    assert "gate1" in parse(text_of(name)).gates


PLACES = {
    "AI": ("src/__tests__/api/ai/chat.test.ts", "jest"),
    "components": ("src/components/button.test.tsx", "jest"),
    "E2E": ("e2e/checkout.spec.ts", "playwright"),
}


def a_check(n: int, bad: str = "", **run: object) -> RunReports:
    """Run n of twelve tests in each area, three of them smoke tests; `bad` names one that fails."""
    reports = []
    for area, (file, producer) in PLACES.items():
        titles = [f"{area} opens {number}{' @smoke' if number <= 3 else ''}" for number in range(1, 13)]
        outcomes = {title: "F" if title == bad else "P" for title in titles}
        reports.append(
            a_report(n, outcomes, file=file, producer=producer, name=f"{area}.xml", retries=RetryEvidence.NONE)
        )
    return a_run(n, reports=reports, **run)  # type: ignore[arg-type]


def signed(gate: str, criterion: str, by: str = "Sam Secure", result: str = "passed") -> str:
    return (
        f'[[attested]]\ngate = "{gate}"\ncriterion = "{criterion}"\nby = "{by}"\nevidence = "https://example.test/1"\n'
        f'created = 2026-09-30T00:00:00Z\nexpires = 2026-10-20T00:00:00Z\nresult = "{result}"\n'
    )


READY = signed("infrastructure", "monitoring") + signed("infrastructure", "backup")
AUDITED = signed("deployment", "security-audit") + signed("deployment", "rollback-rehearsal", "Ann")


def staging(n: int, bad: str = "") -> RunReports:
    return a_check(n, bad, environment="staging")


@pytest.mark.parametrize(
    ("runs", "decisions", "state", "lacking"),
    [
        ([staging(n) for n in range(3)], READY, MET, []),
        ([staging(0), staging(1), staging(2, "E2E opens 2 @smoke")], READY, NOT_MET, ["smoke"]),
        # What is no smoke test does not stop the infrastructure.
        ([staging(0), staging(1), staging(2, "E2E opens 9")], READY, MET, []),
        ([staging(n) for n in range(3)], signed("infrastructure", "backup"), INCONCLUSIVE, ["monitoring"]),
        ([staging(n) for n in range(3)], READY + signed("infrastructure", "backup", result="failed"), NOT_MET,
         ["backup"]),
        # Runs of CI say nothing about the infrastructure.
        ([a_check(n) for n in range(30)], READY, INCONCLUSIVE, ["smoke", "recent"]),
    ],
)  # fmt: skip
def test_infrastructure(judge: Judge, runs: list[RunReports], decisions: str, state: GateState, lacking: list) -> None:
    found = judge(runs, policy=text_of("infrastructure"), decisions=decisions, gate="infrastructure")
    assert found.state is state, [finding.why for finding in found.criteria]
    assert [finding.id for finding in found.criteria if finding.state is not MET] == lacking
    assert bool(found.rollback) is (state is NOT_MET)


@pytest.mark.parametrize(
    ("runs", "decisions", "state", "lacking"),
    [
        ([a_check(n) for n in range(6)], AUDITED, MET, []),
        ([*(a_check(n) for n in range(5)), a_check(5, "AI opens 1 @smoke")], AUDITED, NOT_MET, ["smoke-ai"]),
        ([*(a_check(n) for n in range(5)), a_check(5, "E2E opens 3 @smoke")], AUDITED, NOT_MET, ["smoke-e2e"]),
        ([a_check(n) for n in range(4)], AUDITED, INCONCLUSIVE, ["smoke-ai"]),  # five runs are asked of AI
        ([a_check(n) for n in range(6)], "", INCONCLUSIVE, ["rollback-rehearsal", "security-audit"]),
        # Somebody who may not sign off the audit.
        ([a_check(n) for n in range(6)],
         signed("deployment", "security-audit", "Ann") + signed("deployment", "rollback-rehearsal", "Ann"),
         INCONCLUSIVE, ["security-audit"]),
        ([a_check(n) for n in range(6)], AUDITED + signed("deployment", "security-audit", "Kim Keys", "failed"),
         NOT_MET, ["security-audit"]),
    ],
)  # fmt: skip
def test_deployment(judge: Judge, runs: list[RunReports], decisions: str, state: GateState, lacking: list) -> None:
    found = judge(runs, policy=text_of("deployment"), decisions=decisions, gate="deployment")
    assert found.state is state, [finding.why for finding in found.criteria]
    assert [finding.id for finding in found.criteria if finding.state is not MET] == lacking


def test_a_deployment_asks_for_its_own_commit(judge: Judge) -> None:
    runs = [a_check(n) for n in range(6)]
    policy = text_of("deployment")
    assert judge(runs, policy=policy, decisions=AUDITED, gate="deployment", commit=a_commit(5)).state is MET
    found = judge(runs, policy=policy, decisions=AUDITED, gate="deployment", commit="f" * 40)
    assert found.state is INCONCLUSIVE


def production(n: int, bad: str = "", *, deployed: str = "a" * 40) -> RunReports:
    return a_check(n, bad, environment="production", commit=deployed, event=Event.SCHEDULE)


def hourly(bad: dict[int, str] | None = None, count: int = 25) -> list[RunReports]:
    return [production(n, (bad or {}).get(n, "")) for n in range(count)]


PAGE = "E2E opens 4"


@pytest.mark.parametrize(
    ("runs", "state", "says"),
    [
        (hourly(), MET, "24 complete checks over 24 h"),
        (hourly({7: PAGE}), MET, "no test failed in a row"),  # once in a day: the check's own flake
        (hourly({7: PAGE, 8: PAGE}), NOT_MET, '1 test failed in 2 checks in a row: "E2E opens 4"'),
        (hourly({7: PAGE, 8: PAGE}, 40), MET, "no test failed in a row"),  # and 24 hours have gone well since
        (hourly({24: PAGE}), INCONCLUSIVE, "failed in the newest check"),
        (hourly(count=13), INCONCLUSIVE, "12 h of 24 h since the deployment"),
        ([run for n, run in enumerate(hourly()) if n not in range(5, 9)], INCONCLUSIVE, "No complete check for 5 h"),
        # The old version's checks are not the new one's.
        ([*hourly(), *(production(n, deployed="b" * 40) for n in range(25, 28))], INCONCLUSIVE, "2 h of 24 h"),
        # What was rolled back to is deployed again, though its commit is old.
        ([*hourly(), *(production(n, PAGE, deployed="b" * 40) for n in range(25, 27)),
          *(production(n) for n in range(27, 30))], INCONCLUSIVE, "2 h of 24 h"),
        ([a_check(n) for n in range(30)], INCONCLUSIVE, "No check has run yet"),
    ],
)  # fmt: skip
def test_24_hours_after_a_deployment(judge: Judge, runs: list[RunReports], state: GateState, says: str) -> None:
    newest = max(run.info.started_at for run in runs)  # type: ignore[type-var]
    found = judge(runs, policy=text_of("post-deployment"), gate="post-deployment", as_of=newest + timedelta(minutes=10))
    watch = the(found, "watch")
    assert watch.state is state, watch.why
    assert says in watch.why
    assert found.rollback == ("vercel rollback --yes" if state is NOT_MET else "")


def test_a_watch_says_how_many_checks_are_left(judge: Judge) -> None:
    def left(runs: list[RunReports]) -> int | None:
        as_of = started_at(12) + timedelta(minutes=10)
        return the(
            judge(runs, policy=text_of("post-deployment"), gate="post-deployment", as_of=as_of), "watch"
        ).needs_runs

    assert left(hourly(count=13)) == 12  # 12:10 h are over, one check an hour
    assert left(hourly({11: PAGE, 12: PAGE}, 13)) is None  # no number of checks mends that
    assert left([run for n, run in enumerate(hourly(count=13)) if n not in range(5, 9)]) is None


def test_checks_of_one_commit_stay_checks_where_workflows_are_merged(judge: Judge) -> None:
    policy = 'run_key = "commit"\n' + text_of("post-deployment")
    watch = the(judge(hourly(), policy=policy, gate="post-deployment"), "watch")
    assert (watch.state, watch.observed and watch.observed.n) == (MET, 24)


def test_a_watch_leaves_no_outage_out(judge: Judge) -> None:
    """Everything fails for two hours and passes again: in CI an outage that no rate counts, here what one looks for."""
    every = [f"{area} opens {n}{' @smoke' if n <= 3 else ''}" for area in PLACES for n in range(1, 13)]

    def check(n: int) -> RunReports:
        down = n in (7, 8)
        reports = [
            a_report(n, dict.fromkeys([title for title in every if title.startswith(area)], "F" if down else "P"),
                     file=file, producer=producer, name=f"{area}.xml", retries=RetryEvidence.NONE)
            for area, (file, producer) in PLACES.items()
        ]  # fmt: skip
        return a_run(n, reports=reports, environment="production", commit="a" * 40, event=Event.SCHEDULE)

    found = judge([check(n) for n in range(25)], policy=text_of("post-deployment"), gate="post-deployment")
    assert the(found, "watch").state is NOT_MET
    assert "36 tests failed in 2 checks in a row" in the(found, "watch").why


def test_production_enters_no_gate_of_ci(judge: Judge) -> None:
    runs = [a_check(n) for n in range(40)]
    down = [production(n, "AI opens 1 @smoke") for n in range(41, 60)]
    for policy in ("", text_of("post-deployment")):
        found = judge([*runs, *down], policy=policy, as_of=started_at(60))
        assert the(found, "all-passing").state is MET


def a_week_run(n: int, bad: dict[str, str] | None = None) -> RunReports:
    """Run n of a suite with a test for each focus of the week."""
    suites = {
        "AI": ["openai mock answers", "matching ranks by skill"],
        "components": ["supabase mock keeps rows", "candidates page lists", "form keeps its text", "upload starts"],
        "E2E": ["job detail opens", "referral sends a mail", "pays by card at the checkout", "sign in works"],
    }  # fmt: skip
    reports = []
    for area, (file, producer) in PLACES.items():
        titles = [*suites[area], *(f"{area} {number}" for number in range(30))]
        outcomes = {title: (bad or {}).get(title, "P") for title in titles}
        variant = "Pixel 7" if area == "E2E" else ""
        reports.append(
            a_report(n, outcomes, file=file, producer=producer, name=f"{area}.xml", retries=RetryEvidence.NONE,
                     variant=variant)
        )  # fmt: skip
    return a_run(n, reports=reports)


def states(found: object) -> dict[str, str]:
    return {focus.name: focus.state.value for focus in found.focuses}  # type: ignore[attr-defined]


def test_the_focuses_of_a_week_come_by_their_days(judge: Judge) -> None:
    found = judge([a_week_run(n) for n in range(60)], policy=text_of("gate1-stabilisation"))
    assert found.state is MET, [finding.why for finding in found.criteria]
    assert [(focus.day, focus.name) for focus in found.focuses] == [
        ("1", "openai-mocks"), ("1", "supabase-mocks"), ("2", "candidates-page"), ("2", "job-detail"), ("3", "forms"),
        ("3", "referral"), ("3", "upload"), ("4", "payments"), ("4", "auth"), ("5", "ai-matching"), ("5", "mobile"),
    ]  # fmt: skip
    assert set(states(found).values()) == {"MET"}
    assert {focus.name for focus in found.focuses if focus.critical} == {"payments", "auth", "job-detail"}


def test_a_critical_focus_stops_the_gate_as_a_criterion_and_another_is_a_line(judge: Judge) -> None:
    policy = text_of("gate1-stabilisation")
    once = judge(
        [*(a_week_run(n) for n in range(59)), a_week_run(59, {"pays by card at the checkout": "F"})], policy=policy
    )
    assert the(once, "critical-focuses").state is NOT_MET
    assert states(once) | {"mobile": ""} == dict.fromkeys(states(once), "MET") | {
        "payments": "NOT_MET",
        "mobile": "",
    }

    broken = {"form keeps its text": "F"}
    found = judge([*(a_week_run(n) for n in range(50)), *(a_week_run(n, broken) for n in range(50, 60))], policy=policy)
    assert the(found, "critical-focuses").state is MET
    assert states(found)["forms"] == "NOT_MET"
    (forms,) = [focus for focus in found.focuses if focus.name == "forms"]
    assert "broken now" in forms.finding.why
    assert forms.owner == "@hirewell/web"


def test_a_week_without_runs_is_open(judge: Judge) -> None:
    found = judge([a_week_run(n) for n in range(2)], policy=text_of("gate1-stabilisation"))
    assert found.state is INCONCLUSIVE
    assert states(found)["payments"] == "INCONCLUSIVE"


def test_a_nightly_focus_is_judged_by_its_own_nights(judge: Judge) -> None:
    """Runs without a browser are no runs of what only the browser tests."""
    runs = []
    for n in range(24 * 30):
        if n % 4 and n % 24 != 20:
            continue
        run = a_week_run(n)
        runs.append(a_run(n, reports=[r for r in run.reports if n % 24 == 20 or r[1].producer != "playwright"]))
    found = judge(runs, policy=text_of("gate1-stabilisation"))
    assert states(found)["payments"] == "MET"
    assert the(found, "critical-focuses").state is MET


def test_a_focus_is_no_smaller_part_of_every_area(judge: Judge) -> None:
    """`areas = ["*"]` with a focus is one set of tests: an area without any of them is nothing that is missing."""
    found = judge([a_week_run(n) for n in range(5)], policy=text_of("gate1-stabilisation"))
    (critical,) = [finding for finding in found.criteria if finding.id == "critical-focuses"]
    assert (critical.area, critical.state) == ("payments, auth, job-detail", MET)
