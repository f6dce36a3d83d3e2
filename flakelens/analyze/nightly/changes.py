"""What became of the tests since the last report."""

from __future__ import annotations

from collections.abc import Mapping

from flakelens.model import Outcome, TestId
from flakelens.report import TestLine, TestsReport
from flakelens.report_nightly import Change, ChangeKind
from flakelens.stats.states import TestState


def changes(before: TestsReport, now: TestsReport) -> tuple[Change, ...]:
    """The tests that are not what they were, what asks for somebody first."""
    known: Mapping[TestId, TestLine] = {line.id: line for line in before.tests}
    found = []
    for line in now.tests:
        kind = _kind(known.get(line.id), line, first=not before.tests)
        if kind is not None:
            found.append(
                Change(
                    kind=kind,
                    test=line.id,
                    area=line.area,
                    run=line.since_run if kind in (ChangeKind.BROKEN, ChangeKind.FLAKY) else None,
                    commits="",
                )
            )
    order = list(ChangeKind)
    return tuple(sorted(found, key=lambda change: (order.index(change.kind), change.area, change.test)))


def _kind(before: TestLine | None, now: TestLine, *, first: bool) -> ChangeKind | None:
    was = before.finding if before else None
    state = now.finding.state
    if state is TestState.BROKEN:
        return None if was and was.state is TestState.BROKEN else ChangeKind.BROKEN
    if state is TestState.FLAKY and not now.finding.healing:
        return None if was and was.state is TestState.FLAKY and not was.healing else ChangeKind.FLAKY
    if state is TestState.GONE:
        return None if was and was.state is TestState.GONE else ChangeKind.GONE
    if before is None:
        return None if first or state is TestState.BRANCH_ONLY else ChangeKind.NEW
    if was and was.state is TestState.BROKEN:
        return ChangeKind.FIXED
    if state is TestState.FLAKY and now.finding.healing and was and not was.healing:
        return ChangeKind.HEALING
    if now.last_outcome is Outcome.SKIPPED and before.last_outcome is not Outcome.SKIPPED:
        return ChangeKind.SKIPPED
    return None
