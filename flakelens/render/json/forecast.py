"""`flakelens forecast --format json`: the frozen view `flakelens.forecast/1`."""

from __future__ import annotations

import json
from typing import Any

from flakelens.render.escape import json_text
from flakelens.render.figures import iso
from flakelens.render.json.gate_plan import gate_plan_view
from flakelens.report import Rate
from flakelens.report.forecast import AreaForecast, ForecastReport, GateOutlook, GreenChance, ToRepair, TrendLine
from flakelens.stats.next_run import NextRun

SCHEMA = "flakelens.forecast/1"


def forecast_json(report: ForecastReport) -> str:
    """The document as ASCII, with a line feed at its end. Shares are from 0 to 1, what is not known is null."""
    document = {
        "schema": SCHEMA,
        "branch": report.branch,
        "as_of": iso(report.as_of),
        "runs": report.runs,
        "history_days": report.history_days,
        "areas": [_area(area) for area in report.areas],
        "gate": _outlook(report.outlook) if report.outlook else None,
    }
    return json_text(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)) + "\n"


def _area(area: AreaForecast) -> dict[str, Any]:
    return {
        "area": area.area,
        "tests": area.tests,
        "broken": area.broken,
        "p_green": _green(area.green) if area.green else None,
        "pass_rate": _rate(area.now, area.next_run),
        "first_attempt_pass_rate": _rate(area.first_now, area.first_next),
        "trends": [_trend(line) for line in area.trends],
    }


def _green(green: GreenChance) -> dict[str, Any]:
    return {"value": green.value, "low": green.low, "high": green.high, "green_runs": green.green, "runs": green.runs}


def _rate(now: Rate | None, coming: NextRun | None) -> dict[str, Any] | None:
    if now is None:
        return None
    return {
        "now": now.value,
        "passed": now.passed,
        "executed": now.executed,
        "next_run": 1 - coming.failing if coming else None,
        "mean_error": coming.error if coming else None,
        "checked_runs": coming.checked if coming else None,
    }


def _trend(line: TrendLine) -> dict[str, Any]:
    change = line.change
    return {
        "rate": line.rate,
        "days": line.days,
        "against_days": line.against,
        "runs": line.runs,
        "runs_before": line.runs_before,
        "whole": line.reaches,
        "now": change.now if change else None,
        "before": change.before if change else None,
        "change": change.value if change else None,
        "low": change.low if change else None,
        "high": change.high if change else None,
        "shown": change.shown if change else None,
    }


def _outlook(outlook: GateOutlook) -> dict[str, Any]:
    flow = outlook.turnover
    return {
        "gate": outlook.plan.gate,
        "state": outlook.plan.state.value,
        "causes": [_cause(cause) for cause in outlook.causes],
        "causes_are_enough": outlook.enough,
        "turnover": {"days": flow.days, "repaired": flow.repaired, "arrived": flow.arrived} if flow else None,
        "repaired_by": iso(outlook.repaired) if outlook.repaired else None,
        "repaired_earliest": iso(outlook.earliest) if outlook.earliest else None,
        "repaired_latest": iso(outlook.latest) if outlook.latest else None,
        "proof_runs": outlook.proof_runs,
        "expected": iso(outlook.met) if outlook.met else None,
        "clean_runs_alone": gate_plan_view(outlook.plan),
    }


def _cause(cause: ToRepair) -> dict[str, Any]:
    return {
        "tests": [{"file": test.file, "name": test.name, "variant": test.variant} for test in cause.tests],
        "criteria": list(cause.criteria),
        "pass_rate_after": cause.pass_rate,
    }
