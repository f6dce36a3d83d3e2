"""The triage as GitHub Markdown: the body of a comment on a pull request, or a step summary."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from flakelens.gate.criterion import count_of
from flakelens.model import TestId
from flakelens.render.escape import code, markdown, plain
from flakelens.render.markdown.brief import fenced
from flakelens.render.safe import one_line
from flakelens.render.triage_words import bridge, heading_of, headline, run_line, worth
from flakelens.report.triage import TriagedTest, TriageGroup, TriageReport

# The first line of every body: a step that comments looks for a comment that begins with it, and updates that one.
MARKER = "<!-- flakelens:triage -->"
_LONGEST = 60_000  # characters; GitHub takes 65,536 in a comment
# Tests named per block, and tests whose evidence is told; the next pair is tried where the body grows too long.
_ROOM = ((10, 3), (5, 1), (1, 0), (0, 0))
_MESSAGE = 160
_COMMAND = 20_000


def triage_markdown(report: TriageReport) -> str:
    """The body: marker, answer, table, evidence folded, what to run again. Always in this order; at most 60,000
    characters. Ends with a line feed.
    """
    for named, told in _ROOM:
        body = _body(report, named, told)
        if len(body) <= _LONGEST:
            return body
    return f"{_top(report)}\n\nThere is more than a comment can hold: `flakelens triage` shows it.\n"


def _body(report: TriageReport, named: int, told: int) -> str:
    parts = [
        _top(report),
        _table(report),
        *(_section(title, list(groups), named, told) for title, groups in _sections(report)),
        _flaky(report, named),
        _new_tests(report, named),
        _reruns(report) if named else "",
        _list("### Notices", (markdown(notice, 1000) for notice in report.notices)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sections(report: TriageReport) -> Iterable[tuple[str, Iterable[TriageGroup]]]:
    return groupby(report.groups, lambda group: heading_of(group, report.run))


def _top(report: TriageReport) -> str:
    sign = "✅" if report.explained else "❌"
    said = f"{bridge(report)}" if report.failures else ""
    lines = [MARKER, f"## {sign} Triage: {markdown(headline(report).removesuffix('.'))}", markdown(said, 2000)]
    lines.append(f"{markdown(run_line(report.run), 1000)}.")
    return "\n\n".join(line for line in lines if line)


def _table(report: TriageReport) -> str:
    if not report.failures and not report.lost:
        return ""
    rows = ["| | What | Tests | Says, most often |", "|---|---|---:|---|"]
    for each in report.lost:
        what = "Not read, as before" if each.before else "Not read"
        said = markdown(f"{each.problem.where}: {each.problem.message}", 400)
        rows.append(f"| {'✅' if each.before else '❌'} | {what} | | {said} |")
    for title, groups in _sections(report):
        found = list(groups)
        sign = "✅" if found[0].explained else "❌"
        said = code(one_line(found[0].headline), _MESSAGE) if found[0].headline else "no message"
        rows.append(f"| {sign} | {markdown(title)} | {sum(len(group.tests) for group in found)} | {said} |")
    return "\n".join(rows)


def _section(title: str, groups: list[TriageGroup], named: int, told: int) -> str:
    if not named:
        return ""
    number = sum(len(group.tests) for group in groups)
    opened = "" if groups[0].explained else " open"
    lines = [f"<details{opened}><summary>{markdown(title)}: {count_of(number, 'test')}</summary>", ""]
    for group in groups:
        if len(group.tests) > 1:
            # The code never begins the line: with three backticks in it, it would look like a fence.
            said = f"say {code(one_line(group.headline), _MESSAGE)}" if group.headline else "say nothing"
            different = f" or another of {group.kinds} messages" if group.kinds > 1 else ""
            lines += [f"{len(group.tests)} tests {said}{different}:", ""]
        # Of a large block the first test stands for the others: they failed in one way.
        detailed = told if len(group.tests) <= told else min(told, 1)
        for place, test in enumerate(group.tests[:named]):
            lines += _test(test, alone=len(group.tests) == 1, told=place < detailed)
        if len(group.tests) > named:
            lines.append(f"- and {len(group.tests) - named} more")
        lines.append("")
    return "\n".join([*lines, "</details>"])


def _test(test: TriagedTest, *, alone: bool, told: bool) -> Iterable[str]:
    yield f"- {_name(test.id)} ({markdown(test.area)})"
    if alone and test.headline:
        yield f"  - {code(one_line(test.headline), _MESSAGE)}"
    if told:
        for sentence in test.because:
            yield f"  - {markdown(sentence, 500)}"


def _name(test: TestId) -> str:
    variant = f" \\[{markdown(one_line(test.variant))}\\]" if test.variant else ""
    file = f" in {code(one_line(test.file))}" if test.file else ""
    return f"**{markdown(one_line(test.name)) or 'without a name'}**{variant}{file}"


def _flaky(report: TriageReport, named: int) -> str:
    if not report.flaky or not named:
        return ""
    lines = [f"- {_name(test.id)}: {markdown(test.because[0], 500)}" for test in report.flaky[:named]]
    if len(report.flaky) > named:
        lines.append(f"- and {len(report.flaky) - named} more")
    head = f"<details><summary>Failed, then passed: {count_of(len(report.flaky), 'test')}</summary>"
    return "\n".join([head, "", *lines, "", "</details>"])


def _new_tests(report: TriageReport, named: int) -> str:
    if not report.new_flaky:
        return ""
    lines = [f"{_name(test)}: failed and passed on one commit" for test in report.new_flaky[:named]]
    if len(report.new_flaky) > named:
        lines.append(f"and {len(report.new_flaky) - named} more")
    return _list("### New tests that are flaky already", lines)


def _reruns(report: TriageReport) -> str:
    parts = []
    if report.outage and report.outage.rerun:
        parts += ["The whole job again, which confirms or refutes the outage:", _command(report.outage.rerun)]
    for rerun in report.reruns:
        parts += [markdown(worth(rerun)), _command(rerun.command)]
    return "\n\n".join(["### Run again", *parts]) if parts else ""


def _command(line: str) -> str:
    return fenced(plain(line, _COMMAND), "sh")


def _list(heading: str, lines: Iterable[str]) -> str:
    found = [f"- {line}" for line in lines]
    return "\n".join((heading, "", *found)) if found else ""
