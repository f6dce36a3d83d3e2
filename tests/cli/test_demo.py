"""`flakelens demo` on the recorded runs, held against what the tools themselves counted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from flakelens import demo as verb
from flakelens.errors import NothingReadError
from tests.cli.histories import caller

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"

recorded = pytest.mark.skipif(
    not (RECORDED / "truth.json").is_file(), reason="THE RECORDED RUNS ARE MISSING: fixtures/recorded is not there yet"
)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@recorded
def test_the_demo_goes_from_reports_to_the_verdict(tmp_path, call):
    begun = time.monotonic()
    code, out, err = call("demo")
    assert (code, err) == (0, "")
    places = [out.index(heading) for heading in ("What was read", "Tests that need attention", "Gate 1", "What next")]
    assert places == sorted(places)
    assert time.monotonic() - begun < 120
    assert list(tmp_path.iterdir()) == []


@recorded
def test_every_recorded_run_and_report_is_read():
    report = verb.demo()
    truth = json.loads((RECORDED / "truth.json").read_text(encoding="utf-8"))["runs"]
    assert report.runs == len({entry["run"] for entry in truth})
    assert report.reports == sum(len(entry["reports"]) for entry in truth)
    assert report.tests.runs == len({entry["run"] for entry in truth if entry["branch"] == "main"})
    assert report.gate.verdict.criteria


@recorded
def test_the_shipped_policy_judges_whatever_lies_around(tmp_path, call):
    (tmp_path / "flakelens.toml").write_text("this is not even TOML")
    assert call("demo")[0] == 0


@recorded
def test_a_kept_database_answers_other_commands(call):
    code, out, _ = call("demo", "--keep", "kept.db")
    assert code == 0
    assert "flakelens --db kept.db show TEST" in out
    code, out, _ = call("--db", "kept.db", "tests", "--as-of", "2026-11-21", "--format", "json")
    assert code == 0
    assert len(json.loads(out)["tests"]) > 100
    assert call("demo", "--keep", "kept.db")[0] == 2


def test_an_installation_without_recorded_runs_says_so(tmp_path):
    with pytest.raises(NothingReadError):
        verb.demo(folder=tmp_path)
