"""How the tests of this folder call the runner: in a process of its own, for it forks and loads a shim before libc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.__main__ import NO_COMPILER

ROOT = Path(__file__).parents[2]
SEED = 20261126


def faults(kind: str, count: int) -> str:
    """What `python -m tests.faults KIND` prints. Fails the test if something did not hold, skips it loudly."""
    command = [sys.executable, "-m", "tests.faults", kind, "--count", str(count), "--seed", str(SEED)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=280)
    if done.returncode == NO_COMPILER:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost" in done.stdout
    return done.stdout
