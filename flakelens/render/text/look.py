"""The quick look for a terminal. The first line is the one to read; what follows is the evidence for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from flakelens.render.problems import grouped
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, NAME, QUIET, STRONG, fill, heading, paragraph, to_text

if TYPE_CHECKING:
    from flakelens.model import TestId
    from flakelens.report import LookArea, LookReport

_CAUSES = 8
_TESTS = 4  # named of each cause
_FLAKES = 8
_COLUMNS = (
    ("tests", ""),
    ("passed", GOOD),
    ("flaky", DOUBT),
    ("failed", BAD),
    ("errored", BAD),
    ("skipped", QUIET),
)


def render(report: LookReport, *, width: int, colour: bool, quiet: bool = False, verbose: bool = False) -> str:
    """The text, `width` columns wide; `quiet`: its first line alone; `verbose`: every cause, test and flake."""
    bad = bool(report.causes) or any(area.failed + area.errored for area in report.areas)
    lines = paragraph(report.headline, width=width, style=f"{STRONG} {BAD}" if bad else STRONG)
    if quiet:
        return to_text(lines, width=width, colour=colour)
    most = 10_000 if verbose else None
    lines += [Text(), *_areas(report.areas, width)]
    lines += _causes(report, width, most)
    lines += _flakes(report, width, most)
    if report.cannot_show:
        lines += [Text(), heading("What these reports cannot show")]
        for spot in report.cannot_show:
            lines += paragraph(spot.said, width=width, first="  - ", rest="    ")
            lines += [Text.assemble("      ", (line, NAME)) for line in spot.lines]
            if spot.file:
                lines.append(Text(f"    in {spot.file}", style=QUIET))
    if report.problems:
        lines += [Text(), heading("Problems"), *grouped(report.problems, width=width, remarks=verbose)]
    lines += [Text(), heading("Next")]
    for step in report.next_steps:
        lines += paragraph(step, width=width, first="  ")
    return to_text(lines, width=width, colour=colour)


def _areas(areas: Sequence[LookArea], width: int) -> list[Text]:
    shown = [
        column for column in _COLUMNS if column[0] in ("tests", "passed") or any(getattr(a, column[0]) for a in areas)
    ]
    longest = min(max(len(area.area) for area in areas) if areas else 4, width // 3)
    head = Text(fill("  Area", longest + 2), style=QUIET)
    for name, _ in shown:
        head.append(f"{name:>9}", QUIET)
    lines = [head]
    for area in areas:
        line = Text(fill(f"  {shorten_end(one_line(area.area), longest)}", longest + 2))
        for name, style in shown:
            count = getattr(area, name)
            line.append(f"{count:>9,}" if count else f"{'-':>9}", style if count else QUIET)
        lines.append(line)
    return lines


def _causes(report: LookReport, width: int, most: int | None) -> list[Text]:
    if not report.causes:
        return []
    lines = [Text(), heading("Failures by cause")]
    for cause in report.causes[: most or _CAUSES]:
        count = len(cause.tests)
        lines += paragraph(cause.message, width=width, first=f"  {count:>3} x  ", style=BAD)
        lines += _tests(cause.tests, width, most or _TESTS)
    rest = report.causes[most or _CAUSES :]
    if rest:
        failures = sum(len(cause.tests) for cause in rest)
        lines.append(Text(f"  and {len(rest):,} more causes of {failures:,} failures (-v shows all)", style=QUIET))
    return lines


def _flakes(report: LookReport, width: int, most: int | None) -> list[Text]:
    if not report.flaky:
        return []
    lines = [Text(), heading("Flaky: failed, then passed")]
    for flake in report.flaky[: most or _FLAKES]:
        lines += _tests((flake.id,), width, 1, indent="  ")
        if flake.message:
            lines.append(Text(f"      {shorten_middle(one_line(flake.message), width - 6)}", style=QUIET))
    if len(report.flaky) > (most or _FLAKES):
        lines.append(Text(f"  and {len(report.flaky) - _FLAKES:,} more (-v shows all)", style=QUIET))
    return lines


def _tests(tests: Sequence[TestId], width: int, most: int, indent: str = "         ") -> list[Text]:
    """Each test on a line: its name, then file and variant where there is room."""
    lines = []
    for test in tests[:most]:
        name = shorten_middle(one_line(test.name) or "(no name)", width - len(indent))
        line = Text.assemble(indent, name)
        variant = f"[{one_line(test.variant)}]" if test.variant else ""
        for place in (f"{one_line(test.file)} {variant}".strip(), variant):
            if place and line.cell_len + 2 + cell_len(place) <= width:
                line.append(f"  {place}", QUIET)
                break
        lines.append(line)
    if len(tests) > most:
        lines.append(Text(f"{indent}and {len(tests) - most:,} more", style=QUIET))
    return lines
