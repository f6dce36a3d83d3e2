"""`flakelens tests --format json`: the frozen view `flakelens.tests/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.report import Rate, TestLine, TestsReport

SCHEMA = "flakelens.tests/1"


class RateView(msgspec.Struct, frozen=True, kw_only=True):
    """A pass rate: integers, their quotient unrounded, and a 95 % interval from 10 runs on."""

    passed: int
    executed: int
    value: float
    low: float | None
    high: float | None


class SinceView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the present state began."""

    run: str
    commit: str | None


class TestView(msgspec.Struct, frozen=True, kw_only=True):
    """One test. `p_*` sum to 1; `flake_low` and `flake_high` bound `flake_rate` (95 %). `cluster` is the id of the
    cause that it shares with other tests, null when it is alone.
    """

    __test__ = False

    file: str
    name: str
    variant: str
    area: str
    focus: list[str]
    state: str
    healing: bool
    quarantined: bool
    p_stable: float
    p_flaky: float
    p_broken: float
    flake_rate: float | None
    flake_low: float | None
    flake_high: float | None
    pass_rate: RateView | None
    first_attempt_pass_rate: RateView | None
    runs: int
    failures: int
    flaky_runs: int
    last_run_outcome: str | None
    since: SinceView | None
    cluster: str | None
    owner: str | None


class TestsView(msgspec.Struct, frozen=True, kw_only=True):
    """The document."""

    __test__ = False

    schema: str
    tests: list[TestView]


def tests_json(report: TestsReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = TestsView(schema=SCHEMA, tests=[view_of(line) for line in report.tests])
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def view_of(line: TestLine) -> TestView:
    """One test as programs read it."""
    since = None
    if line.since_run is not None:
        since = SinceView(run=line.since_run.run, commit=line.since_commit or None)
    interval = line.finding.flake_interval()
    return TestView(
        file=line.id.file,
        name=line.id.name,
        variant=line.id.variant,
        area=line.area,
        focus=list(line.focuses),
        state=str(line.finding.state),
        healing=line.finding.healing,
        quarantined=line.quarantined,
        p_stable=line.finding.p_stable,
        p_flaky=line.finding.p_flaky,
        p_broken=line.finding.p_broken,
        flake_rate=line.finding.flake_rate,
        flake_low=interval[0] if interval else None,
        flake_high=interval[1] if interval else None,
        pass_rate=rate_view(line.pass_rate),
        first_attempt_pass_rate=rate_view(line.first_attempt_pass_rate),
        runs=line.runs,
        failures=line.failures,
        flaky_runs=line.flaky_runs,
        last_run_outcome=line.last_outcome.name.lower() if line.last_outcome is not None else None,
        since=since,
        cluster=line.cause.id if line.cause and line.cause.others else None,
        owner=line.owner or None,
    )


def rate_view(rate: Rate | None) -> RateView | None:
    """A rate as programs read it."""
    if rate is None:
        return None
    return RateView(passed=rate.passed, executed=rate.executed, value=rate.value, low=rate.low, high=rate.high)
