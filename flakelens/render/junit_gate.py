"""The verdict as JUnit XML: each criterion a test case, for tools that know nothing else."""

from __future__ import annotations

from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from flakelens.gate.criterion import CriterionFinding
from flakelens.model import GateState
from flakelens.render.escape import plain
from flakelens.render.figures import criterion_title, iso, need
from flakelens.report import GateReport

_LONG = 4000


def gate_junit(report: GateReport) -> str:
    """One suite named after the gate.

    MET passes. In mode `enforce` NOT_MET is a failure and INCONCLUSIVE an error, so that both make a build red; where
    nothing is stopped (`observe`, `advise`, a waiver that holds) they are skipped, with the reason as message.
    """
    verdict = report.verdict
    waived = {finding.waiver.criterion for finding in verdict.waivers if finding.holds}
    suite = TestSuite(plain(verdict.title))
    suite.timestamp = iso(report.provenance.as_of).removesuffix("Z")
    for finding in verdict.criteria:
        case = TestCase(plain(criterion_title(finding)), classname=plain(verdict.title), time=0)
        stopped = "waived" if finding.id in waived else "" if verdict.mode == "enforce" else f"mode {verdict.mode}"
        if finding.state is not GateState.MET:
            case.result = [_result(finding, stopped)]
        suite.add_testcase(case)
    document = JUnitXml(plain(verdict.title))
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    out = BytesIO()
    document.write(out, pretty=True)
    text = out.getvalue().decode("utf-8")
    return text if text.endswith("\n") else text + "\n"


def _result(finding: CriterionFinding, stopped: str) -> Failure | Error | Skipped:
    why = plain(finding.why, _LONG)
    if stopped:
        return Skipped(f"{finding.state} ({stopped}): {why}", finding.state.value)
    kind = Failure if finding.state is GateState.NOT_MET else Error
    result = kind(why, finding.state.value)
    lines = [why, need(finding), *finding.evidence, *(f"- {step}" for step in finding.next_steps)]
    result.text = "\n".join(plain(line, _LONG) for line in lines if line)
    return result
