"""The peers of flakelens: where their commands are, how they are installed, and why one is not there.

Those of peers.txt go into .bench/peers beside the checkout's own environment, so that neither sees the other's
libraries.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".bench" / "peers"

# Of every test: results, failures after retries, and changes between passing and failing from run to run.
PANDAS = """
import sqlite3, sys
import pandas
frame = pandas.read_sql(
    "SELECT test, run.started_at AS started, try, status FROM result JOIN report ON report.id = result.report"
    " JOIN run ON run.id = report.run WHERE status < 4", sqlite3.connect(sys.argv[1]))
frame = frame.sort_values(["test", "started", "try"]).drop_duplicates(["test", "started"], keep="last")
frame["failed"] = frame.status > 1
by_test = frame.groupby("test")
frame["flip"] = frame.failed.ne(by_test.failed.shift()) & by_test.cumcount().gt(0)
found = by_test.agg(results=("failed", "size"), failures=("failed", "sum"))
found["flips"] = frame.groupby("test").flip.sum()
print(len(found), *(int(total) for total in found.sum()))
"""
DUCKDB = """
import sys
import duckdb
duckdb.execute("SET enable_progress_bar = false")
found = duckdb.execute(
    "SELECT count(*), sum(results), sum(failures), sum(flips) FROM (SELECT count(*) AS results,"
    " count(*) FILTER (failed) AS failures, count(*) FILTER (failed <> before) AS flips FROM ("
    "  SELECT file, name, variant, outcome = 'failed' AS failed, lag(outcome = 'failed') OVER ("
    "    PARTITION BY file, name, variant ORDER BY started_at) AS before"
    "  FROM read_parquet(?) WHERE outcome <> 'skipped') GROUP BY file, name, variant)", [sys.argv[1:]]).fetchone()
print(*(int(total) for total in found))
"""


class Peers:
    """Where the commands of the peers are; the reason where one cannot be had."""

    def __init__(self, *, install: bool) -> None:
        self._install = install
        self._why: dict[str, str] = {}
        self._bin = VENV / ("Scripts" if sys.platform == "win32" else "bin")
        wanted = (ROOT / "benchmarks" / "peers.txt").read_text(encoding="utf-8").splitlines()
        for line in wanted:
            if line and not line.startswith("#"):
                name = line.partition("==")[0]
                self._why[name] = self._missing(line)

    def _missing(self, wanted: str) -> str:
        """Install one peer; "" when it is there, else why it is not."""
        name, _, version = wanted.partition("==")
        python = self._bin / "python"
        ask = f"import importlib.metadata as m, sys; sys.exit(m.version({name!r}) != {version!r})"
        if python.exists() and subprocess.run([python, "-c", ask], capture_output=True, check=False).returncode == 0:
            return ""
        if not self._install:
            return f"{wanted} is not in .bench/peers; `python -m benchmarks peers` installs it"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return "" if done.returncode == 0 else (said or ["pip could not install it"])[-1]

    def why_not(self, name: str) -> str:
        """Why a peer is not available; "" where it is."""
        return self._why[name]

    def command(self, name: str) -> str:
        """The path of a peer's command."""
        return str(self._bin / name)
