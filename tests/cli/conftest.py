"""A folder of its own for commands, and a way to call them in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flakelens import cli
from flakelens.model import RunReports
from tests.cli.gate_calls import Flakelens, Said
from tests.cli.histories import caller
from tests.cli.triage_histories import AS_OF, database


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder without git or CI around it, in which commands are called."""
    for name in ("CI", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "FLAKELENS_DB", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "team"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "80")
    return place


@pytest.fixture
def flakelens(folder: Path, capfd: pytest.CaptureFixture[str]) -> Flakelens:
    del folder

    def call(*arguments: str) -> Said:
        code = cli.run(list(arguments))
        captured = capfd.readouterr()
        return Said(code, captured.out, captured.err)

    return call


NO_CI = ("GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "CI", "GITLAB_CI", "TF_BUILD")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    for name in NO_CI:
        monkeypatch.delenv(name, raising=False)
    return caller(tmp_path, monkeypatch, capsys)


@pytest.fixture
def triage(tmp_path, call):
    """Stores runs and gives the exit code and the JSON of the triage of the newest, or of the run named."""

    def ask(*runs: RunReports, run: str = "", db: str = "") -> tuple[int, dict[str, Any]]:
        path = db or database(tmp_path, *runs)
        asked = [run] if run else []
        code, out, err = call("--db", path, "triage", *asked, "--format", "json", "--as-of", AS_OF)
        assert err == ""
        return code, json.loads(out)

    return ask
