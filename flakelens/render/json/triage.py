"""`flakelens triage --format json`: the frozen view `flakelens.triage/1`."""

from __future__ import annotations

import json

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.figures import iso
from flakelens.render.triage_words import bridge
from flakelens.report.triage import TriagedTest, TriageReport
from flakelens.stats.triage import CAUSES

SCHEMA = "flakelens.triage/1"


class FailureView(msgspec.Struct, frozen=True, kw_only=True):
    """One test that failed. `explained`: it causes no exit code 10. `reruns`: how often to run it again at most until
    it is settled, 0 when it is, null for more than is sensible. `line` is where in `file` it failed.
    """

    file: str
    name: str
    variant: str
    area: str
    verdict: str
    dismissed: bool
    quarantined: bool
    explained: bool
    probabilities: dict[str, float]
    message: str | None
    signature: str | None
    signature_line: str | None
    category: str | None
    seen_before: bool
    owner: str | None
    because: list[str]
    runs: int
    failures: int
    flaky_runs: int
    since_run: str | None
    since_commit: str | None
    line: int | None
    worth_rerun: bool
    reruns: int | None
    command: str | None


class LostView(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be read or loaded; `before`: the run of the gated branch before it lost the same."""

    code: str
    where: str
    message: str
    before: bool


class OutageView(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is suspected or confirmed."""

    state: str
    victims: int
    executed: int
    rerun: str | None


class RerunView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of POSIX shell that runs `tests` failures again, `times` times at most."""

    tests: int
    command: str
    whole_files: bool
    times: int


class NewTestsView(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that the gated branch never ran, and those of them that failed and passed on one commit."""

    count: int
    flaky: list[dict[str, str]]


class TriageView(msgspec.Struct, frozen=True, kw_only=True):
    """The document."""

    schema: str
    run: str
    provider: str
    commit: str | None
    branch: str | None
    base_branch: str | None
    event: str
    started_at: str
    counts: bool
    compared_with: str
    runs_before: int
    executed: int
    explained: bool
    failures: list[FailureView]
    flaky: list[FailureView]
    outage: OutageView | None
    lost: list[LostView]
    new_tests: NewTestsView
    reruns: list[RerunView]
    notices: list[str]
    bridge: str


def triage_json(report: TriageReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    run, outage = report.run, report.outage
    document = TriageView(
        schema=SCHEMA,
        run=run.key.run,
        provider=run.key.provider,
        commit=run.commit or None,
        branch=run.branch or None,
        base_branch=run.base_branch or None,
        event=str(run.event),
        started_at=iso(run.started_at),
        counts=not run.why_not,
        compared_with=run.gated,
        runs_before=run.before,
        executed=report.executed,
        explained=report.explained,
        failures=[_view(test) for test in report.failures],
        flaky=[_view(test) for test in report.flaky],
        outage=None
        if outage is None
        else OutageView(
            state=outage.state, victims=outage.victims, executed=outage.executed, rerun=outage.rerun or None
        ),
        lost=[
            LostView(
                code=str(each.problem.code),
                where=each.problem.where,
                message=each.problem.message,
                before=each.before,
            )
            for each in report.lost
        ],
        new_tests=NewTestsView(count=report.new_tests, flaky=[test._asdict() for test in report.new_flaky]),
        reruns=[
            RerunView(tests=each.tests, command=each.command, whole_files=each.whole_files, times=each.times)
            for each in report.reruns
        ],
        notices=list(report.notices),
        bridge=bridge(report),
    )
    # ASCII with escapes: no title of a test reaches a terminal or a log as anything but text.
    return json_text(json.dumps(msgspec.to_builtins(document), indent=2, ensure_ascii=True, allow_nan=False)) + "\n"


def _view(test: TriagedTest) -> FailureView:
    signature = test.signature
    return FailureView(
        file=test.id.file,
        name=test.id.name,
        variant=test.id.variant,
        area=test.area,
        verdict=str(test.verdict),
        dismissed=test.dismissed,
        quarantined=test.quarantined,
        explained=test.explained,
        # To nine decimals: the last ones differ from machine to machine.
        probabilities={name: round(p, 9) for name, p in zip(CAUSES, test.probabilities, strict=True)},
        message=test.message,
        signature=signature.hash if signature else None,
        signature_line=signature.line if signature else None,
        category=str(signature.category) if signature else None,
        seen_before=test.seen_before,
        owner=test.owner or None,
        because=list(test.because),
        runs=test.runs,
        failures=test.failures,
        flaky_runs=test.flaky_runs,
        since_run=test.since.run if test.since else None,
        since_commit=test.since_commit or None,
        line=test.line,
        worth_rerun=test.rerun,
        reruns=test.reruns,
        command=test.command.once if test.command else None,
    )
