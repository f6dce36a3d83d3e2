"""Other programs on the same input, in turns with flakelens: nearest job, not the same job.

A full run installs the peers first; a small one installs nothing, and what is not there is said to be not available.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from xml.etree import ElementTree

from benchmarks.inputs import END, FLAKELENS, history, large_report, real_reports, shared
from benchmarks.peer_programs import DUCKDB, PANDAS, ROOT, Peers
from benchmarks.table import Row, Section, judged
from benchmarks.timing import Ratio, Spent, paired, run

WITHIN_JUNIT2HTML, WITHIN_FLAKEMAP = 0.3, 1.0
AS_OF = "2026-06-01T01:00Z"
# What two commands load of other people's code, one to ingest and one to count, without a line of flakelens.
LIBRARIES = ("import click, junitparser, msgspec, sqlite3", "import click, msgspec, numpy, sqlite3")
DONE = (0, 6, 10, 11)  # a verdict that is not MET, and reports of others that are cut off, are work done


class Job(NamedTuple):
    """One program's work, to be done again and again."""

    name: str
    does: str
    call: Callable[[], Spent]
    said: str = ""  # what it counted


class Place:
    """A folder for databases and outputs that every round begins anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        # A job of a CI would be taken for the run's own: what counts here is what the options say.
        self._env = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
        } | {"PYTHONPATH": str(ROOT)}

    def spend(self, *argv: str, codes: Sequence[int] = DONE) -> Spent:
        """Run one command here. Raises RuntimeError where it fails: what fails early costs little."""
        spent = run(argv, env=self._env, cwd=self.folder)
        if spent.code not in codes:
            raise RuntimeError(f"{' '.join(argv[:4])} .. exited with {spent.code}.")
        return spent

    def said(self, *argv: str) -> str:
        """What one command says."""
        return subprocess.run(argv, env=self._env, cwd=self.folder, capture_output=True, text=True, check=False).stdout

    def flakelens(self, database: str, *commands: Sequence[str], seed: Path | None = None) -> Spent:
        """Commands of flakelens one after the other, on a new database or on a copy of `seed`."""
        file = self.folder / database
        for left in self.folder.glob(f"{database}*"):
            left.unlink()
        if seed is not None:
            shutil.copy(seed, file)
        spent = [self.spend(*FLAKELENS, "--db", str(file), *command) for command in commands]
        return _together(spent)

    def libraries(self) -> Spent:
        """Two Pythons that load what two commands of flakelens need, and do nothing."""
        environ = self._env | {"OPENBLAS_NUM_THREADS": "1"}  # as flakelens sets it
        return _together([run([sys.executable, "-c", imports], env=environ, cwd=self.folder) for imports in LIBRARIES])


def _together(spent: Sequence[Spent]) -> Spent:
    return Spent(sum(s.cpu_s for s in spent), sum(s.wall_s for s in spent), max(s.peak_mb for s in spent), 0)


def _against(ours: Job, theirs: Job, rounds: int) -> tuple[Ratio, list[Row]]:
    """Both in turns: the ratio of CPU, and a row for each with CPU, peak memory and what it does."""
    peaks: dict[str, list[float]] = {ours.name: [], theirs.name: []}

    def noted(job: Job) -> Callable[[], Spent]:
        def call() -> Spent:
            spent = job.call()
            peaks[job.name].append(spent.peak_mb)
            return spent._replace(code=0)

        return call

    ratio = paired(noted(ours), noted(theirs), rounds)
    rows = [
        Row(
            f"{job.name}: {job.does}",
            f"{seconds:.2f} s of CPU, {median(peaks[job.name]):.0f} MB{job.said and '; '}{job.said}",
        )
        for job, seconds in ((ours, ratio.left_median), (theirs, ratio.right_median))
    ]
    return ratio, rows


def _idle(place: Place) -> Job:
    return Job("two Pythons that import the libraries of two commands", "nothing", place.libraries)


def _judged(name: str, ratio: Ratio, limit: float | None, small: bool) -> Row:
    target = "" if limit is None or small else f"<= {limit:g} x"
    return Row(name, str(ratio), target, judged(ratio.median, limit, 0.0) if limit is not None and target else "")


def _unavailable(name: str, why: str) -> Row:
    return Row(name, f"NOT AVAILABLE: {why}")


def _run_options(number: int) -> list[str]:
    """What CI would say of the run."""
    started = f"2026-05-{number:02}T00:00Z" if number else "2026-06-01T00:00Z"
    return f"--run {number} --commit {number:040x} --branch main --event push --started-at {started}".split()


def _one_report(top: Path, peers: Peers, small: bool) -> Section:
    """Ingest and verdict of one large report, beside a page made of it and a merge of it with itself."""
    cases, earlier, rounds = (500, 1, 1) if small else (10_000, 20, 7)
    place, file = Place(top / "one"), top / "report.xml"
    size = large_report(file, cases)
    place.flakelens("seed.db", *(
        ["ingest", str(_earlier_report(top, number, cases)), *_run_options(number)] for number in range(1, earlier + 1)
    ))  # fmt: skip
    ask = (["ingest", str(file), *_run_options(0)], ["gate", "--as-of", AS_OF])
    new = Job("flakelens ingest, gate", "a database and a verdict", lambda: place.flakelens("new.db", *ask))
    grown = Job(
        "flakelens ingest, gate",
        f"the same after {earlier} runs",
        lambda: place.flakelens("grown.db", *ask, seed=place.folder / "seed.db"),
    )
    told = json.loads(place.said(*FLAKELENS, "--db", "told.db", *ask[0], "--format", "json"))["runs"][0]
    new = new._replace(said=f"{told['tests']:,} tests, {told['failed']:,} failed")
    rows = []
    if why := peers.why_not("junit2html"):
        rows.append(_unavailable("junit2html", why))
        rows.append(Row(f"{new.name}: {new.does}", _spent(new.call())))
    else:
        page = Job(
            "junit2html", "one HTML page", lambda: place.spend(peers.command("junit2html"), str(file), "page.html")
        )
        page.call()
        page = page._replace(said=f"a page of {(place.folder / 'page.html').stat().st_size / 1e6:.1f} MB")
        ratio, about = _against(new, page, rounds)
        rows += [*about, _judged("flakelens / junit2html", ratio, WITHIN_JUNIT2HTML, small)]
        ratio, (first, _) = _against(grown, page, rounds)
        rows += [first, _judged("the same / junit2html", ratio, None, small)]
        ratio, (first, _) = _against(_idle(place), page, rounds)
        rows += [first, _judged("nothing done / junit2html", ratio, None, small)]
    merge = _merge(place, [file, file], "one document of it twice")
    if small:
        rows.append(Row(f"{merge.name}: {merge.does}", _spent(merge.call())))
    else:
        ratio, (_, about_merge) = _against(new, merge, 3)
        rows += [about_merge, _judged("flakelens / junitparser merge", ratio, None, small)]
        place.flakelens("part.db", ask[0])
        alone = [place.spend(*FLAKELENS, "--db", str(place.folder / "part.db"), *ask[1]).cpu_s for _ in range(rounds)]
        rows.append(Row("of the first, gate alone", f"{median(alone):.2f} s of CPU"))
    return Section(
        f"one jest-junit report of {cases:,} cases, {size / 1e6:.2f} MB; {rounds} rounds in turns", tuple(rows)
    )


def _earlier_report(top: Path, number: int, cases: int) -> Path:
    file = top / f"earlier-{number}.xml"
    large_report(file, cases, seed=number + 1)
    return file


def _merge(place: Place, files: Sequence[Path], does: str) -> Job:
    """junitparser is a library of flakelens, so that its command is always there."""
    argv = [sys.executable, "-m", "junitparser", "merge", *map(str, files), "merged.xml"]
    return Job("junitparser merge", does, lambda: place.spend(*argv))


def _many_reports(top: Path, peers: Peers, small: bool) -> Section:
    """Ingest and analysis of real reports, beside flakemap, which reads the folder anew each time."""
    count, rounds = (20, 1) if small else (300, 7)
    corpus = shared() / "corpus"
    place, folder = Place(top / "many"), top / "reports"
    kinds = real_reports(folder, count, corpus if corpus.is_dir() else None)
    ask = (["ingest", "--run-per-dir", str(folder)], ["tests"])
    ours = Job("flakelens ingest, tests", "a database and states", lambda: place.flakelens("many.db", *ask))
    ours.call()
    database = ["--db", "many.db"]
    found = json.loads(place.said(*FLAKELENS, *database, "tests", "--format", "json"))["tests"]
    told = json.loads(place.said(*FLAKELENS, "--db", "told.db", *ask[0], "--format", "json"))["runs"]
    states = [test["state"] for test in found]
    results = sum(run["tests"] for run in told)
    counted = f"{states.count('flaky')} flaky, {states.count('broken')} broken"
    ours = ours._replace(said=f"{results:,} results, {len(found):,} tests: {counted}")
    rows = []
    if why := peers.why_not("flakemap"):
        rows += [_unavailable("flakemap", why), Row(f"{ours.name}: {ours.does}", _spent(ours.call()))]
    else:
        command = [peers.command("flakemap"), str(folder)]
        summary = json.loads(place.said(*command, "--json"))["summary"]
        theirs = Job(
            "flakemap",
            "a table",
            lambda: place.spend(*command),
            f"{summary['total_tests']:,} tests in {summary['total_runs']} runs: {summary['flaky']} flaky,"
            f" {summary['broken']} broken; {summary['excluded_test_runs']:,} results left out",
        )
        ratio, about = _against(ours, theirs, rounds)
        rows += [*about, _judged("flakelens / flakemap", ratio, WITHIN_FLAKEMAP, small)]
        again = Job("flakelens tests", "asked again", lambda: place.spend(*FLAKELENS, *database, "tests"))
        ratio, (first, _) = _against(again, theirs, rounds)
        rows += [first, _judged("asked again / flakemap", ratio, None, small)]
        ratio, (first, _) = _against(_idle(place), theirs, rounds)
        rows += [first, _judged("nothing done / flakemap", ratio, None, small)]
    whole = [file for file in sorted(folder.rglob("*.xml")) if "corpus-" not in file.parent.name and _is_whole(file)]
    merge = _merge(place, whole, f"one document of the {len(whole)} recorded ones that are not cut off")
    rows.append(Row(f"{merge.name}: {merge.does}", _spent(merge.call())))
    kinds_said = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
    return Section(f"{count} real reports: {kinds_said}; {rounds} rounds in turns", tuple(rows))


def _is_whole(file: Path) -> bool:
    """junitparser ends without a result where one is not, or holds times that are no numbers."""
    try:
        ElementTree.parse(file)
    except ElementTree.ParseError:
        return False
    return True


def _frames(top: Path, peers: Peers, small: bool) -> Section:
    """All tests from a history, beside what one would write with pandas on its database, and DuckDB on its export."""
    tests, runs, rounds = (50, 20, 1) if small else (1_000, 1_000, 3)
    place = Place(top / "frames")
    history(top / "history", tests=tests, runs=runs)
    database = str(place.folder / "frames.db")
    place.spend(*FLAKELENS, "--db", database, "ingest", "--run-per-dir", str(top / "history" / "runs"))
    as_of = ["--as-of", f"{END:%Y-%m-%dT01:00Z}"]
    argv = [*FLAKELENS, "--db", database, "tests", "--format", "json", *as_of]
    found = json.loads(place.said(*argv))["tests"]
    ours = Job(
        "flakelens tests",
        "states, rates, intervals",
        lambda: place.spend(*argv),
        f"{len(found):,} tests, {sum(test['runs'] for test in found):,} results of the newest 300 runs,"
        f" {sum(test['failures'] for test in found):,} failed",
    )
    script = [sys.executable, "-c", PANDAS, database]
    frame = Job(
        "pandas.read_sql, groupby", "counts and flips", lambda: place.spend(*script), _totals(place.said(*script))
    )
    ratio, about = _against(ours, frame, rounds)
    rows = [*about, _judged("flakelens / pandas", ratio, None, small)]
    if why := peers.why_not("duckdb"):
        rows.append(_unavailable("DuckDB", why))
    else:
        exported = place.spend(
            *FLAKELENS, "--db", database, "db", "export", "parquet", "--parquet", "--only", "results", *as_of
        )
        files = [str(file) for file in sorted((place.folder / "parquet").rglob("*.parquet"))]
        size = sum(Path(file).stat().st_size for file in files)
        query = [peers.command("python"), "-c", DUCKDB, *files]
        duck = Job("DuckDB on Parquet", "counts and flips", lambda: place.spend(*query), _totals(place.said(*query)))
        ratio, (_, of_duck) = _against(ours, duck, rounds)
        rows.append(Row("flakelens db export --parquet, before", f"{_spent(exported)}; {size / 1e6:.1f} MB"))
        rows += [of_duck, _judged("flakelens / DuckDB", ratio, None, small)]
    return Section(f"{tests:,} tests x {runs:,} runs in a database; {rounds} rounds in turns", tuple(rows))


def _totals(said: str) -> str:
    tests, results, failures, flips = (int(word) for word in said.split())
    return f"{tests:,} tests, {results:,} results, {failures:,} failed, {flips:,} flips"


def _spent(spent: Spent) -> str:
    return f"{spent.cpu_s:.2f} s of CPU, {spent.peak_mb:.0f} MB"


def sections(small: bool) -> list[Section]:
    """One large report, many real ones, and a long history; `small` installs no peer and judges nothing."""
    peers = Peers(install=not small)
    with TemporaryDirectory(prefix="flakelens-peers-") as temporary:
        top = Path(temporary)
        return [part(top, peers, small) for part in (_one_report, _many_reports, _frames)]
