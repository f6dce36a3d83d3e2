"""`flakelens events` for a terminal: run by run, newest first, what happened together in one block."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.event_words import WORDS, group_details, headline, run_name
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import NAME, QUIET, paragraph, row, to_text
from flakelens.report.events import EventGroup, EventsReport, TestEvent

if TYPE_CHECKING:
    from datetime import datetime

_MOST_NAMED = 4  # tests of one block


def events_text(report: EventsReport, *, width: int, colour: bool, verbose: bool = False) -> str:
    """Blocks under the run in which they begin; `verbose` names every test of a block."""
    if report.first is None:
        said = f"No run counts for {one_line(report.branch)} yet: nothing can have happened."
        return to_text(paragraph(said, width=width), width=width, colour=colour)
    out: list[Text | str] = []
    for at, groups in itertools.groupby(report.groups, key=lambda group: group.at):
        out.append(row((f"{run_name(at)}  ", "bold"), (f"{at.started_at:%Y-%m-%d %H:%M}", QUIET)))
        for group in groups:
            out += _block(group, report.since, width, everything=verbose)
        out.append("")
    out += paragraph(_foot(report), width=width, style=QUIET)
    return to_text(out, width=width, colour=colour)


def _block(group: EventGroup, since: datetime | None, width: int, *, everything: bool) -> list[Text]:
    word, style, _ = WORDS[group.kind]
    first, *others = group.events
    phrases = list(group_details(group))
    if since is not None and group.at.started_at < since:
        known = min((event.known for event in group.events), key=lambda known: known.started_at)
        phrases.append(f"known since {run_name(known)}")
    if others:
        lines = paragraph(headline(group), width=width, first="  ", rest="    ", style=style)
    else:
        lines = [row("  ", (word, style), f"  {_title(first, width - len(word) - 4)}")]
        if first.id.file:
            lines.append(row("    ", (shorten_middle(one_line(first.id.file), width - 4), NAME)))
    if phrases:
        lines += paragraph("; ".join(phrases), width=width, first="    ")
    if others:
        shown = group.events if everything else group.events[:_MOST_NAMED]
        lines += [row("      ", (_title(event, width - 6), QUIET)) for event in shown]
        if len(group.events) > len(shown):
            lines.append(row((f"      and {len(group.events) - len(shown)} more; -v names them", QUIET)))
    return lines


def _title(event: TestEvent, room: int) -> str:
    title = one_line(event.id.name) or "(no title)"
    variant = f" [{one_line(event.id.variant)}]" if event.id.variant else ""
    return shorten_end(f"{title}{variant}", max(10, room))


def _foot(report: EventsReport) -> str:
    first = report.first
    begins = f", the oldest {run_name(first)} of {first.started_at:%Y-%m-%d}" if first else ""
    over = f"{count_of(report.runs, 'run')} of {one_line(report.branch)}{begins}"
    since = f" since {report.since:%Y-%m-%d %H:%M} UTC" if report.since else ""
    if not report.events:
        return f"Nothing happened{since}: {over}."
    shown = f"The newest {len(report.groups)} of " if len(report.groups) < report.matching else ""
    more = "; --limit 0 shows all" if shown else ""
    said = f"{shown}{count_of(report.matching, 'block')}, {count_of(report.events, 'event')}{since}, in {over}{more}."
    early = report.since is not None and first is not None and report.since < first.started_at
    return f"{said} Nothing is known of what was before it." if early else said
