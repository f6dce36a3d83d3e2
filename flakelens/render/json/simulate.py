"""`flakelens simulate --format json`: the frozen view `flakelens.simulate/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.figures import iso
from flakelens.report import SimulateReport

SCHEMA = "flakelens.simulate/1"


class SimulateView(msgspec.Struct, frozen=True, kw_only=True):
    """The document: how many of what were written; the truth itself is in OUT/truth.json."""

    schema: str
    folder: str
    tests: int
    runs: int
    reports: int
    results: int
    flaky_tests: int
    broken_tests: int
    slower_tests: int
    outage_runs: int
    pull_requests: int
    pull_request_runs: int
    breaking_pull_requests: int
    first_failures: dict[str, int]
    newest: str


def simulate_json(report: SimulateReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = SimulateView(
        schema=SCHEMA,
        folder=report.folder,
        tests=report.tests,
        runs=report.runs,
        reports=report.reports,
        results=report.results,
        flaky_tests=report.flaky,
        broken_tests=report.broken,
        slower_tests=report.slower,
        outage_runs=report.outages,
        pull_requests=report.pull_requests,
        pull_request_runs=report.pull_request_runs,
        breaking_pull_requests=report.breaking,
        first_failures=report.first_failures,
        newest=iso(report.newest),
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"
