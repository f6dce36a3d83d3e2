"""`python -m tests.faults KIND [--count N] [--seed N]`: counts of what was tried, or what did not hold."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

NO_COMPILER = 77  # the code by which test harnesses know "skipped"


def kills(folder: Path, count: int, seed: int) -> Counter[str]:
    """Kill -9 at random moments, `count` of each operation."""
    from tests.faults import kills as room

    return room.at_random_moments(room.Material(folder), count, seed)


def writes(folder: Path, count: int, seed: int) -> Counter[str]:
    """Kill -9, a half write, a full disk and an I/O error at single writes, `count` of each and operation."""
    from tests.faults import kills as room

    return room.at_each_write(room.Material(folder), room.Shim(), count, seed)


def cuts(folder: Path, count: int, seed: int) -> Counter[str]:
    """Power cuts at `count` random calls of each operation, with part of what was not synced."""
    from tests.faults import kills, powercuts

    return powercuts.cuts(kills.Material(folder), count, seed)


def disks(folder: Path, count: int, seed: int) -> Counter[str]:
    """Files that may not grow, and for root file systems too small; `count` of each operation."""
    from tests.faults import kills as room

    material = room.Material(folder)
    counts = room.on_full_disks(material, count, seed)
    return counts + room.on_a_small_file_system(material, seed, count) if os.geteuid() == 0 else counts


def damage(folder: Path, count: int, seed: int) -> Counter[str]:
    """Flipped bits (`count`), pages of noise, short files and spoiled derived rows (a quarter each)."""
    from tests.faults import damage as room
    from tests.faults.operations import Material

    material = Material(folder)
    counts = room.counts(material, folder, count, seed)
    counts += room.overwritten(material, folder, count // 4, seed)
    return counts + room.rebuilt(material, folder, count // 4, seed)


def together(folder: Path, count: int, _: int) -> Counter[str]:
    """Eight processes that ingest and two that read, for `count` seconds."""
    from tests.faults import together as room

    return room.together(folder, writers=8, readers=2, seconds=count)


def reports(_: Path, count: int, seed: int) -> Counter[str]:
    """`count` cuts, changed bytes and other mutations of every real report beside the checkout, else of our own."""
    from tests.faults import reports as room

    paths = room.corpus() or room.own()
    random.Random(seed).shuffle(paths)
    return room.mutated(paths, count, seed)


def hostile(folder: Path, count: int, _: int) -> Counter[str]:
    """Every file that was made to hurt, at `count` percent of its full size; readings of one that grows."""
    from tests.faults import hostile as room

    counts: Counter[str] = Counter()
    for one, ending in room.tried(count / 100, seconds=60, megabytes=6000):
        assert not (wrong := room.wrong_with(one, ending)), wrong
        print(f"{ending.seconds:8.1f} s {ending.megabytes:6,} MB  exit {ending.code}  {one.name}", flush=True)
        counts["hostile files"] += 1
    counts["states of a growing report"] = room.growing(folder / "growing.xml", 200)
    return counts


KINDS: dict[str, Callable[[Path, int, int], Counter[str]]] = {
    kind.__name__: kind for kind in (kills, writes, cuts, disks, damage, together, reports, hostile)
}


SHIMS = {"writes": "failing_io.c", "cuts": "recording_io.c"}  # what a kind needs before libc


def main(arguments: list[str]) -> int:
    """Run one kind of fault; 0 if everything held, else an AssertionError that says what did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=10, help="how many of each; see the functions of this file")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args(arguments)
    started = time.monotonic()
    with TemporaryDirectory(prefix="faults-") as place:
        if said.kind in SHIMS and "FAULTS_SHIM" not in os.environ:
            from tests.faults.kills import compiled, preloaded

            shim = compiled(Path(place), SHIMS[said.kind])
            if shim is None:
                print("SKIPPED: no C compiler, or not on Linux: single writes cannot be seen here")
                return NO_COMPILER
            return preloaded(arguments, shim)
        counts = KINDS[said.kind](Path(place), said.count, said.seed)
    for what, number in counts.items():
        print(f"{number:>10,}  {what}")
    print(f"nothing lost, in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
