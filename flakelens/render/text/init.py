"""`flakelens init` for a terminal: what was found, what was written, what to add by hand."""

from __future__ import annotations

from rich.text import Text

from flakelens.render.safe import one_line
from flakelens.render.terminal import GOOD, NAME, QUIET, heading, paragraph, row, to_text
from flakelens.report import InitReport


def init_text(report: InitReport, *, width: int, colour: bool) -> str:
    """The report; lines to copy are kept whole."""
    out: list[Text | str] = [
        row(("Wrote ", GOOD), one_line(report.path), (" (mode: observe, nothing is stopped)", QUIET))
    ]
    for sentence in report.found:
        out += paragraph(f"found {sentence}", width=width, first="  - ", rest="    ")
    if report.areas:
        out += paragraph(f"areas with a folder: {', '.join(report.areas)}", width=width, first="  - ", rest="    ")
    if report.reporters:
        out += ["", heading("Add to your reporters, so that nothing stays hidden")]
        for file, line in report.reporters:
            out += [row("  ", (one_line(file), NAME)), Text(f"    {one_line(line)}")]
    if report.unknown:
        out += ["", heading("What the files do not say in plain text")]
        for sentence in report.unknown:
            out += paragraph(sentence, width=width, first="  - ", rest="    ")
    out += ["", heading("Next")]
    out += paragraph(
        "flakelens ingest results/   after a test run, in CI; then: flakelens doctor", width=width, first="  "
    )
    return to_text(out, width=width, colour=colour)
