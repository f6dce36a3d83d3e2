"""`flakelens verify` for a terminal: the answer first, then what it rests on."""

from __future__ import annotations

from rich.text import Text

from flakelens.gate.criterion import count_of, percent
from flakelens.model import Outcome
from flakelens.render.marks import LEGEND, strip
from flakelens.render.safe import one_line, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, NAME, QUIET, heading, paragraph, row, to_text
from flakelens.report import RunCell, VerifyReport
from flakelens.stats.verification import VERIFY_ERROR, RateBasis, Repair

_FEW = 3  # failures below which the old rate is hardly known
_MOST_LISTED = 5
_STYLES = {Repair.HELD: ("✓", GOOD), Repair.AGAIN: ("✗", BAD), Repair.EARLY: ("?", DOUBT), Repair.UNKNOWN: ("?", DOUBT)}


def verify_text(report: VerifyReport, *, width: int, colour: bool) -> str:
    """Whether the repair has held, in a sentence, and why."""
    test = report.line.reported
    title = one_line(test.name) or "(no title)"
    out: list[Text | str] = []
    out += paragraph(f"{title} [{test.variant}]" if test.variant else title, width=width, style="bold")
    if file := test.file or report.line.id.file:
        out.append(row((shorten_middle(one_line(file), width), NAME)))
    sign, style = _STYLES[report.state]
    out += ["", *paragraph(f"{sign} {_answer(report)}", width=width, rest="  ", style=f"bold {style}"), ""]
    out += _strips(report, width)
    out += ["", heading("Because")]
    for sentence in _because(report):
        out += paragraph(sentence, width=width, first="  - ", rest="    ")
    return to_text(out, width=width, colour=colour)


def _answer(report: VerifyReport) -> str:
    since = f"since {report.commit[:7]}"
    clean = count_of(report.clean, "clean result")
    if report.state is Repair.HELD:
        return f"The repair has held {since}: {clean}, {report.needed:,} needed."
    if report.state is Repair.AGAIN:
        return f"It failed again {since}: in {count_of(len(report.again), 'run')}, beside {clean}."
    if report.state is Repair.UNKNOWN:
        return f"Nothing to verify {since}: it is not known to have failed before."
    assert report.needed is not None
    return f"Too early to say {since}: {clean} of {report.needed:,}; {report.needed - report.clean:,} more."


def _strips(report: VerifyReport, width: int) -> list[Text]:
    lines = []
    for name, letters in (("before", report.before), ("since", report.since)):
        shown = letters[-(width - 12) :]
        cut = ".. " if len(shown) < len(letters) else ""
        lines.append(row("  ", (f"{name:6}", QUIET), "  ", cut and (cut, QUIET)).append_text(strip(shown[len(cut) :])))
    legend = f"{LEGEND}{', o outage (left out)' if 'O' in report.before + report.since else ''}"
    return [*lines, *paragraph(legend, width=width, first="  ", style=QUIET)]


def _because(report: VerifyReport) -> list[str]:
    sentences = [_before(report)]
    if report.state is Repair.UNKNOWN:
        runs = count_of(report.results, "result")
        return [
            f"none of its {runs} on {one_line(report.branch)} before that commit is a failure that the reports show"
        ]
    sentences += [_failed(cell) for cell in report.again[:_MOST_LISTED]]
    if len(report.again) > _MOST_LISTED:
        sentences.append(f"and failed in {count_of(len(report.again) - _MOST_LISTED, 'more run')} since")
    if report.again:
        after = count_of(report.clean_after, "clean result")
        sentences.append(f"{after} after that; if something else was repaired since, ask with its commit")
    if report.needed is None or report.rate is None:
        return sentences if report.again else sentences[:1]
    sentences.append(
        f"a test that still fails in {percent(report.rate)} of its runs, the cautious reading of that, gets through "
        f"{count_of(report.needed, 'run')} unhurt with a chance of {percent(VERIFY_ERROR, 0)} at most"
    )
    if report.hidden:
        sentences.append(
            f"{count_of(report.hidden, 'pass', 'passes')} since may have been second attempts: their reports hide "
            "retries, so that they do not count (flakelens doctor)"
        )
    if report.basis is not RateBasis.BROKEN and report.failures < _FEW:
        seen = "one failure" if report.failures == 1 else f"{report.failures} failures"
        sentences.append(f"the old rate rests on {seen} only: a rarer flake than that may pass unnoticed")
    return sentences


def _before(report: VerifyReport) -> str:
    last = f", the last time in run {one_line(report.failed_before.run)}" if report.failed_before else ""
    if report.basis is RateBasis.BROKEN:
        return f"before, it failed in {count_of(report.failures, 'result')} on end{last}"
    share = percent(report.failures / report.results) if report.results else "-"
    what = "first attempts" if report.basis is RateBasis.FIRST_ATTEMPTS else "results"
    return f"before, it failed in {report.failures:,} of {report.results:,} {what} ({share}){last}"


def _failed(cell: RunCell) -> str:
    commit = f" ({cell.commit[:7]})" if cell.commit else ""
    how = "failed, then passed" if cell.outcome is Outcome.FLAKY else "failed"
    return f"run {one_line(cell.run.run)}{commit} {how}"
