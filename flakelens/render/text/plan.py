"""`flakelens plan` for a terminal: where the rates stand, what to repair, and where that leads."""

from __future__ import annotations

from rich.text import Text

from flakelens.gate.criterion import beside, count_of, percent
from flakelens.model import GateState
from flakelens.render.figures import SYMBOLS, WORDS, focus_title, threshold
from flakelens.render.price_words import saving
from flakelens.render.safe import one_line, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, QUIET, STRONG, fill, heading, paragraph, row, to_text
from flakelens.render.text.causes import STATES, owned, said, title
from flakelens.report.causes import PlanReport, PlanStep
from flakelens.stats.fixplan import Figures
from flakelens.stats.price import total

_FURTHER = 3  # steps shown beyond what the gate asks for
_NUMBER = 4
_RATE = 11


def plan_text(report: PlanReport, *, width: int, colour: bool, verbose: bool = False) -> str:
    """The plan; `verbose` shows every step."""
    if report.now is None or report.settled is None:
        text = "No run has results to plan with yet. Bring reports with: flakelens ingest PATH..."
        return to_text(paragraph(text, width=width), width=width, colour=colour)
    lines: list[Text | str] = [*_headline(report, report.now, report.settled, width), ""]
    lines += _table(report, report.now, report.settled, width, whole=verbose)
    lines += [*_focuses(report, width), "", *_basis(report, width)]
    return to_text(lines, width=width, colour=colour)


def _headline(report: PlanReport, now: Figures, settled: Figures, width: int) -> list[Text]:
    asked = threshold(report.required)
    here = beside(now.pass_rate, report.required, 1)
    if now.pass_rate >= report.required:
        text = f"You are at {here}; {report.gate} asks for {asked}."
        if report.steps:
            last = report.steps[-1].after
            text += (
                f" {count_of(len(report.steps), 'cause')} left: without them {percent(last.green_share)} of runs are "
                f"green instead of {percent(settled.green_share)}."
            )
        return paragraph(text, width=width, style=f"{STRONG} {GOOD}")
    if report.enough == 0:
        text = (
            f"You are at {here}; what is repaired already takes you to {beside(settled.pass_rate, report.required, 1)} "
            f"as its failures leave the window. {report.gate} asks for {asked}."
        )
        return paragraph(text, width=width, style=f"{STRONG} {GOOD}")
    if report.enough is not None:
        reached = beside(report.steps[report.enough - 1].after.pass_rate, report.required, 1)
        these = "this cause takes" if report.enough == 1 else f"these {report.enough} causes take"
        text = f"You are at {here}; {these} you to {reached}. {report.gate} asks for {asked}."
        return paragraph(text, width=width, style=STRONG)
    reached = beside(report.steps[-1].after.pass_rate if report.steps else settled.pass_rate, report.required, 1)
    text = (
        f"You are at {here}; {report.gate} asks for {asked}. The causes known so far lead to {reached}: the rest are "
        "failures that have no cause yet."
    )
    return paragraph(text, width=width, style=f"{STRONG} {BAD}")


def _table(report: PlanReport, now: Figures, settled: Figures, width: int, *, whole: bool) -> list[Text | str]:
    first = now.first_attempt_pass_rate is not None
    room = width - _NUMBER - _RATE * (3 if first else 2)
    columns = [("pass rate", _RATE), *([("1st try", _RATE)] if first else []), ("green runs", _RATE)]
    head = f"{fill('', _NUMBER)}{fill('REPAIR', room)}{''.join(name.rjust(size) for name, size in columns)}"
    lines: list[Text | str] = [row((head, STRONG))]

    def figures(label: str, number: str, values: Figures, style: str) -> Text:
        rates = [values.pass_rate, *([values.first_attempt_pass_rate] if first else []), values.green_share]
        cells = "".join(("-" if rate is None else _rate(rate, report.required)).rjust(_RATE) for rate in rates)
        return row((fill(number, _NUMBER), QUIET), fill(shorten_middle(label, room - 2), room), (cells, style))

    lines.append(figures("now", "", now, ""))
    if report.repaired:
        lines.append(figures(f"{count_of(report.repaired, 'test')} repaired already", "", settled, QUIET))
    most = len(report.steps) if whole else max(report.enough or len(report.steps), 1) + _FURTHER
    shown = report.steps[:most]
    for place, step in enumerate(shown, 1):
        reached = report.enough is not None and place >= report.enough
        lines.append(figures(_label(step), f"{place:>2}", step.after, GOOD if reached else ""))
        word, style = STATES[step.cause.state]
        lines += said(step.cause.signature, width, first=f"{' ' * _NUMBER}  ")
        where = " · ".join(
            part
            for part in (
                *map(one_line, step.cause.areas),
                f"hits {count_of(step.cause.runs, 'run')}",
                owned(step.cause),
                step.cause.id,
            )
            if part
        )
        indent = " " * (_NUMBER + 2)
        lines += [row(indent, (word, style), (f" · {where}", QUIET))]
        lines += paragraph(saving(step.saves), width=width, first=indent, rest=indent, style=QUIET)
    together = report.steps[: report.enough or len(report.steps)]
    if len(together) > 1 and (all_of_them := total([step.saves for step in together])).runs:
        lines += ["", *paragraph(f"Steps 1 to {len(together)} together {saving(all_of_them, 'save')}.", width=width)]
    if len(shown) < len(report.steps):
        lines.append(row((f"    and {count_of(len(report.steps) - len(shown), 'more cause')}; -v shows them", QUIET)))
    return lines


def _focuses(report: PlanReport, width: int) -> list[Text | str]:
    if not report.focuses:
        return []
    lines: list[Text | str] = ["", heading("Focuses")]
    for line in report.focuses:
        focus = line.focus
        signed = f"{SYMBOLS[focus.state]} {one_line(focus_title(focus))}: {WORDS[focus.state]}"
        style = {GateState.MET: GOOD, GateState.NOT_MET: BAD}.get(focus.state, DOUBT)
        lines += paragraph(signed, width=width, first="  ", rest="    ", style=style)
        if focus.state is GateState.MET:
            continue
        steps = ", ".join(map(str, line.steps))
        repairs = f"Step{'s' if len(line.steps) > 1 else ''} {steps} of the plan." if steps else ""
        none = "No step of the plan is about it." if focus.tests else ""
        said = " ".join(part for part in (focus.finding.why, repairs or none) if part)
        lines += paragraph(said, width=width, first="    ", rest="    ", style=QUIET)
    return lines


def _label(step: PlanStep) -> str:
    tests = step.cause.tests
    if len(tests) == 1:
        return title(tests[0])
    return f"what these {len(tests)} share: {title(tests[0])}"


def _rate(share: float, required: float) -> str:
    return beside(share, required, 1)


def _basis(report: PlanReport, width: int) -> list[Text]:
    text = (
        f"Rates are those of the newest {count_of(report.window_runs, 'run')} of {one_line(report.branch)} that "
        f"{report.gate} looks at. "
    )
    if report.held_out:
        text += (
            f"Of the newest {report.planned_runs} runs every other one chose the order, and the rest were replayed "
            "without the failures of what is repaired."
        )
    else:
        text += (
            f"With {count_of(report.planned_runs, 'run')} the same runs choose and are replayed: the promise is "
            "likely too good."
        )
    lines = paragraph(text, width=width, style=QUIET)
    lines += paragraph(
        "The gate asks for proof besides: flakelens gate says how many clean runs that takes.", width=width, style=QUIET
    )
    return lines
