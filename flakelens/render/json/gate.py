"""`flakelens.gate/1`: the verdict for programs. The names are API; the bytes are what a verdict replays to.

History of the schema: 1, the first.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flakelens.gate.criterion import CriterionFinding, Observed
from flakelens.gate.focus import FocusFinding
from flakelens.gate.waivers import WaiverFinding
from flakelens.model import TestId
from flakelens.render.escape import json_text
from flakelens.render.figures import iso
from flakelens.report import AreaLine, GateReport, Rate

if TYPE_CHECKING:
    from flakelens.report.forecast import GatePlan

SCHEMA = "flakelens.gate/1"


def gate_json(report: GateReport, plan: GatePlan | None = None) -> str:
    """The document, with a line feed at its end. ASCII, keys in fixed order, floats unrounded: equal reports give equal
    bytes. The number of the recorded verdict is not in it, or a verdict could never replay to itself. A `plan` is its
    last key, where one is given: it is about waiting, not about the verdict, and no record holds it.
    """
    document = gate_document(report)
    if plan is not None:
        from flakelens.render.json.gate_plan import gate_plan_view  # few ask for it

        document["plan"] = gate_plan_view(plan)
    return json_text(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)) + "\n"


def gate_document(report: GateReport) -> dict[str, Any]:
    """The document as plain values, for other documents that hold a verdict."""
    verdict, basis = report.verdict, report.provenance
    waived = {finding.waiver.criterion for finding in verdict.waivers if finding.holds}
    return {
        "schema": SCHEMA,
        "gate": verdict.gate,
        "state": verdict.state.value,
        "decision": verdict.decision.value,
        "proceed": verdict.proceed,
        "mode": verdict.mode,
        "criteria": [_criterion(finding, finding.id in waived) for finding in verdict.criteria],
        "rollback": verdict.rollback or None,
        "focuses": [_focus(focus) for focus in verdict.focuses],
        "areas": [_area(line) for line in report.areas],
        "waivers": [_waiver(finding) for finding in verdict.waivers],
        "notices": list(report.notices),
        "provenance": {
            "branch": basis.branch,
            "window_runs": basis.window_runs,
            "from": basis.first or None,
            "to": basis.last or None,
            "commit": basis.commit or None,
            "as_of": iso(basis.as_of),
            "policy_sha256": basis.policy_sha256,
            "decisions_sha256": basis.decisions_sha256,
            "data_sha256": basis.data_sha256,
            "params_sha256": basis.params_sha256,
            "version": basis.version,
        },
    }


def _criterion(finding: CriterionFinding, waived: bool) -> dict[str, Any]:
    return {
        "id": finding.id,
        "kind": finding.kind,
        "area": finding.area,
        "state": finding.state.value,
        "observed": _observed(finding.observed),
        "required": finding.required,
        "why": finding.why,
        "needs_runs": finding.needs_runs,
        "repair_first": list(finding.repair_first),
        "evidence": list(finding.evidence),
        "next_steps": list(finding.next_steps),
        "tests": [_test(test) for test in finding.tests],
        "waived": waived,
    }


def _focus(focus: FocusFinding) -> dict[str, Any]:
    finding = focus.finding
    return {
        "focus": focus.name,
        "owner": focus.owner or None,
        "day": focus.day or None,
        "critical": focus.critical,
        "tests": focus.tests,
        "state": focus.state.value,
        "kind": finding.kind,
        "observed": _observed(finding.observed),
        "required": finding.required,
        "why": finding.why,
        "needs_runs": finding.needs_runs,
        "repair_first": list(finding.repair_first),
        "against": [_test(test) for test in finding.tests],
    }


def _observed(observed: Observed | None) -> dict[str, Any] | None:
    if observed is None:
        return None
    return {
        "value": observed.value,
        "low": observed.low,
        "high": observed.high,
        "n": observed.n,
        "method": observed.method,
    }


def _area(line: AreaLine) -> dict[str, Any]:
    return {
        "area": line.area,
        "tests": line.tests,
        "runs": line.runs,
        "pass_rate": _rate(line.pass_rate),
        "first_attempt_pass_rate": _rate(line.first_attempt_pass_rate),
        "p_green": line.p_green,
    }


def _rate(rate: Rate | None) -> dict[str, Any] | None:
    if rate is None:
        return None
    return {
        "passed": rate.passed,
        "executed": rate.executed,
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
    }


def _waiver(finding: WaiverFinding) -> dict[str, Any]:
    waiver = finding.waiver
    return {
        "criterion": waiver.criterion,
        "commit": waiver.commit,
        "by": waiver.by,
        "reason": waiver.reason,
        "created": iso(waiver.created),
        "expires": iso(waiver.expires),
        "holds": finding.holds,
        "why_not": finding.why_not or None,
    }


def _test(test: TestId) -> dict[str, str]:
    return {"file": test.file, "name": test.name, "variant": test.variant}
