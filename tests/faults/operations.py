"""What is done to a database when the fault strikes, and what must hold afterwards."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from flakelens.ingest import ingest
from flakelens.reading import workers
from flakelens.store import exists, open_store, schema
from tests.builders import started_at
from tests.store.store_inputs import canonical
from tests.tiny_reports import jest, playwright

RUNS = 12
NOW = started_at(24 * 60)


@dataclass(frozen=True)
class Operation:
    """One thing that is done to a database: how it begins, what is done, and whether a state is whole or absent."""

    name: str
    prepare: Callable[[Path], None]  # makes folder/x.db as it is before; nothing for a database that is not there yet
    act: Callable[[Path], None]
    holds: Callable[[Path], None]  # after the fault: raises AssertionError if something is torn
    complete: Callable[[Path], None]  # after `act` was done again


class Material:
    """Reports and databases that the operations start from, made once in a folder."""

    def __init__(self, folder: Path) -> None:
        self.reports = folder / "reports"
        for n in range(RUNS):
            day, results = f"2026-11-{n + 1:02}T06:00:00", dict.fromkeys((f"t {k}" for k in range(30)), "P")
            results |= {f"t {n % 7}": "F", f"t {n % 5 + 7}": "S"}
            jest(self.reports / f"run-{n}" / "unit.xml", results, stamp=day, message=f"Error: {n} " * 200)
            jest(self.reports / f"run-{n}" / "more.xml", {f"m {n}": "P"}, stamp=day)
            playwright(self.reports / f"run-{n}" / "e2e.xml", {"signs in": "K", "pays": "P"}, stamp=day)
            said = {"run": f"run-{n}", "branch": "main"}  # one name, whoever ingests it
            (self.reports / f"run-{n}" / "run.json").write_text(json.dumps(said))
        (self.reports / "run-0" / "odd.xml").write_bytes(b"")  # to have a problem
        self.whole, self.half = folder / "whole.db", folder / "half.db"
        self._ingest(self.whole)
        self._ingest(self.half, range(0, RUNS, 2))
        with open_store(self.whole) as store:
            self.expected = by_run(self.whole)
            self.totals = {test.id: store.totals()[test.key][1:] for test in store.read().tests}

    def operations(self) -> tuple[Operation, ...]:
        """Every operation that writes."""
        return (
            Operation("ingest", lambda _: None, lambda f: self._ingest(f / "x.db"), self._each_run_whole, self._all),
            Operation("ingest --jobs 2", lambda _: None, self._with_jobs, self._each_run_whole, self._all),
            Operation("merge", self._from_half, self._merge, self._each_run_whole, self._all),
            Operation("rebuild", self._spoiled, self._rebuild, self._facts_untouched, self._all),
            Operation("prune", self._from_whole, self._prune, self._pruned_or_not, self._is_pruned),
            Operation("migrate", self._older, self._migrate, self._facts_untouched_or_older, self._all),
            Operation("backup", self._from_whole, self._backup, self._backup_whole_or_absent, self._backup_whole),
        )

    # --- before ---

    def _from_half(self, folder: Path) -> None:
        shutil.copy(self.half, folder / "x.db")

    def _from_whole(self, folder: Path) -> None:
        shutil.copy(self.whole, folder / "x.db")

    def _spoiled(self, folder: Path) -> None:
        self._from_whole(folder)
        with closing(sqlite3.connect(folder / "x.db")) as db, db:
            db.execute("DELETE FROM packed WHERE report % 2")
            db.execute("UPDATE test_sum SET passed = passed + 1")

    def _older(self, folder: Path) -> None:
        """The whole database as the first two steps of the schema would hold it: what came later is taken out."""
        self._from_whole(folder)
        names = {step.name for step in schema.STEPS[2:]}
        made = re.compile(r"^CREATE (VIEW|TRIGGER|TABLE|INDEX) (\w+)", re.MULTILINE)
        with closing(sqlite3.connect(folder / "x.db", isolation_level=None)) as db:
            for step in schema.STEPS[2:]:
                for kind, name in made.findall(step.sql):
                    db.execute(f"DROP {kind} IF EXISTS {name}")
            db.executemany("DELETE FROM _sqlite_migrations WHERE name = ?", [(name,) for name in names])
            db.execute("PRAGMA user_version = 2")

    # --- the deed ---

    def _ingest(self, path: Path, numbers: range = range(RUNS)) -> None:
        with open_store(path, create=True) as store:
            for n in numbers:
                ingest([str(self.reports / f"run-{n}")], store=store, ingested_at=NOW)

    def _with_jobs(self, folder: Path) -> None:
        """Worker processes from the first file on, a file a piece, however little there is."""
        workers.SMALL = workers._FIRST = 0
        workers._PIECE_FILES = 1
        with open_store(folder / "x.db", create=True) as store:
            ingest([str(self.reports)], store=store, ingested_at=NOW, run_per_dir=True, jobs=2)

    def _merge(self, folder: Path) -> None:
        with open_store(folder / "x.db") as store:
            store.merge(self.whole)

    @staticmethod
    def _rebuild(folder: Path) -> None:
        with open_store(folder / "x.db") as store:
            store.rebuild()

    @staticmethod
    def _prune(folder: Path) -> None:
        with open_store(folder / "x.db") as store:
            store.prune(keep_runs=RUNS // 3)

    @staticmethod
    def _migrate(folder: Path) -> None:
        open_store(folder / "x.db").close()

    @staticmethod
    def _backup(folder: Path) -> None:
        with suppress(FileNotFoundError):
            (folder / "copy.db").unlink()
        with open_store(folder / "x.db") as store:
            store.backup(folder / "copy.db")

    # --- after ---

    def _each_run_whole(self, folder: Path) -> None:
        path = folder / "x.db"
        if not exists(path):
            return
        assert_sound(path)
        for run, facts in by_run(path).items():
            assert facts == self.expected[run], f"run {run} is torn"

    def _all(self, folder: Path) -> None:
        assert_sound(folder / "x.db")
        assert by_run(folder / "x.db") == self.expected
        assert self._totals(folder / "x.db") == self.totals

    def _facts_untouched(self, folder: Path) -> None:
        with open_store(folder / "x.db") as store:
            damage = store.check()
        assert all("rebuild" in line for line in damage), damage
        assert damage == [] or len(damage) > 5, f"half rebuilt: {damage}"

    def _facts_untouched_or_older(self, folder: Path) -> None:
        with closing(sqlite3.connect(folder / "x.db")) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            steps = db.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()[0]
        assert version in (2, len(schema.STEPS))
        assert steps == version

    def _pruned_or_not(self, folder: Path) -> None:
        assert_sound(folder / "x.db")
        runs = by_run(folder / "x.db")
        assert len(runs) in (RUNS, RUNS // 3), f"{len(runs)} runs are left"
        assert all(facts == self.expected[run] for run, facts in runs.items())

    def _is_pruned(self, folder: Path) -> None:
        self._pruned_or_not(folder)
        assert len(by_run(folder / "x.db")) == RUNS // 3
        assert set(self._totals(folder / "x.db").values()) <= set(self.totals.values())

    def _backup_whole_or_absent(self, folder: Path) -> None:
        self._all(folder)
        if (folder / "copy.db").exists():
            self._backup_whole(folder)

    def _backup_whole(self, folder: Path) -> None:
        assert_sound(folder / "copy.db")
        assert by_run(folder / "copy.db") == self.expected

    @staticmethod
    def _totals(path: Path) -> dict[object, object]:
        with open_store(path) as store:
            return {test.id: store.totals()[test.key][1:] for test in store.read().tests}


def assert_sound(path: Path) -> None:
    """`db check` finds nothing."""
    with open_store(path) as store:
        assert store.check() == []


def by_run(path: Path) -> dict[str, object]:
    """What the database knows of each run, without its own numbers."""
    with open_store(path, read_only=True) as store:
        facts, problems = store.read(), store.problems()
    runs = {one.key.run: canonical(replace(facts, runs=(one,)))[0] for one in facts.runs}
    return {run: (said, problems.get(one.key)) for one, (run, said) in zip(facts.runs, runs.items(), strict=True)}
