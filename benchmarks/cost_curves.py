"""What ingest, gate and report cost as the history of one suite grows: seconds per result, memory, and the slope.

The slope between two sizes is that of the logarithms: 1 where twice the results cost twice as much, 0 where nothing
grows. Whole processes, so that small sizes show the start of the program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.inputs import END, FLAKELENS, history
from benchmarks.table import Row, Section, judged
from benchmarks.timing import Spent, run
from flakelens.simulate import BETWEEN

LINEAR, FLAT = 1.1, 1.1
# Results from which on a size is held against the one before: below, the start of the program is the most of ingest,
# and the history is shorter than what a gate looks at (some 300 runs).
JUDGED = {"ingest": 100_000, "gate": 1_000_000}
MANY = 100_000  # results; of more, ingest and report are run once
VERDICTS = (0, 10, 11)


class Point(NamedTuple):
    """One command at one size."""

    results: int
    cpu: tuple[float, ...]  # seconds of each round
    peak_mb: float
    note: str = ""

    @property
    def seconds(self) -> float:
        """Median CPU of the rounds."""
        return median(self.cpu)


def sections(small: bool) -> list[Section]:
    """1,000 results to ten millions; `small` two sizes that are not judged."""
    tests, runs = (100, (10, 100)) if small else (1_000, (1, 10, 100, 1_000, 10_000))
    curves: dict[str, list[Point]] = {"ingest": [], "gate": [], "report": []}
    with TemporaryDirectory(prefix="flakelens-curves-") as temporary:
        top = Path(temporary)
        places = history(top / "made", tests=tests, runs=runs[-1])
        growing = top / "growing"
        growing.mkdir()
        taken = 0
        for size in runs:
            for place in places[taken:size]:
                place.rename(growing / place.name)
            taken = size
            newest = END - (runs[-1] - size) * BETWEEN
            as_of = (newest + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%MZ")
            _measure(curves, top, growing, tests * size, as_of, small)
    titles = {
        "ingest": f"ingest, {tests:,} tests, a report of Jest and one of Playwright a run",
        "gate": "gate over the same",
        "report": "report over the same",
    }
    return [_section(title, name, curves[name], small) for name, title in titles.items() if curves[name]]


def _measure(curves: dict[str, list[Point]], top: Path, runs: Path, results: int, as_of: str, small: bool) -> None:
    """One size: a new database each round, then the commands that read it."""
    database = top / f"{results}.db"
    base = [*FLAKELENS, "--db", str(database)]

    def ingest() -> Spent:
        for left in top.glob(f"{database.name}*"):
            left.unlink()
        return run([*base, "ingest", "--run-per-dir", str(runs)])

    few = 1 if small or results > MANY else 3
    spent = _rounds(ingest, few, (0,))
    size = database.stat().st_size
    note = f"{size / 1e6:,.1f} MB, {size / results:.1f} bytes/result"
    curves["ingest"].append(_point(results, spent, note))
    gate = [*base, "gate", "--as-of", as_of]
    _rounds(lambda: run(gate), 1, VERDICTS)  # what a first gate keeps for the next ones
    curves["gate"].append(_point(results, _rounds(lambda: run(gate), 1 if small else 5, VERDICTS)))
    report = [*base, "report", "--out", str(top / f"report-{results}"), "--as-of", as_of]
    if not small:  # `ten_million` runs it on a small history
        curves["report"].append(_point(results, _rounds(lambda: run(report), few, (0,))))
    database.unlink()


def _rounds(call: Callable[[], Spent], rounds: int, codes: Sequence[int]) -> list[Spent]:
    spent = [call() for _ in range(rounds)]
    if wrong := {one.code for one in spent} - set(codes):
        raise RuntimeError(f"exit code {wrong}: what fails early costs little")
    return spent


def _point(results: int, spent: Sequence[Spent], note: str = "") -> Point:
    return Point(results, tuple(one.cpu_s for one in spent), max(one.peak_mb for one in spent), note)


def _section(title: str, name: str, points: Sequence[Point], small: bool) -> Section:
    rows = []
    for before, point in zip([None, *points], points, strict=False):
        spread = f" ({min(point.cpu):.2f} to {max(point.cpu):.2f})" if len(point.cpu) > 1 else ""
        figure = f"{point.seconds:.2f} s of CPU{spread}, {point.seconds / point.results * 1e6:,.2f} us/result"
        figure += f", {point.peak_mb:.0f} MB{point.note and '; '}{point.note}"
        target = verdict = ""
        if before is not None:
            slope = slope_of(before, point)
            figure += f"; slope {slope:.2f}"
            if not small and before.results >= JUDGED.get(name, math.inf):
                ratio = point.seconds / before.seconds
                linear = name == "ingest"
                target = f"slope <= {LINEAR:g}" if linear else f"<= {FLAT:g} x the one before"
                verdict = judged(slope, LINEAR, 0.0) if linear else judged(ratio, FLAT, 0.0)
        rows.append(Row(f"{point.results:,} results", figure, target, verdict))
    return Section(title, tuple(rows))


def slope_of(left: Point, right: Point) -> float:
    """Of the logarithms of CPU over those of the results."""
    return math.log(right.seconds / left.seconds) / math.log(right.results / left.results)
