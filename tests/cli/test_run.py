"""`flakelens run -- COMMAND` with real child processes: output, exit codes, which reports are stored."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from flakelens.store import open_store
from tests.builders import a_run, a_store
from tests.cli.gate_calls import Flakelens
from tests.cli.run_commands import ROOT, copying, script, stored
from tests.tiny_reports import jest, playwright

RECORDED = ROOT / "fixtures" / "recorded" / "runs"


@pytest.fixture
def a_report(tmp_path: Path) -> Path:
    return jest(tmp_path / "recorded.xml", {"adds": "P", "breaks": "F"}, file="src/a.test.ts")


@pytest.mark.parametrize("code", [0, 1, 3, 10, 255])
def test_the_command_keeps_its_output_and_its_code(
    folder: Path, flakelens: Flakelens, a_report: Path, code: int
) -> None:
    said = flakelens("run", "--", *script(folder, copying(a_report, code=code)))
    assert said.code == code
    assert said.out == "the output of the tests\n"
    assert said.err.startswith("and its errors\nStored 1 report of 1 run, 2 test results.\n")
    assert "breaks" in said.err  # the triage names what failed
    assert stored(folder) == [("junit.xml", False)]
    assert not list((folder / ".flakelens").glob("run-*"))


def test_without_the_two_dashes_the_commands_options_are_its_own(
    folder: Path, flakelens: Flakelens, a_report: Path
) -> None:
    text = "import sys\nassert sys.argv[1:] == ['--ci', '--branch', 'x'], sys.argv\n" + copying(a_report)
    assert flakelens("run", *script(folder, text), "--ci", "--branch", "x").code == 0
    assert len(stored(folder)) == 1


@pytest.mark.parametrize(
    ("letters", "code"), [({"adds": "P"}, 0), ({"adds": "P", "breaks": "F"}, 10), ({"adds": "E"}, 10)]
)
def test_the_exit_code_from_triage(
    folder: Path, flakelens: Flakelens, tmp_path: Path, letters: dict[str, str], code: int
) -> None:
    report = jest(tmp_path / "recorded.xml", letters, file="src/a.test.ts")
    command = script(folder, copying(report, code=1 if code else 0))
    assert flakelens("run", "--exit-from", "triage", "--", *command).code == code


def test_metadata_is_taken_from_options_and_from_ci_as_ingest_does(
    folder: Path, flakelens: Flakelens, a_report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ACTIONS": "true", "RUN_ID": "55", "SHA": "c" * 40, "REF": "refs/heads/main",
                        "EVENT_NAME": "push"}.items():  # fmt: skip
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert flakelens("run", "--job", "unit", "--shard", "1/2", "--", *script(folder, copying(a_report))).code == 0
    with open_store(folder / ".flakelens" / "flakelens.db") as store:
        (run,) = store.read(branch="main").runs
    assert (run.key.run, run.infos[0].commit, run.reports[0].job, run.reports[0].shard) == (
        "55", "c" * 40, "unit", "1/2",
    )  # fmt: skip


def test_every_new_report_is_taken_and_no_old_one(folder: Path, flakelens: Flakelens, a_report: Path) -> None:
    shutil.copy(a_report, folder / "old.xml")
    jest(folder / "packages" / "a" / "junit.xml", {"was here": "P"})
    text = copying(a_report, "packages/b/junit.xml")
    assert flakelens("run", "--", *script(folder, text)).code == 0
    assert stored(folder) == [("packages/b/junit.xml", False)]


def test_a_report_elsewhere_is_found_by_its_glob(folder: Path, flakelens: Flakelens, a_report: Path) -> None:
    away = folder.parent / "away"
    away.mkdir()
    command = script(folder, copying(a_report, str(away / "results-1.xml")))
    said = flakelens("run", "--", *command)
    assert "wrote no JUnit report" in said.err
    (away / "results-1.xml").unlink()
    assert flakelens("run", "--reports", str(away / "results-*.xml"), "--", *command).code == 0
    assert stored(folder) == [(str(away / "results-1.xml"), False)]


def test_nothing_written_is_said_with_what_lies_around_and_hides_no_code(
    folder: Path, flakelens: Flakelens, a_report: Path
) -> None:
    shutil.copy(a_report, folder / "junit.xml")
    said = flakelens("run", "--", "sh", "-c", "echo tests; exit 7")
    assert (said.code, said.out) == (7, "tests\n")
    assert "flakelens: the command wrote no JUnit report, so there is nothing to store." in said.err
    assert "older than this command and left out" in said.err
    assert "junit.xml" in said.err
    assert not (folder / ".flakelens" / "flakelens.db").exists()


def test_the_flag_to_add_is_named(folder: Path, flakelens: Flakelens) -> None:
    tool = folder / "playwright"
    tool.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    tool.chmod(0o755)
    said = flakelens("run", "--", "./playwright", "test")
    assert said.code == 1
    assert "add to the command: --reporter=list,junit" in said.err


def test_an_added_reporter_writes_where_it_is_found(folder: Path, flakelens: Flakelens) -> None:
    """A stand-in for Playwright: its junit reporter writes to PLAYWRIGHT_JUNIT_OUTPUT_FILE."""
    report = playwright(folder.parent / "e2e.xml", {"signs in": "K", "pays": "P"})
    tool = folder / "playwright"
    tool.write_text(
        f'#!/bin/sh\ncase "$*" in *,junit*) cp {report} "$PLAYWRIGHT_JUNIT_OUTPUT_FILE";; esac\n', encoding="utf-8"
    )
    tool.chmod(0o755)
    assert flakelens("run", "--", "./playwright", "test").code == 0
    assert stored(folder) == []
    said = flakelens("run", "--add-reporter", "--", "./playwright", "test")
    assert said.code == 0
    assert "flakelens: added to the command: --reporter=list,junit" in said.err
    assert "1 passed, 1 flaky" in said.err
    assert not list((folder / ".flakelens").glob("run-*"))


def test_a_command_that_is_not_there_is_127_and_one_that_may_not_run_126(folder: Path, flakelens: Flakelens) -> None:
    said = flakelens("run", "--", "no-such-command-anywhere")
    assert (said.code, said.out) == (127, "")
    assert said.err == "flakelens: no-such-command-anywhere: command not found\n"
    (folder / "plain").write_text("no program", encoding="utf-8")
    assert flakelens("run", "--", "./plain").code == 126


def test_a_damaged_database_hides_no_code_and_the_report_is_kept(
    folder: Path, flakelens: Flakelens, a_report: Path
) -> None:
    (folder / ".flakelens").mkdir()
    (folder / ".flakelens" / "flakelens.db").write_text("no database at all " * 100, encoding="utf-8")
    to = "$PLAYWRIGHT_JUNIT_OUTPUT_FILE"
    said = flakelens("run", "--", "sh", "-c", f'cp {a_report} "{to}"; exit 4')
    assert said.code == 4
    assert "the reports were not stored" in said.err
    (kept,) = (folder / ".flakelens" / "not-stored").glob("*/playwright.xml")
    assert kept.read_bytes() == a_report.read_bytes()
    assert f"flakelens ingest {kept.relative_to(folder)}" in said.err


def test_a_selection_is_partial_and_whole_says_it_is_not(folder: Path, flakelens: Flakelens, a_report: Path) -> None:
    tool = folder / "jest"
    tool.write_text(f"#!/bin/sh\ncp {a_report} junit-$$.xml\n", encoding="utf-8")
    tool.chmod(0o755)
    assert flakelens("run", "--run", "1", "--", "./jest", "src/a.test.ts").code == 0
    assert flakelens("run", "--run", "2", "--whole", "--", "./jest", "src/a.test.ts").code == 0
    assert [partial for _, partial in stored(folder)] == [True, False]


def test_a_recorded_run_of_real_tools(folder: Path, flakelens: Flakelens) -> None:
    """The reports of one recorded run of the fixture app, written as its own tools would write them."""
    recorded = sorted(RECORDED.iterdir())[3]
    described = json.loads((recorded / "run.json").read_text(encoding="utf-8"))
    text = (
        "import pathlib, shutil\nout = pathlib.Path('reports'); out.mkdir()\n"
        f"for path in pathlib.Path({str(recorded)!r}).glob('*.xml*'):\n    shutil.copy(path, out)\n"
    )
    said = flakelens("run", "--branch", "main", "--commit", described["commit"], "--", *script(folder, text))
    assert said.code == 0
    assert len(stored(folder)) == len(list(recorded.glob("*.xml*")))


def test_what_the_tests_write_does_not_make_the_tree_dirty(folder: Path, flakelens: Flakelens, a_report: Path) -> None:
    command = script(folder, copying(a_report))
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    assert flakelens("run", "--", *command).code == 0
    with open_store(folder / ".flakelens" / "flakelens.db") as store:
        ((info,),) = [run.infos for run in store.read().runs]
    assert (info.local, info.dirty) == (True, False)


def test_what_is_broken_on_main_already_is_explained(folder: Path, flakelens: Flakelens) -> None:
    """The command failed and stays failed; by triage the pull request may go on."""
    (folder / ".flakelens").mkdir()
    file = "src/components/button.test.tsx"
    broken = [{"adds": "P", "breaks": "P" if n < 24 else "F"} for n in range(30)]
    a_store(folder / ".flakelens", [a_run(n, outcomes=letters, file=file) for n, letters in enumerate(broken)]).close()
    report = jest(folder.parent / "recorded.xml", {"adds": "P", "breaks": "F"}, file=file, message="breaks failed",
                  stamp="2026-10-02T18:00:00")  # fmt: skip
    pull_request = ("--event", "pull_request", "--branch", "feature", "--base-branch", "main", "--run", "77",
                    "--started-at", "2026-10-02T18:00Z")  # fmt: skip
    command = script(folder, copying(report, code=1))
    assert flakelens("run", *pull_request, "--", *command).code == 1
    said = flakelens("run", *pull_request, "--exit-from", "triage", "--", *command)
    assert (said.code, "already broken" in said.err.lower()) == (0, True), said.err


def test_a_command_that_fails_without_a_failed_test_is_not_explained_away(
    folder: Path, flakelens: Flakelens, tmp_path: Path
) -> None:
    """A coverage threshold, say: triage has nothing to explain, and must not turn the failure into success."""
    report = jest(tmp_path / "recorded.xml", {"adds": "P"}, file="src/a.test.ts")
    said = flakelens("run", "--exit-from", "triage", "--", *script(folder, copying(report, code=1)))
    assert said.code == 1
    assert "failed although no test did" in said.err


def test_a_policy_that_is_not_valid_hides_no_code_and_the_reports_are_stored(
    folder: Path, flakelens: Flakelens, a_report: Path
) -> None:
    (folder / "flakelens.toml").write_text("branch = 3", encoding="utf-8")
    said = flakelens("run", "--exit-from", "triage", "--", *script(folder, copying(a_report, code=1)))
    assert said.code == 1
    assert "the failures were not triaged" in said.err
    assert stored(folder) == [("junit.xml", False)]


def test_the_command_gets_the_environment_as_it_was(
    folder: Path, flakelens: Flakelens, a_report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What flakelens sets for its own numpy is no business of the tests."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    seen = "import os, pathlib\npathlib.Path('seen').write_text(str(os.environ.get('OPENBLAS_NUM_THREADS')))\n"
    assert flakelens("run", "--", *script(folder, seen + copying(a_report))).code == 0
    assert (folder / "seen").read_text() == "None"
