"""What GitHub Actions reads: workflow commands for annotations, and the outputs of a step."""

from __future__ import annotations

import re

from flakelens.model import GateState
from flakelens.render.escape import plain, workflow_data, workflow_property
from flakelens.render.figures import WORDS, focus_title, need
from flakelens.report import GateReport

_LONG = 4000
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")  # what cannot stand in the name of an output


def gate_github(report: GateReport) -> str:
    """One annotation per criterion that is not met, then one for the gate.

    `enforce`: NOT_MET is an error and INCONCLUSIVE a warning, and the gate's own line an error unless it may proceed.
    `advise`: warnings. `observe`, and what is waived: notices.
    """
    verdict = report.verdict
    waived = {finding.waiver.criterion for finding in verdict.waivers if finding.holds}
    lines = []
    for finding in verdict.criteria:
        if finding.state is GateState.MET:
            continue
        level = "notice" if finding.id in waived else _level(verdict.mode, finding.state)
        title = f"{verdict.title}: {finding.id} {WORDS[finding.state]}"
        lines.append(annotation(level, title, " ".join(part for part in (finding.why, need(finding)) if part)))
    for focus in verdict.focuses:
        if focus.state is not GateState.MET:
            finding = focus.finding
            title = f"Focus {focus_title(focus)}: {WORDS[focus.state]}"
            lines.append(annotation("notice", title, " ".join(part for part in (finding.why, need(finding)) if part)))
    if verdict.rollback:
        lines.append(annotation("error", f"{verdict.title}: take the deployment back", verdict.rollback))
    level = "notice"
    if not verdict.proceed:
        level = {"enforce": "error", "advise": "warning"}.get(verdict.mode, "notice")
    lines.append(annotation(level, f"{verdict.title}: {WORDS[verdict.state]}, {verdict.decision}", report.bridge))
    return "".join(f"{line}\n" for line in lines)


def outputs(report: GateReport) -> dict[str, str]:
    """The outputs of the step, for `if: steps.gate.outputs.proceed == 'true'`; of each focus its state, and whether
    that is MET.
    """
    verdict = report.verdict
    of_focuses: dict[str, str] = {}
    for focus in verdict.focuses:
        name = f"focus-{_NO_NAME.sub('-', focus.name)}"
        # Two names that GitHub would not tell apart: the worse speaks for both.
        if of_focuses.get(name, GateState.MET.value) == GateState.MET.value:
            of_focuses[name] = focus.state.value
    met = {f"{name}-met": str(state == GateState.MET.value).lower() for name, state in of_focuses.items()}
    return {
        "state": verdict.state.value,
        "met": str(verdict.state is GateState.MET).lower(),
        "decision": verdict.decision.value,
        "proceed": str(verdict.proceed).lower(),
        **({"rollback": verdict.rollback} if verdict.rollback else {}),
        **of_focuses,
        **met,
    }


def output_lines(values: dict[str, str]) -> str:
    """The lines to append to the file that GITHUB_OUTPUT names. A value of several lines takes the delimiter form,
    with a delimiter that does not occur in it.
    """
    lines = []
    for name, value in values.items():
        if "\n" not in value and "\r" not in value and "<<" not in value:
            lines.append(f"{name}={value}\n")
            continue
        end = "FLAKELENS"
        while end in value:
            end += "_"
        lines.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(lines)


def _level(mode: str, state: GateState) -> str:
    if mode == "enforce":
        return "error" if state is GateState.NOT_MET else "warning"
    return "warning" if mode == "advise" else "notice"


def annotation(level: str, title: str, message: str, *, file: str = "", line: int | None = None) -> str:
    """One workflow command; with a file it stands beside that line of the change."""
    place = f"file={workflow_property(plain(file))}," if file else ""
    at = f"line={line}," if file and line is not None else ""
    return f"::{level} {place}{at}title={workflow_property(plain(title))}::{workflow_data(plain(message, _LONG))}"
