"""`flakelens slow` for a terminal."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.marks import seconds_text
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import DOUBT, QUIET, fill, paragraph, row, to_text
from flakelens.report import SlowLine, SlowReport


def slow_text(report: SlowReport, *, width: int, colour: bool) -> str:
    """Two lines a test: what it takes now and before, then where it is and since when."""
    out: list[Text | str] = []
    if not report.runs:
        out += paragraph(f"No run counts for {one_line(report.branch)} yet: there is nothing to time.", width=width)
        return to_text(out, width=width, colour=colour)
    over = f"over {count_of(report.runs, 'run')} of {one_line(report.branch)}"
    if not report.matching:
        out += paragraph(f"No test of {report.total:,} became slower {over}.", width=width)
        return to_text(out, width=width, colour=colour)
    rows = [(f"+{seconds_text(line.added)}", _from_to(line), line) for line in report.tests]
    added = max(len("ADDED"), *(len(text) for text, _, _ in rows))
    change = max(len("BEFORE -> NOW"), *(len(text) for _, text, _ in rows))
    out.append(row((f"{'ADDED':>{added}}  {'BEFORE -> NOW':{change}}  TEST", QUIET)))
    for more, times, line in rows:
        out.append(
            row((f"{more:>{added}}", DOUBT), f"  {fill(times, change)}  ", _title(line, width - added - change - 4))
        )
        out.append(row(" " * (added + change + 4), (_where(line, width - added - change - 4), QUIET)))
    shown = f"The first {len(report.tests)} of " if len(report.tests) < report.matching else ""
    tests = count_of(report.matching, "test")
    more_than = "; --limit 0 shows all" if shown else ""
    said = f"{shown}{tests} of {report.total:,} that became slower, {over}{more_than}. Only passing attempts are timed."
    out += ["", *paragraph(said, width=width, style=QUIET)]
    return to_text(out, width=width, colour=colour)


def _from_to(line: SlowLine) -> str:
    return f"{seconds_text(line.duration.before or 0.0)} -> {seconds_text(line.duration.seconds)}"


def _title(line: SlowLine, room: int) -> str:
    test = line.reported
    title = one_line(test.name) or "(no title)"
    return shorten_end(f"{title} [{one_line(test.variant)}]" if test.variant else title, max(10, room))


def _where(line: SlowLine, room: int) -> str:
    duration = line.duration
    commit = f" ({duration.since_commit[:7]})" if duration.since_commit else ""
    since = f"since run {one_line(duration.since_run.run)}{commit}" if duration.since_run else ""
    file = one_line(line.reported.file or line.id.file)
    left = room - cell_len(since) - 2
    return f"{since}  {shorten_middle(file, left)}" if file and left >= 10 else shorten_end(since, max(10, room))
