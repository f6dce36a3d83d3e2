"""`python -m benchmarks [NAME...] [--small] [--strict]`: run benchmarks, print figure beside target."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from benchmarks.table import show

# One module each, with `sections(small: bool) -> list[Section]`.
BENCHMARKS = (
    "gate_calibration",
    "healthy_teams",
    "accuracy",
    "triage_cli",
    "real_histories",
    "causes",
    "forecast",
    "recorded_truth",
    "model_cost",
    "gate_cost",
    "ingest_cost",
    "sync_history",
    "report_page",
    "cost_curves",
    "peers",
    "ten_million",
)


def main() -> int:
    """Run the named benchmarks, or all. 1 if `--strict` asks and a target is missed by more than two standard errors.

    A miss within two standard errors is printed as one, but proves nothing: with few replicates it is a coin toss.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--small", action="store_true", help="fewer replicates: seconds instead of minutes")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a target is missed by over two se")
    arguments = parser.parse_args()
    if unknown := set(arguments.name) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    missed = 0
    for name in arguments.name or BENCHMARKS:
        start = time.perf_counter()
        sections = import_module(f"benchmarks.{name}").sections(arguments.small)
        print(f"{name}\n{show(sections)}\n")
        verdicts = [row.verdict for section in sections for row in section.rows]
        met, failed = (sum(verdict.startswith(word) for verdict in verdicts) for word in ("met", "MISSED"))
        missed += verdicts.count("MISSED")  # not "MISSED (2 se)"
        seconds = time.perf_counter() - start
        print(f"{name}: {met} targets met, {failed} MISSED, {seconds:.0f} s")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
