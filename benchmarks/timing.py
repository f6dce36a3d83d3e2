"""What whole processes cost: CPU seconds and peak memory of a command, and the ratio of two commands run in turns.

CPU is user plus system time of the process and all its descendants that were waited for. Wall time says little on a
shared machine; it is there to be read. A ratio of two commands that take turns survives what slows both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# A small process starts the command: Linux counts what its starter held as the command's own peak.
_STARTER = """
import json, os, sys, time
begin = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, spent = os.wait4(pid, 0)
wall = time.perf_counter() - begin
# Linux counts kilobytes, macOS bytes.
peak = spent.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
told = [spent.ru_utime + spent.ru_stime, wall, peak, os.waitstatus_to_exitcode(status)]
os.write(int(sys.argv[1]), json.dumps(told).encode())
"""

PASS = (sys.executable, "-c", "pass")  # the least that a Python program can cost


class Spent(NamedTuple):
    """What one process took, its waited-for descendants included."""

    cpu_s: float
    wall_s: float
    peak_mb: float  # the highest resident memory of any one of them, MiB
    code: int  # its exit code; -n when signal n killed it


class Ratio(NamedTuple):
    """CPU of the left command over that of the right: per pair, then over the pairs."""

    median: float
    low: float  # the least and the most of all pairs
    high: float
    left_median: float  # CPU seconds
    right_median: float

    def __str__(self) -> str:
        """ "23.1 x (22.4 to 25.0)"."""
        return f"{self.median:.3g} x ({self.low:.3g} to {self.high:.3g})"


Command = Sequence[str] | Callable[[], Spent]


def run(argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str | Path | None = None) -> Spent:
    """The cost of a command, its output thrown away. `env` None: the environment of this process."""
    # As its users have it, a program finds itself compiled from its second start on.
    environ = {name: value for name, value in (env or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as told:
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", _STARTER, str(writing), *argv],
                env=environ,
                cwd=cwd,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[writing],
                check=True,
            )
        finally:
            os.close(writing)
        return Spent(*json.loads(told.read()))


def paired(left: Command, right: Command, rounds: int, *, codes: Sequence[int] = (0,)) -> Ratio:
    """CPU of `left` over CPU of `right`, both run `rounds` times in turns; each is an argv, or a call that runs one.

    Both run once before, uncounted, so that files are cached and compiled. Raises RuntimeError when a command exits
    with none of `codes`: what fails early costs little.
    """
    _checked(left, codes), _checked(right, codes)
    pairs = [(_checked(left, codes).cpu_s, _checked(right, codes).cpu_s) for _ in range(rounds)]
    ratios = [one / other for one, other in pairs]
    return Ratio(
        median=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        left_median=statistics.median(one for one, _ in pairs),
        right_median=statistics.median(other for _, other in pairs),
    )


def _checked(command: Command, codes: Sequence[int]) -> Spent:
    spent = command() if callable(command) else run(command)
    if spent.code not in codes:
        raise RuntimeError(f"{command} exited with {spent.code}, not with one of {codes}.")
    return spent
