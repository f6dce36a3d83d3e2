"""`flakelens forecast` for a terminal: the next run, the trend, and the day on which the gate may be met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from flakelens.gate.criterion import count_of, percent, title
from flakelens.model import GateState
from flakelens.render.figures import moment, span
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import BAD, GOOD, QUIET, fill, heading, paragraph, row, to_text
from flakelens.render.text.gate_plan import day_and_hour, gate_plan_lines
from flakelens.report import Rate
from flakelens.report.forecast import AreaForecast, ForecastReport, GateOutlook, ToRepair, TrendLine
from flakelens.stats.intervals import MINIMUM_RUNS
from flakelens.stats.next_run import NextRun
from flakelens.stats.turnover import COVERAGE, HORIZON, MINIMUM_DAYS, Turnover

_INDENT = "  "
_LONGEST_NAME = 20
_FIRST = "  first attempts"  # the label of a further row of an area
_WEEKS = {7: "the week before", 28: "the four weeks before"}


def forecast_text(report: ForecastReport, *, width: int, colour: bool) -> str:
    """The whole page."""
    branch = one_line(report.branch)
    if not report.runs:
        text = f"No run counts for {branch} yet: nothing can be expected. Bring reports with: flakelens ingest PATH..."
        return to_text(paragraph(text, width=width), width=width, colour=colour)
    over = f"{count_of(report.runs, 'run')} of {branch} in {count_of(report.history_days, 'day')}"
    lines: list[Text | str] = [*paragraph(f"Forecast from {over}, to {moment(report.as_of)}.", width=width)]
    lines += ["", *_next_runs(report.areas, width), "", *_trends(report.areas, width)]
    if report.outlook is not None:
        lines += ["", *_outlook(report.outlook, width)]
    return to_text(lines, width=width, colour=colour)


def _next_runs(areas: tuple[AreaForecast, ...], width: int) -> list[Text]:
    size = _name_width(areas, "AREA")
    columns = ("GREEN", 20), ("RATE", 9), ("NEXT RUN", 14), ("1ST TRY", 9), ("NEXT RUN", 12)
    head = "".join(f"{name:<{room}}" for name, room in columns)
    lines = [heading("The next run"), row((f"{_INDENT}{'AREA':{size}}{head}", QUIET))]
    for area in areas:
        green = f"{percent(area.green.value)} ({span(area.green.low, area.green.high)})" if area.green else "no run"
        cells = (green, _now(area.now), _coming(area.next_run), _now(area.first_now), _coming(area.first_next))
        line = "".join(f"{cell:<{room}}" for cell, (_, room) in zip(cells, columns, strict=True))
        lines.append(row(f"{_INDENT}{_name(area, size)}{line}"))
    for area in areas:
        if area.broken and (area.area != "all" or len(areas) == 1):
            verb, it = ("is", "it is") if area.broken == 1 else ("are", "they are")
            text = f"{count_of(area.broken, 'test')} {verb} broken now; no run is green before {it} mended."
            lines += paragraph(f"{one_line(area.area)}: {text}", width=width, first=_INDENT, style=BAD)
    return [*lines, *_legend(areas, width)]


def _now(rate: Rate | None) -> str:
    return percent(rate.value) if rate else "-"


def _coming(found: NextRun | None) -> str:
    return f"{percent(1 - found.failing)} ±{_points(found.error)}" if found else "-"


def _legend(areas: tuple[AreaForecast, ...], width: int) -> list[Text]:
    runs = max((area.green.runs for area in areas if area.green), default=0)
    checked = max((area.next_run.checked for area in areas if area.next_run), default=0)
    parts = [f"Green: the chance that nothing fails, by the newest {count_of(runs, 'run')} (95 % interval)."]
    parts.append("Rate: the pass rate after retries over the newest 30 runs, confirmed outages left out.")
    if checked:
        parts.append(
            f"Next run: the rate to be expected, ± points by which such forecasts of the newest {checked} runs were "
            "off on average."
        )
    else:
        parts.append(f"A rate is forecast from {MINIMUM_RUNS} runs on.")
    if any(area.first_now for area in areas):
        parts.append("1st try: the same of first attempts, where reports show them.")
    return paragraph(" ".join(parts), width=width, first=_INDENT, style=QUIET)


def _trends(areas: tuple[AreaForecast, ...], width: int) -> list[Text]:
    days = tuple(dict.fromkeys(line.days for area in areas for line in area.trends))
    against = next((line.against for area in areas for line in area.trends), 28)
    several = any(len(_rows(area)) > 1 for area in areas)
    size = max(_name_width(areas, "AREA"), len(_FIRST) + 2 if several else 0)
    room = 30
    head = "".join(f"{f'LAST {number} DAYS':<{room}}" for number in days)
    lines = [heading(f"Trend of the pass rate, against {_WEEKS.get(against, f'the {against} days before')}")]
    lines.append(row((f"{_INDENT}{'AREA':{size}}{head}", QUIET)))
    for area in areas:
        for place, cells in enumerate(_rows(area)):
            name = _name(area, size) if place == 0 else f"{_FIRST:{size}}"
            said = [trend_words(line) for line in cells]
            lines.append(row(f"{_INDENT}{name}", *((fill(text, room), style) for text, style in said)))
    known = [line for area in areas for line in area.trends]
    parts = []
    if any(line.change and not line.change.shown for line in known):
        parts.append("No change: none that the runs could show.")
    parts.append("In points, with a 95 % interval over runs and stretches of runs; confirmed outages are left out.")
    if any(line.change and not line.reaches for line in known):
        parts.append("* as far as the history goes: it does not hold all of the weeks before.")
    if any(line.change is None for line in known):
        parts.append(f"It takes {MINIMUM_RUNS} runs on each side.")
    return [*lines, *paragraph(" ".join(parts), width=width, first=_INDENT, style=QUIET)]


def _rows(area: AreaForecast) -> list[list[TrendLine]]:
    """Rows of an area: after retries, and first attempts where they tell something else."""
    after = [line for line in area.trends if line.rate == "after-retries"]
    first = [line for line in area.trends if line.rate == "first-attempts"]
    differ = any(one.change != other.change for one, other in zip(after, first, strict=False))
    return [after, first] if differ else [after]


def trend_words(line: TrendLine) -> tuple[str, str]:
    """ "up 1.2 points (0.4 to 2.0)" and its style, or why nothing can be said."""
    change = line.change
    if change is None:
        return f"too few runs: {line.runs}, {line.runs_before} before", QUIET
    part = "" if line.reaches else "*"
    if change.now == change.before == 1:
        return f"no failure, none before{part}", QUIET
    if not change.shown:
        return f"no change ({_points(change.low)} to {_points(change.high)}){part}", ""
    word, style = ("up", GOOD) if change.value > 0 else ("down", BAD)
    low, high = sorted((abs(change.low), abs(change.high)))
    return f"{word} {_points(abs(change.value))} points ({_points(low)} to {_points(high)}){part}", style


def _points(share: float) -> str:
    """A difference of rates in points; two digits where one would hide it."""
    points = share * 100
    return f"{points:.2f}" if 0.005 <= abs(points) < 0.095 else f"{points:.1f}".replace("-0.0", "0.0")


def _outlook(outlook: GateOutlook, width: int) -> list[Text]:
    plan = outlook.plan
    lines = [heading(f"When is {one_line(plan.gate)} met?")]
    if plan.state is GateState.MET:
        lines += paragraph("It is met now.", width=width, first=_INDENT, style=GOOD)
        return [*lines, *_flow(outlook, width)]
    if outlook.causes:
        count = count_of(len(outlook.causes), "cause")
        lines += paragraph(f"{count} to repair, in this order:", width=width, first=_INDENT)
        lines += [_cause(number, cause, width) for number, cause in enumerate(outlook.causes, 1)]
    elif outlook.enough:
        lines += paragraph("No test must be repaired first: clean runs are missing.", width=width, first=_INDENT)
    if not outlook.enough:
        text = "The causes known so far do not reach the pass rate; the rest are failures without a known cause."
        lines += paragraph(f"{text} See flakelens plan.", width=width, first=_INDENT, style=BAD)
    lines += _flow(outlook, width)
    return [*lines, Text(""), *gate_plan_lines(plan, width=width, title="By clean runs alone")]


def _cause(number: int, cause: ToRepair, width: int) -> Text:
    first = title(cause.tests[0])
    name = first if len(cause.tests) == 1 else f"what these {len(cause.tests)} share: {first}"
    why = ", ".join(map(one_line, cause.criteria))
    if cause.pass_rate is not None:
        why += f" -> {percent(cause.pass_rate)}"
    room = max(20, width - 6 - len(why) - 2)
    return row(f"{number:>4}  {fill(shorten_middle(one_line(name), room), room)}  ", (why, QUIET))


def _flow(outlook: GateOutlook, width: int) -> list[Text]:
    """At what rate causes come and go, and what follows for the gate."""
    flow = outlook.turnover
    if flow is None:
        days = count_of(outlook.history_days, "day")
        text = f"How fast causes are repaired cannot be said after {days} of history; it takes {MINIMUM_DAYS}."
        return paragraph(text, width=width, first=_INDENT)
    rate = f"In the last {flow.days} days {_were(flow.repaired)} and {_came(flow.arrived)}."
    if outlook.plan.state is GateState.MET or not outlook.causes:
        return paragraph(rate, width=width, first=_INDENT)
    if outlook.repaired is None:
        return paragraph(f"{rate} {_never(flow)}", width=width, first=_INDENT)
    latest = _day(outlook.latest) if outlook.latest else f"not within {HORIZON} days"
    last = "it is" if len(outlook.causes) == 1 else "the last of these is"
    text = (
        f"{rate} If that goes on, {last} repaired about {_day(outlook.repaired)} "
        f"(in {COVERAGE * 100:.0f} % of cases: {_day(outlook.earliest)} to {latest})"
    )
    if not outlook.enough:
        text += "; that is not enough for the gate."
    elif outlook.met is None:
        text += "; when the runs that prove it will have come cannot be said."
    else:
        runs = count_of(outlook.proof_runs or 0, "run")
        text += f". If the {runs} after that are clean, the gate is met about {day_and_hour(outlook.met)}."
    return paragraph(text, width=width, first=_INDENT)


def _never(flow: Turnover) -> str:
    if not flow.repaired:
        return "At this rate the gate is not met: nothing is repaired."
    if flow.repaired <= flow.arrived:
        return "At this rate the gate is not met: as many causes come as are repaired, or more."
    return f"At this rate it takes more than {HORIZON} days."


def _were(count: int) -> str:
    return (
        f"{count_of(count, 'cause')} {'was' if count == 1 else 'were'} repaired" if count else "no cause was repaired"
    )


def _came(count: int) -> str:
    return f"{count} came" if count else "none came"


def _day(when: datetime | None) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d") if when else "?"


def _name_width(areas: Sequence[AreaForecast], head: str) -> int:
    return min(max([len(head), *(len(one_line(area.area)) for area in areas)]), _LONGEST_NAME) + 2


def _name(area: AreaForecast, size: int) -> str:
    return fill(shorten_end(one_line(area.area), size - 2), size)
