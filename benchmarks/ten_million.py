"""Ten million results from end to end by the commands that a user types: simulate, ingest, gate, report.

Two and a half gigabytes of XML are made on the way, so this one wants room in the temporary folder.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.inputs import FLAKELENS
from benchmarks.table import Row, Section
from benchmarks.timing import Spent, run
from flakelens.simulate import BETWEEN, START

VERDICTS = (0, 10, 11)


def sections(small: bool) -> list[Section]:
    """5,000 tests x 2,000 runs once; nothing has a target."""
    tests, runs = (50, 40) if small else (5_000, 2_000)
    results = tests * runs
    as_of = (START + (runs - 1) * BETWEEN + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%MZ")
    with TemporaryDirectory(prefix="flakelens-million-") as temporary:
        top = Path(temporary)
        made, database, out = top / "made", top / "flakelens.db", top / "reports"
        base = [*FLAKELENS, "--db", str(database)]
        rows = []

        def step(name: str, argv: list[str], *codes: int) -> None:
            rows.append(Row(name, _said(_done(argv, codes or (0,)), results)))

        step("simulate", [*FLAKELENS, "simulate", str(made), "--tests", str(tests), "--runs", str(runs)])
        rows.append(Row("  reports", _size(made / "runs")))
        step("ingest", [*base, "ingest", "--run-per-dir", str(made / "runs")])
        size = database.stat().st_size
        rows.append(Row("  database", f"{size / 1e6:,.1f} MB, {size / results:.1f} bytes a result"))
        step("report", [*base, "report", "--out", str(out), "--as-of", as_of])
        rows.append(Row("  report", _size(out)))
        step("gate, after the report", [*base, "gate", "--as-of", as_of], *VERDICTS)
        step("gate, asked again", [*base, "gate", "--as-of", as_of], *VERDICTS)
        step("tests", [*base, "tests", "--as-of", as_of])
        step("ingest the same again", [*base, "ingest", "--run-per-dir", str(made / "runs")])
    return [Section(f"{results:,} results: {tests:,} tests x {runs:,} runs, {2 * runs:,} reports", tuple(rows))]


def _done(argv: list[str], codes: tuple[int, ...]) -> Spent:
    spent = run(argv)
    if spent.code not in codes:
        raise RuntimeError(f"{' '.join(argv)} exited with {spent.code}")
    return spent


def _said(spent: Spent, results: int) -> str:
    each = f", {spent.cpu_s / results * 1e6:.2f} us a result"
    return f"{spent.cpu_s:,.1f} s of CPU{each}; wall {spent.wall_s:,.1f} s; {spent.peak_mb:,.0f} MB"


def _size(folder: Path) -> str:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB in {len(files):,} files"
