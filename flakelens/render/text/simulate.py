"""`flakelens simulate` for a terminal: what was written, and the commands that read it."""

from __future__ import annotations

import shlex
from datetime import timedelta

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.safe import one_line
from flakelens.render.terminal import NAME, QUIET, fill, heading, paragraph, row, to_text
from flakelens.report import SimulateReport

_LATER = timedelta(hours=1)  # from the newest run to the moment of a verdict


def simulate_text(report: SimulateReport, *, width: int, colour: bool) -> str:
    """What was written, and what to do next."""
    folder = one_line(report.folder)
    runs, tests = count_of(report.runs, "run"), count_of(report.tests, "test")
    what = f"{count_of(report.reports, 'report')}, {count_of(report.results, 'result')}"
    out: list[Text | str] = [*paragraph(f"{folder}: {runs} of {tests}, {what}", width=width, style="bold"), ""]
    failures = report.first_failures
    figures: list[tuple[str, str, int | None]] = [
        ("flaky", count_of(report.flaky, "test"), failures.get("flake", 0)),
        ("broken for a while", count_of(report.broken, "test"), failures.get("broken", 0)),
        ("outages", count_of(report.outages, "run"), failures.get("outage", 0)),
        ("slower for good", count_of(report.slower, "test"), None),
    ]
    if report.pull_requests:
        broke = f"{report.breaking} of {report.pull_requests:,} break tests"
        runs_of = f"{count_of(report.pull_request_runs, 'run')} of pull requests"
        figures.append(("pull requests", broke, failures.get("pull_request", 0)))
        out[:1] = paragraph(f"{folder}: {runs} of {tests}, {what}, {runs_of}", width=width, style="bold")
    size_of = max(9, *(len(size) for _, size, _ in figures))
    for name, size, failed in figures:
        said = "" if failed is None else f"  {count_of(failed, 'failed first attempt')}"
        out.append(row("  ", (fill(name, 18), QUIET), f"  {fill(size, size_of)}{said}"))
    out += ["", *paragraph(f"{folder}/truth.json says which, when and why.", width=width), "", heading("Next")]
    place = shlex.quote(folder)
    moment = (report.newest + _LATER).strftime("%Y-%m-%dT%H:%MZ")
    for command in (f"ingest --run-per-dir {place}/runs", f"gate --as-of {moment}", f"tests --as-of {moment}"):
        out.append(row("  ", (f"flakelens --db {place}/flakelens.db {command}", NAME)))
    return to_text(out, width=width, colour=colour)
