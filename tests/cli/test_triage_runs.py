"""`flakelens triage`: what did not fail, runs beside the history, which run is meant, and what it never does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from flakelens.model import Event, Problem, ProblemCode, RunReports
from tests.builders import a_commit, a_run, a_store, started_at
from tests.cli.triage_histories import (
    AS_OF,
    FLAKY,
    RUNS,
    Bad,
    database,
    everything_down,
    mixed_database,
    of,
    pull,
    team_run,
    usual,
)
from tests.render.test_escape import ALLOWED, COMMAND, HOSTILE

ROOT = Path(__file__).parents[2]


# --- what did not fail ---


def test_without_a_failure_it_says_so_in_one_sentence(tmp_path, call):
    db = database(tmp_path, pull(41, {}))
    code, out, _ = call("--db", db, "triage", "--as-of", AS_OF)
    assert code == 0
    assert out.splitlines()[-1] == "No failure: all 32 executed tests passed. Exit code 0."


def test_flaky_tests_are_listed_beside_and_cause_no_exit_code(triage):
    code, document = triage(pull(41, {"pays 1": Bad("K", "TimeoutError"), "pays 2": Bad("K", "TimeoutError")}))
    assert (code, document["failures"]) == (0, [])
    assert [each["name"] for each in document["flaky"]] == ["pays 1", "pays 2"]
    assert {each["verdict"] for each in document["flaky"]} == {"flake"}


def test_new_tests_of_a_branch_are_watched_for_flakiness(tmp_path, call, triage):
    new = {"brand new": Bad("F", FLAKY), "brand other": Bad("P", "")}
    db = database(tmp_path, pull(41, new), pull(42, {**new, "brand new": Bad("P", "")}))
    _, document = triage(db=db)
    assert document["new_tests"]["count"] == 2
    assert [each["name"] for each in document["new_tests"]["flaky"]] == ["brand new"]
    _, out, _ = call("--db", db, "triage", "--as-of", AS_OF)
    assert "brand new: failed and passed on one commit" in out


def test_a_report_that_could_not_be_read_is_no_green_run(tmp_path, call, triage):
    lost = Problem(ProblemCode.TRUNCATED, "e2e.xml:64", "The file ends in the middle.")
    run = team_run(40, {})
    run = RunReports(info=run.info, reports=run.reports, problems=(lost,))
    code, document = triage(run)
    assert (code, document["failures"], document["explained"]) == (10, [], False)
    assert document["lost"] == [
        {"code": "truncated", "where": "e2e.xml:64", "message": "The file ends in the middle.", "before": False}
    ]
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "triage", "--as-of", AS_OF)
    assert out.splitlines()[-1] == "No failure is known, but 1 part of the run could not be read. Exit code 10."


# --- runs that do not feed the history ---


@pytest.mark.parametrize(
    "more",
    [
        {"fork": True},
        {"local": True, "dirty": True, "provider": "local", "event": Event.MANUAL, "branch": "main", "base_branch": ""},
        {"event": Event.PUSH, "base_branch": ""},
    ],
    ids=["fork", "laptop", "push to a branch"],
)
def test_a_run_beside_the_history_is_triaged_and_changes_nothing(tmp_path, triage, more):
    mine = pull(41, {"calm 3": Bad(), "mail": Bad("F", FLAKY), "old break": Bad()}, **more)
    db = database(tmp_path, mine)
    _, document = triage(db=db)
    verdicts = {each["name"]: each["verdict"] for each in document["failures"]}
    assert verdicts == {"calm 3": "new", "mail": "flake", "old break": "ongoing"}
    assert document["counts"] is False
    # Seen from a run after it, nothing has happened.
    other = [pull(43, {"calm 3": Bad()}, branch="other", commit=a_commit(7000))]
    with_mine = [*other, mine]
    seen = []
    for number, runs in enumerate((other, with_mine)):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        seen.append(of(triage(db=database(folder, *runs), run="1043")[1], "calm 3"))
    assert seen[0]["probabilities"] == seen[1]["probabilities"]
    assert seen[0]["seen_before"] == seen[1]["seen_before"] is False


def test_two_strangers_with_one_branch_name_are_not_one_request(triage):
    forked = {"fork": True, "branch": "patch-1"}
    other = pull(41, {"calm 3": Bad()}, commit=a_commit(6000), **forked)
    _, document = triage(other, pull(42, {"calm 3": Bad()}, **forked))
    failure = of(document, "calm 3")
    assert (failure["seen_before"], failure["runs"]) == (False, RUNS)
    assert not any("earlier run" in sentence for sentence in failure["because"])


def test_a_laptops_second_run_is_no_rerun_of_its_first(tmp_path, triage):
    """The commit is the same, the files may not be: a pass clears nothing."""
    laptop = {"local": True, "provider": "local", "event": Event.MANUAL, "branch": "feat", "base_branch": ""}
    seen = []
    for number, again in enumerate(([], [pull(42, {}, **laptop)])):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        db = database(folder, pull(41, {"calm 3": Bad()}, **laptop), *again)
        _, document = triage(db=db, run="local:1041")
        seen.append(of(document, "calm 3")["probabilities"])
    assert seen[0] == seen[1]


def test_an_outage_of_another_request_makes_nothing_flaky(triage):
    """Twelve tests failed and passed on one commit of another request; that says nothing against them."""
    other = {"branch": "other", "commit": a_commit(7000)}
    outage = [pull(41, everything_down(12), **other), pull(42, {}, **other)]
    _, document = triage(*outage, pull(43, {"calm 3": Bad()}))
    assert of(document, "calm 3")["verdict"] == "new"
    assert of(document, "calm 3")["probabilities"]["flake"] < 0.3


def test_a_flake_in_another_request_is_evidence(tmp_path, triage):
    """One test alone failed and passed on one commit of another request: now it is known to flake."""
    other = {"branch": "other", "commit": a_commit(7000)}
    flake = [pull(41, {"calm 3": Bad()}, **other), pull(42, {}, **other)]
    _, document = triage(*flake, pull(43, {"calm 3": Bad()}))
    assert of(document, "calm 3")["verdict"] == "flake"
    forked = [pull(41, {"calm 3": Bad()}, fork=True, **other), pull(42, {}, fork=True, **other)]
    folder = tmp_path / "forked"
    folder.mkdir()
    _, document = triage(db=database(folder, *forked, pull(43, {"calm 3": Bad()})))
    assert of(document, "calm 3")["verdict"] == "new"


def test_a_base_commit_is_where_a_pull_request_starts(tmp_path, triage):
    """Main broke "calm 5" after the request's base: for the request it is not an old break."""
    broke = [team_run(n, {**usual(n), "calm 5": Bad()}, commit=a_commit(900 + n)) for n in (40, 41, 42)]
    runs = [pull(44, {"calm 5": Bad()})]
    _, by_time = triage(*broke, *runs)
    assert of(by_time, "calm 5")["verdict"] == "ongoing"
    run = runs[0]
    info = RunReports(info=replace(run.info, base_commit=a_commit(19)), reports=run.reports)
    folder = tmp_path / "based"
    folder.mkdir()
    _, based = triage(db=database(folder, *broke, info))
    assert of(based, "calm 5")["verdict"] == "new"


# --- which run ---


def test_a_run_is_named_by_its_id_a_beginning_or_provider_and_id(tmp_path, call, triage):
    db = database(tmp_path, pull(41, {"calm 3": Bad()}), main=12)
    assert triage(db=db, run="1041")[1]["run"] == "1041"
    assert triage(db=db, run="104")[1]["run"] == "1041"
    assert triage(db=db, run="github:1003")[1]["run"] == "1003"
    code, _, err = call("--db", db, "triage", "100")
    assert (code, "10 runs are meant by '100'" in err) == (2, True)
    code, _, err = call("--db", db, "triage", "77")
    assert (code, "There is no run '77'." in err, "The newest are 1010, 1011, 1041." in err) == (2, True, True)


def test_by_default_it_is_the_newest_run_or_that_of_the_ci_job(tmp_path, monkeypatch, triage):
    db = database(tmp_path, pull(41, {"calm 3": Bad()}), pull(42, {"calm 4": Bad()}, branch="other"))
    assert triage(db=db)[1]["run"] == "1042"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_RUN_ID", "1041")
    assert triage(db=db)[1]["run"] == "1041"
    monkeypatch.setenv("GITHUB_RUN_ID", "99")
    _, document = triage(db=db)
    assert document["run"] == "1042"
    assert document["notices"][-1] == "No report of this job's run 99 is stored: this is the newest run that is."


def test_as_of_knows_no_later_run(tmp_path, call):
    db = database(tmp_path, team_run(40, everything_down(12)), team_run(41))
    moment = started_at(40).isoformat()
    _, out, _ = call("--db", db, "triage", "--as-of", moment, "--format", "json")
    document = json.loads(out)
    assert (document["run"], document["outage"]["state"]) == ("1040", "suspected")
    code, _, err = call("--db", db, "triage", "1041", "--as-of", (started_at(40) - timedelta(hours=1)).isoformat())
    assert (code, "starts later" in err) == (2, True)


def test_the_newest_run_of_a_moment_is_found_among_many(tmp_path, call):
    a_store(tmp_path, [a_run(n, outcomes={"adds": "P"}) for n in range(50)]).close()
    for n in (0, 1, 17, 48, 49):
        moment = started_at(n).isoformat()
        _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "triage", "--as-of", moment, "--format", "json")
        assert json.loads(out)["run"] == str(1000 + n)


def test_an_old_run_is_seen_with_the_history_before_it(tmp_path, call):
    """The newest 300 runs do not reach it: older ones are read."""
    runs = [a_run(n, outcomes={"adds": "F" if n == 30 else "P"}) for n in range(400)]
    a_store(tmp_path, runs).close()
    db = str(tmp_path / "flakelens.db")
    _, out, _ = call("--db", db, "triage", "1030", "--format", "json", "--as-of", "2026-12-01")
    failure = json.loads(out)["failures"][0]
    assert (failure["runs"], json.loads(out)["runs_before"]) == (30, 30)


def test_without_a_run_the_next_step_is_said(tmp_path, call):
    code, _, err = call("triage")
    assert code == 3
    assert "flakelens ingest PATH" in err
    a_store(tmp_path, []).close()
    assert call("--db", str(tmp_path / "flakelens.db"), "triage")[0] == 3


# --- GitHub ---


def test_github_gets_a_summary_and_outputs(tmp_path, call, monkeypatch):
    db = mixed_database(tmp_path)
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    call("--db", db, "triage", "--as-of", AS_OF)
    assert not summary.exists()
    _, out, _ = call("--db", db, "triage", "--as-of", AS_OF, "--format", "github")
    assert summary.read_text(encoding="utf-8").startswith("<!-- flakelens:triage -->\n")
    said = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
    assert said == {
        "explained": "false", "failures": "5", "unexplained": "3", "new": "1", "ongoing": "1", "flake": "2",
        "outage": "0", "suspected-outage": "0", "no-history": "1", "run": "1041",
    }  # fmt: skip
    assert "::error file=src/components/calm.test.tsx,line=3,title=New here" in out


# --- what it never does ---


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "github"])
def test_titles_and_messages_of_strangers_stay_text_on_the_whole_way(tmp_path, call, format_):
    """A fork's run with every hostile title, in the store and out of it again."""
    bad = {f"{name} {text}": Bad("F", text) for name, text in HOSTILE.items()}
    db = database(tmp_path, pull(41, bad, fork=True, branch="x\x1b[31m<b>"), main=8)
    code, out, err = call("-v", "--db", db, "triage", "--as-of", AS_OF, "--format", format_)
    assert (code, err) == (10, "")
    assert out.count("noncharacter") >= 1 or format_ == "github"
    assert all(
        character == "\n" or unicodedata.category(character)[0] != "C" or character in ALLOWED for character in out
    )
    if format_ != "json":
        assert not COMMAND.search(re.sub(r"^::(?:error|notice) ", "", out, flags=re.MULTILINE))
    if format_ == "github":
        assert all(re.match(r"::(?:error|notice) (?:file|title)=", line) for line in out.splitlines())
        assert len(out.splitlines()) == 10


def test_it_never_waits_for_scipy_or_pandas(tmp_path):
    db = mixed_database(tmp_path)
    source = (
        "import sys; from flakelens.cli import run; run(['--db', sys.argv[1], 'triage', '--as-of', sys.argv[2]]); "
        "sys.exit(' '.join({name.split('.')[0] for name in sys.modules} & {'scipy', 'pandas', 'matplotlib'}) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, db, AS_OF], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, which Linux has")
def test_it_keeps_one_thread(tmp_path):
    """numpy's BLAS starts a thread for each core and shares thin products among them: more work, and no faster."""
    source = (
        "import os, sys; from flakelens.cli import run; run(['--db', sys.argv[1], 'triage', '--as-of', sys.argv[2]]); "
        "import numpy as np; big = np.ones((9000, 8)); big @ np.ones((8, 8)); "
        "sys.exit(len(os.listdir('/proc/self/task')) - 1)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", source, mixed_database(tmp_path), AS_OF]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_writes_nothing_into_the_database(tmp_path, call):
    db = mixed_database(tmp_path)
    before = Path(db).read_bytes()
    call("--db", db, "triage", "--as-of", AS_OF)
    assert Path(db).read_bytes() == before
