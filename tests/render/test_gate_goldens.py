"""Each verdict in each format, as files to open: tests/golden/gate/."""

from __future__ import annotations

import json

import pytest

from flakelens.render.github.gate import gate_github
from flakelens.render.json.gate import gate_json
from flakelens.render.junit_gate import gate_junit
from flakelens.render.markdown.gate import gate_markdown
from flakelens.render.text.gate import gate_text
from tests.goldens import same_as_golden
from tests.render.gate_reports import REPORTS

pytestmark = pytest.mark.parametrize("name", REPORTS)


@pytest.mark.parametrize("width", [80, 140])
def test_text(name: str, width: int) -> None:
    text = gate_text(REPORTS[name](), width=width, colour=False)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
    same_as_golden(f"gate/{name}.{width}.txt", text)


def test_verbose_text(name: str) -> None:
    same_as_golden(f"gate/{name}.verbose.txt", gate_text(REPORTS[name](), width=100, colour=False, verbose=True))


def test_coloured_text_says_the_same(name: str) -> None:
    from rich.text import Text

    coloured = gate_text(REPORTS[name](), width=80, colour=True)
    assert "\x1b[" in coloured
    lines = [line.rstrip() for line in Text.from_ansi(coloured).plain.splitlines()]
    assert lines == gate_text(REPORTS[name](), width=80, colour=False).splitlines()


def test_quiet_text_is_one_line(name: str) -> None:
    text = gate_text(REPORTS[name](), width=80, colour=False, quiet=True)
    assert text.count("\n") == 1
    assert text == gate_text(REPORTS[name](), width=80, colour=False).partition("\n")[0] + "\n"


def test_markdown(name: str) -> None:
    same_as_golden(f"gate/{name}.md", gate_markdown(REPORTS[name]()))


def test_junit(name: str) -> None:
    same_as_golden(f"gate/{name}.xml", gate_junit(REPORTS[name]()))


def test_workflow_commands(name: str) -> None:
    same_as_golden(f"gate/{name}.github.txt", gate_github(REPORTS[name]()))


def test_json(name: str) -> None:
    text = gate_json(REPORTS[name]())
    assert text.isascii()
    assert text.endswith("}\n")
    same_as_golden(f"gate/{name}.json", text)


def test_the_last_line_is_the_bridge(name: str) -> None:
    report = REPORTS[name]()
    for verbose in (False, True):
        text = gate_text(report, width=1000, colour=False, verbose=verbose)
        assert text.splitlines()[-1] == report.bridge


def test_identifiers_states_and_figures_are_never_cut(name: str) -> None:
    report = REPORTS[name]()
    for width in (60, 80, 140):
        lines = gate_text(report, width=width, colour=False).splitlines()
        for finding in report.verdict.criteria:
            state = finding.state.replace("_", " ")
            assert any(f" {finding.id} " in line and state in line for line in lines), (finding.id, width)


def test_json_has_the_names_that_others_read(name: str) -> None:
    document = json.loads(gate_json(REPORTS[name]()))
    assert list(document) == [
        "schema", "gate", "state", "decision", "proceed", "mode", "criteria", "rollback", "focuses",
        "areas", "waivers", "notices", "provenance",
    ]  # fmt: skip
    assert document["schema"] == "flakelens.gate/1"
    for criterion in document["criteria"]:
        assert list(criterion) == [
            "id", "kind", "area", "state", "observed", "required", "why", "needs_runs", "repair_first", "evidence",
            "next_steps", "tests", "waived",
        ]  # fmt: skip
        assert criterion["observed"] is None or list(criterion["observed"]) == ["value", "low", "high", "n", "method"]
    for area in document["areas"]:
        assert list(area) == ["area", "tests", "runs", "pass_rate", "first_attempt_pass_rate", "p_green"]
    assert list(document["provenance"]) == [
        "branch", "window_runs", "from", "to", "commit", "as_of", "policy_sha256", "decisions_sha256", "data_sha256",
        "params_sha256", "version",
    ]  # fmt: skip
