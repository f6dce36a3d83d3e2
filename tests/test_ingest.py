"""From reports to the store: whose run it is, what lands, and that nothing is lost or counted twice."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flakelens.errors import NothingReadError, UsageError
from flakelens.facts import RunKey
from flakelens.ingest import ingest
from flakelens.model import Event, ProblemCode, RunInfo
from flakelens.run_metadata import RunOptions, options
from flakelens.store import Store, open_store
from tests.bringing import CI, LAPTOP, NOW, SHA, bring, codes, only, run_json, stored
from tests.tiny_reports import jest, playwright

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
