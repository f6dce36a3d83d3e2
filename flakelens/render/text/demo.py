"""`flakelens demo` for a terminal: what was read, the tests that need attention, the verdict, what next."""

from __future__ import annotations

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.safe import one_line
from flakelens.render.terminal import heading, paragraph, to_text
from flakelens.render.text.gate import gate_text
from flakelens.render.text.tests import table
from flakelens.report import DemoReport

_NEXT = (
    ("flakelens look results/*.xml", "your own reports, without any set-up"),
    ("flakelens init", "a policy for your project"),
    ("flakelens ingest results/", "in CI, after every test run"),
    ("flakelens gate", "the verdict on your tests"),
)


def demo_text(report: DemoReport, *, width: int, colour: bool) -> str:
    """The demo as one text; the verdict stands in it as `flakelens -v gate` prints it, evidence and all."""
    first: list[Text | str] = [heading("What was read")]
    first += paragraph(
        f"{count_of(report.runs, 'run')} of a small recruiting app: {count_of(report.reports, 'JUnit report')} with "
        f"{count_of(report.results, 'test result')}, written by Jest and Playwright and edited by nobody.",
        width=width,
        first="  ",
    )
    if report.problems:
        said = ", ".join(f"{number} × {code}" for code, number in report.problems.items())
        first += paragraph(f"Noted on the way: {said}.", width=width, first="  ")
    first += ["", heading("Tests that need attention")]
    first += table(report.tests, width=width)
    first += ["", heading("The verdict, as flakelens -v gate prints it"), ""]
    last: list[Text | str] = ["", heading("What next")]
    wide = max(len(command) for command, _ in _NEXT)
    last += [f"  {command:<{wide}}  {does}" for command, does in _NEXT]
    if report.database:
        last.append(f"  flakelens --db {one_line(report.database)} show TEST")
    else:
        last += paragraph(
            "With flakelens demo --keep FILE the database stays, and every other command works on it.",
            width=width,
            first="  ",
        )
    verdict = gate_text(report.gate, width=width, colour=colour, verbose=True)
    return to_text(first, width=width, colour=colour) + verdict + to_text(last, width=width, colour=colour)
