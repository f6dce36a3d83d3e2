"""What run.json, options and the reporters' switches say of runs and reports, and what a bad one costs."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flakelens.model import ProblemCode, RetryEvidence
from flakelens.run_metadata import options
from flakelens.store import Store, open_store
from tests.bringing import CI, LAPTOP, bring, only, run_json, stored
from tests.tiny_reports import jest, playwright

# --- run.json ---


@pytest.mark.parametrize(
    ("text", "names", "branch"),
    [
        ("{", "not JSON", ""),
        ("[]", "not an object", ""),
        ('{"branch": "main", "colour": "red"}', "field colour is not known", "main"),
        ('{"branch": "main", "attempt": "2"}', "field attempt", "main"),
        ('{"branch": "main", "attempt": true}', "field attempt", "main"),
        ('{"branch": "main", "retries": 1}', "field retries", "main"),
        ('{"branch": "main", "event": "commit"}', "field event", "main"),
        ('{"branch": "main", "shard": "5/4"}', "field shard", "main"),
        ('{"branch": "main", "started_at": "yesterday"}', "field started_at", "main"),
        ('{"branch": "main", "url": "javascript:alert(1)"}', "field url", "main"),
        ('{"branch": 7, "commit": "abc"}', "field branch", ""),
        ('{"branch": "main", "reports": []}', "field reports", "main"),
        ('{"branch": "main", "reports": {"junit.xml": {"partial": "no"}}}', "reports.junit.xml.partial", "main"),
    ],
)
def test_a_bad_run_json_names_the_field_and_the_report_still_lands(
    store: Store, tmp_path: Path, text: str, names: str, branch: str
) -> None:
    jest(tmp_path / "in" / "junit.xml", {"adds": "P"})
    (tmp_path / "in" / "run.json").write_text(text, encoding="utf-8")
    (done,) = bring(store, tmp_path / "in", detected=LAPTOP)
    (problem,) = (each for each in done.problems if each.code is ProblemCode.BAD_RUN_JSON)
    assert names in problem.message
    assert problem.where.endswith("run.json")
    assert (done.passed, only(store).infos[0].branch) == (1, branch)


def test_run_json_describes_single_reports_with_or_without_gz(store: Store, tmp_path: Path) -> None:
    folder = run_json(
        tmp_path / "in",
        branch="main",
        reports={
            "e2e.xml": {"job": "e2e", "shard": "1/2", "retries": "recorded", "partial": True},
            "unit.xml.gz": {"job": "unit", "retries": "none"},
        },
    )
    (folder / "e2e.xml.gz").write_bytes(gzip.compress(playwright(tmp_path / "x.xml", {"opens": "P"}).read_bytes()))
    jest(folder / "unit.xml", {"adds": "P"})
    bring(store, folder, detected=LAPTOP)
    said = {(r.job, r.shard, r.declared, r.partial) for r in only(store).reports}
    assert said == {("e2e", "1/2", RetryEvidence.RECORDED, True), ("unit", "", RetryEvidence.NONE, False)}


def test_a_report_that_run_json_names_and_nobody_uploaded_is_missed(store: Store, tmp_path: Path) -> None:
    folder = run_json(tmp_path / "in", branch="main", reports={"e2e.xml": {"job": "e2e"}, "unit.xml": {}})
    jest(folder / "unit.xml", {"adds": "P"})
    (done,) = bring(store, folder, detected=LAPTOP)
    (problem,) = done.problems
    assert (problem.code, problem.where) == (ProblemCode.NO_SUCH_FILE, f"{folder}/e2e.xml")


# --- retries and filters ---


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        (None, {}, None),
        (None, {"PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "1"}, RetryEvidence.RECORDED),
        (None, {"PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "0"}, None),
        (None, {"PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "false"}, None),
        ("none", {"PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "1"}, RetryEvidence.NONE),
        ("hidden", {}, RetryEvidence.HIDDEN),
    ],
)
def test_declared_retries_come_from_the_option_then_from_the_reporters_switch(
    store: Store, tmp_path: Path, option: str | None, environ: dict[str, str], expected: RetryEvidence | None
) -> None:
    path = playwright(tmp_path / "e2e.xml", {"opens": "P"})
    bring(store, path, options=options(retries=option), environ=environ, detected=CI)
    assert only(store).reports[0].declared is expected


def test_playwrights_switches_say_nothing_of_jest(store: Store, tmp_path: Path) -> None:
    path = jest(tmp_path / "junit.xml", {"adds": "P"})
    environ = {"PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "1", "PLAYWRIGHT_JUNIT_ONLY_FAILURES": "1"}
    bring(store, path, environ=environ, detected=CI)
    (report,) = only(store).reports
    assert (report.declared, report.partial) == (None, False)


def test_a_report_of_failures_only_is_partial(store: Store, tmp_path: Path) -> None:
    path = playwright(tmp_path / "e2e.xml", {"opens": "K"})
    (done,) = bring(store, path, environ={"PLAYWRIGHT_JUNIT_ONLY_FAILURES": "true"}, detected=CI)
    assert (done.partial, done.flaky, only(store).reports[0].partial) == (True, 1, True)


def test_a_filtered_run_is_partial(store: Store, tmp_path: Path) -> None:
    path = jest(tmp_path / "junit.xml", {"adds": "P"})
    (done,) = bring(store, path, options=options(partial=True), detected=CI)
    assert (done.partial, only(store).reports[0].partial) == (True, True)


def test_a_process_that_is_shot_leaves_whole_runs(tmp_path: Path) -> None:
    for number in range(4):
        jest(run_json(tmp_path / "in" / f"{number}", branch="main") / "junit.xml", {"adds": "P", f"t{number}": "F"})
    script = f"""
import os, signal
from datetime import UTC, datetime
from flakelens.ingest import ingest
from flakelens.store import open_store
def shot(done, total, name):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
ingest([{str(tmp_path / "in")!r}], store=open_store({str(tmp_path / "shot.db")!r}, create=True), run_per_dir=True,
       ingested_at=datetime(2026, 11, 22, tzinfo=UTC), progress=shot)
"""
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with open_store(tmp_path / "shot.db") as store:
        assert store.check() == []
        assert all(len(run.reports) == 1 for run in stored(store))
        before = len(stored(store))
        done_again = bring(store, tmp_path / "in", run_per_dir=True)
        assert (0 < before < 4, len(stored(store))) == (True, 4)
        assert sum(run.reports for run in done_again) == 4 - before
