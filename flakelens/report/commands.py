"""What commands say that made something: a history, a policy, a demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.report.gate import GateReport
    from flakelens.report.tests import TestsReport


class SimulateReport(msgspec.Struct, frozen=True, kw_only=True):
    """A made-up history, as it was written."""

    folder: str
    tests: int
    runs: int
    reports: int
    results: int
    flaky: int  # tests
    broken: int  # tests, each for some commits
    slower: int  # tests
    outages: int  # runs
    pull_requests: int
    pull_request_runs: int  # of `runs`
    breaking: int  # pull requests that break tests
    first_failures: dict[str, int]  # failed first attempts by cause: flake, broken, outage, pull_request
    newest: datetime  # start of the newest run


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a project's configuration told, and what was written from it."""

    path: str  # of the policy that was written
    found: tuple[str, ...]  # what was recognised, in sentences
    areas: tuple[str, ...]  # areas with a folder of their own
    reporters: tuple[tuple[str, str], ...]  # file to edit, and the lines to add
    unknown: tuple[str, ...]  # what could not be told from the text of the files


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that `demo` shows, from reports to verdict."""

    runs: int
    reports: int
    results: int  # test results read
    problems: dict[str, int]  # by code
    database: str  # where it was kept, "" when it was thrown away
    tests: TestsReport
    gate: GateReport
