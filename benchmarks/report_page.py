"""The nightly report of 5,000 tests x 500 runs: CPU, size of the page, and its first paint in headless Chromium."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from flakelens import report_files
from flakelens.decisions import Decisions
from flakelens.ingest import ingest
from flakelens.nightly import judge_night, nightly
from flakelens.policy_text import parse
from flakelens.simulate import Plan, simulate
from flakelens.store import open_store

TESTS, RUNS = 5_000, 500
CPU, SIZE, PAINT = 15.0, 2_000_000, 1.0  # targets: seconds, bytes, seconds
LOOKS = 5


def main(arguments: Sequence[str]) -> None:
    """`--keep FOLDER`: where database and report stay; a database that is there is used again."""
    with TemporaryDirectory(prefix="flakelens-page-") as temporary:
        folder = Path(arguments[1]) if arguments[:1] == ["--keep"] else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        database, newest = _history(folder)
        page, seconds = _report(database, newest, folder)
        print(f"nightly report, {TESTS:,} tests x {RUNS} runs    {seconds:.1f} s CPU    target {CPU:.0f} s")
        size = page.stat().st_size
        print(f"index.html                              {size:,} bytes    target {SIZE:,}")
        paints = _paints(page)
        if paints:
            spread = f"{min(paints):.2f}-{max(paints):.2f}"
            print(f"first paint, headless Chromium          {median(paints):.2f} s ({spread})    target {PAINT:.0f} s")


def _history(folder: Path) -> tuple[Path, Any]:
    database, made = folder / "page.db", folder / "made"
    if not database.exists():
        simulate(Plan(tests=TESTS, runs=RUNS), made)
        with open_store(database, create=True) as store:
            from datetime import UTC, datetime

            ingest([str(made / "runs")], store=store, run_per_dir=True, ingested_at=datetime.now(UTC))
        shutil.rmtree(made)
    with open_store(database, read_only=True) as store:
        from datetime import timedelta

        from flakelens.runs import start_of

        (facts,) = store.read(branch="main", last=1).runs
        return database, start_of(facts) + timedelta(hours=1)


def _report(database: Path, as_of: Any, folder: Path) -> tuple[Path, float]:
    begun = time.process_time()
    with open_store(database, read_only=True) as store:
        policy, decisions = parse(), Decisions()
        judged = judge_night(store, policy, decisions, "gate1", as_of=as_of)
        report = nightly(store, policy, decisions, judged)
        files = report_files.files_of(report, sheet=True)
    place = report_files.write_night(folder / "reports", report.day, files)
    return place / "index.html", time.process_time() - begun


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
        print("first paint: NOT MEASURED, no Chromium with chromedriver here")
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


if __name__ == "__main__":
    main(sys.argv[1:])
