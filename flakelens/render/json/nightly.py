"""`reports/DATE/report.json`: the frozen view `flakelens.report/1`. The page carries the same document.

`tests` are those of `flakelens.tests/1`, with more fields; `causes` and `gate` those of `flakelens.causes/1` and
`flakelens.gate/1`. History of the schema: 1, the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.event_words import details
from flakelens.render.figures import iso
from flakelens.render.json.causes import cause_view
from flakelens.render.json.events import group_view
from flakelens.render.json.gate import gate_document
from flakelens.render.json.nightly_views import (
    AbsenceView,
    ActionView,
    BudgetView,
    EntryView,
    ExpiryView,
    FindingView,
    HappenedView,
    NightlyView,
    PointView,
    PolicyChangeView,
    ProblemView,
    ReportRunView,
    SaidView,
    SectionView,
    SinceView,
    TestName,
)
from flakelens.render.json.plan import figures_view
from flakelens.render.json.price import price_view, saving_view
from flakelens.render.json.show import duration_view
from flakelens.render.json.tests import rate_view, view_of
from flakelens.render.nightly_keys import key_of
from flakelens.render.safe import one_line
from flakelens.report.causes import PlanStep
from flakelens.report.nightly import Expiry, Group, Nightly, RunLine, Said, TestEntry

SCHEMA = "flakelens.report/1"


def nightly_json(document: bytes) -> str:
    """The document of `nightly_bytes` as a file: a line for each test, run, cause.., so that two nights can be compared
    line by line. A newline at its end.
    """
    fields = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    lines = (f"  {_encoded(name)}: {_lines(bytes(value))}" for name, value in fields.items())
    return json_text("{\n" + ",\n".join(lines) + "\n}\n")


def _lines(value: bytes) -> str:
    if value[:1] != b"[" or value == b"[]":
        return value.decode()
    items = msgspec.json.decode(value, type=list[msgspec.Raw])
    return "[\n" + ",\n".join(f"    {bytes(item).decode()}" for item in items) + "\n  ]"


def _encoded(text: str) -> str:
    return msgspec.json.encode(text).decode()


def nightly_bytes(report: Nightly, files: Sequence[str]) -> bytes:
    """The document as JSON on one line: what the page carries. `files`: what is written beside it."""
    causes = (*report.causes.clusters, *(line for group in report.causes.singles for line in group))
    listed = {line.id for line in causes}
    planned = [action.cause for action in report.actions if action.cause.id not in listed]
    document = NightlyView(
        schema=SCHEMA,
        date=report.day,
        as_of=iso(report.as_of),
        version=report.gate.provenance.version,
        files=list(files),
        verdict_number=report.gate.number,
        distance=report.distance,
        gate=gate_document(report.gate),
        since=SinceView(
            moment=iso(report.since.moment),
            report=report.since.report,
            state=report.since.state.value if report.since.state else None,
        ),
        changes=[group_view(group) for group in report.changes],
        actions=[_action(action) for action in report.actions],
        expiries=[_expiry(expiry) for expiry in report.expiries],
        groups=[_group(group) for group in report.groups],
        policy_changes=[
            PolicyChangeView(at=iso(change.at), said=list(change.said))
            for change in (report.groups[0].trend.policy_changes if report.groups else ())
        ],
        tests=[_entry(entry) for entry in report.entries],
        causes=[cause_view(line) for line in (*causes, *planned)],
        runs=[_run(run) for run in report.runs],
        blind_spots=[
            FindingView(
                code=finding.code,
                where=finding.where,
                message=finding.message,
                mend=finding.mend,
                serious=finding.serious,
            )
            for finding in report.blind
        ],
    )
    return msgspec.json.encode(document)


def packed(history: str) -> str:
    """A history with a number behind each letter that stands there several times: "PPPFF." is "P3F2."."""
    runs = ((letter, sum(1 for _ in same)) for letter, same in groupby(history))
    return "".join(letter if count == 1 else f"{letter}{count}" for letter, count in runs)


def _action(step: PlanStep) -> ActionView:
    return ActionView(
        cause=step.cause.id,
        title=step.cause.tests[0].id.name,
        tests=len(step.cause.tests),
        after=figures_view(step.after),
        saves=saving_view(step.saves),
        price=price_view(step.cause.price),
        owners=list(step.cause.owners),
    )


def _expiry(expiry: Expiry) -> ExpiryView:
    return ExpiryView(
        kind=expiry.kind,
        what=expiry.what,
        by=expiry.by,
        reason=expiry.reason,
        expires=iso(expiry.expires),
        holds=expiry.holds,
        why_not=expiry.why_not or None,
    )


def _group(group: Group) -> SectionView:
    line, budget = group.line, group.budget
    return SectionView(
        kind=group.kind,
        name=group.name,
        tests=line.tests,
        runs=line.runs,
        pass_rate=rate_view(line.pass_rate),
        first_attempt_pass_rate=rate_view(line.first_attempt_pass_rate),
        p_green=line.p_green,
        states=group.states,
        budget=BudgetView(threshold=budget.threshold, allowed=budget.allowed, spent=budget.spent, left=budget.left)
        if budget
        else None,
        trend=[
            PointView(
                first=iso(bucket.first),
                last=iso(bucket.last),
                runs=bucket.runs,
                pass_rate=rate_view(bucket.pass_rate),
                first_attempt_pass_rate=rate_view(bucket.first_attempts),
            )
            for bucket in group.trend.buckets
        ],
        trend_per=group.trend.per,
    )


def _entry(entry: TestEntry) -> EntryView:
    name = entry.line.id.name
    shown = one_line(name) or "(no title)"
    return EntryView(
        **msgspec.structs.asdict(view_of(entry.line)),
        key=key_of(entry.line.id),
        cause=entry.line.cause.id if entry.line.cause else None,
        shown=None if shown == name else shown,
        history=packed(entry.history),
        because=list(entry.because),
        failures_said=[_said(said) for said in entry.said],
        events=[
            HappenedView(
                kind=str(event.kind),
                run=event.at.run.run,
                known_run=event.known.run.run,
                details=list(details([event])),
            )
            for event in entry.events
        ],
        price=price_view(entry.price) if entry.price else None,
        duration=duration_view(entry.duration),
        command=entry.command or None,
    )


def _said(said: Said) -> SaidView:
    return SaidView(
        signature=said.signature,
        category=str(said.category),
        line=said.line,
        message=said.text,
        count=said.count,
        runs=said.runs,
        first_run=said.first.run,
        last_run=said.last.run,
    )


def _run(run: RunLine) -> ReportRunView:
    return ReportRunView(
        provider=run.key.provider,
        run=run.key.run,
        commit=run.commit or None,
        started_at=iso(run.started_at),
        event=run.event,
        attempts=run.attempts,
        url=run.url or None,
        outage=run.outage or None,
        passed=run.passed,
        flaky=run.flaky,
        failed=run.failed,
        skipped=run.skipped,
        incomplete=[
            AbsenceView(
                area=absence.area,
                fault=absence.fault or None,
                missing=[TestName(file=test.file, name=test.name, variant=test.variant) for test in absence.missing],
                more=absence.more,
            )
            for absence in run.absences
        ],
        problems=[
            ProblemView(code=str(problem.code), where=problem.where, message=problem.message)
            for problem in run.problems
        ],
        retry_evidence={producer: str(evidence) for producer, evidence in run.evidence},
    )
