"""A real Dask scheduler and two workers on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Cluster:
    """Processes of their own, so that one can be killed as a machine is lost."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._log = (folder / "dask.log").open("wb")
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", self._file)
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, what: str, *options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", what, *map(str, options), "--no-dashboard"],
            stdout=self._log,
            stderr=self._log,
            # A task may take one worker with it, so that one which takes every worker is found out with two.
            env=os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"},
        )

    @property
    def address(self) -> str:
        for _ in range(200):
            if self._file.exists() and self._file.stat().st_size:
                return str(json.loads(self._file.read_text())["address"])
            time.sleep(0.1)
        raise TimeoutError("the scheduler does not start")

    def fill(self) -> None:
        """Two workers, whoever died before."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            self.workers.append(
                self._start("worker", self.address, "--nthreads", 1, "--no-nanny", "--host", "127.0.0.1")
            )

    def kill_one(self) -> None:
        self.workers[0].send_signal(signal.SIGKILL)
        self.workers[0].wait()

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="NOT TESTED: dask is not installed; pip install -e '.[dev]' brings it")
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    try:
        cluster.fill()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def cluster(processes: Cluster) -> Cluster:
    processes.fill()
    return processes
