"""Any number of worker processes brings what one process brings, whatever happens to them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from flakelens.cli import run
from flakelens.model import ParsedReport
from flakelens.policy import RedactPolicy
from flakelens.reading import sizes, workers
from flakelens.reading.here import Here
from flakelens.redact import Redactor
from flakelens.store import open_store
from tests.reading.folders import bring, make, outcome, rows, runs
from tests.tiny_reports import jest

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "fixtures" / "recorded"
CORPUS = ROOT.parent / "shared" / "corpus"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Forty runs of two reports each."""
    for n in range(40):
        for name in ("unit", "more"):
            results = {f"{name} {k}": "F" if (k + n) % 9 == 0 else "P" for k in range(20)}
            place = tmp_path / "history" / f"run-{n}" / f"{name}.xml"
            jest(place, results, stamp=f"2026-11-{n % 28 + 1:02}T06:00:00", message=f"Error: {name} {n} " * 50)
    return tmp_path / "history"


@pytest.mark.usefixtures("at_once")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=runs)
def test_the_same_rows_and_words_for_any_folders(tmp_path_factory: pytest.TempPathFactory, files: list) -> None:
    folder = tmp_path_factory.mktemp("made") / "runs"
    make(folder, files)
    for how in ({"run_per_dir": True}, {"run_per_dir": False}):
        assert outcome(folder, jobs=3, **how) == outcome(folder, jobs=1, **how)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_same_print_for_recorded_reports(tmp_path, monkeypatch, capsys, format_) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    said = {}
    for jobs in ("1", "3"):
        code = run(
            ["--db", f"{jobs}.db", "-v", "ingest", str(RECORDED), "--jobs", jobs, "--format", format_, "--run", "7"]
        )
        said[jobs] = code, *capsys.readouterr()
    assert said["1"] == said["3"]
    assert len(said["1"][1]) > 200
    with open_store("3.db") as store:
        assert store.check() == []  # packed history and sums are what the facts say


@pytest.mark.usefixtures("at_once")
@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared/corpus: real reports beside the checkout")
def test_the_same_for_real_reports(tmp_path: Path) -> None:
    """Every twentieth; derived tables made again from the facts are the same rows."""
    files = sorted(path for path in CORPUS.rglob("*.xml") if path.stat().st_size < 2_000_000)[::20]
    for number, file in enumerate(files):
        place = tmp_path / "runs" / f"run-{number // 5}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place / f"{number}.xml")
    assert outcome(tmp_path / "runs", jobs=3) == outcome(tmp_path / "runs", jobs=1)
    bring(tmp_path / "x.db", tmp_path / "runs", jobs=3)
    before = rows(tmp_path / "x.db")
    with open_store(tmp_path / "x.db") as store:
        store.rebuild()
    after = rows(tmp_path / "x.db")
    assert sorted(after["test_sum"]) == sorted(before["test_sum"])
    assert [row[2] for row in after["packed"]] == [row[2] for row in before["packed"]]


class Watched(workers.Workers):
    """Tells what is under way whenever a report is handed on, and may kill a process then."""

    seen: list[int]
    begun: list[int]
    kill_after = 0

    def next_folder(self) -> Iterator[ParsedReport]:
        for report in super().next_folder():
            self.seen.append(self.under_way)
            self.begun[:] = self.processes
            if len(self.seen) == self.kill_after:
                for process in self.processes:
                    os.kill(process, signal.SIGKILL)
            yield report


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, at_once: None) -> type[Watched]:  # noqa: ARG001
    monkeypatch.setattr(Watched, "seen", [], raising=False)
    monkeypatch.setattr(Watched, "begun", [], raising=False)
    monkeypatch.setattr(workers, "Workers", Watched)
    return Watched


def test_what_is_under_way_is_bounded(history: Path, watched: type[Watched], tmp_path: Path) -> None:
    bring(tmp_path / "x.db", history, jobs=2)
    assert len(watched.seen) == 80
    assert 0 < max(watched.seen) <= 4  # two processes, two pieces each, however many files there are
    assert len(watched.begun) == 2


def test_also_by_bytes(history: Path, watched: type[Watched], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workers, "_UNDER_WAY", 1)
    bring(tmp_path / "x.db", history, jobs=3)
    assert max(watched.seen) <= 1


@pytest.mark.parametrize("after", [1, 7, 41])
def test_killed_workers_cost_nothing(history: Path, watched: type[Watched], monkeypatch, after: int) -> None:
    monkeypatch.setattr(watched, "kill_after", after)
    assert outcome(history, jobs=2) == outcome(history, jobs=1)
    assert watched.begun


def test_no_process_is_left(history: Path, watched: type[Watched], tmp_path: Path) -> None:
    bring(tmp_path / "x.db", history, jobs=2)
    for process in watched.begun:
        with pytest.raises(ProcessLookupError):  # not even a zombie
            os.kill(process, 0)


@pytest.mark.usefixtures("at_once")
def test_where_no_process_can_be_started_it_is_read_here(history: Path, monkeypatch) -> None:
    alone = outcome(history, jobs=1)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert outcome(history, jobs=2) == alone
    monkeypatch.setattr(sys, "executable", shutil.which("false"))  # starts, and is gone at once
    assert outcome(history, jobs=2) == alone


@pytest.mark.usefixtures("at_once")
def test_secrets_of_the_environment_are_masked_by_workers_too(tmp_path: Path) -> None:
    for n in range(4):
        jest(tmp_path / "in" / f"run-{n}" / "a.xml", {"logs in": "F"}, message="Error: hunter2-hunter2-9 was refused")
    environ = {"DB_PASSWORD": "hunter2-hunter2-9"}
    assert outcome(tmp_path / "in", jobs=2, environ=environ) == outcome(tmp_path / "in", jobs=1, environ=environ)
    bring(tmp_path / "x.db", tmp_path / "in", jobs=2, environ=environ)
    with open_store(tmp_path / "x.db") as store:
        (message,) = store.messages_of_test(1, limit=1)
    assert message.text == "Error: [redacted $DB_PASSWORD] was refused"


_INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background it is ignored
from flakelens.reading import sizes, workers
sizes.SMALL = workers._FIRST = 0
workers._PIECE_FILES = 1
begun = workers._Worker.__init__
def told(self, begin):
    begun(self, begin)
    print(self.process.pid, flush=True)
workers._Worker.__init__ = told
from flakelens.cli import run
sys.exit(run(["ingest", "--run-per-dir", "history", "--jobs", "2"]))
"""


def test_ctrl_c_ends_all_at_once_and_what_was_written_stays(history: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        begun = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in begun) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    database = tmp_path / ".flakelens" / "flakelens.db"
    bring(database, history, jobs=1)  # completes the rest
    with open_store(database) as store:
        assert store.check() == []
        assert len(store.run_keys()) == 40


def test_little_is_read_in_one_process(history: Path, monkeypatch, tmp_path: Path) -> None:
    def none(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", none)
    bring(tmp_path / "x.db", history, jobs=8)


def test_known_files_start_no_process(history: Path, watched: type[Watched], tmp_path: Path) -> None:
    first = bring(tmp_path / "x.db", history, jobs=2)
    before, watched.begun[:] = rows(tmp_path / "x.db"), []
    again = bring(tmp_path / "x.db", history, jobs=2)
    assert not watched.begun
    assert rows(tmp_path / "x.db") == before
    assert [one.known for one in again] == [one.reports for one in first] == [2] * 40


def test_too_little_for_processes_imports_nothing_of_the_kind(history: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from flakelens.cli import run; code = run(['ingest', '--run-per-dir', 'history', '--jobs', '2']);"
        "unwanted = {'multiprocessing', 'concurrent.futures', 'flakelens.reading.workers'} & set(sys.modules);"
        "sys.exit(' '.join(unwanted) or code)"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # coverage imports some
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert history.is_dir()


def test_a_reader_here_and_workers_agree_on_what_is_small(history: Path) -> None:
    assert not sizes.worth_it([str(history), "-", "nowhere"])
    here = Here(Redactor(RedactPolicy()))
    with workers.Workers([], jobs=2, redact=RedactPolicy(), environ={}, here=here) as nobody:
        assert nobody.processes == ()
