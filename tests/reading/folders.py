"""Folders of reports for ingest to read, and every row that it left."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from flakelens.ingest import ingest
from flakelens.store import IngestedRun, open_store
from tests.bringing import NOW
from tests.tiny_reports import jest, playwright

TITLES = ("adds", "removes", "pays › by card", "résumé", "logs in")
KINDS = ("jest", "playwright", "empty", "cut", "no XML", "gzip", "zip", "doctype", "other bytes")

_results = st.dictionaries(st.sampled_from(TITLES), st.sampled_from("PPPFESK"), min_size=1)
_file = st.tuples(st.sampled_from(KINDS), _results, st.integers(0, 3))
runs = st.lists(st.lists(_file, min_size=1, max_size=4), min_size=1, max_size=6)


def make(folder: Path, files: list[list[tuple[str, dict[str, str], int]]]) -> None:
    """One sub-folder per run; two files with the same content are the same bytes."""
    for number, of_run in enumerate(files):
        place = folder / f"run-{number}"
        place.mkdir(parents=True)
        if number % 2:
            said = {"run": str(number // 4), "branch": "main", "reports": {"0.xml": {"job": "unit"}, "no.xml": {}}}
            (place / "run.json").write_text(json.dumps(said))
        for index, (kind, results, variant) in enumerate(of_run):
            _write(place / f"{index}.xml", kind, results, variant)


def _write(path: Path, kind: str, results: dict[str, str], variant: int) -> None:
    letters = {name: letter.replace("K", "P") for name, letter in results.items()}
    stamp = f"2026-11-{variant + 1:02}T06:00:00" if variant else ""
    secret = f"Error: token ghp_{'a1' * 15} at src/pay.test.ts:{variant}"
    jest(path, letters, stamp=stamp, message=secret, file="src/a.test.ts" if variant % 2 else "")
    data = path.read_bytes()
    if kind == "playwright":
        playwright(path, results)
    elif kind == "gzip":
        path.with_suffix(".xml.gz").write_bytes(gzip.compress(data, mtime=0))
        path.unlink()
    elif kind == "zip":
        path.unlink()
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
            for member in ("one.xml", "two.xml"):
                archive.writestr(zipfile.ZipInfo(member), data)
    else:
        change = {"empty": b"", "cut": data[:-60], "no XML": b"npm ERR!", "doctype": b"<!DOCTYPE a>" + data,
                  "other bytes": data + b"\xff\x00"}  # fmt: skip
        path.write_bytes(change.get(kind, data))


def bring(database: Path, folder: Path, *, jobs: int, **more: Any) -> list[IngestedRun]:
    """Ingest every run of `folder`, always at the same moment."""
    with open_store(database, create=True) as store:
        more = {"run_per_dir": True, "ingested_at": NOW} | more
        return ingest([str(folder)], store=store, jobs=jobs, **more)


def rows(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; nothing is left out but the moment the file was made."""
    with closing(sqlite3.connect(database)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in tables if name != "_sqlite_migrations"}


def outcome(folder: Path, **how: Any) -> tuple[object, dict[str, list[tuple[Any, ...]]]]:
    """What a first ingest says, and what it leaves; the error where there is nothing to leave."""
    with TemporaryDirectory() as place:
        database = Path(place) / "x.db"
        try:
            said: object = bring(database, folder, **how)
        except Exception as error:
            said = (type(error), str(error))
        return said, rows(database)
