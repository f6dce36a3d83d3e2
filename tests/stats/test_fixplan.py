"""stats.fixplan: what to repair first, and what is promised of it."""

from __future__ import annotations

import numpy as np
import pytest

from flakelens.stats.fixplan import Figures, figures_of, fix_plan
from tests.letters import matrix


def causes(*groups: list[int]) -> list[np.ndarray]:
    return [np.array(group, np.int32) for group in groups]


def test_the_figures_of_runs() -> None:
    found = figures_of(matrix("PFKS", "PPP.", "PPPP"))
    assert found == Figures(pass_rate=1 - 1 / 10, first_attempt_pass_rate=1 - 2 / 10, green_share=3 / 4)
    shown = np.array([True, True, False, True])
    assert figures_of(matrix("PFKS", "PPP.", "PPPP"), shown=shown).first_attempt_pass_rate == 1 - 1 / 7
    assert figures_of(matrix("PF"), shown=np.array([False, False])).first_attempt_pass_rate is None


def test_by_runs_the_cause_that_hits_most_runs_comes_first_by_failures_that_with_most_failures() -> None:
    outcomes = matrix("FPPPPP", "FPPPPP", "FPPPPP", "FPPPPP", "PFFPPP")
    groups = causes([0, 1, 2, 3], [4])
    assert [step.cause for step in fix_plan(outcomes, groups, order="runs").steps] == [1, 0]
    assert [step.cause for step in fix_plan(outcomes, groups, order="failures").steps] == [0, 1]


def test_each_step_adds_to_the_one_before() -> None:
    plan = fix_plan(matrix("FPPPPP", "PFFPPP"), causes([0], [1]))
    assert plan.before.green_share == pytest.approx(3 / 6)
    assert [step.after.green_share for step in plan.steps] == pytest.approx([5 / 6, 1])
    assert [step.after.pass_rate for step in plan.steps] == pytest.approx([11 / 12, 1])
    assert not plan.held_out


def test_a_run_with_two_causes_turns_green_only_when_both_are_gone() -> None:
    plan = fix_plan(matrix("FFPP", "FFPP"), causes([0], [1]))
    assert [step.after.green_share for step in plan.steps] == [0.5, 1.0]


def test_from_twenty_runs_on_the_runs_that_choose_promise_nothing() -> None:
    chosen = "FP" * 10  # fails in even runs alone
    quiet = "PF" * 10
    plan = fix_plan(matrix(chosen, quiet), causes([0], [1]))
    assert plan.held_out
    assert [step.cause for step in plan.steps] == [0, 1]
    assert plan.before.green_share == 0.0
    assert [step.after.green_share for step in plan.steps] == [0.0, 1.0]


def test_nothing_to_repair() -> None:
    assert fix_plan(matrix("PPP"), []).steps == ()
    assert figures_of(matrix("S.")) == Figures(pass_rate=1.0, first_attempt_pass_rate=None, green_share=1.0)
