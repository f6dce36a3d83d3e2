"""`flakelens doctor` for a terminal: each finding with its mend, lines to copy kept whole."""

from __future__ import annotations

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.safe import lines as safe_lines
from flakelens.render.safe import one_line
from flakelens.render.terminal import BAD, DOUBT, GOOD, NAME, STRONG, paragraph, row, to_text
from flakelens.report import DoctorReport, Finding


def doctor_text(report: DoctorReport, *, width: int, colour: bool) -> str:
    """The findings, serious ones first, and one line that sums them up."""
    out: list[Text | str] = []
    for finding in report.findings:
        out += [*_finding(finding, width), ""]
    serious = sum(finding.serious for finding in report.findings)
    basis = (
        f"Looked at {count_of(report.runs, 'run')}, {report.counting:,} of them counting for {one_line(report.branch)}"
    )
    if not report.findings:
        out += paragraph(f"{basis}: nothing keeps flakelens from seeing flakes.", width=width, style=GOOD)
    else:
        said = f"{count_of(len(report.findings), 'finding')}, {serious or 'none'} serious"
        out += paragraph(f"{basis}: {said}.", width=width, style=BAD if serious else "")
    return to_text(out, width=width, colour=colour)


def _finding(finding: Finding, width: int) -> list[Text]:
    sign, style = ("✗ serious", BAD) if finding.serious else ("! remark", DOUBT)
    lines = [row((sign, f"bold {style}"), "  ", (finding.code, STRONG), "  ", (one_line(finding.where), NAME))]
    lines += paragraph(finding.message, width=width, first="  ")
    arrow = "  → "
    for line in safe_lines(finding.mend):
        if line.startswith("  "):
            lines.append(Text(f"    {line}"))  # to be copied: never wrapped
        else:
            lines += paragraph(line, width=width, first=arrow)
        arrow = "    "
    return lines
