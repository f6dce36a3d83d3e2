"""`flakelens sync pull` and `push` as they are called: what they print, exit codes, a damaged database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flakelens.store import open_store
from tests.cli.gate_calls import Flakelens, a_history
from tests.sync.histories import a_call, a_database, a_verdict, all_of

DB = Path(".flakelens") / "flakelens.db"
REMOTE = ("--remote", "dir:shared")


def a_team(folder: Path, runs: int = 12) -> None:
    """A database with a few runs and a verdict, pushed to nobody yet."""
    (folder / ".flakelens").mkdir()
    with a_database(folder / DB, [a_call(n, rename="src/old.test.ts" if n == 0 else "") for n in range(runs)]) as store:
        store.record_verdict(a_verdict(runs))


def test_push_and_pull_in_words(folder: Path, flakelens: Flakelens) -> None:
    assert flakelens("sync", "pull", *REMOTE).out.startswith("There is no shared history at dir:shared yet.")
    (folder / DB).unlink()
    (folder / ".flakelens").rename(folder / "unused")
    a_team(folder)
    pushed = flakelens("sync", "push", *REMOTE)
    assert pushed.code == 0
    assert pushed.out.startswith("Pushed 12 runs, 1 verdict, 1 renamed file to dir:shared: 14 packs, ")
    assert flakelens("sync", "push", *REMOTE).out == "Nothing to push: dir:shared has everything.\n"
    pulled = flakelens("--db", "other.db", "sync", "pull", *REMOTE)
    assert pulled.code == 0
    assert pulled.out.startswith("Pulled 12 runs (12 reports) and 1 verdict from dir:shared: 14 packs, ")
    again = flakelens("--db", "other.db", "sync", "pull", *REMOTE)
    assert (again.code, again.out) == (0, "Nothing new at dir:shared.\n")
    with open_store(folder / DB) as one, open_store(folder / "other.db") as other:
        assert all_of(one) == all_of(other)


def test_the_json_has_exactly_the_promised_names(folder: Path, flakelens: Flakelens) -> None:
    a_team(folder)
    flakelens("sync", "push", *REMOTE)
    said = json.loads(flakelens("--db", "o.db", "sync", "pull", *REMOTE, "--format", "json").out)
    assert said.pop("bytes") > 0
    assert said == {
        "schema": "flakelens.sync/1", "direction": "pull", "remote": "dir:shared", "packs": 14, "runs": 12,
        "reports": 12, "verdicts": 1, "renames": 0, "joined": 0, "left": 0, "window": None, "skipped_pruned": 0,
        "left_local": 0, "damaged": None, "refused": [],
    }  # fmt: skip


def test_the_remote_of_the_environment(folder: Path, flakelens: Flakelens, monkeypatch: pytest.MonkeyPatch) -> None:
    a_team(folder)
    monkeypatch.setenv("FLAKELENS_REMOTE", "dir:elsewhere")
    assert flakelens("sync", "push").code == 0
    assert (folder / "elsewhere" / "runs").is_dir()


def test_outside_of_a_checkout_the_default_remote_is_a_usage_error(folder: Path, flakelens: Flakelens) -> None:
    a_team(folder)
    said = flakelens("sync", "push")
    assert (said.code, said.out) == (2, "")
    assert "no checkout with a remote 'origin'" in said.err


def test_a_laptops_runs_stay_on_the_laptop_unless_asked_for(folder: Path, flakelens: Flakelens) -> None:
    (folder / ".flakelens").mkdir()
    a_database(folder / DB, [a_call(1), a_call(2, local=True)]).close()
    said = flakelens("sync", "push", *REMOTE)
    assert said.out.startswith("Pushed 1 run to dir:shared")
    assert "1 run of this machine not shared" in said.out
    assert flakelens("sync", "push", "--include-local", *REMOTE).out.startswith("Pushed 1 run to dir:shared")


@pytest.mark.parametrize(
    ("environ", "left"),
    [
        ({}, False),
        ({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request"}, True),
        ({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}, True),
        ({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "schedule"}, False),
    ],
)
def test_in_ci_only_what_a_gate_needs_is_pulled(
    folder: Path, flakelens: Flakelens, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], left: bool
) -> None:
    from flakelens.cli import sync

    monkeypatch.setattr(sync, "WINDOW", 3)
    a_team(folder, runs=16)
    flakelens("sync", "push", *REMOTE)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    said = flakelens("--db", "new.db", "sync", "pull", *REMOTE)
    assert said.code == 0
    assert ("older packs left where they are" in said.out) is left
    with open_store("new.db") as store:
        assert (len(store.run_keys()) < 16) is left
        assert len(store.run_keys()) >= 3
    whole = flakelens("--db", "new.db", "sync", "pull", *REMOTE, "--window", "all")
    assert whole.code == 0
    with open_store("new.db") as store, open_store(DB) as team:
        assert all_of(store) == all_of(team)


def test_a_gate_on_the_pulled_window_says_what_it_says_on_everything(folder: Path, flakelens: Flakelens) -> None:
    a_history(folder, 40, {"E2E 1": "F"})
    flakelens("sync", "push", *REMOTE)
    flakelens("--db", "new.db", "sync", "pull", *REMOTE)
    there, here = (
        json.loads(flakelens("--db", db, "gate", "--no-record", "--as-of", "2100-01-01", "--format", "json").out)
        for db in (str(DB), "new.db")
    )
    assert there == here


@pytest.mark.parametrize("window", ["0", "-3", "many", "1.5", "99999999"])
def test_a_window_that_is_no_number(folder: Path, flakelens: Flakelens, window: str) -> None:
    said = flakelens("sync", "pull", *REMOTE, f"--window={window}")
    assert said.code == 2
    assert not (folder / DB).exists()


# --- damage ---


def beginning_lost(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:40] = b"\0" * 40
    path.write_bytes(data)


def pages_overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096, 2):
        data[page * 4096 : page * 4096 + 2048] = b"\xaa" * 2048
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 // 4096 * 4096])


@pytest.mark.parametrize("harm", [beginning_lost, pages_overwritten, cut_off])
def test_a_damaged_database_is_put_aside_and_made_again(
    folder: Path, flakelens: Flakelens, harm: Callable[[Path], None]
) -> None:
    a_team(folder)
    flakelens("sync", "push", *REMOTE)
    with open_store(folder / DB) as store:
        before = all_of(store)
    harm(folder / DB)
    damaged = (folder / DB).read_bytes()
    assert flakelens("db", "check").code == 5
    said = flakelens("sync", "pull", *REMOTE)
    assert said.code == 0
    assert "THE DATABASE .flakelens/flakelens.db WAS DAMAGED" in said.err
    assert ".flakelens/flakelens.db.damaged-1" in said.err
    assert said.out.startswith("Pulled 12 runs")
    assert (folder / ".flakelens" / "flakelens.db.damaged-1").read_bytes() == damaged
    with open_store(folder / DB) as store:
        assert all_of(store) == before
        assert store.check() == []
    harm(folder / DB)
    again = flakelens("sync", "pull", *REMOTE, "--format", "json")
    assert json.loads(again.out)["damaged"].endswith("flakelens.db.damaged-2")


def test_a_file_that_is_not_ours_is_left_alone(folder: Path, flakelens: Flakelens) -> None:
    (folder / "notes.db").write_text("CREATE TABLE is a statement; these are my notes. " * 200, encoding="utf-8")
    before = (folder / "notes.db").read_bytes()
    assert flakelens("--db", "notes.db", "sync", "pull", *REMOTE).code == 5
    assert (folder / "notes.db").read_bytes() == before
    assert not list(folder.glob("notes.db.*"))


def test_a_damaged_pack_is_6_and_named(folder: Path, flakelens: Flakelens) -> None:
    a_team(folder, runs=3)
    flakelens("sync", "push", *REMOTE)
    first = min((folder / "shared" / "runs").rglob("*.pack"))
    first.write_bytes(first.read_bytes()[:-9])
    said = flakelens("--db", "new.db", "sync", "pull", *REMOTE)
    assert said.code == 6
    assert "1 pack could not be used:" in said.out
    assert "its bytes are not those that its name promises" in " ".join(said.out.split())
    assert "Pulled 2 runs" in said.out
