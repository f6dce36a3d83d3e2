"""A seeded share of the kills and failing writes that `python -m tests.faults` makes by the hundred."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.__main__ import NO_COMPILER

ROOT = Path(__file__).parents[2]
OPERATIONS = ("ingest", "merge", "rebuild", "prune", "migrate", "backup")


def faults(kind: str, count: int) -> str:
    """What the runner prints; in a process of its own, for it forks and loads a shim before libc."""
    command = [sys.executable, "-m", "tests.faults", kind, "--count", str(count), "--seed", "20261126"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=280)
    if done.returncode == NO_COMPILER:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost" in done.stdout
    return done.stdout


def test_killed_at_random_moments_each_run_is_whole_or_absent() -> None:
    said = faults("kills", 3)
    assert all(f"{operation}: " in said for operation in OPERATIONS)
    assert ": killed" in said


def test_killed_or_refused_at_single_writes_nothing_is_torn() -> None:
    said = faults("writes", 2)
    for operation in OPERATIONS:
        assert f"2  {operation}: killed\n" in said
        assert f"4  {operation}: disk full\n" in said  # once for one write, once for good
        assert f"2  {operation}: I/O error\n" in said


def test_a_full_disk_costs_nothing_that_was_there() -> None:
    assert ": refused" in faults("disks", 2)
