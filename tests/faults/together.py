"""Many processes at one database: every run arrives, no reader sees half of one, nobody is shown an error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections import Counter
from pathlib import Path

from flakelens.cli import run as flakelens
from flakelens.store import exists, open_store
from tests.faults.operations import assert_sound
from tests.tiny_reports import jest, playwright

REPORTS = 3  # of each run


def together(folder: Path, *, writers: int, readers: int, seconds: float, at_least: int = 1) -> Counter[str]:
    """`writers` processes call `flakelens ingest`, run after run, while `readers` read, for so long."""
    database = folder / "shared.db"
    end = time.monotonic() + seconds
    children = [_fork(folder / f"w{n}", database, end, at_least, n) for n in range(writers)]
    children += [_fork_reader(folder / f"r{n}", database, end) for n in range(readers)]
    for pid in children:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == 0, f"a process ended with {code}: {[file.read_text() for file in folder.glob('*.failed')]}"
    done = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.done")}
    expected = {key for name, said in done.items() if name[0] == "w" for key in said}
    with open_store(database) as store:
        found = {one.key.run: len(one.reports) for one in store.read().runs}
        totals = sum(total.passed + total.failed for total in store.totals().values())
    assert found.keys() == expected, f"{len(expected - found.keys())} runs are lost"
    assert set(found.values()) == {REPORTS}
    assert totals == len(expected) * 22
    assert_sound(database)
    return Counter({"runs written": len(expected), "reads": sum(said for name, said in done.items() if name[0] == "r")})


def _fork(folder: Path, database: Path, end: float, at_least: int, number: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    with _ending(folder):
        os.environ.update({"CI": "", "GITHUB_ACTIONS": ""})
        keys: list[str] = []
        while len(keys) < at_least or time.monotonic() < end:
            key = f"{number}-{len(keys)}"
            place = folder / key
            results = dict.fromkeys((f"t {k}" for k in range(18)), "P") | {f"new in {key}": "F"}
            stamp = f"2026-11-{number + 1:02}T{len(keys) // 60 % 24:02}:{len(keys) % 60:02}:00"
            jest(place / "unit.xml", results, stamp=stamp)
            jest(place / "more.xml", {f"m {number}": "P"}, stamp=stamp)
            playwright(place / "e2e.xml", {"pays": "P", "signs in": "P"}, stamp=stamp)
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = flakelens(["--db", str(database), "ingest", str(place), "--run", key, "--branch", "main"])
            assert code == 0, f"exit code {code}: {said.getvalue()}"
            assert "locked" not in said.getvalue()
            keys.append(key)
        folder.with_suffix(".done").write_text(json.dumps(keys))
    return 0


def _fork_reader(folder: Path, database: Path, end: float) -> int:
    pid = os.fork()
    if pid:
        return pid
    with _ending(folder):
        reads = before = 0
        while time.monotonic() < end:
            if not exists(database):
                time.sleep(0.01)
                continue
            with open_store(database, read_only=True) as store:
                facts = store.read()
            assert all(len(run.reports) == REPORTS for run in facts.runs), "half a run was read"
            assert all(len(report.outcomes) in (1, 2, 19) for run in facts.runs for report in run.reports)
            assert len(facts.runs) >= before, "a run that was there is not there any more"
            before, reads = len(facts.runs), reads + 1
        folder.with_suffix(".done").write_text(json.dumps(reads))
    return 0


@contextlib.contextmanager
def _ending(folder: Path):  # type: ignore[no-untyped-def]
    """A forked process ends here, whatever happens; what went wrong is left in a file."""
    code = 1
    try:
        yield
        code = 0
    except BaseException as error:
        folder.with_suffix(".failed").write_text(f"{type(error).__name__}: {error}")
    finally:
        os._exit(code)
