"""Focuses that somebody looks after, in `plan`, `gate` and the outputs of a step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.causes_histories import AS_OF, failing_database
from tests.cli.histories import caller
from tests.goldens import same_as_golden

WEEK = """
[[focus]]
name = "forms & offers"
match = ["offer", "candidate"]
owner = "@web"
day = 1
critical = true

[[focus]]
name = "ai-matching"
match = ["AI match"]
owner = "@ai"
day = 3

[[focus]]
name = "calm"
match = ["calm"]
day = 2

[[focus]]
name = "referral"
match = ["referral"]
owner = "::error::@growth"
"""


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    call = caller(tmp_path, monkeypatch, capsys)
    Path("flakelens.toml").write_text(WEEK)
    return call


@pytest.mark.parametrize("width", [80, 120])
def test_the_plan_names_the_steps_that_repair_each(tmp_path, call, width) -> None:
    base = failing_database(tmp_path)
    _, out, _ = call("--db", base, "plan", "--as-of", AS_OF, width=width)
    assert max(map(len, out.splitlines())) <= width
    same_as_golden(f"cli/plan-focuses.{width}.txt", out)


def test_the_document_of_the_plan(tmp_path, call) -> None:
    document = json.loads(call("--db", failing_database(tmp_path), "plan", "--as-of", AS_OF, "--format", "json")[1])
    causes = [[test["name"] for test in step["cause"]["tests"]] for step in document["steps"]]
    assert [(each["focus"], each["day"], each["state"]) for each in document["focuses"]] == [
        ("forms & offers", "1", "NOT_MET"),
        ("calm", "2", "MET"),
        ("ai-matching", "3", "NOT_MET"),
        ("referral", None, "INCONCLUSIVE"),
    ]
    by_name = {each["focus"]: [causes[place - 1] for place in each["steps"]] for each in document["focuses"]}
    assert by_name["forms & offers"] == [["offer is broken"]]
    assert sorted(by_name["ai-matching"]) == [["AI match finds the best"], ["AI match finds the worst"]]
    assert by_name["calm"] == by_name["referral"] == []


def test_each_is_an_output_of_the_step(tmp_path, call, monkeypatch) -> None:
    output = tmp_path / "output.txt"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    _, out, _ = call("--db", failing_database(tmp_path), "gate", "--as-of", AS_OF, "--format", "github")
    said = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert {name: value for name, value in said.items() if name.startswith("focus")} == {
        "focus-forms---offers": "NOT_MET",
        "focus-forms---offers-met": "false",
        "focus-calm": "MET",
        "focus-calm-met": "true",
        "focus-ai-matching": "NOT_MET",
        "focus-ai-matching-met": "false",
        "focus-referral": "INCONCLUSIVE",
        "focus-referral-met": "false",
    }
    titles = [line for line in out.splitlines() if line.startswith("::notice title=Focus ")]
    assert len(titles) == 3
    assert not any(line.startswith("::error::@growth") for line in out.splitlines())


def test_without_a_plan_for_them_focuses_are_no_lines(tmp_path, call) -> None:
    Path("flakelens.toml").unlink()
    base = failing_database(tmp_path)
    assert json.loads(call("--db", base, "gate", "--as-of", AS_OF, "--format", "json")[1])["focuses"] == []
    assert "Focuses" not in call("--db", base, "gate", "--as-of", AS_OF)[1]
