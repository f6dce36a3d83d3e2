"""Reports for the browser: the recorded runs, and a history in which everything that can be hostile is."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from flakelens import report_files
from flakelens.analyze.verdicts import record
from flakelens.decisions import Decisions
from flakelens.decisions import parse as parse_decisions
from flakelens.demo import ingest_recorded, recorded_runs
from flakelens.model import RunReports
from flakelens.nightly import judge_night, nightly, nights
from flakelens.policy_text import parse
from flakelens.store import Store, open_store
from tests.builders import a_report, a_run, a_store, started_at

NIGHT = datetime(2026, 11, 20, 9, 53, 6, tzinfo=UTC)
NIGHT_BEFORE = NIGHT - timedelta(days=15)

PWNED = "window.pwned = (window.pwned || 0) + 1"
HOSTILE = (
    f"<script>{PWNED}</script>",
    f"<img src=x onerror=\"{PWNED}\">",
    f"</script><script>{PWNED}</script>",
    f"\"><svg onload='{PWNED}'>",
    f"<a href=\"javascript:{PWNED}\">press</a>",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "right to left \u202egnp.exe\u202c and \u2066isolated\u2069",
    "colours \x1b[31mred\x1b[0m and \x1b]8;;https://evil.example\x07a link\x1b]8;;\x07",
    "emoji 👩‍👩‍👧 \u2028 line separators \u2029 and a tab\t",
    "x" * 10_000,
    "<!--", "-->", "]]>", "&lt;b&gt;", "",
)  # fmt: skip


def write_report(store: Store, out: Path, as_of: datetime, decisions: Decisions | None = None) -> Path:
    """One night's report, its verdict recorded, as the command writes it; the folder of the night."""
    policy, decisions = parse(), decisions or Decisions()
    judged = judge_night(store, policy, decisions, "gate1", as_of=as_of)
    number = record(store, judged, commit="", recorded_at=as_of)
    day = as_of.strftime("%Y-%m-%d")
    since = report_files.last_report(out, day, "gate1")
    report = nightly(store, policy, decisions, judged, number=number, since=since)
    place = report_files.write_night(out, day, report_files.files_of(report, sheet=True))
    known = nights(store, "gate1", until=as_of)
    report_files.write_overview(out, report_files.overview_of(out, report, known))
    return place


def recorded_reports(folder: Path) -> Path:
    """The reports of two nights on the recorded runs; the folder of all reports."""
    with open_store(folder / "recorded.db", create=True) as store:
        ingest_recorded(recorded_runs(), store, ingested_at=NIGHT)
        for as_of in (NIGHT_BEFORE, NIGHT):
            write_report(store, folder / "reports", as_of)
    return folder / "reports"


def hostile_run(n: int) -> RunReports:
    """Run n: every hostile text as title, file, message, variant; each fails now and then."""
    unit = {f"{text[:80] or 'src'}.test.js::{text}": "F" if (n + place) % 5 == 0 else "P"
            for place, text in enumerate(HOSTILE)}  # fmt: skip
    browser = {f"e2e {text}": "K" if (n + place) % 4 == 0 else "P" for place, text in enumerate(HOSTILE[:9])}
    message = "\n".join(HOSTILE[:9])
    run = a_run(
        n,
        reports=[
            a_report(n, unit, message=message, job=f"unit {HOSTILE[0]}"),
            a_report(n, browser, producer="playwright", variant=f"Pixel {HOSTILE[1]}", message=message, name="<b>.xml"),
        ],
    )
    url = f"javascript:{PWNED}" if n % 2 else "https://ci.example/run"
    return replace(run, info=replace(run.info, run=f"{1000 + n}<b>{n}</b>", url=url))


def hostile_report(folder: Path) -> Path:
    """A report on forty hostile runs, with a hostile waiver; the folder of the night."""
    a_store(folder, [hostile_run(n) for n in range(40)]).close()
    evil = HOSTILE[0].replace('"', "'")
    decisions = parse_decisions(
        f"""
        [[waivers]]
        gate = "gate1"
        criterion = "complete"
        commit = "abcdef0"
        by = "{evil}"
        reason = "{evil}"
        created = 2026-10-02T00:00:00Z
        expires = 2026-10-04T00:00:00Z
        """
    )
    with open_store(folder / "flakelens.db") as store:
        return write_report(store, folder / "reports", started_at(40), decisions)


def copied(reports: Path, target: Path) -> Path:
    """A copy of all reports that a test may change."""
    return Path(shutil.copytree(reports, target))
