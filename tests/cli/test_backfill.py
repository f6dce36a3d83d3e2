"""`flakelens backfill github` against a `gh` that answers as GitHub documents it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flakelens.facts import RunFacts
from flakelens.model import Event
from flakelens.store import open_store
from tests.cli.fake_gh import FakeGitHub, zipped
from tests.cli.gate_calls import Flakelens
from tests.tiny_reports import jest, playwright

DB = Path(".flakelens") / "flakelens.db"


@pytest.fixture
def github(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    del folder
    fake = FakeGitHub(tmp_path)
    for name, value in fake.environ().items():
        monkeypatch.setenv(name, value)
    return fake


def a_report(tmp_path: Path, stamp: str = "2026-11-20T06:05:00", **letters: str) -> str:
    return jest(tmp_path / "made.xml", letters or {"adds": "P"}, file="src/a.test.ts", stamp=stamp).read_text()


def runs() -> list[RunFacts]:
    with open_store(DB, read_only=True) as store:
        return list(store.read().runs)


def test_the_runs_come_with_all_that_github_knows_of_them(
    tmp_path: Path, github: FakeGitHub, flakelens: Flakelens
) -> None:
    e2e = playwright(tmp_path / "e2e.xml", {"signs in": "F"}).read_text()
    reports = github.artifact("reports", {"unit/junit.xml": a_report(tmp_path), "trace.bin": b"\0" * 100})
    github.run(102, [reports, github.artifact("e2e", {"e2e.xml": e2e})])
    base = {"ref": "main", "sha": "b" * 40}
    github.run(
        101, [github.artifact("reports", {"junit.xml": a_report(tmp_path, adds="F")})], event="pull_request",
        head_branch="feature", head_repository={"full_name": "stranger/app"}, pull_requests=[{"base": base}],
        run_started_at="2026-11-19T06:00:00Z",
    )  # fmt: skip
    github.run(100, [], event="schedule")
    said = flakelens("backfill", "github")
    assert said.code == 0, said.err
    assert said.out.startswith("GitHub lists 3 completed runs; 2 runs of them brought now.\n1 run without reports.\n")
    assert "Stored 3 reports of 2 runs, 3 test results." in said.out
    older, newer = runs()
    (info,) = newer.infos
    assert (newer.key, info.attempt, info.commit) == (("github", "102"), 1, f"{102:040x}")
    assert (info.branch, info.event, info.fork, info.local) == ("main", Event.PUSH, False, False)
    assert info.url == "https://github.com/team/app/actions/runs/102"
    assert f"{info.started_at:%Y-%m-%dT%H:%M}" == "2026-11-20T06:00"
    (info,) = older.infos
    assert (info.branch, info.base_branch, info.base_commit) == ("feature", "main", "b" * 40)
    assert (info.event, info.fork) == (Event.PULL_REQUEST, True)
    with open_store(DB) as store:
        assert [run.key.run for run in store.read(branch="main").runs] == ["102"]


def test_it_goes_on_where_it_was(tmp_path: Path, github: FakeGitHub, flakelens: Flakelens) -> None:
    for number in range(110, 100, -1):
        artifact = github.artifact(
            "reports", {"junit.xml": a_report(tmp_path, stamp=f"2026-11-20T06:05:{number - 100:02}")}
        )
        github.run(number, [artifact])
    github.save(left=8)  # the list, then three runs of two answers each, and one more
    said = flakelens("backfill", "github")
    assert said.code == 6
    assert "stopped early: gh: API rate limit exceeded" in said.err
    assert "goes on where it was" in said.err
    assert [run.key.run for run in runs()] == ["108", "109", "110"]
    github.save()
    github.calls()
    said = flakelens("backfill", "github")
    assert said.code == 0
    assert "7 runs of them brought now" in said.out
    assert "3 runs here already" in said.out
    assert not [call for call in github.calls() if "runs/110" in call]
    assert len(runs()) == 10
    again = flakelens("backfill", "github")
    assert again.out == "GitHub lists 10 completed runs; 0 runs of them brought now.\n10 runs here already.\n"


def test_artifacts_belong_to_the_attempt_that_made_them(
    tmp_path: Path, github: FakeGitHub, flakelens: Flakelens
) -> None:
    first = github.artifact("reports-1", {"junit.xml": a_report(tmp_path, adds="F")}, created_at="2026-11-20T06:10:00Z")
    second = github.artifact(
        "reports-2", {"junit.xml": a_report(tmp_path, stamp="2026-11-20T09:01:00")}, created_at="2026-11-20T09:05:00Z"
    )
    github.run(101, [second, first], run_attempt=2, run_started_at="2026-11-20T09:00:00Z")
    github.answers["actions/runs/101/attempts/1"] = {"id": 101, "run_started_at": "2026-11-20T06:00:00Z"}
    github.save()
    assert flakelens("backfill", "github").code == 0
    (run,) = runs()
    assert [(info.attempt, f"{info.started_at:%H:%M}") for info in run.infos] == [(1, "06:00"), (2, "09:00")]
    by_attempt = {report.attempt: report.outcomes.tolist() for report in run.reports}
    assert by_attempt == {1: [3], 2: [1]}
    assert "1 run here already" in flakelens("backfill", "github").out


def test_which_runs_and_artifacts(tmp_path: Path, github: FakeGitHub, flakelens: Flakelens) -> None:
    def artifacts(number: int) -> list[dict[str, object]]:
        stamp = f"2026-11-20T06:05:{number - 100:02}"
        return [
            github.artifact("junit-unit", {"junit.xml": a_report(tmp_path, stamp=stamp)}),
            github.artifact("coverage", {"other.xml": a_report(tmp_path, stamp=stamp, covers="P")}),
        ]

    github.run(103, artifacts(103), workflow="tests.yml")
    github.run(102, artifacts(102), workflow="tests.yml", head_branch="feature")
    github.run(101, artifacts(101))
    said = flakelens("backfill", "github", "--workflow", "tests.yml", "--branch", "main", "--artifact", "junit-*",
                     "--repo", "team/app")  # fmt: skip
    assert said.code == 0, said.err
    (run,) = runs()
    assert (run.key.run, len(run.reports)) == ("103", 1)
    assert all(call.startswith("repos/team/app/") for call in github.calls())
    flakelens("backfill", "github", "--runs", "2")
    assert [run.key.run for run in runs()] == ["102", "103"]


def test_more_runs_than_one_page(tmp_path: Path, github: FakeGitHub, flakelens: Flakelens) -> None:
    for number in range(400, 150, -1):
        github.run(number, [])
    github.run(150, [github.artifact("reports", {"junit.xml": a_report(tmp_path)})])
    assert "GitHub lists 230 completed runs" in flakelens("backfill", "github", "--runs", "230").out
    pages = [call for call in github.calls() if "actions/runs?" in call]
    assert len(pages) == 3


def test_hostile_artifacts_are_read_within_limits_and_change_nothing_else(
    tmp_path: Path, github: FakeGitHub, flakelens: Flakelens
) -> None:
    """A stranger chose names and content: nothing is unpacked, and what the run is comes from GitHub alone."""
    evil = {
        "../../escaped.xml": a_report(tmp_path, escapes="P"),
        "/absolute.xml": a_report(tmp_path, escapes="P"),
        "run.json": json.dumps({"branch": "main", "event": "push", "provider": "given", "run": "1"}),
        "flakelens.toml": "branch = 'evil'",
        "good.xml": a_report(tmp_path, adds="F"),
    }
    github.run(103, [github.artifact("../../x\x1b[2J", evil)], head_repository={"full_name": "stranger/app"})
    github.run(102, [github.artifact("reports", b"PK\x03\x04 this is no archive")])
    github.run(101, [github.artifact("reports", zipped({"bomb.xml": b" " * 200_000_000}))], head_repository=None)
    before = {path for path in tmp_path.rglob("*") if "fake-github" not in str(path)}
    said = flakelens("backfill", "github")
    assert said.code == 6
    assert "unsafe-member" in said.out
    assert "\x1b" not in said.out + said.err
    new = {path for path in tmp_path.rglob("*") if "fake-github" not in str(path)} - before
    assert {path.name for path in new if path.is_file()} <= {"flakelens.db", "flakelens.db-wal", "flakelens.db-shm"}
    found = {run.key: run for run in runs()}
    assert set(found) <= {("github", "101"), ("github", "102"), ("github", "103")}
    (info,) = found["github", "103"].infos
    assert (info.fork, info.branch, info.commit) == (True, "main", f"{103:040x}")
    with open_store(DB) as store:
        assert [run.key.run for run in store.read(branch="main").runs] in ([], ["102"])
    assert not list((folder_of(DB) / "backfill").iterdir())


def folder_of(path: Path) -> Path:
    return path.absolute().parent


def test_too_large_expired_and_missing_artifacts_are_named(
    tmp_path: Path, github: FakeGitHub, flakelens: Flakelens
) -> None:
    large = github.artifact("video", {"junit.xml": a_report(tmp_path)}, size_in_bytes=3_000_000_000)
    lying = github.artifact("lying", {"a.bin": bytes(range(256)) * 10_000}, size_in_bytes=10)
    (tmp_path / "fake-github" / f"{lying['id']}.zip").write_bytes(b"x" * 2_000_000)
    gone = github.artifact("gone", {"junit.xml": a_report(tmp_path)})
    del github.blobs[f"actions/artifacts/{gone['id']}/zip"]
    github.run(102, [large, lying, gone, github.artifact("good", {"junit.xml": a_report(tmp_path)})])
    github.run(101, [github.artifact("old", {"junit.xml": ""}, expired=True)])
    said = flakelens("backfill", "github", "--largest", "1")
    assert said.code == 6
    text = " ".join(said.out.split())
    assert "1 run without reports, 1 of them because GitHub deletes artifacts after a while." in text
    assert "run 102: video: 3,000 MB" in text
    assert "run 102: lying: more than 1 MB came: not used" in text
    assert "run 102: gone: gh: Not Found (HTTP 404)" in text
    assert [len(run.reports) for run in runs()] == [1]


@pytest.mark.parametrize(
    "answer",
    [{"workflow_runs": "none"}, {}, {"workflow_runs": [1, None, "x", {}, {"id": "text"}, {"id": -3}, {"id": True}]}],
)
def test_answers_of_another_shape_bring_nothing(
    github: FakeGitHub,
    flakelens: Flakelens,
    answer: object,
) -> None:
    github.answers["actions/runs"] = answer
    github.save()
    said = flakelens("backfill", "github")
    assert said.code == 0
    assert said.out == "GitHub lists 0 completed runs; 0 runs of them brought now.\n"


def test_no_gh_no_login_no_repository(
    tmp_path: Path,
    github: FakeGitHub,
    flakelens: Flakelens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    github.answers.clear()
    github.save()
    said = flakelens("backfill", "github")
    assert said.code == 3
    assert "GitHub did not list the runs: gh: Not Found" in said.err
    assert "gh auth status" in said.err
    assert flakelens("backfill", "github", "--repo", "no repository").code == 2
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    said = flakelens("backfill", "github")
    assert said.code == 2
    assert "There is no program gh." in said.err


@pytest.mark.usefixtures("github")
def test_a_token_in_an_error_is_not_repeated(tmp_path: Path, flakelens: Flakelens) -> None:
    program = tmp_path / "fake-github" / "bin" / "gh"
    program.write_text("#!/bin/sh\necho 'bad credentials: ghp_0123456789abcdef' >&2; exit 1\n", encoding="utf-8")
    said = flakelens("backfill", "github")
    assert said.code == 3
    assert "ghp_" not in said.err
