"""The verdict as GitHub Markdown: a step summary or a comment."""

from __future__ import annotations

from collections.abc import Iterable

from flakelens.gate.criterion import CriterionFinding, count_of, percent
from flakelens.gate.focus import FocusFinding
from flakelens.gate.waivers import WaiverFinding
from flakelens.model import GateState
from flakelens.render.escape import code, markdown
from flakelens.render.figures import (
    HIDDEN,
    WORDS,
    counted,
    criterion_title,
    moment,
    need,
    observed,
    rate,
    required,
    span,
)
from flakelens.report import AreaLine, GateReport

_SIGNS = {GateState.MET: "✅", GateState.NOT_MET: "❌", GateState.INCONCLUSIVE: "❔"}
_MOST_TESTS = 50  # named per criterion; a step summary may have 1 MiB in all


def gate_markdown(report: GateReport) -> str:
    """The verdict with its criteria, areas and next steps; the evidence is folded. Ends with a line feed."""
    verdict = report.verdict
    waived = {finding.waiver.criterion for finding in verdict.waivers if finding.holds}
    mode = "" if verdict.mode == "enforce" else f" Mode {verdict.mode}: nothing is stopped."
    parts = [
        f"## {_SIGNS[verdict.state]} {markdown(verdict.title)}: {WORDS[verdict.state]}",
        f"{markdown(report.bridge, 2000)}",
        f"Decision: **{verdict.decision}**.{mode}",
        _criteria(verdict.criteria, waived),
        f"**Take the deployment back:** {code(verdict.rollback, 2000)}" if verdict.rollback else "",
        _focuses(verdict.focuses),
        _next_steps(verdict.next_steps),
        _waivers(verdict.waivers),
        _areas(report.areas),
        *(_evidence(finding) for finding in verdict.criteria),
        _list("### Notices", (markdown(notice, 1000) for notice in report.notices)),
        _provenance(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _criteria(findings: tuple[CriterionFinding, ...], waived: set[str]) -> str:
    rows = ["| | Criterion | Area | Observed | Required | What it takes |", "|---|---|---|---:|---:|---|"]
    for finding in findings:
        state = WORDS[finding.state] + (" (waived)" if finding.id in waived else "")
        cells = (
            f"{_SIGNS[finding.state]} {state}",
            markdown(finding.id),
            markdown(finding.area),
            observed(finding),
            required(finding),
            markdown(need(finding), 1000),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _focuses(findings: tuple[FocusFinding, ...]) -> str:
    if not findings:
        return ""
    rows = [
        "| | Focus | Day | Owner | Tests | Observed | Required | What it takes |",
        "|---|---|---|---|---:|---:|---:|---|",
    ]
    for focus in findings:
        finding = focus.finding
        cells = (
            f"{_SIGNS[focus.state]} {WORDS[focus.state]}",
            markdown(focus.name) + (" **critical**" if focus.critical else ""),
            markdown(focus.when),
            markdown(focus.owner),
            f"{focus.tests:,}",
            observed(finding),
            required(finding),
            "" if focus.state is GateState.MET else markdown(f"{finding.why} {need(finding)}".strip(), 1000),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(("### Focuses", "", *rows))


def _next_steps(steps: tuple[str, ...]) -> str:
    # A command is shown as code, to be copied; prose may quote a title and is escaped.
    return _list(
        "### Next steps",
        (code(step, 1000) if step.startswith("flakelens ") else markdown(step, 1000) for step in steps),
    )


def _waivers(findings: tuple[WaiverFinding, ...]) -> str:
    return _list(
        "### Waivers",
        (
            f"{markdown(finding.waiver.criterion)} on {code(finding.waiver.commit[:12])}, by "
            f"{markdown(finding.waiver.by)}, "
            + (f"until {moment(finding.waiver.expires)}" if finding.holds else "**does not hold**: ")
            + ("" if finding.holds else markdown(finding.why_not))
            + f". Reason given: {markdown(finding.waiver.reason)}"
            for finding in findings
        ),
    )


def _areas(lines: tuple[AreaLine, ...]) -> str:
    if not lines:
        return ""
    rows = ["| Area | Tests | Runs | Pass rate | First attempts | P(green) |", "|---|---:|---:|---|---|---:|"]
    for line in lines:
        cells = (
            markdown(line.area),
            f"{line.tests:,}",
            f"{line.runs}",
            f"{counted(line.pass_rate)} = {rate(line.pass_rate)}" if line.pass_rate else "no results",
            _first(line),
            "-" if line.p_green is None else percent(line.p_green),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        (
            "### Areas",
            "",
            *rows,
            "",
            "Rates over the newest 30 runs with a 95 % interval; P(green): no test of the area fails in a run.",
        )
    )


def _first(line: AreaLine) -> str:
    first = line.first_attempt_pass_rate
    if first is None:
        return HIDDEN if line.first_attempt_hidden else "no results"
    some = f"; {line.first_attempt_hidden} runs hide theirs" if line.first_attempt_hidden else ""
    return f"{counted(first)} = {rate(first)}{some}"


def _evidence(finding: CriterionFinding) -> str:
    lines = [markdown(finding.why, 2000)]
    if (seen := finding.observed) is not None and seen.low is not None and seen.high is not None:
        lines.append(f"95 % interval {span(seen.low, seen.high)} % over {count_of(seen.n, 'run')}.")
    lines += [markdown(line, 2000) for line in finding.evidence]
    lines += [
        markdown(test.name)
        + (f" \\[{markdown(test.variant)}\\]" if test.variant else "")
        + (f" in {code(test.file)}" if test.file else "")
        for test in finding.tests[:_MOST_TESTS]
    ]
    if len(finding.tests) > _MOST_TESTS:
        lines.append(f"and {len(finding.tests) - _MOST_TESTS} more")
    body = "\n".join(f"- {line}" for line in lines)
    opened = " open" if finding.state is GateState.NOT_MET else ""
    title = f"{markdown(criterion_title(finding))}: {WORDS[finding.state]}"
    return f"<details{opened}><summary>{title}</summary>\n\n{body}\n\n</details>"


def _provenance(report: GateReport) -> str:
    basis = report.provenance
    runs = f", runs {code(basis.first)} to {code(basis.last)}" if basis.window_runs else ""
    lines = [
        f"branch {code(basis.branch)}, {count_of(basis.window_runs, 'counting run')}{runs}",
        f"commit {code(basis.commit or 'unknown')}, as of {moment(basis.as_of)}, flakelens {code(basis.version)}",
        f"policy {code(basis.policy_sha256)}, decisions {code(basis.decisions_sha256)}",
        f"data {code(basis.data_sha256)}, parameters {code(basis.params_sha256)}",
    ]
    if report.number is not None:
        lines.append(f"recorded as verdict {report.number}: {code(f'flakelens gate --replay {report.number}')}")
    body = "\n".join(f"- {line}" for line in lines)
    return f"<details><summary>What this verdict rests on</summary>\n\n{body}\n\n</details>"


def _list(heading: str, lines: Iterable[str]) -> str:
    found = [f"- {line}" for line in lines]
    return "\n".join((heading, "", *found)) if found else ""
