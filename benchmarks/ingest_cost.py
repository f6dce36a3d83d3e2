"""What bringing reports into the database costs, beside the least that anything with the same XML parser could cost.

3,000 files with 900,000 results (see `made_reports`) are parsed by expat alone, with no handler set: no program that
uses expat can be quicker. Whole processes take turns; of each figure the median of the rounds and all that was seen.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.made_reports import TESTS, write_reports
from benchmarks.table import Row, Section, judged
from benchmarks.timing import Spent, paired, run

RUNS, SMALL_RUNS, ROUNDS, PAIRS = 600, 12, 3, 2
LARGE_CASES, SMALL_LARGE_CASES = 100_000, 5_000
TIMES_EXPAT, TIMES_EXPAT_MORE = 5.0, 3.0
FASTER, PEAK_MB = 1.7, 200.0
BYTES, BYTES_MORE = 32.0, 20.0
AGAIN, AGAIN_MORE = 0.10, 0.01
ONE_REPORT_MB, ONE_REPORT_TIMES = 100.0, 30.0

_FLOOR = """
import sys
from pathlib import Path
from pyexpat import ParserCreate
for file in sorted(Path(sys.argv[1]).glob("*/*.xml")):
    ParserCreate().Parse(file.read_bytes(), True)
"""
_READ = """
import sys
from pathlib import Path
from flakelens.policy import RedactPolicy
from flakelens.reading.here import Here
from flakelens.redact import Redactor
here = Here(Redactor(RedactPolicy(), {}))
for folder in sorted(Path(sys.argv[1]).iterdir()):
    for _ in here.reports(str(folder), {}):
        pass
"""


def _ingest(folder: Path, database: Path, jobs: int) -> list[str]:
    command = [sys.executable, "-m", "flakelens", "--db", str(database), "-q", "ingest", "--run-per-dir", str(folder)]
    return [*command, "--jobs", str(jobs)]


def _fresh(folder: Path, database: Path, jobs: int) -> Spent:
    for ending in ("", "-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    return run(_ingest(folder, database, jobs))


def sections(small: bool) -> list[Section]:
    """All targets of ingest; `small` is a fiftieth as large and not judged, for start-up would be most of it."""
    with tempfile.TemporaryDirectory(prefix="ingest-cost-") as name:
        top = Path(name)
        results, size = write_reports(top / "runs", SMALL_RUNS if small else RUNS)
        files = results // TESTS
        rows = [*_against_expat(top, results, small), *_processes(top, small), *_again(top, small)]
        title = f"{files:,} files, {size / 1e6:,.0f} MB, {results:,} results; {ROUNDS} rounds, CPU of whole processes"
        return [Section(title, tuple(rows)), _one_report(top, small)]


def _row(name: str, shown: str, figure: float, limit: float, unit: str, *, small: bool, at_least: bool = False) -> Row:
    if small:
        return Row(name, shown)
    sign = ">=" if at_least else "<="
    return Row(name, shown, f"{sign} {limit:g}{unit}", judged(figure, limit, 0.0, at_least=at_least))


def _beyond(name: str, figure: float, limit: float, unit: str, *, small: bool) -> list[Row]:
    verdict = judged(figure, limit, 0.0, moonshot=True)
    return [] if small else [Row(f"  {name}, beyond", "", f"<= {limit:g}{unit}, moonshot", verdict)]


def _against_expat(top: Path, results: int, small: bool) -> list[Row]:
    database = top / "one.db"
    floor = [sys.executable, "-c", _FLOOR, str(top / "runs")]
    ratio = paired(lambda: _fresh(top / "runs", database, 1), floor, ROUNDS)
    reading = paired([sys.executable, "-c", _READ, str(top / "runs")], floor, ROUNDS)
    per_result = ratio.left_median / results * 1e6
    size = database.stat().st_size / results
    return [
        _row("one process over expat alone", str(ratio), ratio.median, TIMES_EXPAT, " x", small=small),
        *_beyond("over expat", ratio.median, TIMES_EXPAT_MORE, " x", small=small),
        Row("  reading and masking, nothing stored, over expat alone", str(reading)),
        Row("  expat alone", f"{ratio.right_median:.2f} s"),
        Row("  ingest", f"{ratio.left_median:.2f} s, {per_result:.1f} us a result"),
        _row("database, a result", f"{size:.1f} bytes", size, BYTES, " bytes", small=small),
        *_beyond("bytes", size, BYTES_MORE, " bytes", small=small),
    ]


def _processes(top: Path, small: bool) -> list[Row]:
    """One process and two in turns. Wall time means something only where two cores were free."""
    pairs = [(_fresh(top / "runs", top / "one.db", 1), _watched(top, 2)) for _ in range(PAIRS)]
    walls = [one.wall_s / two.wall_s for one, (two, _) in pairs]
    cpus = [two.cpu_s / one.cpu_s for one, (two, _) in pairs]
    peaks = [peak for _, (_, peak) in pairs if peak]
    load = os.getloadavg()[0]
    rows = [
        _row(
            "wall time, one process over two", f"{median(walls):.2f} x ({min(walls):.2f} to {max(walls):.2f}),"
            f" load {load:.1f} on {os.cpu_count()} cores", median(walls), FASTER, " x", small=small, at_least=True,
        ),
        Row("  CPU, two processes over one", f"{median(cpus):.2f} x ({min(cpus):.2f} to {max(cpus):.2f})"),
        _row("peak memory, one process", f"{max(one.peak_mb for one, _ in pairs):.0f} MB",
             max(one.peak_mb for one, _ in pairs), PEAK_MB, " MB", small=small),
    ]  # fmt: skip
    if peaks:
        name = "peak memory, two workers and the writer, sum of PSS"
        rows.append(_row(name, f"{max(peaks):.0f} MB", max(peaks), PEAK_MB, " MB", small=small))
    return rows


def _watched(top: Path, jobs: int) -> tuple[Spent, float]:
    """An ingest with processes, and the peak of the memory of all of them: the sum of their PSS, 0 where unknown."""
    from threading import Thread

    spent: list[Spent] = []
    thread = Thread(target=lambda: spent.append(_fresh(top / "runs", top / "two.db", jobs)))
    thread.start()
    peak = 0.0
    while thread.is_alive():
        peak = max(peak, _pss_of_ingest(str(top / "two.db")))
        time.sleep(0.2)
    thread.join()
    if spent[0].code:
        raise RuntimeError(f"ingest exited with {spent[0].code}")
    return spent[0], peak


def _pss_of_ingest(mark: str) -> float:
    """MB of the process whose command line has `mark` and of its children (Linux); shared pages are counted once."""
    parents: dict[int, int] = {}
    ingest = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            status = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(status[1])
        if mark.encode() in words and b"ingest" in words and b"-m" in words and b"-S" not in words:
            ingest = int(entry.name)
    family = {pid for pid, parent in parents.items() if parent == ingest} | {ingest}
    return sum(map(_pss, family - {0}))


def _pss(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _again(top: Path, small: bool) -> list[Row]:
    database = top / "again.db"
    _fresh(top / "runs", database, 1)
    ratio = paired(
        _ingest(top / "runs", database, 1), lambda: _fresh(top / "runs", top / "one.db", 1), 1 if small else PAIRS
    )
    return [
        _row("the same again over the first time", str(ratio), ratio.median, AGAIN, " x", small=small),
        *_beyond("again", ratio.median, AGAIN_MORE, " x", small=small),
        Row("  the same again", f"{ratio.left_median:.2f} s"),
    ]


def _one_report(top: Path, small: bool) -> Section:
    """The memory that one large report takes: a shallow one of many cases, where a tree costs most."""
    cases = SMALL_LARGE_CASES if small else LARGE_CASES
    place = top / "large" / "run-1"
    place.mkdir(parents=True)
    case = '<testcase classname="a b" name="a b {0}" time="0.{0}"/>'
    text = "".join(case.format(number) for number in range(cases))
    report = f'<testsuites name="jest tests" tests="{cases}"><testsuite name="s">{text}</testsuite></testsuites>'
    (place / "report.xml").write_text(report, encoding="utf-8")
    spent = _fresh(top / "large", top / "large.db", 1)
    allowed = ONE_REPORT_MB + ONE_REPORT_TIMES * len(report) / 2**20
    row = _row("peak memory", f"{spent.peak_mb:.0f} MB", spent.peak_mb, allowed, " MB", small=small)
    return Section(f"One report of {cases:,} cases, {len(report) / 2**20:.1f} MiB", (row,))
