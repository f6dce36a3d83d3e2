"""`flakelens tests`: the table and the document."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from tests.cli.histories import AS_OF, caller, team_database
from tests.goldens import same_as_golden


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("width", [80, 140])
def test_the_table(tmp_path, call, width):
    db = team_database(tmp_path)
    code, out, err = call("--db", db, "tests", "--as-of", AS_OF, width=width)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/tests.{width}.txt", out)


@pytest.mark.parametrize("width", [60, 80, 109, 110, 140])
def test_no_line_is_wider_than_the_terminal(tmp_path, call, width):
    _, out, _ = call("--db", team_database(tmp_path), "tests", "--as-of", AS_OF, width=width)
    assert max(cell_len(line) for line in out.splitlines()) <= width


def test_titles_cannot_steer_the_terminal_or_the_ci_log(tmp_path, call):
    _, out, _ = call("--db", team_database(tmp_path), "tests", "--as-of", AS_OF, width=140)
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]x[/bold] \\x23#[error]boo" in out
    assert "##[error]" not in out


def test_the_document_has_the_names_that_programs_read(tmp_path, call):
    _, out, _ = call("--db", team_database(tmp_path), "tests", "--as-of", AS_OF, "--format", "json")
    document = json.loads(out)
    assert list(document) == ["schema", "tests"]
    assert document["schema"] == "flakelens.tests/1"
    assert len(document["tests"]) == 9
    flaky = next(test for test in document["tests"] if test["name"] == "referral sends a mail")
    low = flaky["first_attempt_pass_rate"].pop("low")
    high = flaky["first_attempt_pass_rate"].pop("high")
    assert 0 < low < 23 / 27 < high < 1
    assert {key: value for key, value in flaky.items() if key != "pass_rate"} == {
        "file": "referral.spec.ts",
        "name": "referral sends a mail",
        "variant": "Pixel 7",
        "area": "E2E",
        "focus": ["referral", "mobile"],
        "state": "flaky",
        "healing": False,
        "quarantined": False,
        "p_stable": pytest.approx(0.01, abs=0.01),
        "p_flaky": pytest.approx(0.99, abs=0.01),
        "p_broken": pytest.approx(0, abs=1e-5),
        "flake_rate": 6 / 40,
        "flake_low": pytest.approx(0.0651, abs=1e-4),  # Beta(6.5, 34.5)
        "flake_high": pytest.approx(0.2833, abs=1e-4),
        "first_attempt_pass_rate": {"passed": 23, "executed": 27, "value": 23 / 27},
        "runs": 40,
        "failures": 0,
        "flaky_runs": 6,
        "last_run_outcome": "passed",
        "since": {"run": "1005", "commit": flaky["since"]["commit"]},
        "cluster": None,
        "owner": None,
    }
    assert flaky["pass_rate"]["value"] == 1


def test_null_stands_where_there_is_no_data(tmp_path, call):
    _, out, _ = call("--db", team_database(tmp_path), "tests", "--as-of", AS_OF, "--format", "json", "--sort", "name")
    tests = {test["name"]: test for test in json.loads(out)["tests"]}
    assert tests["brand new"]["pass_rate"] is None
    assert tests["brand new"]["since"] is None
    assert tests["brand new"]["state"] == "branch-only"
    assert tests["Offer page shows the salary"]["first_attempt_pass_rate"] is None


def test_filters_narrow_both_formats(tmp_path, call):
    db = team_database(tmp_path)
    _, out, _ = call("--db", db, "tests", "--as-of", AS_OF, "--format", "json", "--area", "E2E", "--state", "gone")
    assert [test["name"] for test in json.loads(out)["tests"]] == ["old one"]
    _, out, _ = call("--db", db, "tests", "--as-of", AS_OF, "--focus", "mobile", "--limit", "1")
    assert "The first 1 of 3 matching tests" in out


def test_a_filter_that_leaves_nothing_says_so(tmp_path, call):
    code, out, _ = call("--db", team_database(tmp_path), "tests", "--as-of", AS_OF, "--area", "AI", "--state", "gone")
    assert (code, out) == (0, "None of 9 tests matches the filters.\n")


def test_a_wrong_filter_is_a_usage_error(tmp_path, call):
    code, out, err = call("--db", team_database(tmp_path), "tests", "--state", "wobbly")
    assert (code, out) == (2, "")
    assert "There is no state 'wobbly'." in err
    assert "healing" in err


def test_without_a_database_the_next_step_is_named(tmp_path, call):
    code, out, _ = call("tests")
    assert code == 0
    assert "flakelens ingest" in out
    code, out, _ = call("tests", "--format", "json")
    assert json.loads(out) == {"schema": "flakelens.tests/1", "tests": []}
    assert list(tmp_path.iterdir()) == []
