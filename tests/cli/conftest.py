"""A folder of its own for commands, and a way to call them in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flakelens import cli
from tests.cli.gate_calls import Flakelens, Said


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
