"""`flakelens waive` and `flakelens acknowledge`: what they show, and that the gate reads what they wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flakelens import cli, decisions
from flakelens.model import TestId
from tests.builders import a_commit, a_store, a_suite_run, started_at

WAIVE = ("waive", "gate1", "--criterion", "stable", "--commit", a_commit(1), "--by", "Ann", "--reason", "known")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CI", "GITHUB_ACTIONS", "FLAKELENS_DB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_entry_is_shown_and_must_be_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*WAIVE, "--expires", "24h"]) == 0
    out = capsys.readouterr().out
    assert out.startswith('[[waivers]]\ngate = "gate1"\ncriterion = "stable"\n')
    assert "Written to flakelens-decisions.toml.\nCommit it" in out
    assert len(decisions.parse(Path("flakelens-decisions.toml").read_text()).waivers) == 1


def test_quiet_shows_the_entry_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-q", *WAIVE, "--expires", "24h"]) == 0
    out = capsys.readouterr().out
    assert decisions.parse(out) == decisions.parse(Path("flakelens-decisions.toml").read_text())


def test_what_may_not_hold_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [argument if argument != "stable" else "no-laundering" for argument in WAIVE]
    assert cli.run([*arguments, "--expires", "24h"]) == 0
    assert "does not hold while tests of AI or payments speak against" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code"),
    [({"stable": "all-passing"}, 2), ({"gate1": "gate2"}, 2), ({"24h": "96h"}, 2), ({a_commit(1): "main"}, 2)],
)
def test_a_refusal_is_a_usage_error_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], change: dict[str, str], code: int
) -> None:
    arguments = [change.get(argument, argument) for argument in (*WAIVE, "--expires", "24h")]
    assert cli.run(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("flakelens: ")
    assert not Path("flakelens-decisions.toml").exists()


def test_a_bad_decisions_file_is_exit_4(capsys: pytest.CaptureFixture[str]) -> None:
    Path("flakelens-decisions.toml").write_text("[[waivers]]\n")
    assert cli.run([*WAIVE, "--expires", "24h"]) == 4
    assert "flakelens-decisions.toml: waivers[0]" in capsys.readouterr().err


def test_decisions_stand_beside_the_policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git").mkdir()
    (folder / "flakelens.toml").write_text("")
    (folder / "inner").mkdir()
    monkeypatch.chdir(folder / "inner")
    assert cli.run([*WAIVE, "--expires", "24h"]) == 0
    assert (folder / "flakelens-decisions.toml").is_file()


def test_acknowledged_tests_no_longer_count_as_laundered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = {f"E2E {number}": "." for number in (1, 2, 3)}
    a_store(folder, [a_suite_run(n, gone if n >= 20 else {}, size=20) for n in range(32)], name="t.db").close()
    base = ["--db", "t.db"]

    def laundered() -> tuple[str, list[TestId]]:
        cli.run([*base, "gate", "--as-of", started_at(32).isoformat(), "--format", "json"])
        criterion = json.loads(capsys.readouterr().out)["criteria"][-1]
        return criterion["state"], [TestId(**test) for test in criterion["tests"]]

    state, tests = laundered()
    assert state == "NOT_MET"
    assert [test.name for test in tests] == ["E2E 1", "E2E 2", "E2E 3"]
    assert cli.run([*base, "acknowledge", "E2E 1", "E2E › 2", "E2E 3", "--by", "Ann", "--reason", "moved"]) == 0
    assert capsys.readouterr().out.count("[[acknowledged]]") == 3
    assert laundered() == ("MET", [])


def test_an_unknown_test_is_refused_and_without_a_database_the_title_is_taken_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["acknowledge", "gone", "--by", "Ann", "--reason", "moved"]) == 0
    assert "the titles were not checked" in capsys.readouterr().out
    a_store(folder, [a_suite_run(1)], name="t.db").close()
    assert cli.run(["--db", "t.db", "acknowledge", "AI 99", "--by", "Ann", "--reason", "moved"]) == 2
    assert "Did you mean" in capsys.readouterr().err
