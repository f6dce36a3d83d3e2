"""`flakelens db`: care for the database, and what happens when it is not sound."""

from __future__ import annotations

import json
import sqlite3

import pytest

from flakelens.cli.app import App
from flakelens.store import open_store
from tests.builders import a_run, a_store, started_at
from tests.cli.histories import caller


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@pytest.fixture
def db(tmp_path):
    a_store(tmp_path, [a_run(n, outcomes={"it": "P", "fails": "F"}) for n in range(10)]).close()
    return tmp_path / "flakelens.db"


def runs_in(path):
    with open_store(path, read_only=True) as store:
        return [key.run for key in store.run_keys()]


def test_info(db, call):
    code, out, _ = call("--db", str(db), "db", "info")
    assert code == 0
    assert "10 runs from 2026-10-01 to 2026-10-01" in out
    assert "       10  main          20 results, about " in out
    assert "       20  result" in out


def test_info_for_programs(db, call):
    _, out, _ = call("--db", str(db), "db", "info", "--format", "json")
    document = json.loads(out)
    assert document["schema"] == "flakelens.db-info/1"
    assert (document["runs"], document["branches"], document["rows"]["result"]) == (10, {"main": 10}, 20)
    assert document["first_run"] == "2026-10-01T06:00:00Z"


def test_a_sound_database(db, call):
    assert call("--db", str(db), "db", "check") == (0, "The database is sound.\n", "")


def test_damage_in_derived_tables_is_found_and_rebuilt(db, call):
    with sqlite3.connect(db) as connection:
        connection.execute("DELETE FROM packed")
    connection.close()
    code, out, _ = call("--db", str(db), "db", "check")
    assert code == 5
    assert "flakelens db rebuild" in out
    code, out, _ = call("--db", str(db), "db", "check", "--format", "json")
    assert code == 5
    assert json.loads(out)["damage"]
    assert call("--db", str(db), "db", "rebuild")[0] == 0
    assert call("--db", str(db), "db", "check")[0] == 0


@pytest.mark.parametrize("verb", [["info"], ["check"], ["rebuild"], ["prune", "--keep-runs", "1"], ["backup", "b.db"]])
def test_a_cut_off_file_ends_with_5_and_stays_as_it_is(db, call, verb):
    db.write_bytes(db.read_bytes()[:6000])
    before = db.read_bytes()
    code, out, err = call("--db", str(db), "db", *verb)
    assert (code, out) == (5, "")
    assert "damaged" in err
    assert db.read_bytes() == before


def test_prune_says_what_went_and_takes_the_oldest(db, call):
    code, out, _ = call("--db", str(db), "db", "prune", "--keep-runs", "4")
    assert (code, out.split(",")[0]) == (0, "Removed 6 runs")
    assert runs_in(db) == ["1006", "1007", "1008", "1009"]


@pytest.mark.parametrize(("age", "left"), [("2026-10-01T10:30Z", 5), ("3d", 10), ("99999w", 10), ("2d", 4)])
def test_prune_by_age(db, call, monkeypatch, age, left):
    monkeypatch.setattr(App, "now", lambda _: started_at(54))  # a run an hour: number 6 started two days before
    code, out, _ = call("--db", str(db), "db", "prune", "--older-than", age, "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert (document["removed"], document["left"]) == (10 - left, left)


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["--keep-days", "2"], 4),  # a run an hour: number 6 started two days before
        (["--keep-days", "2", "--keep-runs", "7"], 7),  # whichever keeps more
        (["--keep-days", "2", "--keep-runs", "1"], 4),
        (["--keep-days", "3", "--keep-runs", "1"], 10),
        (["--keep-runs", "7", "--older-than", "2d"], 4),  # what is too old goes, whatever is kept
        (["--keep-days", "3", "--older-than", "2d"], 4),
    ],
)
def test_what_is_kept_together(db, call, monkeypatch, arguments, left):
    monkeypatch.setattr(App, "now", lambda _: started_at(54))
    with open_store(db) as store:
        sums = store.totals()
    assert call("--db", str(db), "db", "prune", *arguments)[0] == 0
    assert runs_in(db) == [str(1000 + n) for n in range(10 - left, 10)]
    with open_store(db) as store:
        assert store.totals() == sums  # over all time, pruned runs included
        assert store.check() == []


@pytest.mark.parametrize("arguments", [["--keep-days", "1"], ["--older-than", "1d"]])
def test_a_history_is_not_pruned_to_nothing(db, call, monkeypatch, arguments):
    """After a pause a nightly prune would find every run too old."""
    monkeypatch.setattr(App, "now", lambda _: started_at(54))
    before = db.read_bytes()
    code, out, err = call("--db", str(db), "db", "prune", *arguments)
    assert (code, out) == (2, "")
    assert "would remove every run: the newest is of 2026-" in err
    assert "--keep-runs" in err
    assert db.read_bytes() == before


def test_every_byte_of_the_file_is_accounted_for(db, call, monkeypatch):
    monkeypatch.setattr(App, "now", lambda _: started_at(24 * 90 + 4))
    with open_store(db) as store, sqlite3.connect(db) as connection:
        store.keep_fitted(b"1" * 32, "x" * 400_000)
        connection.execute("DELETE FROM fitted")  # leaves empty pages
    connection.close()
    document = json.loads(call("--db", str(db), "db", "info", "--format", "json")[1])
    assert document["free_bytes"] >= 400_000
    parts = sum(document["table_bytes"].values()) + document["free_bytes"] + document["other_bytes"]
    assert parts == document["size"] == db.stat().st_size
    with sqlite3.connect(db) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert set(document["rows"]) == tables - {"_sqlite_migrations"}
    assert set(document["table_bytes"]) == tables
    assert document["by_month"]["2026-10"]["results"] == document["by_branch"]["main"]["results"] == 20
    assert (document["prunable"]["runs"], document["prunable"]["results"]) == (4, 8)  # 0 to 3 are older than 90 days
    _, out, _ = call("--db", str(db), "db", "info", width=80)
    assert "prune --keep-days 90 would take out 4 runs with 8 results" in " ".join(out.split())
    assert max(map(len, out.splitlines()[1:])) <= 80  # the path is shown whole


def test_the_file_shrinks_unless_somebody_reads_it(tmp_path, call):
    message = [f"Error: {n} {n * n} {n * n * n} {n % 7}" * 30 for n in range(400)]
    database = tmp_path / "flakelens.db"

    def filled():
        database.unlink(missing_ok=True)
        a_store(tmp_path, [a_run(n, outcomes={message[n * 10 + k]: "F" for k in range(10)}) for n in range(40)]).close()

    filled()
    _, out, _ = call("--db", str(database), "db", "prune", "--keep-runs", "1", "--format", "json")
    document = json.loads(out)
    assert document["freed_bytes"] > 50_000
    assert document["later_bytes"] == 0
    filled()
    size = database.stat().st_size
    reader = sqlite3.connect(database)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM run").fetchone()
    _, out, _ = call("--db", str(database), "db", "prune", "--keep-runs", "1")
    assert "Somebody is reading the file: it becomes" in out
    assert reader.execute("SELECT count(*) FROM run").fetchone() == (40,)  # still as it was for that one
    reader.rollback()
    reader.close()
    with open_store(database) as store:
        store.keep_fitted(b"1" * 32, "{}")
    assert database.stat().st_size < size


@pytest.mark.parametrize("arguments", [[], ["--older-than", "soon"], ["--keep-runs", "0"]])
def test_prune_asks_what_may_go(db, call, arguments):
    assert call("--db", str(db), "db", "prune", *arguments)[0] == 2
    assert len(runs_in(db)) == 10


def test_merge_brings_what_is_not_there_once(tmp_path, db, call):
    other = tmp_path / "other"
    other.mkdir()
    a_store(other, [a_run(n, outcomes={"it": "P"}) for n in range(8, 13)]).close()
    target = str(tmp_path / "new" / "all.db")
    code, out, _ = call("--db", target, "db", "merge", str(db), str(other / "flakelens.db"))
    assert (code, out) == (0, "Merged 15 runs, 15 reports, 0 verdicts that were not there.\n")
    assert runs_in(target) == [str(1000 + n) for n in range(13)]
    _, out, _ = call("--db", target, "db", "merge", str(db), "--format", "json")
    assert json.loads(out) == {"schema": "flakelens.db-merge/1", "runs": 0, "reports": 0, "verdicts": 0, "skipped": 0}


def test_merge_checks_every_name_before_it_begins(tmp_path, db, call):
    code, _, err = call("--db", str(tmp_path / "all.db"), "db", "merge", str(db), "nowhere.db")
    assert code == 2
    assert "nowhere.db" in err
    assert not (tmp_path / "all.db").exists()


def test_backup_is_a_database_and_never_overwrites(tmp_path, db, call):
    copy = tmp_path / "copy.db"
    assert call("--db", str(db), "db", "backup", str(copy))[0] == 0
    assert runs_in(copy) == runs_in(db)
    code, _, err = call("--db", str(db), "db", "backup", str(copy))
    assert code == 5
    assert "exists already" in err


def test_a_missing_database_is_said(call):
    code, out, err = call("db", "info")
    assert (code, out) == (5, "")
    assert "flakelens ingest" in err
