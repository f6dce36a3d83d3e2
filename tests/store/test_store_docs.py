from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store_inputs import T0, F, simple

from flakelens.store import describe, open_store

DOC = Path(__file__).parents[2] / "docs" / "database.md"


def test_every_column_is_explained(path: Path) -> None:
    open_store(path, create=True).close()
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name <> '_sqlite_migrations'"
        actual = {
            name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
            for (name,) in db.execute(query).fetchall()
        }
    described = {table.name: [column.name for column in table.columns] for table in describe.tables()}
    assert described == actual
    for table in describe.tables():
        assert table.about, table.name
        assert all(column.comment for column in table.columns), table.name


def test_the_document_says_what_the_schema_says() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert text == describe.in_step(text), "python -m flakelens.store.describe docs/database.md"


def test_views_speak_plainly(path: Path) -> None:
    with open_store(path, create=True) as store:
        store.write_run(simple(1, F), ingested_at=T0)
    with closing(sqlite3.connect(path)) as db:
        (run,) = db.execute("SELECT provider, branch, started_at, attempts, reports FROM v_runs")
        assert run == ("github", "main", "2026-03-01T09:00:00.000Z", 1, 1)
        query = "SELECT name, status, seconds, failure_type FROM v_results ORDER BY name"
        assert db.execute(query).fetchall() == [("one", "failed", 0.001, "Error"), ("two", "passed", 0.001, None)]
        query = "SELECT name, passed, failed, mean_seconds, last_at FROM v_tests ORDER BY name"
        assert db.execute(query).fetchall()[0] == ("one", 0, 1, 0.001, "2026-03-01T09:00:00.000Z")
