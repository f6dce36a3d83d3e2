"""`flakelens triage` for a terminal: what is new first, failures of one cause as one block, the bridge last."""

from __future__ import annotations

from itertools import groupby

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.escape import plain
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, NAME, QUIET, STRONG, heading, paragraph, row, to_text
from flakelens.render.triage_words import bridge, heading_of, headline, run_line, worth
from flakelens.report.triage import TriagedTest, TriageGroup, TriageReport
from flakelens.stats.triage import TriageVerdict

_NAMED = 6  # tests of a block that are named
_TOLD = 2  # tests of a block whose evidence is told; the others of it say the same
_FLAKY = 8
_COMMAND = 20_000  # a command is not cut
_SIGNS = {
    TriageVerdict.NEW: ("✗", BAD),
    TriageVerdict.SUSPECTED_OUTAGE: ("?", DOUBT),
    TriageVerdict.NO_HISTORY: ("?", DOUBT),
    TriageVerdict.OUTAGE: ("o", QUIET),
    TriageVerdict.FLAKE: ("~", DOUBT),
    TriageVerdict.ONGOING: ("✗", QUIET),
}


def triage_text(report: TriageReport, *, width: int, colour: bool, quiet: bool = False, verbose: bool = False) -> str:
    """The triage as text, ending with a line feed. `quiet`: the last line alone; `verbose`: every test with its
    evidence.
    """
    last = paragraph(bridge(report), width=width, style=STRONG)
    if quiet:
        return to_text(last, width=width, colour=colour)
    lines: list[Text | str] = []
    if report.failures or report.lost:
        lines += paragraph(headline(report), width=width, style=GOOD if report.explained else BAD)
    lines += paragraph(f"{run_line(report.run)}.", width=width, style=QUIET)
    lines += _lost(report, width)
    for title, groups in groupby(report.groups, lambda group: heading_of(group, report.run)):
        lines += _section(title, list(groups), width, verbose)
    lines += _flaky(report, width, verbose)
    lines += _new_tests(report, width)
    lines += _reruns(report, width)
    if report.notices:
        lines += ["", heading("Notices")]
        for notice in report.notices:
            lines += paragraph(notice, width=width, first="  - ")
    lines += ["", *last]
    return to_text(lines, width=width, colour=colour)


def _section(title: str, groups: list[TriageGroup], width: int, verbose: bool) -> list[Text | str]:
    sign, style = _SIGNS[groups[0].verdict]
    if groups[0].explained and groups[0].verdict is TriageVerdict.FLAKE:
        style = GOOD
    number = count_of(sum(len(group.tests) for group in groups), "test")
    lines: list[Text | str] = ["", row((f"{sign} {title}", f"{STRONG} {style}"), f": {number}")]
    for group in groups:
        lines += _group(group, width, verbose)
    return lines


def _group(group: TriageGroup, width: int, verbose: bool) -> list[Text | str]:
    lines: list[Text | str] = []
    said = one_line(group.headline) or "no message"
    many = f" ({len(group.tests)} tests)" if len(group.tests) > 1 and group.kinds <= 1 else ""
    if group.kinds > 1:
        many = f" (most often; {group.kinds} different messages)"
    room = max(20, width - 2 - len(many))
    lines.append(row("  ", (shorten_end(said, room), ""), (many, QUIET)))
    told = len(group.tests) if verbose or len(group.tests) <= _TOLD else 1
    named = len(group.tests) if verbose else _NAMED
    for place, test in enumerate(group.tests[:named]):
        lines += _title(test, width)
        if place < told:
            lines += _evidence(test, width)
    if len(group.tests) > named:
        lines.append(row("    ", (f"and {len(group.tests) - named} more: -v names them all", QUIET)))
    return lines


def _title(test: TriagedTest, width: int) -> list[Text | str]:
    variant = f" [{one_line(test.id.variant)}]" if test.id.variant else ""
    beside = f"  {one_line(test.area)}"
    title = f"{one_line(test.id.name)}{variant}"
    return [row("    ", (shorten_middle(title, max(20, width - 4 - len(beside))), NAME), (beside, QUIET))]


def _evidence(test: TriagedTest, width: int) -> list[Text | str]:
    lines: list[Text | str] = []
    for sentence in test.because:
        lines += paragraph(sentence, width=width, first="      - ")
    return lines


def _lost(report: TriageReport, width: int) -> list[Text | str]:
    if not report.lost:
        return []
    lines: list[Text | str] = ["", row(("✗ Could not be read or loaded", f"{STRONG} {BAD}"))]
    for each in report.lost:
        before = f" (so it was in the run of {report.run.gated} before)" if each.before else ""
        problem = each.problem
        where = "" if problem.message.startswith(problem.where) else f"{problem.where}: "
        lines += paragraph(f"{where}{problem.message}{before}", width=width, first="    ", rest="      ")
    return lines


def _flaky(report: TriageReport, width: int, verbose: bool) -> list[Text | str]:
    if not report.flaky:
        return []
    number = count_of(len(report.flaky), "test")
    lines: list[Text | str] = ["", row(("~ Failed, then passed", f"{STRONG} {DOUBT}"), f": {number}")]
    shown = report.flaky if verbose else report.flaky[:_FLAKY]
    for test in shown:
        lines += _title(test, width)
        if verbose:
            lines += _evidence(test, width)
        else:
            lines += paragraph(test.because[0], width=width, first="      - ", style=QUIET)
    if len(report.flaky) > len(shown):
        lines.append(row("    ", (f"and {len(report.flaky) - len(shown)} more: -v names them all", QUIET)))
    return lines


def _new_tests(report: TriageReport, width: int) -> list[Text | str]:
    if not report.new_tests:
        return []
    known = count_of(report.new_tests, "test")
    are = "is" if report.new_tests == 1 else "are"
    said = f"{known} of this run {are} not on {report.run.gated} yet"
    if not report.new_flaky:
        them = "it" if report.new_tests == 1 else "none of them"
        not_ = " not" if report.new_tests == 1 else ""
        return ["", *paragraph(f"{said}; {them} was{not_} seen flaking.", width=width)]
    lines: list[Text | str] = ["", *paragraph(f"{said}, and flaky already:", width=width, style=DOUBT)]
    for test in report.new_flaky[:_NAMED]:
        lines += paragraph(f"{test.name}: failed and passed on one commit", width=width, first="    ")
    if len(report.new_flaky) > _NAMED:
        lines.append(f"    and {len(report.new_flaky) - _NAMED} more")
    return lines


def _reruns(report: TriageReport, width: int) -> list[Text | str]:
    if not report.failures:
        return []
    lines: list[Text | str] = []
    if report.outage and report.outage.rerun:
        lines += paragraph("The whole job again, which confirms or refutes the outage:", width=width, first="  ")
        lines.append(row("    ", (plain(report.outage.rerun), NAME)))
    for rerun in report.reruns:
        lines += paragraph(worth(rerun), width=width, first="  ")
        # A command is to be copied: it is not broken into lines.
        lines.append(row("    ", (plain(rerun.command, _COMMAND), NAME)))
    settled = report.settled
    if settled:
        word = "is" if settled == 1 else "are"
        lines += paragraph(
            f"Not worth a rerun: {count_of(settled, 'failure')}, which {word} clear already.", width=width, first="  "
        )
    return ["", heading("Run again"), *lines] if lines else []
