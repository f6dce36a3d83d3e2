"""`flakelens slow` for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.marks import seconds_text
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import DOUBT, QUIET, fill, paragraph, row, to_text
from flakelens.report import DurationLine
from flakelens.report.slow import SlowLine, SlowReport, SuiteLine
from flakelens.stats.durations import LEAST_SECONDS


def slow_text(report: SlowReport, *, width: int, colour: bool) -> str:
    """Two blocks, tests and suites. Two lines each: what it takes now and before, then since when and why."""
    out: list[Text | str] = []
    if not report.runs:
        out += paragraph(f"No run counts for {one_line(report.branch)} yet: there is nothing to time.", width=width)
        return to_text(out, width=width, colour=colour)
    over = f"over {count_of(report.runs, 'run')} of {one_line(report.branch)}"
    if report.matching:
        out += _table("TEST", [(line.added, line.duration, *_test(line)) for line in report.tests], width)
        shown = f"The first {len(report.tests)} of " if len(report.tests) < report.matching else ""
        tests = count_of(report.matching, "test")
        more = "; --limit 0 shows all" if shown else ""
        said = f"{shown}{tests} of {report.total:,} that became slower, {over}{more}. Only passing attempts are timed."
        out += ["", *paragraph(said, width=width, style=QUIET)]
    else:
        out += paragraph(f"No test of {report.total:,} became slower {over}.", width=width)
    if report.suites:
        out += ["", *_table("SUITE", [(line.added, line.duration, *_suite(line)) for line in report.suites], width)]
        shown = f"The first {len(report.suites)} of " if len(report.suites) < report.suites_matching else ""
        more = "; --limit 0 shows all" if shown else ""
        said = f"{shown}{count_of(report.suites_matching, 'suite')} that became slower, {over}{more}."
        out += ["", *paragraph(f"{said} A suite is an area, a file or a job.", width=width, style=QUIET)]
    return to_text(out, width=width, colour=colour)


def _table(heading: str, entries: Sequence[tuple[float, DurationLine, str, str, str]], width: int) -> list[Text]:
    """Added, before and now, and of each entry its title, where it is, and what more there is to say."""
    rows = [(f"+{seconds_text(added)}", _from_to(duration), *rest) for added, duration, *rest in entries]
    added = max(len("ADDED"), *(len(row[0]) for row in rows))
    change = max(len("BEFORE -> NOW"), *(len(row[1]) for row in rows))
    room = max(10, width - added - change - 4)
    begin = " " * (added + change + 4)
    lines = [row((f"{'ADDED':>{added}}  {'BEFORE -> NOW':{change}}  {heading}", QUIET))]
    for (more, times, title, where, why), (_, duration, *_) in zip(rows, entries, strict=True):
        lines.append(row((f"{more:>{added}}", DOUBT), f"  {fill(times, change)}  ", shorten_end(title, room)))
        if why:
            lines += paragraph(f"{_since(duration)}; {why}", width=width, first=begin, style=QUIET)
        else:
            lines.append(row(begin, (_where(duration, where, room), QUIET)))
    return lines


def _from_to(duration: DurationLine) -> str:
    return f"{seconds_text(duration.before or 0.0)} -> {seconds_text(duration.seconds)}"


def _test(line: SlowLine) -> tuple[str, str, str]:
    test = line.reported
    title = one_line(test.name) or "(no title)"
    return f"{title} [{one_line(test.variant)}]" if test.variant else title, one_line(test.file or line.id.file), ""


def _suite(line: SuiteLine) -> tuple[str, str, str]:
    return f"{line.kind} {one_line(line.name)}", "", "; ".join(made_of(line))


def made_of(line: SuiteLine) -> tuple[str, ...]:
    """Is it more tests or slower ones? The parts of the step, those that matter; nobody's part is said as well."""
    least = max(0.05 * line.added, LEAST_SECONDS)
    said = []
    if line.added_tests >= least:
        more = line.tests_now - line.tests_before
        said.append(f"{f'{more} more tests' if more > 1 else 'new tests'}: {seconds_text(line.added_tests)}")
    if line.removed_tests >= least:
        said.append(f"tests that are gone took {seconds_text(line.removed_tests)}")
    if abs(line.same_tests) >= least:
        word = "slower" if line.same_tests > 0 else "faster"
        said.append(f"the same tests are {seconds_text(abs(line.same_tests))} {word}")
    inside = line.added_tests - line.removed_tests + line.same_tests
    if line.kind == "job" and inside < line.added / 2:
        said.append("most of it is outside of the tests: set-up, waiting, or fewer of them at a time")
    return tuple(said)


def _since(duration: DurationLine) -> str:
    commit = f" ({duration.since_commit[:7]})" if duration.since_commit else ""
    return f"since run {one_line(duration.since_run.run)}{commit}" if duration.since_run else ""


def _where(duration: DurationLine, file: str, room: int) -> str:
    since = _since(duration)
    left = room - cell_len(since) - 2
    return f"{since}  {shorten_middle(file, left)}" if file and left >= 10 else shorten_end(since, max(10, room))
