"""`flakelens quarantine` for a terminal: entries with what became of their tests, faults, suggestions."""

from __future__ import annotations

import math
import shlex
from datetime import datetime

from rich.text import Text

from flakelens.gate.criterion import count_of, percent
from flakelens.render.safe import one_line, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, QUIET, heading, paragraph, row, to_text
from flakelens.report import TestLine
from flakelens.report.quarantine import Quarantined, QuarantineReport, QuarantineSuggestion

_MOST = 20
_SOON = 3  # days before its end that an entry is marked


def list_text(report: QuarantineReport, *, width: int, colour: bool) -> str:
    """Every entry, what may be released, and the faults."""
    out: list[Text | str] = []
    for each in report.entries:
        out += [*_entry(each, report.as_of, width), ""]
    if not report.entries:
        out += ["Nothing is in quarantine.", ""]
    ready = [each for each in report.entries if each.release]
    if ready:
        out.append(heading("May be released: no trouble for as long as a repair must hold"))
        for each in ready:
            out.append(f"  flakelens quarantine remove {shlex.quote(one_line(_name(each)))}")
        out.append("")
    out += _verdict(report, width)
    return to_text(out, width=width, colour=colour)


def check_text(report: QuarantineReport, *, width: int, colour: bool) -> str:
    """Whether the limits are kept, and what is against it."""
    return to_text(_verdict(report, width), width=width, colour=colour)


def suggestion_text(found: QuarantineSuggestion, *, width: int, colour: bool) -> str:
    """The command for each suggested test, and what is not suggested and why."""
    out: list[Text | str] = []
    if found.suggested:
        count = count_of(len(found.suggested), "flaky test")
        out.append(heading(f"{count} might go into quarantine while somebody repairs them"))
        for line in found.suggested[:_MOST]:
            out += [*_suggested(line, width)]
        if len(found.suggested) > _MOST:
            out.append(row((f"  and {len(found.suggested) - _MOST} more; --format json has all", QUIET)))
        # Whoever owns the file by CODEOWNERS need not be named.
        owner = "" if all(line.owner for line in found.suggested) else " --owner NAME"
        out += [
            "",
            *paragraph(
                f"Each with: flakelens quarantine add TEST{owner} --reason TEXT --expires 14d",
                width=width,
            ),
        ]
    else:
        out.append("No test is suggested for quarantine.")
    remarks = []
    if found.full:
        remarks.append(f"{count_of(len(found.full), 'more flaky test')} in areas whose share is used up")
    if found.never:
        remarks.append(f"{count_of(found.never, 'flaky test')} in areas without any quarantine: repair them first")
    if found.repair:
        remarks.append(f"{count_of(found.repair, 'broken test')}: these are to be repaired, not hidden")
    for remark in remarks:
        out += paragraph(remark, width=width, first="  - ", rest="    ", style=QUIET)
    return to_text(out, width=width, colour=colour)


def _entry(each: Quarantined, as_of: datetime, width: int) -> list[Text]:
    entry = each.entry
    lines = [row((shorten_middle(one_line(_name(each)), width), "bold"))]
    if entry.test.file:
        lines.append(row("  ", (shorten_middle(one_line(entry.test.file), width - 2), QUIET)))
    age = max(0, (as_of - entry.created).days)
    left = (entry.expires - as_of).total_seconds() / 86400
    if each.status == "expired":
        end, style = f"expired {entry.expires:%Y-%m-%d}", BAD
    else:
        days = count_of(math.ceil(left), "day")
        end, style = f"until {entry.expires:%Y-%m-%d}, {days} left", DOUBT if left <= _SOON else ""
    state = ", ".join(each.states) or ("no run knows it" if each.status == "unknown" else "not checked")
    mark = GOOD if each.release else BAD if each.status == "unknown" else ""
    lines.append(row("  ", (state, mark), f", in quarantine for {count_of(age, 'day')}, ", (end, style)))
    lines += paragraph(f"{entry.owner}: {entry.reason}", width=width, first="  ", rest="  ")
    if entry.issue:
        lines += paragraph(entry.issue, width=width, first="  ", rest="  ", style=QUIET)
    return lines


def _name(each: Quarantined) -> str:
    test = each.entry.test
    return f"{test.name} [{test.variant}]" if test.variant else test.name


def _verdict(report: QuarantineReport, width: int) -> list[Text | str]:
    lines: list[Text | str] = []
    if report.faults:
        lasts = "it lasts" if len(report.faults) == 1 else "they last"
        lines.append(row((f"✗ {count_of(len(report.faults), 'fault')}; complete is NOT_MET while {lasts}", BAD)))
        for fault in report.faults:
            lines += paragraph(fault, width=width, first="  - ", rest="    ")
    else:
        lines.append(row(("✓ the quarantine keeps its limits", GOOD)))
    for use in report.areas:
        if use.used or not use.percent:
            limit = f"{use.allowed} at most ({use.percent:g} %)" if use.percent else "none is allowed"
            lines.append(row((f"  {one_line(use.area)}: {use.used} of {count_of(use.tests, 'test')}, {limit}", QUIET)))
    if not report.checked:
        lines += paragraph("There is no database: only the ends were checked.", width=width, style=DOUBT)
    return lines


def _suggested(line: TestLine, width: int) -> list[Text]:
    test = line.id
    name = f"{test.name} [{test.variant}]" if test.variant else test.name
    rate = percent(line.finding.flake_rate) if line.finding.flake_rate else "an unknown share"
    where = "".join(f", {one_line(part)}" for part in (test.file, line.owner) if part)
    return [
        row("  ", shorten_middle(one_line(name), width - 2)),
        *paragraph(f"flakes in {rate} of its runs, {line.area}{where}", width=width, first="    ", style=QUIET),
    ]
