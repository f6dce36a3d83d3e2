"""`flakelens show` for a terminal: state, history as strips, evidence, messages, names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from flakelens.gate.criterion import count_of, percent
from flakelens.model import Outcome
from flakelens.render.event_words import WORDS, details, run_name
from flakelens.render.marks import chance, likely, rate_text, seconds_text, state_word, strip
from flakelens.render.price_words import PRICE, price
from flakelens.render.safe import lines as safe_lines
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, NAME, QUIET, fill, heading, paragraph, row, to_text
from flakelens.render.text.strip import LETTERS, history_strip
from flakelens.render.text.tests import together
from flakelens.report import Chances, DurationLine, FailureGroup, RunCell, ShowReport, TestLine
from flakelens.report.events import TestEvent
from flakelens.stats.states import TestState

_MOST_BESIDE = 10  # newest runs beside the branch that are listed
_MOST_EVENTS = 8
_MOST_MESSAGES = 5
_MESSAGE_LINES = 6
_WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FLAKY: "failed, then passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.NONE: "no result",
}


def show_text(report: ShowReport, *, width: int, colour: bool, verbose: bool = False) -> str:
    """All about one test; `verbose` shows messages whole, and what it was likely to be in each run."""
    line = report.line
    out: list[Text | str] = [*_head(line, width), ""]
    out += [*_figures(line, width), *_duration(report.duration, width), ""]
    out += history_strip(report.cells, report.events, width, everything=verbose)
    out += _course(report.cells, width) if verbose else []
    out += _beside(report.cells, width)
    out += _happened(report.events, width, everything=verbose)
    out += ["", heading("Because")]
    for sentence in report.because:
        out += paragraph(sentence, width=width, first="  - ", rest="    ")
    if cost := price(report.price):
        out += ["", heading(PRICE)]
        for sentence in cost:
            out += paragraph(sentence, width=width, first="  - ", rest="    ")
    out += _messages(report.messages, width, whole=verbose)
    out += _names(report, width)
    return to_text(out, width=width, colour=colour)


def _head(line: TestLine, width: int) -> list[Text]:
    newest = line.reported
    title = one_line(newest.name) or "(no title)"
    lines = paragraph(f"{title} [{newest.variant}]" if newest.variant else title, width=width, style="bold")
    file = newest.file or line.id.file
    adopted = "" if newest.file or not file else "  (from other reports)"
    where = [one_line(line.area), *(f"focus {one_line(focus)}" for focus in line.focuses)]
    where += [f"owner {one_line(line.owner)}"] if line.owner else []
    if file:
        lines.append(row((shorten_middle(one_line(file), width - len(adopted)), NAME), (adopted, QUIET)))
    lines += paragraph(" · ".join(where), width=width, style=QUIET)
    return lines


def _figures(line: TestLine, width: int) -> list[Text]:
    finding = line.finding
    word, style = state_word(finding)
    since = ""
    if line.since_run:
        commit = f" ({line.since_commit[:7]})" if line.since_commit else ""
        since = f" since run {one_line(line.since_run.run)}{commit}"
    quarantined = ", in quarantine" if line.quarantined else ""
    lines = [row((f"{word}{since}{quarantined}", f"bold {style}".strip()))]
    figures = [f"pass rate {rate_text(line.pass_rate)}"]
    if line.pass_rate and line.pass_rate.low is not None and line.pass_rate.high is not None:
        figures[0] += f", 95 % sure between {percent(line.pass_rate.low)} and {percent(line.pass_rate.high)}"
    if line.first_attempt_pass_rate:
        figures.append(f"first attempts {rate_text(line.first_attempt_pass_rate)}")
    elif line.runs:
        figures.append("first attempts hidden by the reporter")
    if finding.flake_rate:
        interval = finding.flake_interval()
        sure = f", 95 % sure between {percent(interval[0])} and {percent(interval[1])}" if interval else ""
        figures.append(f"flakes in {percent(finding.flake_rate)} of its runs{sure}")
    if finding.state not in (TestState.GONE, TestState.BRANCH_ONLY) and finding.results:
        figures.append(likely(finding))
    if shared := together(line):
        figures.append(shared)
    for figure in figures:
        lines += paragraph(figure, width=width, first="  ")
    return lines


def _duration(duration: DurationLine | None, width: int) -> list[Text]:
    """One line where it became slower or faster; what never changed is nobody's question here."""
    if duration is None or duration.before is None or duration.since_run is None:
        return []
    commit = f" ({duration.since_commit[:7]})" if duration.since_commit else ""
    since = f"since run {one_line(duration.since_run.run)}{commit}"
    said = f"takes {seconds_text(duration.seconds)} {since}, {seconds_text(duration.before)} before"
    return paragraph(said, width=width, first="  ", style=DOUBT if duration.seconds > duration.before else "")


def _course(cells: Sequence[RunCell], width: int) -> list[Text]:
    """What it was most likely, from run to run, and how sure that is: the least and the most of each stretch."""
    told = [(cell, cell.chances) for cell in cells if cell.chances is not None]
    if not told:
        return []
    lines = [Text(""), heading("Most likely, by all that is known now")]
    for word, group in groupby(told, key=lambda one: max(Chances._fields, key=lambda name: getattr(one[1], name))):
        stretch = list(group)
        first, last = (one_line(stretch[place][0].run.run) for place in (0, -1))
        sure = [getattr(chances, word) for _, chances in stretch]
        least, most = chance(min(sure)), chance(max(sure))
        span = f"run {first}" if len(stretch) == 1 else f"run {first} to {last}"
        said = f"{span}: P({word}) {least}" + (f" to {most}" if most != least else "")
        lines += paragraph(said, width=width, first="  ", rest="    ")
    return lines


def _beside(cells: Sequence[RunCell], width: int) -> list[Text]:
    """Runs that do not count: pull requests, other branches, laptops, filtered runs. Newest last."""
    beside = [cell for cell in cells if not cell.counts or cell.partial]
    if not beside:
        return []
    lines = [Text(""), heading(f"Beside the branch, {count_of(len(beside), 'run')}")]
    if len(beside) > _MOST_BESIDE:
        lines[-1].append(f" (newest {_MOST_BESIDE})")
    shown = beside[-_MOST_BESIDE:]
    names = [shorten_middle(one_line(cell.run.run), max(8, width // 3)) for cell in shown]
    label = max(len(name) for name in names)
    for cell, name in zip(shown, names, strict=True):
        commit = f" {cell.commit[:7]}" if cell.commit else ""
        why = "filtered run" if cell.partial else one_line(cell.why_not)
        said = f"  {_WORDS[cell.outcome]}{commit}  {cell.started_at:%Y-%m-%d}  {why}"
        line = row("  run ", (fill(name, label), QUIET), "  ").append_text(strip(LETTERS[cell.outcome]))
        lines.append(line.append(shorten_end(said, max(10, width - label - 9))))
    return lines


def _happened(events: Sequence[TestEvent], width: int, *, everything: bool) -> list[Text]:
    """What happened to it, newest first as in `events`."""
    if not events:
        return []
    shown = events if everything else events[-_MOST_EVENTS:]
    lines = [Text(""), heading("What happened, newest first")]
    for event in reversed(shown):
        word, style, _ = WORDS[event.kind]
        said = "; ".join(details([event]))
        begin = row(f"  {run_name(event.at)}  ", (word, style))
        lines.append(begin)
        if said:
            lines += paragraph(said, width=width, first="    ")
    if len(events) > len(shown):
        lines.append(row((f"  and {len(events) - len(shown)} before; -v shows them", QUIET)))
    return lines


def _messages(groups: Sequence[FailureGroup], width: int, *, whole: bool) -> list[Text]:
    if not groups:
        return []
    lines = [Text(""), heading(f"What its failures said, {count_of(len(groups), 'kind')}")]
    for group in groups[: None if whole else _MOST_MESSAGES]:
        times = f"{group.count} ×" if group.count > 1 else "once"
        last = one_line(group.last.run)
        span = f"run {last}" if group.first == group.last else f"run {one_line(group.first.run)} to {last}"
        lines.append(row("  ", (times, BAD), f"  {span}"))
        body = [line for line in safe_lines(group.text) if line.strip()] or [one_line(group.first_line)]
        shown = body if whole else body[:_MESSAGE_LINES]
        lines += [row(f"      {shorten_end(line, max(20, width - 6))}") for line in shown]
        if len(body) > len(shown):
            lines.append(row((f"      and {count_of(len(body) - len(shown), 'more line')}; -v shows them", QUIET)))
    if not whole and len(groups) > _MOST_MESSAGES:
        lines.append(row((f"  and {len(groups) - _MOST_MESSAGES} more kinds; -v shows them", QUIET)))
    return lines


def _names(report: ShowReport, width: int) -> list[Text]:
    """Every form in which reports wrote it, when there is more than one."""
    if len(report.names) < 2:
        return []
    lines = [Text(""), heading("Its names in reports, newest last")]
    for name in report.names:
        form = f"{name.file} > {name.name}" if name.file else name.name
        form = f"{form} [{name.variant}]" if name.variant else form
        lines += paragraph(form, width=width, first="  ", rest="    ")
    return lines
