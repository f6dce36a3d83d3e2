"""A real scheduler and two workers: nothing is lost and nothing counted twice, whichever of them is killed when."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from flakelens.errors import UsageError
from flakelens.ingest import ingest
from flakelens.lake import open_lake, workers
from flakelens.lake.bringing import bring, grouped
from flakelens.lake.commits import commits
from flakelens.lake.merging import merge
from flakelens.run_shares import shares
from flakelens.store import IngestedRun, open_store
from tests.cli.histories import caller
from tests.lake.dying import AFTER, ALWAYS, BEFORE, READING, killed
from tests.lake.lakes import RECORDED, parts, told
from tests.sync.histories import all_of

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SMALL = 250_000  # bytes of reports of a task
TASKS = len(grouped(shares([str(RECORDED)], run_per_dir=True), SMALL))


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


class Direct(NamedTuple):
    """A database that ingest has filled, and what it says."""

    path: Path
    said: list[IngestedRun]
    facts: object
    all: object
    problems: object


@pytest.fixture(scope="module")
def direct(tmp_path_factory) -> Iterator[Direct]:
    """The recorded runs in a database, and what ingest said of them."""
    with open_store(tmp_path_factory.mktemp("direct") / "a.db", create=True) as store:
        said = ingest([str(RECORDED)], store=store, run_per_dir=True, ingested_at=NOW)
        yield Direct(store.path, said, told(store.read()), all_of(store), store.problems())


def is_whole(lake: Path, said: list[IngestedRun], direct: Direct, merged: Path) -> None:
    """All that the database has and nothing twice, told run by run as ingest tells it."""
    assert said == direct.said
    with open_lake(lake) as opened:
        assert told(opened.read()) == direct.facts
        assert opened.problems() == direct.problems
    with open_store(merged, create=True) as store:
        merge(lake, store)
        assert all_of(store) == direct.all
        assert store.check() == []


def test_workers_bring_what_ingest_brings(cluster, direct, tmp_path):
    with workers.workers(cluster.address) as on:
        said = bring([str(RECORDED)], tmp_path / "lake", on, ingested_at=NOW, smallest=SMALL)
        is_whole(tmp_path / "lake", said, direct, tmp_path / "b.db")
        before = commits(tmp_path / "lake"), parts(tmp_path / "lake")
        again = bring([str(RECORDED)], tmp_path / "lake", on, ingested_at=NOW, smallest=SMALL)
        assert (commits(tmp_path / "lake"), parts(tmp_path / "lake")) == before
        assert sum(run.reports for run in again) == 0
        assert sum(run.known for run in again) == sum(run.reports for run in said)


def test_a_worker_killed_in_the_middle(cluster, direct, tmp_path):
    """kill -9 as soon as the first task has landed; the other worker does the rest."""
    lake = tmp_path / "lake"

    def kill() -> None:
        while not commits(lake):
            time.sleep(0.005)
        landed.append(len(commits(lake)))
        cluster.kill_one()

    landed: list[int] = []
    killer = threading.Thread(target=kill)
    killer.start()
    with workers.workers(cluster.address) as on:
        said = bring([str(RECORDED)], lake, on, ingested_at=NOW, smallest=SMALL)
    killer.join()
    assert landed[0] < len(commits(lake)) == TASKS
    assert cluster.workers[0].returncode == -9
    is_whole(lake, said, direct, tmp_path / "b.db")


@pytest.mark.parametrize("instant", [BEFORE, AFTER])
def test_a_worker_killed_beside_its_commit(cluster, direct, tmp_path, instant):
    """The worst two instants: what was written is not named yet; what is named was not told yet."""
    with workers.workers(cluster.address) as on:

        def dying(work, items, progress=None):
            return on(partial(killed, instant, tmp_path / "mark", work), items, progress)

        said = bring([str(RECORDED)], tmp_path / "lake", dying, ingested_at=NOW, smallest=SMALL)
    assert sorted(worker.poll() is None for worker in cluster.workers) == [False, True]
    assert len(commits(tmp_path / "lake")) == TASKS
    named = {part.path for commit in commits(tmp_path / "lake") for part in commit.parts["result"]}
    assert named == {str(path.relative_to(tmp_path / "lake/facts/result")) for path in parts(tmp_path / "lake")}
    is_whole(tmp_path / "lake", said, direct, tmp_path / "b.db")


def test_the_commands_on_workers_say_what_they_say_of_a_database(cluster, direct, call, tmp_path):
    lake = str(tmp_path / "lake")
    at = ("--scheduler", cluster.address)
    said = call("ingest", "--to-parquet", lake, "--run-per-dir", str(RECORDED), *at, "--format", "json")
    other = call("--db", "b.db", "ingest", "--run-per-dir", str(RECORDED), "--format", "json")
    assert said == other
    asked = ("--as-of", "2026-11-21", "--format", "json")
    for command in (("gate", "--no-record"), ("tests",)):
        assert call("--db", lake, *command, *asked, *at) == call("--db", str(direct.path), *command, *asked)


def test_a_worker_killed_while_it_reads(cluster, direct, tmp_path):
    with workers.workers(cluster.address) as on:
        bring([str(RECORDED)], tmp_path / "lake", on, ingested_at=NOW)

        def dying(work, items):
            return on(partial(killed, READING, tmp_path / "mark", work), items)

        with open_lake(tmp_path / "lake", mapper=dying) as lake:
            assert told(lake.read()) == direct.facts
    assert sorted(worker.poll() is None for worker in cluster.workers) == [False, True]


def test_work_that_kills_every_worker_is_an_error_and_what_landed_stays(cluster, tmp_path):
    with (
        workers.workers(cluster.address) as on,
        pytest.raises(UsageError, match="died again and again") as error,
    ):
        on(partial(killed, ALWAYS, tmp_path / "mark", str), [1])
    assert "run this again" in error.value.mend


def test_a_lake_that_a_worker_does_not_see(cluster, tmp_path, monkeypatch):
    with workers.workers(cluster.address) as on:
        monkeypatch.setattr("flakelens.lake.bringing.lake_of", lambda folder, **_: folder)  # there is none
        with pytest.raises(UsageError, match="does not see the lake") as error:
            bring([str(RECORDED)], tmp_path / "nowhere", on, ingested_at=NOW)
    assert "under the same name" in error.value.mend


def test_without_a_scheduler_there_are_workers_for_a_while(tmp_path, direct):
    """The command as people call it: Dask starts processes that must find their way back to the program."""
    asked = ("ingest", "--to-parquet", "lake", "--run-per-dir", str(RECORDED), "--format", "json")
    done = subprocess.run([sys.executable, "-m", "flakelens", *asked], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (6, b"")  # a suite of the recorded runs could not be loaded
    assert sum(run["reports"] for run in json.loads(done.stdout)["runs"]) == sum(run.reports for run in direct.said)
    with open_lake(tmp_path / "lake") as lake:
        assert {run.key for run in lake.read().runs} == {(run.provider, run.run) for run in direct.said}


def test_nobody_answers_or_nobody_works(call, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "_PATIENCE", 0.5)
    asked = ("ingest", "--to-parquet", "lake", "--run-per-dir", str(RECORDED), "--scheduler")
    code, out, err = call(*asked, "tcp://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert err.startswith("flakelens: No Dask scheduler answers at tcp://127.0.0.1:1: Timed out")
    assert "dask scheduler" in err
    code, _, err = call(*asked, "nonsense://x")
    assert (code, "No Dask scheduler answers at nonsense://x" in err) == (2, True)
    assert not (tmp_path / "lake").exists()


def test_without_dask_the_error_names_the_extra(call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, out, err = call("ingest", "--to-parquet", "lake", "--run-per-dir", str(RECORDED))
    assert (code, out) == (2, "")
    assert "This needs dask" in err
    assert "flakelens-junit[dask]" in err
    assert not (tmp_path / "lake").exists()
    first = min(RECORDED.iterdir())
    code, out, _ = call("ingest", "--to-parquet", "lake", str(first), "--format", "json")  # one run needs no workers
    assert code in (0, 6)
    assert json.loads(out)["runs"][0]["reports"] == 2
