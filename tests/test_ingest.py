"""From reports to the store: whose run it is, what lands, and that nothing is lost or counted twice."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flakelens.checkout import Checkout
from flakelens.errors import NothingReadError, UsageError
from flakelens.facts import RunFacts, RunKey
from flakelens.ingest import ingest
from flakelens.model import Event, ProblemCode, RetryEvidence, RunInfo
from flakelens.run_metadata import RunOptions, options
from flakelens.store import IngestedRun, Store, open_store
from tests.tiny_reports import jest, playwright

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHA = "a" * 40
CI = RunInfo(
    provider="github", run="77", attempt=2, commit=SHA, branch="main", event=Event.PUSH, job="unit", url="https://ci/77"
)
LAPTOP = RunInfo(provider="local", run="", commit="b" * 40, branch="main", event=Event.MANUAL, dirty=True, local=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "db" / "flakelens.db", create=True) as opened:
        yield opened


def bring(store: Store, *paths: Path | str, **more: Any) -> list[IngestedRun]:
    return ingest([str(path) for path in paths], store=store, ingested_at=more.pop("ingested_at", NOW), **more)


def stored(store: Store) -> tuple[RunFacts, ...]:
    runs = tuple(run for key in store.run_keys() for run in store.read(branch="-", run=key).runs)
    return tuple(sorted(runs, key=lambda run: run.key))


def only(store: Store) -> RunFacts:
    (run,) = stored(store)
    return run


def codes(runs: Sequence[IngestedRun]) -> set[ProblemCode]:
    return {problem.code for run in runs for problem in run.problems}


def run_json(folder: Path, **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder


# --- whose run it is ---


@pytest.mark.parametrize(
    ("field", "raw", "wins"),
    [
        ("provider", {"file": "gitlab", "option": "jenkins"}, ("gitlab", "jenkins", "github")),
        ("run", {"file": "5", "option": "6"}, ("5", "6", "77")),
        ("attempt", {"file": 3, "option": 4}, (3, 4, 2)),
        ("commit", {"file": "c" * 40, "option": "d" * 40}, ("c" * 40, "d" * 40, SHA)),
        ("branch", {"file": "one", "option": "two"}, ("one", "two", "main")),
        ("base_branch", {"file": "one", "option": "two"}, ("one", "two", "")),
        ("event", {"file": "schedule", "option": "manual"}, (Event.SCHEDULE, Event.MANUAL, Event.PUSH)),
        ("environment", {"file": "production", "option": "staging"}, ("production", "staging", "")),
        ("url", {"file": "https://a", "option": "https://b"}, ("https://a", "https://b", "https://ci/77")),
        (
            "started_at",
            {"file": "2026-11-01T00:00:00Z", "option": "2026-11-02"},
            (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), None),
        ),
    ],
)
def test_run_json_stands_above_the_option_and_the_option_above_ci(
    tmp_path: Path, field: str, raw: dict[str, Any], wins: tuple[Any, Any, Any]
) -> None:
    """Each field for itself: the others keep what CI says."""
    for number, (in_file, in_option) in enumerate([(True, True), (False, True), (False, False)]):
        folder = tmp_path / f"{number}"
        jest(folder / "junit.xml", {"adds": "P"})
        if in_file:
            run_json(folder, **{field: raw["file"]})
        given = options(**{field: raw["option"]}) if in_option else RunOptions()
        with open_store(tmp_path / f"{number}.db", create=True) as store:
            bring(store, folder, options=given, detected=CI)
            run = only(store)
            (info,) = run.infos
        said = {"provider": run.key.provider, "run": run.key.run}.get(field, getattr(info, field))
        assert said == wins[number]
        others = {"attempt", "commit", "branch", "event", "url"} - {field}
        assert {name: getattr(info, name) for name in others} == {name: getattr(CI, name) for name in others}


@pytest.mark.parametrize(
    ("file", "option", "ci", "expected"),
    [
        ({"job": "file"}, "option", "ci", "file"),
        ({}, "option", "ci", "option"),
        ({}, None, "ci", "ci"),
        ({"reports": {"junit.xml": {"job": "report"}}, "job": "file"}, "option", "ci", "report"),
    ],
)
def test_the_job_of_a_report_follows_the_same_order(
    store: Store, tmp_path: Path, file: dict[str, Any], option: str | None, ci: str, expected: str
) -> None:
    jest(run_json(tmp_path / "in", **file) / "junit.xml", {"adds": "P"})
    detected = RunInfo(provider="github", run="1", branch="main", event=Event.PUSH, job=ci)
    bring(store, tmp_path / "in", options=RunOptions(job=option), detected=detected)
    assert only(store).reports[0].job == expected


def test_a_run_described_by_hand_is_a_clean_manual_run_and_not_the_laptops(store: Store, tmp_path: Path) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P"})
    done = bring(store, tmp_path / "junit.xml", options=options(run="9", branch="main"), detected=LAPTOP)
    run = only(store)
    (info,) = run.infos
    assert run.key == RunKey("given", "9")
    assert (info.event, info.attempt, info.local, info.dirty, info.commit) == (Event.MANUAL, 1, False, False, "")
    assert ProblemCode.UNKNOWN_BRANCH not in codes(done)


def test_what_is_only_said_of_reports_leaves_the_run_a_laptops(store: Store, tmp_path: Path) -> None:
    """--retries none on a developer's machine must not make their run count for the gate."""
    jest(tmp_path / "junit.xml", {"adds": "P"})
    bring(store, tmp_path / "junit.xml", options=options(retries="none", job="unit"), detected=LAPTOP)
    (info,) = only(store).infos
    assert (only(store).key.provider, info.local, info.dirty, info.branch) == ("local", True, True, "main")


def test_a_given_run_without_a_branch_says_so(store: Store, tmp_path: Path) -> None:
    jest(tmp_path / "junit.xml", {"adds": "P"})
    done = bring(store, tmp_path / "junit.xml", options=options(run="9"), detected=LAPTOP)
    assert ProblemCode.UNKNOWN_BRANCH in codes(done)
    assert only(store).infos[0].branch == ""


def test_without_an_id_the_run_is_named_by_its_reports_in_any_order(store: Store, tmp_path: Path) -> None:
    one = jest(tmp_path / "a.xml", {"adds": "P"})
    other = jest(tmp_path / "b.xml", {"subtracts": "P"})
    first = bring(store, one, other, detected=LAPTOP)
    again = bring(store, other, one, detected=LAPTOP)
    assert first[0].run == again[0].run
    assert (again[0].reports, again[0].known) == (0, 2)


# --- when it started ---


def test_the_earliest_time_stamp_of_the_reports_is_the_start(store: Store, tmp_path: Path) -> None:
    jest(tmp_path / "a.xml", {"adds": "P"}, stamp="2026-11-20T08:00:00")
    playwright(tmp_path / "b.xml", {"opens": "P"}, stamp="2026-11-20T07:30:00")
    done = bring(store, tmp_path / "a.xml", tmp_path / "b.xml", detected=CI)
    assert store.info().first_run == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert ProblemCode.START_UNKNOWN not in codes(done)


def test_folders_without_time_stamps_stand_in_their_natural_order(store: Store, tmp_path: Path) -> None:
    for number in (10, 2, 1):
        jest(tmp_path / "in" / f"run-{number}" / "junit.xml", {"adds": "P", f"only in {number}": "P"}, stamp="")
    done = bring(store, tmp_path / "in", run_per_dir=True)
    assert [key.run for key in store.run_keys()] == ["run-1", "run-2", "run-10"]
    assert codes(done) == {ProblemCode.START_UNKNOWN, ProblemCode.UNKNOWN_BRANCH}


def test_a_single_run_without_time_stamps_takes_the_files_time_and_says_so(store: Store, tmp_path: Path) -> None:
    path = jest(tmp_path / "junit.xml", {"adds": "P"}, stamp="")
    os.utime(path, (1_790_000_000, 1_790_000_000))
    done = bring(store, path, detected=CI)
    assert ProblemCode.START_UNKNOWN in codes(done)
    assert store.info().first_run == datetime.fromtimestamp(1_790_000_000, UTC)


def test_a_run_from_the_future_says_so(store: Store, tmp_path: Path) -> None:
    path = jest(tmp_path / "junit.xml", {"adds": "P"}, stamp="2026-11-22T12:11:00")
    assert ProblemCode.CLOCK in codes(bring(store, path, detected=CI))


# --- a folder per run ---


def test_each_sub_folder_is_a_run_and_the_ci_environment_is_not_asked(store: Store, tmp_path: Path) -> None:
    playwright(run_json(tmp_path / "in" / "7", branch="main", run=4711) / "e2e.xml", {"opens": "P"})
    jest(tmp_path / "in" / "8" / "junit.xml", {"adds": "P"})
    environ = {"PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "1"}
    done = bring(store, tmp_path / "in", run_per_dir=True, detected=CI, environ=environ)
    assert [(run.provider, run.run) for run in done] == [("given", "4711"), ("given", "8")]
    assert [run.infos[0].branch for run in stored(store)] == ["main", ""]
    assert stored(store)[0].reports[0].declared is None


def test_a_rerun_in_a_folder_of_its_own_is_an_attempt_of_the_same_run(store: Store, tmp_path: Path) -> None:
    said = {"provider": "github", "run": "5", "branch": "main", "event": "push"}
    jest(run_json(tmp_path / "in" / "1", **said) / "junit.xml", {"adds": "F"})
    jest(run_json(tmp_path / "in" / "1-again", **said, attempt=2) / "junit.xml", {"adds": "P"})
    bring(store, tmp_path / "in", run_per_dir=True)
    assert sorted(report.attempt for report in only(store).reports) == [1, 2]


@pytest.mark.parametrize("raw", [{"run": "5"}, {"started_at": "2026-11-20"}])
def test_options_that_cannot_hold_for_many_runs_are_refused(store: Store, tmp_path: Path, raw: dict[str, str]) -> None:
    jest(tmp_path / "in" / "1" / "junit.xml", {"adds": "P"})
    with pytest.raises(UsageError, match="many runs"):
        bring(store, tmp_path / "in", run_per_dir=True, options=options(**raw))


def test_a_folder_without_sub_folders_is_not_many_runs(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sub-folders"):
        bring(store, jest(tmp_path / "in" / "junit.xml", {"adds": "P"}).parent, run_per_dir=True)


# --- what lands, and how often ---


def outcomes(store: Store) -> list[tuple[RunKey, list[tuple[str, str, int, list[int]]]]]:
    return [
        (run.key, sorted((r.sha256, r.shard, r.attempt, sorted(r.outcomes.tolist())) for r in run.reports))
        for run in stored(store)
    ]


def test_shards_in_any_order_are_one_run(tmp_path: Path) -> None:
    shards = [playwright(tmp_path / f"s{n}.xml", {f"test {n}": "P"}) for n in (1, 2, 3)]
    seen = []
    for number, order in enumerate(([0, 1, 2], [2, 0, 1], [1, 2, 0])):
        with open_store(tmp_path / f"{number}.db", create=True) as store:
            for place in order:
                bring(store, shards[place], options=options(shard=f"{place + 1}/3"), detected=CI)
            seen.append(outcomes(store))
    assert seen[0] == seen[1] == seen[2]
    assert [shard for _, shard, _, _ in sorted(seen[0][0][1], key=lambda r: r[1])] == ["1/3", "2/3", "3/3"]


def test_a_second_time_brings_nothing(store: Store, tmp_path: Path) -> None:
    path = jest(tmp_path / "junit.xml", {"adds": "P", "breaks": "F"})
    bring(store, path, detected=CI)
    before = outcomes(store)
    (again,) = bring(store, path, detected=CI)
    assert (again.reports, again.known, again.tests) == (0, 1, 0)
    assert outcomes(store) == before


def test_a_killed_ingest_is_completed_by_running_it_again(tmp_path: Path) -> None:
    for number in range(6):
        jest(run_json(tmp_path / "in" / f"{number}", branch="main") / "junit.xml", {"adds": "P", f"t{number}": "F"})

    def dies_at_third(done: int, _total: int | None, _name: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with open_store(tmp_path / "killed.db", create=True) as killed:
        with pytest.raises(KeyboardInterrupt):
            bring(killed, tmp_path / "in", run_per_dir=True, progress=dies_at_third)
        assert 0 < len(stored(killed)) < 6
        bring(killed, tmp_path / "in", run_per_dir=True)
        with open_store(tmp_path / "whole.db", create=True) as whole:
            bring(whole, tmp_path / "in", run_per_dir=True)
            assert outcomes(killed) == outcomes(whole)


def test_plain_gzipped_zipped_and_piped_reports_are_the_same_report(store: Store, tmp_path: Path) -> None:
    data = jest(tmp_path / "junit.xml", {"adds": "P"}).read_bytes()
    (tmp_path / "junit.xml.gz").write_bytes(gzip.compress(data))
    with zipfile.ZipFile(tmp_path / "reports.zip", "w") as archive:
        archive.writestr("deep/junit.xml", data)
    for path in ("junit.xml", "junit.xml.gz", "reports.zip"):
        bring(store, tmp_path / path, detected=CI)
    (piped,) = bring(store, "-", detected=CI, stdin=io.BytesIO(data))
    assert piped.known == 1
    assert len(only(store).reports) == 1


def test_the_report_of_an_earlier_run_is_named_as_a_leftover(store: Store, tmp_path: Path) -> None:
    """The run crashed before it wrote its own, and the file of the run before was uploaded again, byte for byte."""
    path = jest(tmp_path / "junit.xml", {"adds": "P"})
    bring(store, path, options=options(run="1", branch="main", started_at="2026-11-20T06:00Z"))
    done = bring(store, path, options=options(run="2", branch="main", started_at="2026-11-20T07:00Z"))
    assert ProblemCode.REPEATED_REPORT in codes(done)
    assert [run.reports[0].earlier_elsewhere for run in stored(store)] == [False, True]


# --- what cannot be read ---


def test_nothing_is_written_when_nothing_could_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.xml").write_bytes(b"")
    asked = []

    def opened() -> Store:
        asked.append(True)
        return open_store(tmp_path / "flakelens.db", create=True)

    with pytest.raises(NothingReadError, match=r"empty\.xml: The file is empty"):
        ingest([str(tmp_path / "empty.xml"), str(tmp_path / "no.xml")], store=opened, ingested_at=NOW, detected=CI)
    assert not asked
    assert not (tmp_path / "flakelens.db").exists()


def test_one_bad_report_does_not_cost_the_others(store: Store, tmp_path: Path) -> None:
    jest(tmp_path / "in" / "a.xml", {"adds": "P"})
    (tmp_path / "in" / "b.xml").write_bytes(b"")
    (tmp_path / "in" / "coverage.xml").write_text("<coverage/>", encoding="utf-8")
    whole = playwright(tmp_path / "in" / "c.xml", {"opens": "P", "closes": "P"}).read_bytes()
    (tmp_path / "in" / "c.xml").write_bytes(whole[: whole.index(b'name="closes"')])
    (done,) = bring(store, tmp_path / "in", tmp_path / "missing", detected=CI)
    wrong = {ProblemCode.EMPTY_FILE, ProblemCode.NOT_JUNIT, ProblemCode.TRUNCATED, ProblemCode.NO_SUCH_FILE}
    assert wrong <= codes([done])
    # A wrong path and a file of another kind are no damaged reports of the run: they would make it incomplete for ever.
    assert {(r.name, r.damaged) for r in only(store).reports} == {("a.xml", False), ("b.xml", True), ("c.xml", True)}
    assert done.passed == 2


def test_a_run_folder_without_reports_is_reported_and_not_stored(store: Store, tmp_path: Path) -> None:
    run_json(tmp_path / "in" / "1", branch="main")
    jest(run_json(tmp_path / "in" / "2", branch="main") / "junit.xml", {"adds": "P"})
    done = bring(store, tmp_path / "in", run_per_dir=True)
    assert [(run.run, run.reports) for run in done] == [("1", 0), ("2", 1)]
    assert codes(done) == {ProblemCode.NO_SUCH_FILE}
    assert [key.run for key in store.run_keys()] == ["2"]


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


# --- from the checkout ---


def checkout_of(root: Path) -> Checkout:
    """A repository in which cart.test.ts was renamed to basket.test.ts."""

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)

    (root / "src" / "api" / "ai").mkdir(parents=True)
    text = "describe('matching', () => {\n  it('finds one', () => {})\n})\n" * 3
    (root / "src" / "api" / "ai" / "match.test.ts").write_text(text, encoding="utf-8")
    (root / "src" / "cart.test.ts").write_text("describe('cart', () => {\n  it('is empty', () => {})\n})\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("mv", "src/cart.test.ts", "src/basket.test.ts")
    git("commit", "-qm", "two")
    return Checkout(root)


def test_the_checkout_names_the_files_of_titles_and_what_was_renamed(store: Store, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    one = jest(reports / "a.xml", {"matching finds one": "P", "nobody knows me": "P"})
    other = jest(reports / "b.xml", {"cart is empty": "P"}, file="src/elsewhere.test.ts")
    bring(store, one, other, detected=CI, checkout=checkout_of(tmp_path / "repo"))
    facts = store.read(branch="main")
    assert {test.id.name: test.title_file for test in facts.tests} == {
        "matching finds one": "src/api/ai/match.test.ts",
        "nobody knows me": "",
        "cart is empty": "",  # its report says where it is
    }
    assert [(rename.old, rename.new) for rename in facts.renames] == [("src/cart.test.ts", "src/basket.test.ts")]


def test_runs_in_folders_of_their_own_are_not_of_this_checkout(store: Store, tmp_path: Path) -> None:
    jest(run_json(tmp_path / "in" / "1", branch="main") / "a.xml", {"matching finds one": "P"})
    bring(store, tmp_path / "in", run_per_dir=True, checkout=checkout_of(tmp_path / "repo"))
    facts = store.read(branch="main")
    assert [test.title_file for test in facts.tests] == [""]
    assert facts.renames == ()
