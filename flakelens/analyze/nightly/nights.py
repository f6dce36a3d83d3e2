"""The verdicts on record, night by night."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

from flakelens.analyze.verdict_trends import policy_changes as changes_of_policy
from flakelens.report.nightly import NightLine
from flakelens.report.trends import PolicyChange
from flakelens.store import Store, VerdictOutline


def verdicts(store: Store | None, gate: str, *, until: datetime) -> tuple[NightLine, ...]:
    """Every recorded verdict of `gate` up to a moment, oldest first."""
    return tuple(map(_line, store.verdict_outlines(gate, until=until))) if store else ()


def newest_of_each_day(lines: Iterable[NightLine]) -> tuple[NightLine, ...]:
    """Of the verdicts of one day (UTC) the newest: what the day ended with. Oldest day first."""
    days = {line.day: line for line in sorted(lines, key=lambda line: (line.as_of, line.number))}
    return tuple(days[day] for day in sorted(days))


def _line(verdict: VerdictOutline) -> NightLine:
    document = json.loads(verdict.json)
    criteria = document.get("criteria", [])
    rate: dict[str, Any] = next((criterion for criterion in criteria if criterion.get("kind") == "pass-rate"), {})
    observed = rate.get("observed") or {}
    return NightLine(
        number=verdict.id,
        as_of=verdict.as_of,
        state=verdict.state,
        decision=verdict.decision,
        pass_rate=observed.get("value"),
        required=rate.get("required"),
        met=sum(criterion.get("state") == "MET" for criterion in criteria),
        criteria=len(criteria),
        policy_sha256=document.get("provenance", {}).get("policy_sha256", ""),
    )


def policy_changes(store: Store | None, lines: Iterable[NightLine]) -> tuple[PolicyChange, ...]:
    """Where a verdict has another policy than the one before it, and in what. `lines` oldest first."""
    found: list[PolicyChange] = []
    for before, now in pairwise(lines):
        if before.policy_sha256 != now.policy_sha256 and store is not None:
            whole = [verdict for line in (before, now) if (verdict := store.verdict(line.number))]
            found += changes_of_policy(whole)
    return tuple(found)
