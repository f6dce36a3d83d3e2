"""`flakelens gate` from the command line: exit codes, formats, records, GitHub's files, pull requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flakelens import cli
from flakelens.junit import read_bytes
from flakelens.model import Status
from flakelens.store import open_store
from tests.builders import a_commit
from tests.cli.gate_calls import Flakelens, a_history

BROKEN = {"components 3": "F", "AI 3": "F"}


@pytest.mark.parametrize(
    ("runs", "bad", "state", "code"),
    [(60, None, "MET", 0), (60, BROKEN, "NOT_MET", 10), (12, None, "INCONCLUSIVE", 11), (0, None, "INCONCLUSIVE", 11)],
)
def test_the_exit_code_is_the_state(
    flakelens: Flakelens, folder: Path, runs: int, bad: Mapping[str, str] | None, state: str, code: int
) -> None:
    if runs:
        a_history(folder, runs, bad)
    said = flakelens("gate", "--format", "json")
    document = json.loads(said.out)
    assert (said.code, document["state"], document["proceed"]) == (code, state, code == 0)
    assert said.err == ""


@pytest.mark.parametrize("mode", ["advise", "observe"])
def test_modes_change_the_exit_code_and_nothing_else(flakelens: Flakelens, folder: Path, mode: str) -> None:
    a_history(folder, 60, BROKEN)
    Path("flakelens.toml").write_text(f'[gates.gate1]\nmode = "{mode}"\n')
    said = flakelens("gate", "--format", "json")
    assert said.code == 0
    assert json.loads(said.out)["state"] == "NOT_MET"
    assert json.loads(said.out)["decision"] == "STOP"
    assert ("warning: gate gate1 is NOT_MET" in said.err) is (mode == "advise")


def test_a_missing_database_is_an_empty_history_with_a_next_step(flakelens: Flakelens) -> None:
    said = flakelens("gate")
    assert said.code == 11
    assert "Next: flakelens ingest PATH" in " ".join(said.out.split())
    assert not Path(".flakelens").exists()


def test_a_waived_gate_proceeds_with_its_state(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60, {"components 3": "F"})
    commit = a_commit(59)
    given = ("--commit", commit, "--by", "Ann", "--reason", "behind a flag", "--expires", "24h")
    assert flakelens("gate").code == 10
    assert flakelens("waive", "gate1", "--criterion", "stable", *given).code == 0
    said = flakelens("gate", "--format", "json")
    document = json.loads(said.out)
    lacking = [criterion["id"] for criterion in document["criteria"] if criterion["state"] != "MET"]
    assert lacking == ["stable"]
    assert (said.code, document["state"], document["decision"], document["proceed"]) == (0, "NOT_MET", "WAIVED", True)
    assert document["criteria"][2]["waived"] is True
    assert "Waivers" in flakelens("gate").out


def test_every_format_is_written_to_standard_output_alone(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60, BROKEN)
    starts = {"text": "Gate 1: ", "json": "{", "markdown": "## ❌ Gate 1", "junit": "<?xml", "github": "::error title="}
    for name, start in starts.items():
        said = flakelens("gate", "--format", name)
        assert said.code == 10
        assert said.out.startswith(start)
        assert said.err == ""


def test_the_junit_format_makes_both_other_states_red(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 12, {"AI 3": "F"})
    cases = read_bytes("gate.xml", flakelens("gate", "--format", "junit").out.encode()).cases
    states = {case.id.name.rpartition(" (")[0].rpartition(" ")[2]: case.status for case in cases}
    assert states["all-passing"] is Status.FAILED
    assert states["pass-rate"] is Status.ERRORED
    assert states["complete"] is Status.PASSED


def test_quiet_is_one_line_and_verbose_shows_what_it_rests_on(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60)
    assert flakelens("-q", "gate").out == "Gate 1: test reliability - ✓ MET\n"
    verbose = flakelens("-v", "gate").out
    assert "This verdict rests on" in verbose
    assert "policy " in verbose


def test_a_named_gate_and_one_that_is_not_there(flakelens: Flakelens) -> None:
    Path("flakelens.toml").write_text(
        '[gates.a-smoke]\ntitle = "Smoke"\n'
        '[gates.a-smoke.criteria.rate]\nkind = "pass-rate"\nareas = ["*"]\nthreshold = 95\n'
    )
    assert '"gate": "gate1"' in flakelens("gate", "--format", "json").out
    assert '"gate": "a-smoke"' in flakelens("gate", "a-smoke", "--format", "json").out
    said = flakelens("gate", "gate9")
    assert (said.code, said.out) == (2, "")
    assert "The policy defines a-smoke, gate1." in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--commit", "HEAD"),
        ("--commit=--help",),
        ("--as-of", "yesterday"),
        ("--replay", "1", "--backtest"),
        ("gate1", "--replay", "1"),
        ("--backtest", "--format", "junit"),
        ("--backtest", "--commit", "abcdef0"),
        ("--format", "xml"),
    ],
)
def test_what_does_not_fit_together_is_a_usage_error(flakelens: Flakelens, arguments: tuple[str, ...]) -> None:
    said = flakelens("gate", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err


@pytest.mark.parametrize("line", ["threshold = '98'", "threshold = 50", 'threshold = 100\nevidence = "observed"'])
def test_a_bad_policy_is_exit_4(flakelens: Flakelens, line: str) -> None:
    Path("flakelens.toml").write_text(f"[gates.gate1.criteria.pass-rate]\n{line}\n")
    said = flakelens("gate")
    assert said.code == 4
    assert "gates.gate1.criteria.pass-rate" in said.err


def test_a_verdict_is_recorded_and_replays_to_the_bytes_that_were_printed(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60, BROKEN)
    printed = flakelens("gate", "--format", "json").out
    again = flakelens("gate", "--replay", "1", "--format", "json")
    assert again.code == 0
    assert again.out == printed
    assert "replays exactly" in again.err
    assert "verdict 1" in flakelens("gate", "--replay", "1").out


def test_a_verdict_that_does_not_replay_says_what_differs(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60)
    flakelens("gate")
    with open_store(folder / ".flakelens/flakelens.db") as store:
        store.prune(keep_runs=30)
    said = flakelens("gate", "--replay", "1")
    assert (said.code, said.out) == (1, "")
    assert "runs were pruned since" in said.err
    assert flakelens("gate", "--replay", "9").code == 2


def test_no_record_keeps_nothing(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60)
    before = (folder / ".flakelens/flakelens.db").read_bytes()
    said = flakelens("gate", "--no-record")
    assert said.code == 0
    assert "Recorded" not in said.out
    assert (folder / ".flakelens/flakelens.db").read_bytes() == before


def test_a_database_that_cannot_be_written_still_gives_its_verdict(
    flakelens: Flakelens, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flakelens.errors import DatabaseError
    from flakelens.store import Store

    def refuse(*_: object) -> int:
        raise DatabaseError("The database is read-only.")

    monkeypatch.setattr(Store, "record_verdict", refuse)
    a_history(folder, 60, BROKEN)
    said = flakelens("gate")
    assert said.code == 10
    assert said.out.startswith("Gate 1")
    assert said.err == "flakelens: the verdict could not be recorded: The database is read-only.\n"


def test_a_damaged_database_is_exit_5(flakelens: Flakelens, folder: Path) -> None:
    (folder / "bad.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert flakelens("--db", "bad.db", "gate").code == 5


def test_as_of_judges_an_earlier_moment(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60, BROKEN, last=3)
    earlier = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    document = json.loads(flakelens("gate", "--as-of", earlier, "--format", "json").out)
    assert document["state"] == "MET"


def test_an_earlier_moment_has_its_whole_window(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 340)
    earlier = (datetime.now(UTC) - timedelta(hours=200, minutes=30)).isoformat()
    document = json.loads(flakelens("gate", "--as-of", earlier, "--format", "json").out)
    assert document["provenance"]["window_runs"] == 140
    assert document["provenance"]["to"] == "1139"


def test_a_commit_is_asked_for_besides(flakelens: Flakelens, folder: Path) -> None:
    a_history(folder, 60)
    assert flakelens("gate", "--commit", a_commit(59)[:10].upper()).code == 0
    said = flakelens("gate", "--commit", "f" * 40, "--format", "json")
    assert said.code == 11
    assert json.loads(said.out)["criteria"][-1]["id"] == "commit"


def test_github_gets_a_summary_and_outputs(
    flakelens: Flakelens, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, output = tmp_path / "summary.md", tmp_path / "output.txt"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    a_history(folder, 60, BROKEN)
    flakelens("gate", "--format", "github")
    assert summary.read_text().startswith("before\n## ❌ Gate 1: test reliability: NOT MET\n")
    assert output.read_text() == "state=NOT_MET\nmet=false\ndecision=STOP\nproceed=false\n"


def test_a_summary_that_cannot_be_written_is_no_reason_to_stop(
    flakelens: Flakelens, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    a_history(folder, 60)
    said = flakelens("gate")
    assert said.code == 0
    assert "GITHUB_STEP_SUMMARY could not be written" in said.err


@pytest.mark.parametrize("name", ["text", "json", "markdown"])
def test_the_backtest_in_each_format(flakelens: Flakelens, folder: Path, name: str) -> None:
    a_history(folder, 45, BROKEN)
    said = flakelens("gate", "--backtest", "--format", name)
    assert said.code == 0
    assert "false" in said.out.lower()
    if name == "json":
        document = json.loads(said.out)
        assert document["schema"] == "flakelens.backtest/1"
        assert len(document["states"]) == 45


def test_a_backtest_of_nothing_says_so(flakelens: Flakelens) -> None:
    said = flakelens("gate", "--backtest")
    assert said.code == 0
    assert "nothing to replay" in said.out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_pipe_gets_utf_8_whatever_the_locale_says(folder: Path, encoding: str) -> None:
    del folder
    root = Path(cli.__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(root), "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "flakelens", "gate", "--format", "markdown"],
        env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 11
    assert done.stdout.decode("utf-8").startswith("## ❔ Gate 1")
