"""`flakelens ingest` as it is called: exit codes, what it prints, what it leaves on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flakelens.cli import run
from flakelens.store import open_store
from tests.tiny_reports import jest, playwright

GIVEN = ["--run", "7", "--branch", "main", "--commit", "a" * 40]


@pytest.fixture(autouse=True)
def no_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is no checkout, on a machine without CI."""
    for name in ("CI", "GITHUB_ACTIONS", "FLAKELENS_DB", "PLAYWRIGHT_JUNIT_INCLUDE_RETRIES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def test_done_then_nothing_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P", "breaks": "F"}, file="src/a.test.ts")
    assert run(["ingest", "junit.xml", *GIVEN]) == 0
    assert capsys.readouterr().out.startswith("Stored 1 report of 1 run, 2 test results.\n  7  1 passed, 1 failed\n")
    assert run(["ingest", "junit.xml", *GIVEN]) == 0
    assert capsys.readouterr().out.startswith("Nothing new: 1 report of 1 run were stored already.\n")


def test_nothing_read_leaves_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "nowhere"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Nothing was written" in captured.err
    assert not (tmp_path / ".flakelens").exists()


def test_something_unreadable_is_6_and_the_rest_is_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jest(tmp_path / "in" / "a.xml", {"adds": "P"})
    (tmp_path / "in" / "b.xml").write_bytes(b"")
    assert run(["ingest", "in", *GIVEN]) == 6
    assert "! empty-file" in capsys.readouterr().out
    with open_store(tmp_path / ".flakelens" / "flakelens.db") as store:
        assert store.info().rows["report"] == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--event", "commit"], "--event"),
        (["--shard", "4"], "--shard"),
        (["--started-at", "soon"], "--started-at"),
        (["--url", "ftp://x"], "--url"),
        (["--run-per-dir"], "not a folder"),
    ],
)
def test_a_wrong_option_is_2_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P"})
    assert run(["ingest", "junit.xml", *arguments]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / ".flakelens").exists()


def test_a_damaged_database_is_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P"})
    (tmp_path / "not.db").write_text("this is no database, and long enough to be read as one" * 50, encoding="utf-8")
    assert run(["--db", "not.db", "ingest", "junit.xml"]) == 5
    assert capsys.readouterr().out == ""


def test_the_json_has_exactly_the_promised_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playwright(tmp_path / "e2e.xml", {"opens": "P", "signs in": "K", "pays": "F", "ships": "E", "later": "S"})
    assert run(["ingest", "e2e.xml", "--run", "7", "--retries", "recorded", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "flakelens.ingest/1",
        "runs": [
            {
                "run": "7",
                "attempt": 1,
                "reports": 1,
                "tests": 5,
                "passed": 1,
                "flaky": 1,
                "failed": 1,
                "errored": 1,
                "skipped": 1,
                "retry_evidence": "recorded",
                "partial": False,
                "problems": [
                    {
                        "code": "unknown-branch",
                        "where": "e2e.xml",
                        "message": "The run's branch is not known, so that it counts for no gate. Give --branch, or"
                        " branch in run.json.",
                    }
                ],
            }
        ],
    }


def test_a_laptops_run_is_stored_and_said_not_to_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P"})
    assert run(["ingest", "junit.xml"]) == 0
    assert "A laptop's run does not count" in capsys.readouterr().out
    with open_store(tmp_path / ".flakelens" / "flakelens.db") as store:
        ((info,),) = [facts.infos for facts in store.read().runs]
    assert (info.local, info.branch) == (True, "")


def test_in_ci_the_run_is_the_pipelines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ci = {"ACTIONS": "true", "RUN_ID": "55", "RUN_ATTEMPT": "2", "SHA": "c" * 40, "REF": "refs/heads/main",
          "EVENT_NAME": "push", "JOB": "unit"}  # fmt: skip
    for name, value in ci.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    monkeypatch.setenv("PLAYWRIGHT_JUNIT_INCLUDE_RETRIES", "1")
    playwright(tmp_path / "e2e.xml", {"opens": "P"})
    assert run(["ingest", "e2e.xml", "--job", "e2e", "--format", "json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["runs"]
    assert (said["run"], said["attempt"], said["retry_evidence"]) == ("55", 2, "recorded")
    with open_store(tmp_path / ".flakelens" / "flakelens.db") as store:
        (facts,) = store.read(branch="main").runs
    assert (facts.key.provider, facts.reports[0].job) == ("github", "e2e")


def test_many_runs_are_summed_up_and_problems_grouped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(25):
        folder = tmp_path / "in" / f"{number}"
        jest(folder / "junit.xml", {"adds": "P", f"test {number}": "P"}, file="a.test.ts")
        (folder / "run.json").write_text('{"branch": "main", "retries": 1}', encoding="utf-8")
    assert run(["ingest", "in", "--run-per-dir"]) == 6
    out = capsys.readouterr().out
    assert out.startswith("Stored 25 reports of 25 runs, 50 test results.  50 passed\n")
    assert "! bad-run-json (25 times)" in out
    assert "and 22 more" in out
    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) < 15


def test_a_hostile_run_name_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P"})
    assert run(["ingest", "junit.xml", "--run", "x\x1b[2J[bold]\u202ey", "--branch", "main"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]" in out


def test_a_hostile_file_name_stays_text_in_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a\u202e\x1b[2J.xml").write_bytes(b"")
    assert run(["ingest", "a\u202e\x1b[2J.xml"]) == 3
    err = capsys.readouterr().err
    assert "\u202e" not in err
    assert "\x1b" not in err
    assert "\\u202e\\x1b[2J.xml" in err


def test_the_text_of_two_runs_with_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playwright(tmp_path / "in" / "8" / "e2e.xml", {"signs in": "K", "pays": "F"})
    jest(tmp_path / "in" / "9" / "unit.xml", {"adds": "P", "later": "S"})
    (tmp_path / "in" / "9" / "e2e.xml").write_bytes(b"")
    (tmp_path / "in" / "8" / "run.json").write_text('{"run": 4711, "branch": "main", "attempt": 2}', encoding="utf-8")
    (tmp_path / "in" / "9" / "run.json").write_text('{"branch": "main", "retries": 1}', encoding="utf-8")
    assert run(["ingest", "in", "--run-per-dir"]) == 6
    golden = Path(__file__).parent.parent / "golden" / "ingest" / "problems.txt"
    assert capsys.readouterr().out == golden.read_text(encoding="utf-8")
