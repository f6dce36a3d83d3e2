"""What `flakelens report` says on the terminal: the morning's minute, and where the rest is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from flakelens.gate.criterion import count_of, percent
from flakelens.model import GateState
from flakelens.render.event_words import WORDS as WORDS_OF_CHANGE
from flakelens.render.figures import SYMBOLS, WORDS
from flakelens.render.nightly_words import change_counts, distance_text, further_steps, since_words
from flakelens.render.safe import one_line, shorten_end
from flakelens.render.terminal import BAD, DOUBT, GOOD, NAME, QUIET, heading, paragraph, row, to_text
from flakelens.report.nightly import Nightly

_STYLES = {GateState.MET: GOOD, GateState.NOT_MET: BAD, GateState.INCONCLUSIVE: DOUBT}


def nightly_text(report: Nightly, *, page: str, overview: str, gone: Sequence[str], width: int, colour: bool) -> str:
    """Verdict, changes and first repairs in a few lines, then the files. `gone`: days whose reports were taken away."""
    verdict = report.gate.verdict
    word = f"{SYMBOLS[verdict.state]} {WORDS[verdict.state]}"
    lines: list[Text | str] = [
        row((one_line(verdict.title), "bold"), " - ", (word, f"bold {_STYLES[verdict.state]}"), f", {verdict.decision}")
    ]
    if distance := distance_text(report):
        lines += paragraph(distance, width=width)
    lines += paragraph(f"{_changes(report)} {since_words(report.since)}.", width=width)
    lines += _first(report, width)
    lines += ["", row((page, NAME))]
    lines += [row((overview, NAME), ("  all nights", QUIET))]
    if gone:
        lines += paragraph(
            f"Taken away: {count_of(len(gone), 'older report')}, {gone[0]} to {gone[-1]}.", width=width, style=QUIET
        )
    return to_text(lines, width=width, colour=colour)


def _changes(report: Nightly) -> str:
    said = ", ".join(f"{number:,} {WORDS_OF_CHANGE[kind][0]}" for kind, number in change_counts(report))
    return f"Tests: {said}," if said else "Nothing happened to any test"


def _first(report: Nightly, width: int) -> list[Text | str]:
    steps = [
        (one_line(action.cause.tests[0].id.name), f"then {percent(action.after.green_share)} of runs are green")
        for action in report.actions
    ] + [(one_line(step), "") for step in further_steps(report, 3)]
    if not steps:
        return []
    lines: list[Text | str] = ["", heading("Do first")]
    for place, (title, brings) in enumerate(steps, start=1):
        room = max(20, width - 5 - (len(brings) + 2 if brings else 0))
        lines.append(row(f" {place}  {shorten_end(title, room)}", (f"  {brings}" if brings else "", QUIET)))
    return lines
