"""`python -m tests.faults KIND [--count N] [--seed N]`: counts of what was tried, or what did not hold."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

NO_COMPILER = 77  # the code by which test harnesses know "skipped"


def main(arguments: list[str]) -> int:
    """Run one kind of fault; 0 if everything held, else an AssertionError that says what did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kind", choices=["kills", "writes", "disks", "damage"])
    parser.add_argument("--count", type=int, default=10, help="how many of each operation")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args(arguments)
    from tests.faults import damage, kills

    started = time.monotonic()
    with TemporaryDirectory(prefix="faults-") as place:
        folder = Path(place)
        if said.kind == "writes" and "FAULTS_SHIM" not in os.environ:
            shim = kills.compiled(folder)
            if shim is None:
                print("SKIPPED: no C compiler, or not on Linux: single writes cannot be made to fail here")
                return NO_COMPILER
            return kills.preloaded(arguments, shim)
        material = kills.Material(folder)
        if said.kind == "kills":
            counts = kills.at_random_moments(material, said.count, said.seed)
        elif said.kind == "writes":
            counts = kills.at_each_write(material, kills.Shim(), said.count, said.seed)
        elif said.kind == "damage":
            counts = damage.counts(material, folder, said.count, said.seed)
            counts += damage.overwritten(material, folder, said.count // 4, said.seed)
            counts += damage.rebuilt(material, folder, said.count // 4, said.seed)
        else:
            counts = kills.on_full_disks(material, said.count, said.seed)
            if os.geteuid() == 0:
                counts += kills.on_a_small_file_system(material, said.seed, said.count)
    _print(counts, time.monotonic() - started)
    return 0


def _print(counts: Counter[str], seconds: float) -> None:
    for what, count in counts.items():
        print(f"{count:>10,}  {what}")
    print(f"nothing lost, in {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
