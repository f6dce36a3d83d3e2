"""The verdict in a terminal. The last line is the bridge from the figure that people know to what the gate says."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flakelens.gate.criterion import CriterionFinding, count_of, percent
from flakelens.gate.focus import FocusFinding
from flakelens.model import GateState
from flakelens.render.escape import plain
from flakelens.render.figures import (
    HIDDEN,
    SYMBOLS,
    WORDS,
    counted,
    focus_title,
    moment,
    need,
    observed,
    rate,
    required,
    span,
)
from flakelens.render.terminal import console_into
from flakelens.report import AreaLine, GateReport

if TYPE_CHECKING:
    from flakelens.report.forecast import GatePlan

_COLOURS = {GateState.MET: "green", GateState.NOT_MET: "red", GateState.INCONCLUSIVE: "yellow"}
_GAP = 2
# "98.0 %" must not be torn apart where a line ends. rich breaks at every kind of space, so a private character, which
# `plain` never lets through, stands in until the lines are made.
_KEEP = "\ue000"
_WIDE = 120  # columns from which the counts have room beside the rates


def gate_text(
    report: GateReport,
    *,
    width: int,
    colour: bool,
    quiet: bool = False,
    verbose: bool = False,
    plan: GatePlan | None = None,
) -> str:
    """The verdict as text of `width` columns, ending with a line feed. `quiet`: the headline alone, and the plan where
    there is one; `verbose`: the evidence of every criterion and what the verdict rests on besides.
    """
    out = StringIO()
    console = console_into(out, width=width, colour=colour)
    page = _Page(console)
    page.headline(report)
    if not quiet:
        page.summary(report)
        page.criteria(report, verbose)
        page.rollback(report.verdict.rollback)
        page.areas(report.areas)
        page.focuses(report.verdict.focuses)
        page.waivers(report)
        page.lines("Next steps", report.verdict.next_steps)
        page.lines("Notices", report.notices)
    if plan is not None:
        page.plan(plan)
    if not quiet:
        if verbose:
            page.provenance(report)
        if report.number is not None:
            page.paragraph(f"Recorded as verdict {report.number}: flakelens gate --replay {report.number}", "dim")
        page.paragraph(report.bridge, "bold")
    return "\n".join(line.rstrip() for line in out.getvalue().replace(_KEEP, " ").split("\n"))


class _Page:
    def __init__(self, console: Console) -> None:
        self._console = console

    def headline(self, report: GateReport) -> None:
        verdict = report.verdict
        state = Text(f"{SYMBOLS[verdict.state]} {WORDS[verdict.state]}", style=f"bold {_COLOURS[verdict.state]}")
        self._console.print(Text(f"{plain(verdict.title)} - ", style="bold") + state)

    def summary(self, report: GateReport) -> None:
        verdict = report.verdict
        counts = [
            f"{number} {WORDS[state].lower()}"
            for state in (GateState.NOT_MET, GateState.INCONCLUSIVE, GateState.MET)
            if (number := sum(finding.state is state for finding in verdict.criteria))
        ]
        mode = "" if verdict.mode == "enforce" else f" Mode {verdict.mode}: nothing is stopped."
        self._print(f"Decision: {verdict.decision}. Criteria: {', '.join(counts) or 'none'}.{mode}")

    def criteria(self, report: GateReport, verbose: bool) -> None:
        findings = report.verdict.criteria
        waived = {finding.waiver.criterion for finding in report.verdict.waivers if finding.holds}
        rows = [_cells(finding, finding.id in waived) for finding in findings]
        header = ("", "Criterion", "Area", "State", "Observed", "Required")
        widths = [max((cell_len(row[place]) for row in (header, *rows)), default=0) for place in range(len(header))]
        # Identifiers, states and figures are never cut or wrapped; the area gives way when the line is too narrow.
        others = sum(widths) - widths[2] + _GAP * (len(widths) - 2) + 1
        widths[2] = max(min(8, widths[2]), min(widths[2], self._console.width - others))
        self._console.print()
        self._row(header, widths, "dim")
        for finding, row in zip(findings, rows, strict=True):
            self._row(row, widths, "", _COLOURS[finding.state])
            self._indented(finding.why)
            if text := need(finding):
                self._indented(text)
            for line in _details(finding) if verbose else ():
                self._indented(line, "dim")

    def areas(self, lines: tuple[AreaLine, ...]) -> None:
        if not lines:
            return
        wide = self._console.width >= _WIDE
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim", show_edge=False)
        table.add_column("Area", overflow="fold")
        table.add_column("Tests", justify="right", no_wrap=True)
        table.add_column("Runs", justify="right", no_wrap=True)
        for name in ("Pass rate", "First attempts"):
            if wide:
                table.add_column("", justify="right", no_wrap=True)
            table.add_column(name)
        table.add_column("P(green)", justify="right", no_wrap=True)
        for line in lines:
            first = rate(line.first_attempt_pass_rate) if line.first_attempt_pass_rate else _no_first(line)
            cells = [plain(line.area), f"{line.tests:,}", f"{line.runs}"]
            cells += [counted(line.pass_rate)] if wide else []
            cells += [rate(line.pass_rate)]
            cells += [counted(line.first_attempt_pass_rate)] if wide else []
            cells += [first, "-" if line.p_green is None else percent(line.p_green)]
            table.add_row(*(Text(_kept(cell)) for cell in cells))
        self._console.print()
        self._console.print(table)
        for line in lines:
            if line.first_attempt_pass_rate and line.first_attempt_hidden:
                self._print(
                    f"{plain(line.area)}: {line.first_attempt_hidden} of these {line.runs} runs hide their first "
                    "attempts.",
                    "dim",
                )
        if any(line.p_green is not None for line in lines):
            self._print("P(green): the chance that no test of the area fails in a run.", "dim")

    def rollback(self, command: str) -> None:
        if command:
            self._console.print()
            self._print("Take the deployment back:", f"bold {_COLOURS[GateState.NOT_MET]}")
            self._console.print(Text(f"    {plain(command, 2000)}", style="bold"), soft_wrap=True)  # to be copied

    def focuses(self, findings: tuple[FocusFinding, ...]) -> None:
        if not findings:
            return
        self._console.print()
        self._print("Focuses", "bold")
        for focus in findings:
            finding = focus.finding
            line = Text(f"  {SYMBOLS[focus.state]} ", style=_COLOURS[focus.state])
            line.append(plain(focus_title(focus)), style="bold")
            line.append(f": {WORDS[focus.state]}", style=_COLOURS[focus.state])
            line.append(f", {count_of(focus.tests, 'test')}")
            if finding.observed is not None:
                line.append(_kept(f", {observed(finding)} of {required(finding)}"))
            self._console.print(line, overflow="fold")
            if focus.state is not GateState.MET:
                self._indented(" ".join(part for part in (finding.why, need(finding)) if part))

    def waivers(self, report: GateReport) -> None:
        lines = []
        for finding in report.verdict.waivers:
            waiver = finding.waiver
            holds = f"until {moment(waiver.expires)}" if finding.holds else f"does not hold: {finding.why_not}"
            lines.append(
                f"{waiver.criterion} on {waiver.commit[:12]}, by {waiver.by}, {holds}. Reason given: {waiver.reason}"
            )
        self.lines("Waivers", lines)

    def lines(self, heading: str, lines: Iterable[str]) -> None:
        found = tuple(lines)
        if not found:
            return
        self._console.print()
        self._print(heading, "bold")
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for line in found:
            table.add_row(Text("  -"), Text(_kept(plain(line, 1000))))
        self._console.print(table)

    def plan(self, plan: GatePlan) -> None:
        self._console.print()
        from flakelens.render.text.gate_plan import gate_plan_lines  # few ask for it

        for line in gate_plan_lines(plan, width=self._console.width):
            self._console.print(line, soft_wrap=True)

    def provenance(self, report: GateReport) -> None:
        basis = report.provenance
        newest = f", runs {basis.first} to {basis.last}" if basis.window_runs else ""
        self.lines(
            "This verdict rests on",
            (
                f"branch {basis.branch}, {count_of(basis.window_runs, 'counting run')}{newest}",
                f"commit {basis.commit or 'unknown'}, as of {moment(basis.as_of)}",
                f"policy {basis.policy_sha256}",
                f"decisions {basis.decisions_sha256}",
                f"data {basis.data_sha256}",
                f"parameters {basis.params_sha256}",
                f"flakelens {basis.version}",
            ),
        )

    def paragraph(self, text: str, style: str) -> None:
        self._console.print()
        self._print(plain(text, 2000), style)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(_kept(text), style=style), overflow="fold")

    def _indented(self, text: str, style: str = "") -> None:
        self._console.print(Padding(Text(_kept(plain(text, 2000)), style=style, overflow="fold"), (0, 0, 0, 4)))

    def _row(self, cells: tuple[str, ...], widths: list[int], style: str, colour: str = "") -> None:
        table = Table.grid(padding=(0, _GAP, 0, 0))
        for place, width in enumerate(widths):
            right = place >= len(widths) - 2
            table.add_column(width=width, justify="right" if right else "left", overflow="fold")
        marked = (0, 3)
        table.add_row(
            *(Text(cell, style=(colour if place in marked else "") or style) for place, cell in enumerate(cells))
        )
        self._console.print(table)


def _kept(text: str) -> str:
    """Text whose percentages are not torn apart at the end of a line."""
    return text.replace(" %", f"{_KEEP}%")


def _cells(finding: CriterionFinding, waived: bool) -> tuple[str, ...]:
    return (
        SYMBOLS[finding.state],
        plain(finding.id),
        plain(finding.area),
        WORDS[finding.state] + (" (waived)" if waived else ""),
        observed(finding),
        required(finding),
    )


def _details(finding: CriterionFinding) -> tuple[str, ...]:
    """What -v adds: the basis of the figure, further evidence, the tests that speak against it."""
    lines = []
    if (seen := finding.observed) is not None:
        between = (
            f", 95 % interval {span(seen.low, seen.high)} %" if seen.low is not None and seen.high is not None else ""
        )
        lines.append(f"{seen.count[0]:,}/{seen.count[1]:,}{between}; {count_of(seen.n, 'run')} (method: {seen.method})")
    lines += finding.evidence
    lines += [
        f"speaks against it: {test.name}"
        + (f" [{test.variant}]" if test.variant else "")
        + (f" in {test.file}" if test.file else "")
        for test in finding.tests
    ]
    return tuple(lines)


def _no_first(line: AreaLine) -> str:
    return HIDDEN if line.first_attempt_hidden else "no results"
