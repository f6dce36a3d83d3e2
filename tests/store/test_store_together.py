"""Several processes at one database: killed, queueing, reading meanwhile."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from store_inputs import T0, F, canonical, simple

from flakelens.errors import DatabaseError
from flakelens.store import exists, open_store

HERE = Path(__file__).parent


def writer(path: Path, first: int, last: int) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(HERE.parent.parent), str(HERE)])
    return subprocess.Popen(
        [sys.executable, str(HERE / "store_writer.py"), str(path), str(first), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )


def test_killed_at_any_instant_each_call_is_whole_or_absent(tmp_path: Path) -> None:
    rng = random.Random(20260301)
    landed = 0
    for place in range(20):
        path = tmp_path / f"{place // 4}.db"  # four kills one after the other meet the same database
        with writer(path, 0, 10_000) as process:
            assert process.stdout is not None
            if place % 4:  # the first of four may be killed while it makes the tables
                process.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            said = process.stdout.read().split()
        if not exists(path):
            continue
        with open_store(path) as store:
            runs = store.read().runs
            assert all(len(run.reports) == 3 for run in runs)
            assert all(len(report.outcomes) == 40 for run in runs for report in run.reports)
            if said:
                assert len(runs) > int(said[-1])  # what was said to be done is there
            assert store.check() == []
            landed += len(runs)
    assert landed > 50


def test_writers_queue(path: Path) -> None:
    writers = [writer(path, first, first + 15) for first in (0, 15, 30)]
    for process in writers:
        with process:
            assert process.stdout is not None
            assert len(process.stdout.read().split()) == 15
        assert process.returncode == 0
    with open_store(path) as store:
        assert len(store.read().runs) == 45
        assert store.check() == []


def test_two_open_stores_learn_each_others_tests(path: Path) -> None:
    with open_store(path, create=True) as one, open_store(path) as other:
        for number in range(6):
            (one if number % 2 else other).write_run(simple(number, F), ingested_at=T0)
        assert canonical(one.read()) == canonical(other.read())
        assert len(one.read().tests) == 2
        other.prune(keep_runs=2)
        one.write_run(simple(7, F), ingested_at=T0)
        other.rebuild()
        assert canonical(one.read()) == canonical(other.read())
        assert one.check() == []


def test_readers_do_not_wait_for_the_writer(path: Path) -> None:
    with open_store(path, create=True) as store:
        store.write_run(simple(1), ingested_at=T0)
    with closing(sqlite3.connect(path, isolation_level=None)) as busy, open_store(path, read_only=True) as reader:
        busy.execute("BEGIN IMMEDIATE")
        busy.execute("DELETE FROM packed")
        assert len(reader.read().runs[0].reports[0].outcomes) == 2
        busy.execute("ROLLBACK")


def test_a_writer_that_waits_too_long_says_why(path: Path) -> None:
    open_store(path, create=True).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as busy, open_store(path, patience=0.05) as store:
        busy.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="Another process has been writing to") as caught:
            store.write_run(simple(1), ingested_at=T0)
        assert "locked" not in str(caught.value)
        busy.execute("ROLLBACK")
        assert store.write_run(simple(1), ingested_at=T0).reports == 1


def test_backups_while_somebody_writes_are_whole_and_never_go_back(path: Path, tmp_path: Path) -> None:
    with writer(path, 0, 120) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        kept: list[int] = []
        while process.poll() is None and len(kept) < 40:
            place = tmp_path / f"copy-{len(kept)}.db"
            with open_store(path) as store:
                store.backup(place)
            with open_store(place, read_only=True) as copy:
                assert copy.check() == []
                runs = copy.read().runs
            assert {len(run.reports) for run in runs} == {3}, "a run is whole in it or not there"
            kept.append(len(runs))
        process.stdout.read()
    assert kept == sorted(kept)
    assert kept[0] < 120, "the first was taken in the midst"
    with open_store(path) as store:
        assert len(store.read().runs) == 120
        assert store.check() == []
