"""Kill -9 in the middle of every operation, at random moments and at each single write; failing writes; full disks."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from flakelens.errors import FlakelensError
from tests.faults.operations import Material, Operation

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KILL, NO_SPACE, BROKEN_DISK, TORN = 1, 2, 3, 4  # as in failing_io.c
WORDS = {KILL: "killed", NO_SPACE: "disk full", BROKEN_DISK: "I/O error", TORN: "killed in a half write"}
WAYS = ((KILL, False), (TORN, False), (NO_SPACE, True), (NO_SPACE, False), (BROKEN_DISK, False))  # and: for good
FAILED = 7  # exit code of a child that got a clear error of ours


def compiled(folder: Path, shim: str = "failing_io.c") -> Path | None:
    """The shim, made of a C file of this folder; None where there is no C compiler or no LD_PRELOAD (not on Linux)."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    target = (folder / shim).with_suffix(".so")
    source = str(HERE / shim)
    done = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", "-o", str(target), source, "-ldl"], check=False)
    return target if done.returncode == 0 else None


def preloaded(arguments: list[str], shim: Path) -> int:
    """Run `python -m tests.faults ARGUMENTS` again with the shim before libc; its exit code."""
    environ = os.environ | {"LD_PRELOAD": str(shim), "FAULTS_SHIM": str(shim), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments], env=environ, cwd=ROOT, check=False
    ).returncode


class Shim:
    """The loaded shim; `arm` counts from now on in this process."""

    def __init__(self) -> None:
        library = ctypes.CDLL(os.environ["FAULTS_SHIM"])
        self._arm, self._count = library.fault_arm, library.fault_count
        self._arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]
        self._count.restype = ctypes.c_long

    def arm(self, call: int, action: int, *, lasting: bool = False) -> None:
        self._arm(call, action, int(lasting))

    def count(self) -> int:
        return int(self._count())


def child(act: Callable[[], None]) -> int:
    """Start `act` in a fork; its process id. Exit code 0 done, FAILED by an error of ours, 1 by anything else."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        act()
        code = 0
    except FlakelensError:
        code = FAILED
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(code)


def ended(pid: int) -> int:
    """How a child ended: its exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextlib.contextmanager
def fresh(operation: Operation) -> Iterator[Path]:
    """A folder with the database as the operation finds it."""
    with TemporaryDirectory(prefix="faults-") as folder:
        operation.prepare(Path(folder))
        yield Path(folder)


def judge(operation: Operation, folder: Path) -> None:
    """What the fault left must hold, and doing it again must complete it."""
    operation.holds(folder)
    operation.act(folder)
    operation.complete(folder)


def at_random_moments(material: Material, kills: int, seed: int) -> Counter[str]:
    """Kill each operation `kills` times at moments drawn from its own duration."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for operation in material.operations():
        with fresh(operation) as folder:
            started = time.monotonic()
            assert ended(child(partial(operation.act, folder))) == 0
            duration = time.monotonic() - started
        for _ in range(kills):
            with fresh(operation) as folder:
                pid = child(partial(operation.act, folder))
                time.sleep(rng.uniform(0, duration))
                os.kill(pid, signal.SIGKILL)
                code = ended(pid)
                assert code in (0, -signal.SIGKILL), f"{operation.name}: exit code {code}"
                counts[f"{operation.name}: {'killed' if code else 'was done before'}"] += 1
                judge(operation, folder)
    return counts


def at_each_write(material: Material, shim: Shim, most: int, seed: int) -> Counter[str]:
    """Let each write of each operation fail in every way, one after the other; at most `most` of each, drawn at random.

    Needs the process to have been started with the shim.
    """
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for operation in material.operations():
        writes = _writes(operation, shim)
        counts[f"{operation.name}: writes in all"] = writes
        for action, lasting in WAYS:
            places = range(1, writes + 1)
            for place in sorted(rng.sample(places, most)) if most < writes else places:
                with fresh(operation) as folder:

                    def act(place: int = place, action: int = action, lasting: bool = lasting) -> None:
                        shim.arm(place, action, lasting=lasting)
                        operation.act(folder)  # noqa: B023 - it ends within the turn

                    code = ended(child(act))
                    where = f"{operation.name}: {WORDS[action]} at write {place}"
                    assert code in (0, FAILED, -signal.SIGKILL), f"{where}: exit code {code}"
                    try:
                        judge(operation, folder)
                    except Exception as error:
                        raise AssertionError(f"{where}: {error}") from error
                    counts[f"{operation.name}: {WORDS[action]}"] += 1
    return counts


def _writes(operation: Operation, shim: Shim) -> int:
    """How many calls the operation makes that the shim counts."""
    with fresh(operation) as folder:
        reading, writing = os.pipe()

        def act() -> None:
            shim.arm(2**40, KILL)
            operation.act(folder)
            os.write(writing, str(shim.count()).encode())

        assert ended(child(act)) == 0
        os.close(writing)
        with os.fdopen(reading) as pipe:
            return int(pipe.read())


def on_full_disks(material: Material, limits: int, seed: int) -> Counter[str]:
    """Each operation with files that may not grow beyond a limit (RLIMIT_FSIZE), drawn at random."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    largest = material.whole.stat().st_size
    for operation in material.operations():
        for _ in range(limits):
            limit = rng.randrange(0, 2 * largest)
            with fresh(operation) as folder:

                def act(limit: int = limit) -> None:
                    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                    operation.act(folder)  # noqa: B023 - it ends within the turn

                code = ended(child(act))
                assert code in (0, FAILED), f"{operation.name} with {limit} bytes: exit code {code}"
                counts[f"{operation.name}: {'refused' if code else 'had room enough'}"] += 1
                judge(operation, folder)
    return counts


def on_a_small_file_system(material: Material, seed: int, rounds: int) -> Counter[str]:
    """Each operation on a tmpfs too small for it (root alone may mount one)."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    largest = material.whole.stat().st_size
    for operation in material.operations():
        for _ in range(rounds):
            with TemporaryDirectory(prefix="faults-") as place:
                folder = Path(place)
                operation.prepare(folder)
                used = sum(file.stat().st_size for file in folder.iterdir())
                size = used + rng.randrange(8192, 2 * largest)
                with TemporaryDirectory(prefix="faults-") as small:
                    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small], check=True)
                    try:
                        for file in folder.iterdir():
                            shutil.copy(file, small)
                        code = ended(child(partial(operation.act, Path(small))))
                        assert code in (0, FAILED), f"{operation.name} on {size} bytes: exit code {code}"
                        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
                        judge(operation, Path(small))
                        counts[f"{operation.name}: {'refused' if code else 'had room enough'}"] += 1
                    finally:
                        subprocess.run(["umount", small], check=True)
    return counts
