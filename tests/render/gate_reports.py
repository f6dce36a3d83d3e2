"""Gate reports made by hand: what a renderer is given, with no statistics in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from flakelens.decisions import Waiver
from flakelens.gate.criterion import CriterionFinding, Observed
from flakelens.gate.focus import FocusFinding
from flakelens.gate.verdict import Decision, Verdict
from flakelens.gate.waivers import WaiverFinding
from flakelens.model import GateState, TestId
from flakelens.report import AreaLine, GateReport, Provenance, Rate

AS_OF = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
COMMIT = "4f2a9c1b7d3e5f60718293a4b5c6d7e8f9012345"

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE


def an_observed(
    passed: int, executed: int, *, low: float | None = None, high: float | None = None, n: int = 30
) -> Observed:
    return Observed(
        value=passed / executed, low=low, high=high, n=n, method="runs, Korn-Graubard", count=(passed, executed)
    )


def a_criterion(
    ident: str = "pass-rate", state: GateState = MET, *, kind: str = "", area: str = "all", **given: object
) -> CriterionFinding:
    values: dict[str, object] = {
        "observed": an_observed(10_400, 10_500, low=0.981, high=0.996),
        "required": 0.98,
        "why": "Pass rate after retries 10,400/10,500 = 99.05 % over 30 runs, at least 98.0 %, and the runs prove it.",
        "needs_runs": 0 if state is MET else None,
    }
    values.update(given)
    return CriterionFinding(id=ident, kind=kind or ident, area=area, state=state, **values)  # type: ignore[arg-type]


def a_rate(passed: int, executed: int, low: float | None = None, high: float | None = None) -> Rate:
    return Rate(passed=passed, executed=executed, low=low, high=high)


def an_area(area: str, **given: object) -> AreaLine:
    values: dict[str, object] = {
        "tests": 40,
        "runs": 30,
        "pass_rate": a_rate(1198, 1200, 0.9938, 0.9999),
        "first_attempt_pass_rate": a_rate(1190, 1200, 0.984, 0.996),
        "first_attempt_hidden": 0,
        "p_green": 0.9516129032258065,
    }
    values.update(given)
    return AreaLine(area=area, **values)  # type: ignore[arg-type]


def a_report(criteria: tuple[CriterionFinding, ...], **given: object) -> GateReport:
    states = [finding.state for finding in criteria]
    state = NOT_MET if NOT_MET in states else INCONCLUSIVE if INCONCLUSIVE in states else MET
    verdict = Verdict(
        gate="gate1",
        title="Gate 1: test reliability",
        mode="enforce",
        state=state,
        decision=Decision.PROCEED if state is MET else Decision.STOP,
        criteria=criteria,
        waivers=(),
        removed=(),
    )
    values: dict[str, object] = {
        "verdict": verdict,
        "areas": (),
        "bridge": "Your console says 868/900 = 96.4 %; the gate says so.",
        "notices": (),
        "provenance": Provenance(
            branch="main",
            window_runs=120,
            first="8100",
            last="8219",
            commit=COMMIT,
            as_of=AS_OF,
            policy_sha256="a" * 64,
            decisions_sha256="b" * 64,
            data_sha256="c" * 64,
            params_sha256="d" * 64,
            version="0.1.0",
        ),
    }
    values.update(given)
    return GateReport(**values)  # type: ignore[arg-type]


def with_verdict(report: GateReport, **given: object) -> GateReport:
    return replace(report, verdict=replace(report.verdict, **given))  # type: ignore[arg-type]


def met() -> GateReport:
    return a_report(
        (
            a_criterion(evidence=("The last 10 runs stand at 99.3 %, a run counting 10 % at most.",)),
            a_criterion("all-passing", area="AI", observed=an_observed(40, 40, n=3), required=1.0,
                        why="All 40 active tests passed in each of the newest 3 complete runs.",
                        evidence=("12 clean runs in a row still allow that up to 22.1 % of runs fail somewhere.",)),
            a_criterion("complete", area="AI, components, E2E", observed=an_observed(3, 3, n=1), required=1.0,
                        why="The newest run of each area is complete, the oldest of them 2 h old."),
        ),
        areas=(
            an_area("AI", pass_rate=a_rate(1200, 1200, 0.9823, 1.0), p_green=0.9838709677419355),
            an_area("components", tests=150, pass_rate=a_rate(4478, 4500, 0.9921, 0.9971),
                    first_attempt_pass_rate=None, first_attempt_hidden=30, p_green=0.7258064516129032),
            an_area("E2E", first_attempt_hidden=4),
        ),
        bridge="Your console says 1,104/1,110 = 99.5 %; the gate says MET: every criterion holds.",
        number=17,
    )  # fmt: skip


def not_met() -> GateReport:
    broken = TestId("src/__tests__/app/upload-dialog.test.tsx", "UploadDialog shows progress › while sending", "")
    flaky = TestId("src/__tests__/api/ai/chat.test.ts", "chat answers with an empty context", "")
    return a_report(
        (
            a_criterion(
                "pass-rate", NOT_MET, observed=an_observed(25_995, 27_000, low=0.9571, high=0.9682), needs_runs=41,
                why="Pass rate after retries 25,995/27,000 = 96.28 % over 30 runs, below 98.0 %.",
            ),
            a_criterion(
                "all-passing", NOT_MET, area="AI", observed=an_observed(39, 40, n=3), required=1.0, needs_runs=29,
                why=f'1 test failed or flaked in the newest 3 complete runs: "{flaky.name}".', tests=(flaky,),
                next_steps=(f'flakelens show "{flaky.name}"',),
            ),
            a_criterion(
                "stable", NOT_MET, area="components", observed=an_observed(4_410, 4_500, low=0.97, high=0.99),
                why=f'1 test broken now: "{broken.name}".', tests=(broken,),
                repair_first=(f'repair "{broken.name}", broken now',),
                evidence=("A run of components is all green with probability 1.6 %.",),
                next_steps=(f'flakelens show "{broken.name}"',),
            ),
            a_criterion(
                "reliable", INCONCLUSIVE, area="E2E", observed=None, required=0.95,
                why="Only 0 of the newest 30 runs show their first attempts; 10 are asked for.",
                next_steps=("playwright.config.ts: reporter: [['junit', { includeRetries: true }]]",),
            ),
            a_criterion("complete", area="AI, components, E2E", observed=an_observed(3, 3, n=1), required=1.0,
                        why="The newest run of each area is complete, the oldest of them 2 h old."),
        ),
        areas=(
            an_area("AI"),
            an_area("components", tests=150, pass_rate=a_rate(4410, 4500, 0.9701, 0.9899), p_green=0.016),
            an_area("E2E", first_attempt_pass_rate=None, first_attempt_hidden=30),
            an_area("unassigned", tests=3, runs=4, pass_rate=a_rate(11, 12), p_green=0.7),
        ),
        notices=("14 runs beside the gated branch do not count: 14 pull request.",),
        bridge="Your console says 868/900 = 96.4 %; the gate says NOT MET: pass rate after retries 25,995/27,000 = "
        "96.28 % over 30 runs, below 98.0 %.",
        number=18,
    )  # fmt: skip


def inconclusive() -> GateReport:
    return a_report(
        (
            a_criterion("pass-rate", INCONCLUSIVE, observed=None, needs_runs=29,
                        why="No run has results to take a pass rate after retries from."),
            a_criterion("complete", INCONCLUSIVE, area="AI, components, E2E", observed=an_observed(0, 3, n=1),
                        required=1.0, why="AI: no run yet; components: no run yet; E2E: no run yet.",
                        next_steps=("run the AI suite on the gated branch and ingest its reports",)),
        ),
        areas=(an_area("AI", tests=0, runs=0, pass_rate=None, first_attempt_pass_rate=None, p_green=None),),
        notices=("There is no database flakelens.db yet, so the history is empty. Next: flakelens ingest PATH",),
        bridge="The gate says INCONCLUSIVE: No run has results to take a pass rate after retries from.",
        provenance=replace(met().provenance, window_runs=0, first="", last="", commit=""),
    )  # fmt: skip


def a_waiver(criterion: str = "stable", **given: str) -> Waiver:
    values: dict[str, object] = {
        "gate": "gate1",
        "criterion": criterion,
        "commit": COMMIT,
        "by": "Ann Example",
        "reason": "the dialog is behind a flag",
    }
    values.update(given)
    return Waiver(created=AS_OF - timedelta(hours=2), expires=AS_OF + timedelta(hours=22), **values)  # type: ignore[arg-type]


def waived() -> GateReport:
    report = met()
    stable = next(finding for finding in not_met().verdict.criteria if finding.id == "stable")
    return with_verdict(
        replace(
            report, number=19, bridge="Your console says 1,104/1,110 = 99.5 %; the gate says NOT MET: " + stable.why
        ),
        state=NOT_MET,
        criteria=(stable, *report.verdict.criteria),
        decision=Decision.WAIVED,
        waivers=(
            WaiverFinding(waiver=a_waiver(), holds=True),
            WaiverFinding(waiver=a_waiver("all-passing"), holds=False, why_not="AI cannot be waived (waivers.never)"),
        ),
    )


def deployment() -> GateReport:
    """A gate of production: a watch that failed, sign-offs, focuses, and the way back."""
    page = TestId("e2e/checkout.spec.ts", "checkout › pays by card", "Pixel 7")
    report = a_report(
        (
            a_criterion(
                "watch", NOT_MET, kind="soak", required=1.0, tests=(page,),
                observed=Observed(value=0.75, low=None, high=None, n=18, method="hours since the deployment",
                                  count=(18, 24)),
                why='1 test failed in 2 checks in a row: "checkout › pays by card [Pixel 7]".',
                evidence=("214 of 216 results passed in 18 checks.",),
            ),
            a_criterion(
                "rehearsal", MET, kind="attested", area="", observed=None, required=1.0,
                why="Ann Example signed off the way back on 2026-11-12, until 2026-12-12 (21 days left).",
                evidence=("Evidence given: https://example.test/rehearsal",),
            ),
            a_criterion(
                "security-audit", INCONCLUSIVE, kind="attested", area="", observed=None, required=1.0,
                why="Nobody has signed off: security audit of the release.",
                repair_first=("let Sam Secure sign off: security audit of the release",),
                next_steps=("flakelens attest next --criterion security-audit --by 'Sam Secure'",),
            ),
        ),
        bridge="Your console says 11/12 = 91.7 %; the gate says NOT MET because 1 test failed in 2 checks in a row.",
    )  # fmt: skip
    forms = a_criterion(
        "forms", NOT_MET, kind="stable", area="forms", observed=an_observed(288, 300, low=0.94, high=0.98),
        why='1 test broken now: "form keeps its text".', repair_first=('repair "form keeps its text", broken now',),
    )  # fmt: skip
    payments = a_criterion(
        "payments", MET, kind="all-passing", area="payments", observed=an_observed(9, 9, n=3), required=1.0,
        why="All 9 active tests passed in each of the newest 3 complete runs.",
    )  # fmt: skip
    return with_verdict(
        report,
        gate="next",
        title="24 hours after the deployment",
        rollback="vercel rollback --yes",
        focuses=(
            FocusFinding(name="forms", owner="@web", day="3", critical=False, tests=30, finding=forms),
            FocusFinding(
                name="payments", owner="@pay | <b>", day="2026-11-23", critical=True, tests=9, finding=payments
            ),
        ),
    )


REPORTS = {"deployment": deployment, "met": met, "not-met": not_met, "inconclusive": inconclusive, "waived": waived}
