"""The `plan` of `flakelens.gate/1`, which is there only when it is asked for, and of `flakelens.forecast/1`."""

from __future__ import annotations

from typing import Any

from flakelens.render.figures import iso
from flakelens.report.forecast import Batch, GatePlan, Missing


def gate_plan_view(plan: GatePlan) -> dict[str, Any]:
    """Plain values in a fixed order; moments in UTC, unknown ones null."""
    return {
        "needs_runs": plan.runs,
        "expected": iso(plan.expected) if plan.expected else None,
        "repair_first": list(plan.repair_first),
        "recent_runs": plan.recent,
        "recent_clean_runs": plan.recent_clean,
        "criteria": [_missing(each) for each in plan.missing],
        "start": [_batch(batch) for batch in plan.batches],
    }


def _missing(each: Missing) -> dict[str, Any]:
    return {
        "id": each.criterion,
        "area": each.area,
        "needs_runs": each.runs,
        "repair_first": list(each.repair_first),
        "runs_per_day": each.pace.per_day if each.pace else None,
        "pattern": each.pace.pattern if each.pace else None,
        "pattern_days": each.pace.days if each.pace else None,
        "expected": iso(each.expected) if each.expected else None,
    }


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "areas": list(batch.areas),
        "runs": batch.runs,
        "minutes": batch.minutes,
        "timed_runs": batch.timed,
        "commands": list(batch.commands),
        "notes": list(batch.notes),
    }
