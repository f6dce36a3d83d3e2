"""`flakelens tests` for a terminal: one line per test where there is room, two where there is not."""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len
from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.marks import LEGEND, rate_text, state_word, strip
from flakelens.render.safe import one_line, shorten_middle
from flakelens.render.terminal import DOUBT, QUIET, STRONG, fill, paragraph, row, to_text
from flakelens.report import TestLine, TestsReport

_ONE_LINE = 110  # columns from which a test fits on one line
_STATE = 14
_RATE = 18
_FLAKES = 8
_COUNTED = 12  # the same with the word: "124 flakes"
_STRIP = 30  # newest runs that a line shows at most


def tests_text(report: TestsReport, *, width: int, colour: bool, verbose: bool = False) -> str:
    """The table, its legend, and what the filter left out; `verbose` adds owners and causes."""
    return to_text(table(report, width=width, verbose=verbose), width=width, colour=colour)


def table(report: TestsReport, *, width: int, verbose: bool = False) -> list[Text | str]:
    """The lines of the table; `demo` shows them too."""
    if not report.tests:
        return _nothing(report, width)
    area = max(4, *(cell_len(one_line(line.area)) for line in report.tests)) + 2
    titles = Counter((line.id.name, line.id.variant) for line in report.tests)
    double = {title for title, number in titles.items() if number > 1}
    lines: list[Text | str] = []
    if width >= _ONE_LINE:
        lines += _wide(report.tests, width, area, verbose=verbose)
    else:
        lines += _narrow(report.tests, width, area, double, verbose=verbose)
    lines += ["", *paragraph(f"{LEGEND}; newest run right", width=width, style=QUIET)]
    lines += paragraph(_count(report), width=width)
    if report.ambiguous:
        lines += paragraph(
            f"{count_of(len(report.ambiguous), 'title')} in several files cannot be told apart in reports without "
            "paths; flakelens doctor lists them.",
            width=width,
            style=DOUBT,
        )
    return lines


def together(line: TestLine) -> str:
    """ "fails together with 3 others: cause c829461"; "" for a test that fails alone."""
    if line.cause is None or not line.cause.others:
        return ""
    return f"fails together with {count_of(line.cause.others, 'other')}: cause {line.cause.id}"


def _wide(tests: tuple[TestLine, ...], width: int, area: int, *, verbose: bool) -> list[Text]:
    runs = min(_STRIP, max(len(line.strip) for line in tests), max(10, width // 6))
    title = width - _STATE - area - _RATE - _FLAKES - runs
    head = fill("STATE", _STATE) + fill("TEST", title) + fill("AREA", area)
    lines = [row((f"{head}{fill('PASS RATE', _RATE)}{fill('FLAKES', _FLAKES)}NEWEST RUNS", STRONG))]
    for line in tests:
        name = _title(line)
        file = _beside(line, name, title - 2)
        lines.append(
            row(
                _state(line),
                shorten_middle(name, title - 2),
                (file, QUIET),
                " " * max(0, title - min(cell_len(name), title - 2) - cell_len(file)),
                (fill(one_line(line.area), area), QUIET),
                fill(rate_text(line.pass_rate), _RATE),
                fill(str(len(line.finding.evidence) or "-"), _FLAKES),
            ).append_text(strip(line.strip[-runs:]))
        )
        lines += _more(line, width) if verbose else ()
    return lines


def _narrow(
    tests: tuple[TestLine, ...], width: int, area: int, double: set[tuple[str, str]], *, verbose: bool
) -> list[Text]:
    """Two lines each: the title has the whole width, and the figures stand under it."""
    runs = min(_STRIP, max(len(line.strip) for line in tests), max(0, width - _STATE - area - _RATE - _COUNTED - 2))
    title = width - _STATE
    head = f"{fill('', _STATE)}{fill('area', area)}{fill('pass rate', _RATE)}{fill('flakes', _COUNTED)}"
    lines = [row((f"{fill('STATE', _STATE)}TEST", STRONG)), row((f"{head}{'newest runs' if runs > 10 else ''}", QUIET))]
    for line in tests:
        name = _title(line)
        if (line.id.name, line.id.variant) in double and line.id.file:
            name = f"{one_line(line.id.file)} > {name}"
        flakes = count_of(len(line.finding.evidence), "flake") if line.finding.evidence else "-"
        lines.append(row(_state(line), shorten_middle(name, title)))
        lines.append(
            row(
                " " * _STATE,
                (fill(one_line(line.area), area), QUIET),
                fill(rate_text(line.pass_rate), _RATE),
                fill(flakes, _COUNTED),
            ).append_text(strip(line.strip[-runs:] if runs else ""))
        )
        lines += _more(line, width) if verbose else ()
    return lines


def _more(line: TestLine, width: int) -> list[Text]:
    """Who owns it and what it fails with; nothing where neither is known."""
    said = " · ".join(part for part in (one_line(line.owner), together(line)) if part)
    return paragraph(said, width=width, first=" " * _STATE, rest=" " * _STATE, style=QUIET) if said else []


def _state(line: TestLine) -> tuple[str, str]:
    word, style = state_word(line.finding)
    return fill(f"{word}{' Q' if line.quarantined else ''}", _STATE), style


def _title(line: TestLine) -> str:
    name = one_line(line.id.name) or "(no title)"
    return f"{name} [{one_line(line.id.variant)}]" if line.id.variant else name


def _beside(line: TestLine, name: str, room: int) -> str:
    """The file behind the title where there is room for a readable part of it."""
    left = room - cell_len(name) - 2
    return f"  {shorten_middle(one_line(line.id.file), left)}" if line.id.file and left >= 16 else ""


def _count(report: TestsReport) -> str:
    shown = len(report.tests)
    said = count_of(report.total, "test")
    if report.matching < report.total:
        said = f"{report.matching:,} of {said} match"
    if shown < report.matching:
        said = (
            f"the first {shown:,} of {report.matching:,} {'matching ' if report.matching < report.total else ''}tests"
        )
        said += "; --limit 0 shows all"
    basis = f"{count_of(report.runs, 'run')} of {one_line(report.branch)}"
    quarantined = ". Q: in quarantine" if any(line.quarantined for line in report.tests) else ""
    return f"{said[0].upper()}{said[1:]}, over {basis}{quarantined}."


def _nothing(report: TestsReport, width: int) -> list[Text | str]:
    if report.total:
        return list(paragraph(f"None of {count_of(report.total, 'test')} matches the filters.", width=width))
    return list(
        paragraph("No test is known yet. Bring the reports of a run with: flakelens ingest PATH...", width=width)
    )
