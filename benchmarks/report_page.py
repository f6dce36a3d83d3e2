"""The nightly report of 5,000 tests x 500 runs: CPU, size of the page, and its first paint in headless Chromium."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.inputs import FLAKELENS
from benchmarks.table import Row, Section, judged
from benchmarks.timing import run
from flakelens.ingest import ingest
from flakelens.runs import start_of
from flakelens.simulate import Plan, simulate
from flakelens.store import open_store

SECONDS, BYTES, PAINT = 15.0, 2_000_000, 1.0
LOOKS, ROUNDS = 5, 3


def sections(small: bool) -> list[Section]:
    """One simulated suite; `small` is a tenth as large and not judged, for a slow machine is no fault of the code."""
    tests, runs = (500, 50) if small else (5_000, 500)
    with TemporaryDirectory(prefix="flakelens-page-") as temporary:
        folder = Path(temporary)
        database, newest = _history(folder, tests, runs)
        page, each = _report(database, newest, folder, 1 if small else ROUNDS)
        size, paints = page.stat().st_size, _paints(page)
    seconds = median(each)
    spread = f"{seconds:.1f} s of CPU ({min(each):.1f} to {max(each):.1f}, {len(each)} reports)"
    figures = [("the whole report", spread, f"<= {SECONDS:g} s of CPU", seconds, SECONDS)]
    figures.append(("index.html", f"{size:,} bytes", f"<= {BYTES:,} bytes", size, BYTES))
    if paints:
        spread = f"{median(paints):.2f} s ({min(paints):.2f} to {max(paints):.2f}, {len(paints)} looks)"
        figures.append(("first paint in headless Chromium", spread, f"<= {PAINT:g} s", median(paints), PAINT))
    rows = [
        Row(name, figure, *(("", "") if small else (target, judged(value, limit, 0.0))))
        for name, figure, target, value, limit in figures
    ]
    if not paints:
        rows.append(Row("first paint in headless Chromium", "not measured: no Chromium with chromedriver here"))
    return [Section(f"nightly report, {tests:,} tests x {runs} runs", tuple(rows))]


def _history(folder: Path, tests: int, runs: int) -> tuple[Path, datetime]:
    """A database with a simulated history, and the moment of the report."""
    database, made = folder / "page.db", folder / "made"
    simulate(Plan(tests=tests, runs=runs), made)
    with open_store(database, create=True) as store:
        ingest([str(made / "runs")], store=store, run_per_dir=True, ingested_at=datetime(2026, 6, 1, tzinfo=UTC))
        (facts,) = store.read(branch="main", last=1).runs
    shutil.rmtree(made)
    return database, start_of(facts) + timedelta(hours=1)


def _report(database: Path, as_of: datetime, folder: Path, rounds: int) -> tuple[Path, list[float]]:
    """The page, and the CPU seconds of the command that writes it, each time anew."""
    spent = []
    for number in range(rounds):
        out = folder / f"reports-{number}"
        argv = ("--db", str(database), "report", "--sheet", "--out", str(out), "--as-of", as_of.isoformat())
        one = run([*FLAKELENS, *argv], cwd=folder)
        if one.code:
            raise RuntimeError(f"the report exited with {one.code}")
        spent.append(one.cpu_s)
    return out / f"{as_of:%Y-%m-%d}" / "index.html", spent


def _paints(page: Path) -> list[float]:
    """Seconds from the request to the first paint, in a fresh profile each; none where there is no Chromium."""
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        return []
    driver = shutil.which("chromedriver")
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if not driver or not binary:
        return []
    seen = []
    for _ in range(LOOKS):
        with TemporaryDirectory(prefix="flakelens-profile-") as profile:
            options = webdriver.ChromeOptions()
            options.binary_location = binary
            for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"):
                options.add_argument(flag)
            browser = webdriver.Chrome(options=options, service=Service(driver))
            try:
                browser.get(page.as_uri())
                entries = browser.execute_script("return JSON.stringify(performance.getEntriesByType('paint'))")
                first = next(one for one in json.loads(entries) if one["name"] == "first-contentful-paint")
                seen.append(first["startTime"] / 1000)
            finally:
                browser.quit()
    return seen
