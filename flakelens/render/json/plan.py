"""`flakelens plan --format json`: the frozen view `flakelens.plan/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.json.causes import CauseView, cause_view
from flakelens.render.json.price import SavingView, saving_view
from flakelens.report.causes import FocusLine, PlanReport
from flakelens.stats.fixplan import Figures

SCHEMA = "flakelens.plan/1"


class FiguresView(msgspec.Struct, frozen=True, kw_only=True):
    """Shares from 0 to 1; `first_attempt_pass_rate` is null where no report shows first attempts."""

    pass_rate: float
    first_attempt_pass_rate: float | None
    green_share: float


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One more cause repaired, the figures then predicted, and what that saves besides the steps before it."""

    cause: CauseView
    after: FiguresView
    saves: SavingView


class FocusView(msgspec.Struct, frozen=True, kw_only=True):
    """A focus that somebody looks after; `steps` are those of the plan that repair something of it, from 1."""

    focus: str
    owner: str | None
    day: str | None
    critical: bool
    tests: int
    state: str
    why: str
    steps: list[int]


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `enough`: steps after which the required pass rate is reached, null when these are too few."""

    schema: str
    gate: str
    criterion: str
    branch: str
    required: float
    state: str
    window_runs: int
    planned_runs: int
    held_out: bool
    now: FiguresView | None
    settled: FiguresView | None
    repaired: int
    steps: list[StepView]
    enough: int | None
    focuses: list[FocusView]


def plan_json(report: PlanReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = PlanView(
        schema=SCHEMA,
        gate=report.gate,
        criterion=report.criterion,
        branch=report.branch,
        required=report.required,
        state=report.state.value,
        window_runs=report.window_runs,
        planned_runs=report.planned_runs,
        held_out=report.held_out,
        now=figures_view(report.now) if report.now else None,
        settled=figures_view(report.settled) if report.settled else None,
        repaired=report.repaired,
        steps=[
            StepView(cause=cause_view(step.cause), after=figures_view(step.after), saves=saving_view(step.saves))
            for step in report.steps
        ],
        enough=report.enough,
        focuses=[_focus(line) for line in report.focuses],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def _focus(line: FocusLine) -> FocusView:
    focus = line.focus
    return FocusView(
        focus=focus.name,
        owner=focus.owner or None,
        day=focus.day or None,
        critical=focus.critical,
        tests=focus.tests,
        state=focus.state.value,
        why=focus.finding.why,
        steps=list(line.steps),
    )


def figures_view(figures: Figures) -> FiguresView:
    """Figures as programs read them."""
    return FiguresView(
        pass_rate=figures.pass_rate,
        first_attempt_pass_rate=figures.first_attempt_pass_rate,
        green_share=figures.green_share,
    )
