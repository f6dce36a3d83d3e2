"""How figures are written for people: shares, intervals, moments. Never rounded over a limit, never up to 100 %."""

from __future__ import annotations

from datetime import UTC, datetime

from flakelens.gate.criterion import CriterionFinding, count_of, percent
from flakelens.gate.focus import FocusFinding
from flakelens.model import GateState
from flakelens.report import Rate

WORDS = {GateState.MET: "MET", GateState.NOT_MET: "NOT MET", GateState.INCONCLUSIVE: "INCONCLUSIVE"}
SYMBOLS = {GateState.MET: "✓", GateState.NOT_MET: "✗", GateState.INCONCLUSIVE: "?"}

HIDDEN = "hidden by the reporter"


def share_beside(value: float, required: float) -> str:
    """A share with as many digits as it takes not to look as if it reached the required one when it does not."""
    digits = 1
    while digits < 6 and value < required and float(f"{value * 100:.{digits}f}") >= round(required * 100, 9):
        digits += 1
    return percent(value, digits)


def threshold(share: float) -> str:
    """A threshold as the policy writes it: 98 %, 99.5 %."""
    return f"{round(share * 100, 6):g} %"


def observed(finding: CriterionFinding) -> str:
    """The cell for what was observed: a share, hours, what a person said; "no data" for none."""
    if finding.kind == "attested":
        return {GateState.MET: "signed", GateState.NOT_MET: "refused", GateState.INCONCLUSIVE: "unsigned"}[
            finding.state
        ]
    if finding.observed is None:
        return "no data"
    if finding.kind == "soak":
        return f"{finding.observed.count[0]} h"
    return share_beside(finding.observed.value, finding.required)


def required(finding: CriterionFinding) -> str:
    """The cell for what is required of it."""
    if finding.kind == "attested":
        return "sign-off"
    if finding.kind == "soak":
        return f"{finding.observed.count[1]} h" if finding.observed is not None else "watched"
    return threshold(finding.required)


def criterion_title(finding: CriterionFinding) -> str:
    """A criterion with what it is about: "stable (components)"; a sign-off is about no area."""
    return f"{finding.id} ({finding.area})" if finding.area else finding.id


def focus_title(focus: FocusFinding) -> str:
    """A focus with who looks after it and when: "payments (day 3, @ann, critical)"."""
    parts = [part for part in (focus.when, focus.owner, "critical" if focus.critical else "") if part]
    return f"{focus.name} ({', '.join(parts)})" if parts else focus.name


def rate(value: Rate | None) -> str:
    """A rate with its interval: "96.4 % (95.0-97.5)"; "no results" for none."""
    if value is None:
        return "no results"
    shown = percent(value.value)
    return f"{shown} ({span(value.low, value.high)})" if value.low is not None and value.high is not None else shown


def span(low: float, high: float) -> str:
    """An interval of shares in percent, without the sign."""
    return f"{percent(low).removesuffix(' %')}–{percent(high).removesuffix(' %')}"


def counted(value: Rate | None) -> str:
    """The integers behind a rate: "868/900"; "" for none."""
    return "" if value is None else f"{value.passed:,}/{value.executed:,}"


def need(finding: CriterionFinding) -> str:
    """What a criterion that is not met still takes, in one sentence; "" when it is met."""
    if finding.state is GateState.MET:
        return ""
    repair = f"First: {'; '.join(finding.repair_first)}." if finding.repair_first else ""
    runs = f"Needs {count_of(finding.needs_runs, 'more clean run')}." if finding.needs_runs else ""
    return " ".join(part for part in (repair, runs) if part) or ("See the next steps." if finding.next_steps else "")


def moment(when: datetime) -> str:
    """A moment in UTC, to the minute."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso(when: datetime) -> str:
    """A moment in UTC for programs, to the millisecond as the store keeps it."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
