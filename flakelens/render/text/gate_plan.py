"""When a gate can be met, in sentences: what must be repaired, the runs that are missing, and how to start them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.model import GateState
from flakelens.render.escape import plain
from flakelens.render.figures import moment
from flakelens.render.terminal import QUIET, STRONG, heading, paragraph
from flakelens.report.forecast import Batch, GatePlan, Missing, PaceLine
from flakelens.stats.pace import DAYS, MINIMUM_RUNS

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_INDENT = "  "


def gate_plan_lines(plan: GatePlan, *, width: int, title: str = "When can it be met?") -> list[Text]:
    """The plan as lines of `width` columns; commands alone are never broken."""
    lines = [heading(title)]
    if plan.state is GateState.MET:
        return [*lines, *paragraph("It is met: no run is missing.", width=width, first=_INDENT)]
    for step in plan.repair_first:
        lines += paragraph(f"First: {step}.", width=width, first=_INDENT)
    for each in plan.missing:
        if each.runs is None and not each.repair_first:
            lines += paragraph(_hopeless(each), width=width, first=_INDENT)
    needing = [each for each in plan.missing if each.runs]
    if needing:
        said = _missing(needing, repaired=bool(plan.repair_first), others=plan.runs is None)
        lines += paragraph(said, width=width, first=_INDENT, style=STRONG)
        lines += paragraph(_waiting(plan, needing), width=width, first=_INDENT)
    for batch in plan.batches:
        lines += _batch(batch, width, alone=len(plan.batches) == 1)
    return lines


def day_and_hour(when: datetime) -> str:
    """A moment to come: weekday, date and the next full hour, UTC. Nobody knows it to the minute."""
    full = when.astimezone(UTC)
    if (full.minute, full.second, full.microsecond) != (0, 0, 0):
        full = full.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return f"{_WEEKDAYS[full.weekday()]} {moment(full)}"


def pace_words(pace: PaceLine) -> str:
    """ "4.2 runs a day, weekdays and hours as in the last 14 days"."""
    often = f"{pace.per_day:.1f} runs a day" if pace.per_day >= 1 else f"{pace.per_day * 7:.1f} runs a week"
    what = "weekdays and hours" if pace.pattern == "week" else "hours"
    return f"{often}, {what} as in the last {count_of(pace.days, 'day')}"


def missing_words(needing: Iterable[Missing]) -> str:
    """ "pass-rate 23, all-passing (AI) 3", the largest first."""
    ordered = sorted(needing, key=lambda each: -(each.runs or 0))
    return ", ".join(f"{plain(each.criterion)} ({plain(each.area)}) {each.runs}" for each in ordered)


def _missing(needing: list[Missing], *, repaired: bool, others: bool) -> str:
    most = max(each.runs or 0 for each in needing)
    then = f"{' besides' if others else ''}{' after that' if repaired else ''}"
    verb = "is" if most == 1 else "are"
    only = needing[0]
    what = plain(f"{only.criterion}, {only.area}") if len(needing) == 1 else missing_words(needing)
    return f"{count_of(most, 'clean run')} {verb} missing{then} ({what})."


def _waiting(plan: GatePlan, needing: list[Missing]) -> str:
    dated = [each for each in needing if each.expected]
    if len(dated) < len(needing):
        areas = ", ".join(dict.fromkeys(plain(each.area) for each in needing if not each.expected))
        return (
            f"When these will have come cannot be said: that takes a day of history and {MINIMUM_RUNS} runs of {areas} "
            f"in the last {DAYS} days."
        )
    last = max(dated, key=lambda each: (each.expected or plan.as_of, -(each.pace.per_day if each.pace else 0)))
    assert last.expected is not None
    pace = f" ({pace_words(last.pace)})" if last.pace else ""
    condition = "it is clean" if max(each.runs or 0 for each in needing) == 1 else "every one of them is clean"
    clean = f"; {plan.recent_clean or 'none'} of the newest {count_of(plan.recent, 'run')} were" if plan.recent else ""
    return f"At your pace{pace}: {day_and_hour(last.expected)}, if {condition}{clean}."


def _hopeless(each: Missing) -> str:
    return f"{plain(each.criterion)} ({plain(each.area)}) is not met by 100 clean runs: {plain(each.why, 1_000)}"


def _batch(batch: Batch, width: int, *, alone: bool) -> list[Text]:
    areas = "" if alone else f" with {', '.join(map(plain, batch.areas))}"
    what = f"Or now: {count_of(batch.runs, 'run')}{areas}"
    if batch.minutes is None:
        what += "; how long they take is not in the reports"
    else:
        what += f" = {_minutes(batch.minutes)} (by the median of {count_of(batch.timed, 'run')}; set-up comes on top)"
    lines = paragraph(f"{what}{':' if batch.commands else '.'}", width=width, first=_INDENT)
    for command in batch.commands:
        lines += [Text(f"{_INDENT * 2}{piece}") for piece in _fitting(plain(command, 1_000), width - 2 * len(_INDENT))]
    for note in batch.notes:
        lines += paragraph(plain(note, 1_000), width=width, first=_INDENT, style=QUIET)
    return lines


def _fitting(command: str, room: int) -> list[str]:
    """The command, a loop that is too long in three lines: a shell takes both."""
    if len(command) <= room or not command.endswith("; done"):
        return [command]
    head, _, body = command.removesuffix("; done").partition("; do ")
    return [f"{head}; do", f"{_INDENT}{body}", "done"]


def _minutes(minutes: float) -> str:
    return f"{minutes:,.0f} runner minutes" if minutes >= 10 else f"{max(minutes, 0.1):.1f} runner minutes"
