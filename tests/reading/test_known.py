"""What the store has is hashed and not parsed again, and nothing else is different for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from flakelens.model import RetryEvidence
from flakelens.reading import here
from flakelens.run_metadata import RunOptions
from flakelens.store import IngestedRun, Store, open_store
from tests.bringing import CI, NOW
from tests.reading.folders import KINDS, bring, make, rows

LETTERS = {"adds": "P", "removes": "F", "logs in": "S", "pays › by card": "K"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of every kind of file, and two of sound ones."""
    sound = [("jest", LETTERS, 1), ("playwright", LETTERS, 2), ("gzip", LETTERS, 2), ("zip", LETTERS, 1)]
    make(tmp_path / "in", [[(kind, LETTERS, 1) for kind in KINDS], sound, sound[:2]])
    return tmp_path / "in"


def twice(database: Path, folder: Path, **second: Any) -> tuple[list[IngestedRun], object]:
    bring(database, folder, jobs=1)
    return bring(database, folder, jobs=1, **second), rows(database)


CALLS: dict[str, dict[str, Any]] = {
    "the same again": {},
    "with a job": {"options": RunOptions(job="unit")},
    "another attempt": {"options": RunOptions(attempt=2, branch="main")},
    "retries declared": {"options": RunOptions(retries=RetryEvidence.NONE)},
    "a filtered run": {"options": RunOptions(partial=True)},
    "into another run": {"options": RunOptions(provider="other")},
    "all in one run": {"run_per_dir": False, "options": RunOptions(run="9")},
    "earlier": {"ingested_at": NOW.replace(year=2025)},
    "later": {"ingested_at": NOW.replace(year=2027)},
}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_nothing_but_the_parsing_is_left_out(folder: Path, tmp_path: Path, monkeypatch, call: str) -> None:
    found = twice(tmp_path / "known.db", folder, **CALLS[call])
    monkeypatch.setattr(Store, "known_reports", lambda *_, **__: {})
    assert found == twice(tmp_path / "parsed.db", folder, **CALLS[call])


def test_a_sound_report_is_parsed_once(folder: Path, tmp_path: Path, monkeypatch) -> None:
    bring(tmp_path / "x.db", folder / "..", jobs=1, run_per_dir=False, options=RunOptions(run="1"))
    parsed: list[str] = []

    def read(name: str, *more: Any) -> Any:
        parsed.append(name)
        return read_bytes(name, *more)

    read_bytes = here.read_bytes
    monkeypatch.setattr(here, "read_bytes", read)
    bring(tmp_path / "x.db", folder / "..", jobs=1, run_per_dir=False, options=RunOptions(run="1"))
    # what has a problem is parsed again, so that it is said again
    assert {name.rpartition("/")[2] for name in parsed} == {"2.xml", "3.xml", "4.xml", "7.xml", "8.xml"}


def test_what_is_pruned_in_the_meantime_is_parsed_after_all(folder: Path, tmp_path: Path, monkeypatch) -> None:
    """Another process took the run out between the question and the writing."""
    first = bring(tmp_path / "x.db", folder, jobs=1)
    write = Store.write_run

    def pruned_first(self: Store, *args: Any, **more: Any) -> IngestedRun:
        if len(self.run_keys()) > 1:
            with open_store(tmp_path / "x.db") as other:
                other.prune(keep_runs=1)
        return write(self, *args, **more)

    monkeypatch.setattr(Store, "write_run", pruned_first)
    again = bring(tmp_path / "x.db", folder, jobs=1)
    *gone, newest = (replace(one, problems=()) for one in again)
    assert gone == [replace(one, problems=()) for one in first[:-1]]
    assert (newest.reports, newest.known) == (0, first[-1].reports)  # pruning leaves the newest run


def test_a_report_without_a_file_is_parsed_for_the_checkout(folder: Path, tmp_path: Path) -> None:
    class Titles:
        def files_of(self, tests: Any) -> dict[Any, str]:
            return dict.fromkeys(tests, "src/found.test.ts")

        def renames(self) -> list[object]:
            return []

    bring(tmp_path / "x.db", folder, jobs=1, run_per_dir=False, detected=CI)
    later = {"checkout": Titles(), "ingested_at": NOW.replace(year=2027)}
    bring(tmp_path / "x.db", folder, jobs=1, run_per_dir=False, detected=CI, **later)
    assert {row[2] for row in rows(tmp_path / "x.db")["test_file"]} >= {"src/found.test.ts"}
