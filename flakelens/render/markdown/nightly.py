"""The nightly report as GitHub Markdown: what one pastes into a chat or a pull request. One screen, no folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flakelens.gate.criterion import CriterionFinding, count_of, percent
from flakelens.gate.focus import FocusFinding
from flakelens.model import GateState, TestId
from flakelens.render.escape import code, markdown
from flakelens.render.event_words import WORDS as CHANGED
from flakelens.render.event_words import group_details
from flakelens.render.figures import HIDDEN, WORDS, counted, moment, need, rate, share_beside, threshold
from flakelens.render.nightly_words import (
    budget_text,
    change_counts,
    distance_text,
    further_steps,
    price_line,
    since_words,
)
from flakelens.report.causes import PlanStep
from flakelens.report.events import EventGroup
from flakelens.report.nightly import Expiry, Group, Nightly, RunLine, TestEntry
from flakelens.stats.states import TestState

_SIGNS = {GateState.MET: "✅", GateState.NOT_MET: "❌", GateState.INCONCLUSIVE: "❔"}
_MOST_CHANGED = 5  # groups told per kind of change
_MOST_TOGETHER = 3  # tests named of a group
_MOST_TESTS = 10
_LATE = 5  # newest runs whose faults are told


def nightly_markdown(report: Nightly) -> str:
    """The document; ends with a line feed."""
    verdict = report.gate.verdict
    title = f"# {_SIGNS[verdict.state]} {markdown(verdict.title)}: {WORDS[verdict.state]}"
    parts = [
        title,
        f"{moment(report.as_of)}, branch {code(report.gate.provenance.branch)}. Decision: **{verdict.decision}**. "
        f"{markdown(distance_text(report))}".rstrip(),
        markdown(report.gate.bridge, 2000),
        _changes(report),
        _first(report),
        _criteria(verdict.criteria, {found.waiver.criterion for found in verdict.waivers if found.holds}),
        _expiries(report.expiries),
        _groups(report.groups, verdict.focuses),
        _attention(report.entries),
        _runs(report.runs),
        _blind(report),
        _foot(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _changes(report: Nightly) -> str:
    heading = f"## What changed {since_words(report.since)}"
    if not report.changes:
        return f"{heading}\n\nNothing happened to any test."
    lines = []
    for kind, number in change_counts(report):
        lines.append(f"- **{number} {CHANGED[kind][0]}**")
        groups = [group for group in report.changes if group.kind is kind]
        lines += [f"  - {_changed(group)}" for group in groups[:_MOST_CHANGED]]
        if len(groups) > _MOST_CHANGED:
            rest = sum(len(group.events) for group in groups[_MOST_CHANGED:])
            lines.append(f"  - and {rest} more")
    return "\n".join((heading, "", *lines))


def _changed(group: EventGroup) -> str:
    named = ", ".join(_name(event.id) for event in group.events[:_MOST_TOGETHER])
    more = f" and {len(group.events) - _MOST_TOGETHER} more" if len(group.events) > _MOST_TOGETHER else ""
    phrases = group_details(group)
    return f"{named}{more}" + (f": {markdown('; '.join(phrases), 600)}" if phrases else "")


def _first(report: Nightly) -> str:
    steps = [_action(action) for action in report.actions]
    steps += [
        code(step, 1000) if step.startswith("flakelens ") else markdown(step, 1000) for step in further_steps(report, 6)
    ]
    if not steps:
        return "## Do first\n\nNothing is waiting for a repair."
    return "\n".join(("## Do first", "", *(f"{place}. {step}" for place, step in enumerate(steps, start=1))))


def _action(action: PlanStep) -> str:
    cause = action.cause
    name = _name(cause.tests[0].id)
    more = f" and {len(cause.tests) - 1} more" if len(cause.tests) > 1 else ""
    said = f". It says: {markdown(cause.signature.example)}" if cause.signature else ""
    owners = f" Owner: {', '.join(markdown(owner) for owner in action.cause.owners)}." if action.cause.owners else ""
    return (
        f"Repair {name}{more}: pass rate then {percent(action.after.pass_rate)}, green runs "
        f"{percent(action.after.green_share)}{said}. {markdown(price_line(action.cause.price))}{owners}"
    )


def _criteria(findings: tuple[CriterionFinding, ...], waived: set[str]) -> str:
    rows = ["## Criteria", "", "| | Criterion | Area | Observed | Required | Why |", "|---|---|---|---:|---:|---|"]
    for finding in findings:
        why = " ".join(part for part in (finding.why, need(finding)) if part)
        cells = (
            f"{_SIGNS[finding.state]} {WORDS[finding.state]}{' (waived)' if finding.id in waived else ''}",
            markdown(finding.id),
            markdown(finding.area),
            *_figures(finding),
            markdown(why, 1000),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _figures(finding: CriterionFinding) -> tuple[str, str]:
    """Observed and required; a sign-off has no figures."""
    if finding.kind == "attested":
        return "-", "a sign-off"
    seen = finding.observed
    shown = "no data" if seen is None else share_beside(seen.value, finding.required)
    return shown, threshold(finding.required)


def _expiries(expiries: Sequence[Expiry]) -> str:
    lines = []
    for expiry in expiries:
        ends = f"until {moment(expiry.expires)}" if expiry.holds else f"**does not hold**: {markdown(expiry.why_not)}"
        lines.append(
            f"- {expiry.kind} of {markdown(expiry.what)}, {ends}, by {markdown(expiry.by)}: {markdown(expiry.reason)}"
        )
    return "\n".join(("## Waivers, and what ends soon", "", *lines)) if lines else ""


def _groups(groups: Sequence[Group], planned: Sequence[FocusFinding]) -> str:
    rows = [
        "## Areas and focuses",
        "",
        "| | Tests | Pass rate | First attempts | All green | Error budget left |",
        "|---|---:|---|---|---:|---|",
    ]
    plans = {focus.name: focus for focus in planned}
    for group in groups:
        plan = plans.get(group.name) if group.kind == "focus" else None
        line = group.line
        first = line.first_attempt_pass_rate
        cells = (
            f"{'**' if group.kind != 'focus' else ''}{markdown(group.name)}{'**' if group.kind != 'focus' else ''}"
            + (_planned(plan) if plan else ""),
            f"{line.tests:,}",
            f"{rate(line.pass_rate)}, {counted(line.pass_rate)}" if line.pass_rate else "no results",
            rate(first) if first else (HIDDEN if line.first_attempt_hidden else "no results"),
            "-" if line.p_green is None else percent(line.p_green),
            budget_text(group.budget),
        )
        rows.append(f"| {' | '.join(cells)} |")
    rows += ["", "Over the newest 30 runs, with 95 % intervals over runs. All green: the chance that no test fails."]
    return "\n".join(rows)


def _planned(focus: FocusFinding) -> str:
    """Whether a focus that somebody looks after holds, its day and its owner."""
    said = ["critical" if focus.critical else "", markdown(focus.when), markdown(focus.owner)]
    return f" {_SIGNS[focus.state]} {', '.join(part for part in said if part)}"


def _attention(entries: Sequence[TestEntry]) -> str:
    wanted = [
        entry
        for entry in entries
        if entry.line.finding.state in (TestState.BROKEN, TestState.FLAKY) and not entry.line.finding.healing
    ]
    if not wanted:
        return ""
    rows = ["## Tests that need attention", "", "| State | Test | Pass rate | Flakes |", "|---|---|---|---:|"]
    for entry in wanted[:_MOST_TESTS]:
        line = entry.line
        since = f" since {code(line.since_commit[:7])}" if line.since_commit else ""
        shown = f"{percent(line.pass_rate.value)} ({counted(line.pass_rate)})" if line.pass_rate else "no results"
        flakes = str(len(line.finding.evidence))
        rows.append(f"| {line.finding.state}{since} | {_name(line.id)} | {shown} | {flakes} |")
    if len(wanted) > _MOST_TESTS:
        rows += ["", f"and {len(wanted) - _MOST_TESTS} more"]
    return "\n".join(rows)


def _runs(runs: Sequence[RunLine]) -> str:
    lines = []
    for run in reversed(runs[-_LATE:]):
        name = f"run {code(run.key.run)}" + (f" ({code(run.commit[:7])})" if run.commit else "")
        if run.outage:
            lines.append(f"{name}: {run.outage} outage, {run.failed} of {run.failed + run.passed + run.flaky} failed")
        for absence in run.absences:
            fault = markdown(absence.fault) if absence.fault else _missing(absence.missing, absence.more)
            lines.append(f"{name}: {markdown(absence.area)} is not complete: {fault}")
    return _list(f"## The newest {count_of(min(_LATE, len(runs)), 'run')}", lines)


def _missing(missing: Sequence[TestId], more: int) -> str:
    named = ", ".join(_name(test) for test in missing[:3])
    rest = len(missing) - 3 + more
    return f"no result of {named}" + (f" and {rest} more" if rest > 0 else "")


def _blind(report: Nightly) -> str:
    return _list(
        "## What the reports cannot show",
        (f"{markdown(found.where)}: {markdown(found.message, 1000)}" for found in report.blind if found.serious),
    )


def _foot(report: Nightly) -> str:
    number = report.gate.number
    replay = f" Verdict {number}: {code(f'flakelens gate --replay {number}')}." if number is not None else ""
    return f"flakelens {report.gate.provenance.version}.{replay}"


def _name(test: TestId) -> str:
    return code(f"{test.name} [{test.variant}]" if test.variant else test.name or "(no title)", 200)


def _list(heading: str, lines: Iterable[str]) -> str:
    found = [f"- {line}" for line in lines]
    return "\n".join((heading, "", *found)) if found else ""
