from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from store_inputs import T0, canonical, simple

from flakelens.errors import DatabaseError
from flakelens.store import connection, exists, open_store, schema


def layout(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name, type").fetchall()


def old_database(path: Path, steps: int) -> None:
    """A database that has only the first steps of the schema."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "STEPS", schema.STEPS[:steps])
        open_store(path, create=True).close()


def test_a_new_database_is_what_migrating_step_by_step_gives(tmp_path: Path) -> None:
    open_store(tmp_path / "new.db", create=True).close()
    old_database(tmp_path / "old.db", 1)
    open_store(tmp_path / "old.db").close()
    assert layout(tmp_path / "new.db") == layout(tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "old.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations ORDER BY id")]
        assert names == [step.name for step in schema.STEPS]
        assert db.execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)


def test_the_migrations_table_is_the_one_of_sqlite_utils(tmp_path: Path) -> None:
    import sqlite_utils

    open_store(tmp_path / "ours.db", create=True).close()
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as db:
        sqlite_utils.Migrations("flakelens").apply(sqlite_utils.Database(db))
        db.commit()
    ours = [row for row in layout(tmp_path / "ours.db") if "_sqlite_migrations" in row[1]]
    assert ours == layout(tmp_path / "theirs.db")


def test_reading_brings_an_older_database_up_first(path: Path) -> None:
    old_database(path, 2)
    with open_store(path, read_only=True) as store:
        assert store.info().schema == len(schema.STEPS)


def test_no_heavy_library_is_imported_to_make_fill_and_open_a_database(path: Path) -> None:
    code = """
import sys
from datetime import UTC, datetime
from flakelens.store import open_store
from flakelens.model import *
report = ParsedReport(name="r", sha256="00" * 32, size=1, producer="jest",
    cases=(CaseResult(TestId("f", "n", ""), 1, (Attempt(Status.PASSED, 1.0, "", ""),)),))
run = RunReports(info=RunInfo(provider="p", run="1"), reports=((ReportInfo(), report),))
with open_store(sys.argv[1], create=True) as store:
    store.write_run(run, ingested_at=datetime(2026, 1, 1, tzinfo=UTC))
open_store(sys.argv[1], read_only=True).close()
print(sorted({"numpy", "pandas", "sqlite_utils", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_database_is_named_with_the_mend(path: Path) -> None:
    assert not exists(path)
    with pytest.raises(DatabaseError, match="There is no database at") as caught:
        open_store(path)
    assert "flakelens ingest" in caught.value.mend
    assert not path.exists()


def test_an_empty_file_is_no_database_yet(path: Path) -> None:
    path.touch()
    assert not exists(path)
    open_store(path, create=True).close()
    assert exists(path)


def test_a_file_without_tables_is_what_a_killed_first_call_leaves(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert path.stat().st_size > 0
    with open_store(path, read_only=True) as store:
        assert store.read().runs == ()


def test_the_folder_is_made_too(tmp_path: Path) -> None:
    open_store(tmp_path / "a" / "b" / "x.db", create=True).close()
    assert exists(tmp_path / "a" / "b" / "x.db")
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="cannot be made"):
        open_store(tmp_path / "file" / "x.db", create=True)


def test_a_newer_database_is_refused_untouched(path: Path) -> None:
    open_store(path, create=True).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(DatabaseError, match="newer flakelens") as caught:
            open_store(path, create=not read_only, read_only=read_only)
        assert "Install" in caught.value.mend
    assert path.read_bytes() == before


@pytest.mark.parametrize("sql", ["CREATE TABLE t (a)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"])
def test_somebody_elses_database_is_refused_untouched(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql)
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(DatabaseError, match="not one of flakelens"):
            open_store(path, create=not read_only, read_only=read_only)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"<testsuites/>" * 100, b"x", b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_refused_untouched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"is not an SQLite database|is damaged"):
        open_store(path, create=True)
    assert path.read_bytes() == content


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="is a folder"):
        open_store(tmp_path)


@pytest.mark.parametrize("first", [4096, 24 * 4096])
def test_a_damaged_database_is_one_clear_sentence(path: Path, first: int) -> None:
    with open_store(path, create=True) as store:
        for number in range(30):
            store.write_run(simple(number), ingested_at=T0)
    content = bytearray(path.read_bytes())
    content[first:] = b"\x5a" * (len(content) - first)
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="is damaged") as caught, open_store(path) as store:
        store.read()
    assert "backup" in caught.value.mend


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)", "NULL", "3"])
def test_a_test_whose_name_is_no_text_is_damage(path: Path, value: str) -> None:
    with open_store(path, create=True) as store:
        store.write_run(simple(1), ingested_at=T0)
    for loosened, changed in ((") STRICT", ")"), ("name TEXT NOT NULL", "name")):
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = 'test'", (loosened, changed))
            db.commit()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"UPDATE test SET name = {value} WHERE id = 1")
        db.commit()
    with open_store(path) as store, pytest.raises(DatabaseError, match="is damaged"):
        store.read()


def test_a_missing_table_is_damage(path: Path) -> None:
    open_store(path, create=True).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE report")
    with open_store(path) as store, pytest.raises(DatabaseError, match="is damaged: no such table"):
        store.read()


def as_nobody(action: object) -> int:
    """Run `action` in a child process that may not write what root owns; its exit code."""
    child = os.fork()
    if child == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            os._exit(0 if action() else 1)  # type: ignore[operator]
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_read_only_folder_can_be_read_and_not_written() -> None:
    folder = Path(tempfile.mkdtemp())  # not tmp_path: nobody may not enter that
    try:
        path = folder / "x.db"
        with open_store(path, create=True) as store:
            store.write_run(simple(1), ingested_at=T0)
            expected = canonical(store.read())
        folder.chmod(0o555)
        path.chmod(0o444)

        def reads() -> bool:
            with open_store(path, read_only=True) as store:
                return canonical(store.read()) == expected

        def is_refused() -> bool:
            try:
                with open_store(path) as store:
                    store.write_run(simple(2), ingested_at=T0)
            except DatabaseError as error:
                return "writable" in error.mend or "written" in error.mend
            return False

        assert as_nobody(reads) == 0
        assert as_nobody(is_refused) == 0
    finally:
        shutil.rmtree(folder)
