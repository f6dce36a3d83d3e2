"""Everything that criteria say, word by word: tests/golden/gate/findings/ has one page for each of these histories.

Read them beside the history here. A figure, a sentence or a step that changes shows as a line of a file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from flakelens.gate.criterion import CriterionFinding
from flakelens.gate.verdict import Verdict
from flakelens.model import RetryEvidence, RunReports, TestId
from tests.builders import a_commit, a_report, a_run, a_suite_run, started_at
from tests.gate.conftest import Judge
from tests.gate.test_example_policies import PAGE, a_check, a_week_run, hourly, production, signed, text_of
from tests.goldens import same_as_golden


def page(found: Verdict) -> str:
    """The verdict with all its findings, a field a line."""
    lines = [f"{found.gate}: {found.state}, {found.decision}", *(f"  next: {step}" for step in found.next_steps)]
    lines += [f"  rollback: {found.rollback}"] if found.rollback else []
    for waiver in found.waivers:
        lines.append(f"  waiver of {waiver.waiver.criterion}: {'holds' if waiver.holds else waiver.why_not}")
    for finding in found.criteria:
        lines += ["", *_finding(finding)]
    for focus in found.focuses:
        head = f"focus {focus.name}, {focus.when}, {focus.owner}, critical {focus.critical}, {focus.tests} tests"
        lines += ["", head, *(f"  {line}" for line in _finding(focus.finding))]
    return "\n".join(lines) + "\n"


def _finding(finding: CriterionFinding) -> list[str]:
    lines = [f"{finding.id} ({finding.kind}) of {finding.area}: {finding.state}", f"  {finding.why}"]
    seen = finding.observed
    if seen is None:
        lines.append("  observed: nothing")
    else:
        span = f"{_figure(seen.low)} to {_figure(seen.high)}"
        lines.append(f"  observed: {_figure(seen.value)} ({span}), n {seen.n}, {seen.count}, by {seen.method}")
    lines.append(f"  required: {_figure(finding.required)}; needs {finding.needs_runs} runs")
    for name in ("repair_first", "evidence", "next_steps"):
        lines += [f"  {name}: {each}" for each in getattr(finding, name)]
    return [*lines, *(f"  test: {test.file} > {test.name} [{test.variant}]" for test in finding.tests)]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.6f}"


def suite(count: int, bad: Callable[[int], dict[str, str]] = lambda _: {}, **run: Any) -> list[RunReports]:
    return [a_suite_run(n, bad(n), **run) for n in range(count)]


def troubles(n: int) -> dict[str, str]:
    """Many at once: breaks of the past that were repaired, one of today, flakes, skipped and lost tests."""
    bad: dict[str, str] = {}
    for spell in range(7):
        if 3 * spell <= n < 3 * spell + 2:
            bad[f"components {spell + 1}"] = "F"
    if n >= 56:
        bad["components 9"] = "F"
    if 50 <= n < 53:
        bad["components 10"] = "F"
    if n in (20, 33, 52):
        bad["AI 4"] = "F"
    if n % 9 == 4:
        bad["E2E 7"] = "K"
    if n >= 40:
        bad |= {"components 20": "S", "components 21": "S", "E2E 20": ".", "AI 20": "."}
    return bad


def outages(n: int) -> dict[str, str]:
    """A fifth of the suite lost, again and again, and never confirmed as an outage: on each commit something else."""
    lost = range(1 + n % 7, 14 + n % 7) if n % 4 == 1 else ()
    return {f"{area} {number}": "F" for area in ("AI", "components", "E2E") for number in lost}


def hiding(run: RunReports) -> RunReports:
    reports = tuple(
        (replace(info, retries=RetryEvidence.HIDDEN), report) if report.producer == "playwright" else (info, report)
        for info, report in run.reports
    )
    return replace(run, reports=reports)


def without_commits(run: RunReports) -> RunReports:
    return replace(run, info=replace(run.info, commit=""))


def cut(run: RunReports) -> RunReports:
    reports = tuple(
        (info, replace(report, cases=report.cases[:12], sha256=f"{number:064x}"))
        for number, (info, report) in enumerate(run.reports)
    )
    return replace(run, reports=reports)


def moved(run: RunReports, title: str, file: str) -> RunReports:
    """The run with the test of that title in another file."""
    reports = []
    for info, report in run.reports:
        cases = tuple(
            case._replace(id=case.id._replace(file=file)) if case.id.name == title else case for case in report.cases
        )
        reports.append((info, replace(report, cases=cases)))
    return replace(run, reports=tuple(reports))


def unloaded(run: RunReports, file: str, *, empty: bool = False) -> RunReports:
    """The run with a suite of E2E that could not be loaded; `empty`: and nothing else of E2E."""
    reports = tuple(
        (info, replace(report, load_failures=(file,), cases=() if empty else report.cases, sha256="77" * 32))
        if report.name == "E2E.xml"
        else (info, report)
        for info, report in run.reports
    )
    return replace(run, reports=reports)


def entry(kind: str, name: str, *, created: int = 0, days: float = 20, more: str = "") -> str:
    begin = started_at(created)
    end = f"expires = {(begin + timedelta(days=days)).isoformat()}\n" if kind == "quarantine" else ""
    who = 'owner = "ada"' if kind == "quarantine" else 'by = "ada"'
    return (
        f'[[{kind}]]\n{who}\nreason = "known"\ncreated = {begin.isoformat()}\n{end}test = {{ name = "{name}" }}\n{more}'
    )


QUARANTINE = (
    entry("quarantine", "components 9")
    + entry("quarantine", "E2E 7", days=1)
    + entry("quarantine", "AI 4")
    + entry("quarantine", "nobody knows it")
    + entry("acknowledged", "components 20")
)
ATTESTED = (
    signed("infrastructure", "monitoring")
    + signed("infrastructure", "backup", by="Kim Keys", result="failed")
    + signed("deployment", "security-audit", by="Ann")
)
WAIVER = (
    f'[[waivers]]\ngate = "gate1"\ncriterion = "stable"\ncommit = "{a_commit(59)}"\nby = "ada"\nreason = "known"\n'
    f"created = {started_at(60).isoformat()}\nexpires = {(started_at(60) + timedelta(hours=24)).isoformat()}\n"
)
WATCH: dict[str, Any] = {"policy": text_of("post-deployment"), "gate": "post-deployment"}
LATER = '[[focus]]\nname = "some-day"\nmatch = ["form"]\nowner = "@hirewell/web"\n'
WEEK: dict[str, Any] = {"policy": text_of("gate1-stabilisation")}


def weak(n: int) -> dict[str, str]:
    return {f"components {number}": "F" for number in (1, 2, 3)} if n % 2 else {}


def long_ago(n: int) -> dict[str, str]:
    """A bad month, and 60 better runs that still prove nothing."""
    return (
        {f"components {1 + (n + k) % 30}": "F" for k in range(8)}
        if n < 60 and n % 3
        else {"AI 1": "F"}
        if n % 50 == 7
        else {}
    )


STORIES: dict[str, tuple[list[RunReports], dict[str, Any]]] = {
    "clean": (suite(40), {}),
    "three-runs": (suite(3), {}),
    "no-run": ([], {"as_of": started_at(1)}),
    "troubles": (suite(60, troubles), {"met_baseline": frozenset({TestId("src/components/button.test.tsx", "components 21", "")})}),
    "troubles-with-decisions": (suite(60, troubles), {"decisions": QUARANTINE + WAIVER, "as_of": started_at(61)}),
    "large-losses": (suite(60, outages), {}),
    "weak": (suite(40, weak), {}),
    "bad-and-few": (suite(6, lambda n: {f"components {k}": "F" for k in range(1, 4 + n % 2)}), {}),
    "outages-long-ago": (suite(110, lambda n: {f"{area} {k}": "F" for area in ("AI", "components", "E2E") for k in range(1, 29)} if n in (9, 20) else {}), {}),
    "a-bad-month": (suite(120, long_ago), {}),
    "hidden-retries": ([hiding(run) for run in suite(40)], {}),
    "hidden-lately": ([*suite(40), *(hiding(a_suite_run(n)) for n in range(40, 65))], {}),
    "cut-off": ([*suite(40), cut(a_suite_run(40))], {}),
    "no-commits": ([without_commits(run) for run in suite(12, troubles)], {}),
    "no-commits-cut-off": ([without_commits(run) for run in (*suite(12), cut(a_suite_run(12)))], {}),
    "old": (suite(40), {"as_of": started_at(40) + timedelta(days=9)}),
    "four-days-old": (suite(40), {"as_of": started_at(39) + timedelta(hours=96)}),
    "days-apart": ([a_suite_run(n, started=started_at(96 * n)) for n in range(12)], {"as_of": started_at(96 * 11) + timedelta(hours=97)}),
    "observed": (suite(15), {"policy": '[gates.gate1.criteria.pass-rate]\nevidence = "observed"'}),
    "no-commit-of-it": (suite(40), {"commit": "f" * 40}),
    "no-run-of-any-commit": ([], {"commit": "f" * 40, "as_of": started_at(1)}),
    "commit-cut-off": ([*suite(40), cut(a_suite_run(40))], {"commit": a_commit(40)}),
    "attested": ([a_check(n, environment="staging") for n in range(3)], {"policy": text_of("infrastructure"), "gate": "infrastructure", "decisions": ATTESTED}),
    "attested-by-others": ([a_check(n) for n in range(6)], {"policy": text_of("deployment"), "gate": "deployment", "decisions": ATTESTED}),
    "attested-and-over": ([a_check(n, environment="staging") for n in range(3)], {"policy": text_of("infrastructure"), "gate": "infrastructure", "decisions": ATTESTED, "as_of": started_at(24 * 40)}),
    "watch-met": (hourly(), WATCH),
    "watch-too-short": (hourly(count=13), WATCH),
    "watch-minutes": (hourly(count=1), WATCH | {"as_of": started_at(0) + timedelta(minutes=20)}),
    "watch-an-hour": (hourly(count=2), WATCH | {"as_of": started_at(1)}),
    "watch-begun-now": (hourly(count=1), WATCH | {"as_of": started_at(0)}),
    "watch-failed": (hourly({7: PAGE, 8: PAGE}), WATCH),
    "watch-shaky": (hourly({24: PAGE}), WATCH),
    "watch-gap": ([run for n, run in enumerate(hourly()) if n not in range(5, 9)], WATCH),
    "watch-gap-to-now": (hourly(count=13), WATCH | {"as_of": started_at(15) + timedelta(minutes=20)}),
    "watch-another-commit": ([*hourly(), *(production(n, deployed="b" * 40) for n in range(25, 28))], WATCH),
    "watch-none": ([a_check(n) for n in range(5)], WATCH),
    "week": ([a_week_run(n) for n in range(40)], WEEK),
    "week-and-later": ([a_week_run(n) for n in range(12)], {"policy": WEEK["policy"] + LATER}),
    "week-broken": ([*(a_week_run(n) for n in range(36)), *(a_week_run(n, {"form keeps its text": "F", "pays by card at the checkout": "F"}) for n in range(36, 40))], WEEK),
    "week-moved": ([*(a_week_run(n) for n in range(10)), moved(a_week_run(10), "pays by card at the checkout", "e2e/payment.spec.ts")], WEEK),
    "staging-not-loaded": ([*(a_check(n, environment="staging") for n in range(3)), unloaded(a_check(3, environment="staging"), "e2e/checkout.spec.ts", empty=True)], {"policy": text_of("infrastructure"), "gate": "infrastructure", "decisions": ATTESTED}),
    "staging-quarantine": ([a_check(n, environment="staging") for n in range(3)], {"policy": text_of("infrastructure"), "gate": "infrastructure", "decisions": ATTESTED + entry("quarantine", "E2E opens 1 @smoke", days=0.02)}),
    "watch-not-loaded": ([unloaded(run, "e2e/login.spec.ts") if 5 <= n < 9 else run for n, run in enumerate(hourly())], WATCH | {"policy": WATCH["policy"].replace('areas = ["*"]', 'areas = ["E2E"]')}),
    "no-area": ([a_run(n, outcomes={"stray": "P"}, file="lib/stray.test.ts") for n in range(12)], {}),
    "one-area": ([a_run(n, reports=[a_report(n, {f"AI {k}": "P" for k in range(9)}, file="src/api/ai/a.test.ts")]) for n in range(12)], {}),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_the_findings_of(judge: Judge, story: str) -> None:
    runs, given = STORIES[story]
    same_as_golden(f"gate/findings/{story}.txt", page(judge(runs, **given)))


def test_every_field_of_a_finding_is_on_the_page() -> None:
    shown = {
        "id",
        "kind",
        "area",
        "state",
        "observed",
        "required",
        "why",
        "needs_runs",
        "repair_first",
        "evidence",
        "next_steps",
        "tests",
    }
    assert set(CriterionFinding.__struct_fields__) == shown
