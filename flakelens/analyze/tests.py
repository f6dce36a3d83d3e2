"""The tests with their states and rates, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from msgspec.structs import replace

from flakelens.analyze.evidence import load
from flakelens.analyze.filters import Filter, known_names
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import Bools, Int8s
from flakelens.gate.criterion import Scope
from flakelens.gate.evidence import Evidence
from flakelens.history import Run
from flakelens.model import Outcome, RetryEvidence
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.report import CauseOf, Rate, TestLine, TestsReport
from flakelens.stats.intervals import run_interval
from flakelens.stats.states import TestFinding, TestState
from flakelens.store import Store

# What --state takes. A healing test is flaky still: "flaky" finds it too.
HEALING = "healing"
STATES = (*(str(state) for state in TestState), HEALING)
SORTS = ("urgency", "name", "rate", "failures", "flakes")

# The causes of the tests of an evidence, by position. Given from above, because clusters need a heavy library: only who
# asks for them waits for it.
CausesOf: TypeAlias = Callable[[Evidence], Mapping[int, CauseOf]]

_NO_CAUSES: Mapping[int, CauseOf] = MappingProxyType({})
_LETTERS = np.frombuffer(b".PKFS", np.uint8)  # by Outcome code
_FIRST_ATTEMPTS_SHOWN = frozenset({RetryEvidence.RECORDED, RetryEvidence.NONE})


def tests_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    area: Collection[str] = (),
    focus: Collection[str] = (),
    state: Collection[str] = (),
    owner: Collection[str] = (),
    cluster: str = "",
    sort: str = "urgency",
    limit: int | None = None,
    owners: Owners = NOBODY,
    causes_of: CausesOf | None = None,
) -> TestsReport:
    """Every test of the newest 300 runs, narrowed to some areas, focuses, states and owners (none named: all of them).

    `cluster`: the tests of that cause alone; it needs `causes_of`, with which every line names its cause. `limit` None:
    all. Raises UsageError for an area, focus, state, cause or order that does not exist.
    """
    known_names(state, STATES, "state")
    known_names((sort,), SORTS, "order")
    evidence = load(store, policy, decisions, as_of=as_of, any_branch=True, owners=owners).evidence
    asked = Filter(area=area, focus=focus, owner=owner).checked(evidence)
    causes = causes_of(evidence) if causes_of else {}
    if cluster and all(cause.id != cluster for cause in causes.values()):
        raise UsageError(f"There is no cause {cluster!r}.", mend="flakelens causes --over lists them with their ids.")
    lines = all_lines(evidence, causes)
    matching = [
        line
        for test, line in lines.items()
        if asked.holds(evidence, test)
        and (not state or _has_state(line.finding, state))
        and (not cluster or (line.cause is not None and line.cause.id == cluster))
    ]
    return _report(evidence, len(lines), matching, sort, limit)


def every_test(evidence: Evidence, causes: Mapping[int, CauseOf]) -> TestsReport:
    """All tests of evidence that is already read, most urgent first. `causes` by position in `History.tests`."""
    lines = all_lines(evidence, causes)
    return _report(evidence, len(lines), list(lines.values()), "urgency", None)


def all_lines(evidence: Evidence, causes: Mapping[int, CauseOf]) -> dict[int, TestLine]:
    """The lines of all tests, by position in `History.tests`."""
    of_areas = [area_lines(evidence, name, causes) for name in evidence.areas.names]
    return {test: line for of_area in of_areas for test, line in of_area.items()}


def _report(evidence: Evidence, total: int, matching: list[TestLine], sort: str, limit: int | None) -> TestsReport:
    matching.sort(key=_ORDERS[sort])
    return TestsReport(
        branch=evidence.history.branch,
        runs=len(evidence.counting),
        tests=tuple(matching if limit is None else matching[:limit]),
        total=total,
        matching=len(matching),
        ambiguous=evidence.history.names.ambiguous,
    )


def area_lines(evidence: Evidence, area: str, causes: Mapping[int, CauseOf] = _NO_CAUSES) -> dict[int, TestLine]:
    """The lines of the tests of one area, by position in `History.tests`; `causes` likewise."""
    history = evidence.history
    scope = evidence.scope(area)
    view = scope.view
    runs = [history.runs[position] for position in view.runs]
    counts = _counts(evidence, scope)
    newest = _newest(view.outcomes)
    strips = _LETTERS[view.outcomes]
    lines = {}
    for place, position in enumerate(view.tests.tolist()):
        finding = _finding(evidence, scope, place, newest[place])
        last = _last(view.outcomes[place], runs, newest[place])
        if last is None:  # never on the branch
            row = history.outcomes[position]
            last = _last(row, history.runs, _newest(row[None])[0])
        since = runs[finding.since] if finding.since is not None else None
        executed, failed, flaky, visible, visibly_failed = counts[place]
        lines[position] = TestLine(
            id=history.tests[position].id,
            reported=history.tests[position].reported,
            area=area,
            focuses=evidence.focuses[position],
            finding=finding,
            quarantined=bool(evidence.quarantined[position]),
            runs=executed,
            failures=failed,
            flaky_runs=flaky,
            pass_rate=_rate(failed, executed),
            first_attempt_pass_rate=_rate(visibly_failed, visible),
            last_outcome=last[0] if last else None,
            last_run=last[1].key if last else None,
            since_run=since.key if since else None,
            since_commit=since.commit if since else "",
            strip=strips[place].tobytes().decode("ascii"),
            owner=evidence.owner(position),
            cause=causes.get(position),
        )
    return lines


def _counts(evidence: Evidence, scope: Scope) -> list[list[int]]:
    """Of each test: runs without outage in which it was executed, of these failed and flaky; of these whose reports
    show first attempts: all, and those whose first attempt failed. Shape (n, 5).
    """
    outcomes = scope.view.outcomes
    executed = scope.view.ran & ~scope.outage
    failed, flaky = executed & (outcomes == Outcome.FAILED), executed & (outcomes == Outcome.FLAKY)
    visible = executed & _first_attempts_shown(evidence, scope)
    each = (executed, failed, flaky, visible, visible & (failed | flaky))
    counted: list[list[int]] = np.column_stack([kind.sum(axis=1) for kind in each]).tolist()
    return counted


def _newest(outcomes: Int8s) -> list[int]:
    """The position of the newest result in each row of outcomes, (N, R); -1 where there is none."""
    seen = outcomes != Outcome.NONE
    if not seen.shape[1]:
        return [-1] * len(seen)
    newest: list[int] = np.where(seen.any(axis=1), seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1), -1).tolist()
    return newest


def _finding(evidence: Evidence, scope: Scope, place: int, newest: int) -> TestFinding:
    """The state of a test of the scope; what the gated branch never ran is known by its other runs.

    `newest`: the position of its newest result on the branch; -1 for none.
    """
    finding = scope.findings[place]
    if newest >= 0:
        # It is gone from the first run of the area without it on.
        return replace(finding, since=newest + 1) if finding.state is TestState.GONE else finding
    if (evidence.history.outcomes[scope.view.tests[place]] != Outcome.NONE).any():
        return replace(finding, state=TestState.BRANCH_ONLY)
    return finding


def _first_attempts_shown(evidence: Evidence, scope: Scope) -> Bools:
    """Where every report that holds the test shows failed first attempts, or has none to show. Shape (N, R)."""
    history = evidence.history
    shown = np.ones((len(history.tests), len(scope.view.runs)), np.bool_)
    for column, position in enumerate(scope.view.runs):
        for report in history.runs[position].reports:
            if report.evidence not in _FIRST_ATTEMPTS_SHOWN and not report.stale:
                shown[report.tests, column] = False
    mine: Bools = shown[scope.view.tests]
    return mine


def _last(row: Int8s, runs: Sequence[Run], newest: int) -> tuple[Outcome, Run] | None:
    return (Outcome(int(row[newest])), runs[newest]) if newest >= 0 else None


@lru_cache(maxsize=4096)
def _rate(failed: int, executed: int) -> Rate | None:
    """The rate of one test, whose runs are single results; None without results."""
    if not executed:
        return None
    misses = np.zeros(executed, np.int64)
    misses[:failed] = 1
    interval = run_interval(misses, np.ones(executed, np.int64))
    return Rate(
        passed=executed - failed,
        executed=executed,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )


def _has_state(finding: TestFinding, states: Collection[str]) -> bool:
    return str(finding.state) in states or (finding.healing and HEALING in states)


def urgency(line: TestLine) -> tuple[Any, ...]:
    """Sorts what blocks people now first: broken, flaky by its rate, what failed and is not yet understood, healing."""
    finding = line.finding
    failing = bool(line.failures or line.flaky_runs)
    if finding.state is TestState.BROKEN:
        rank = 0
    elif finding.state is TestState.FLAKY:
        rank = 3 if finding.healing else 1
    elif finding.state is TestState.UNSURE:
        rank = 2 if failing else 4
    else:
        rank = {TestState.GONE: 5, TestState.BRANCH_ONLY: 6}.get(finding.state, 7)
    return rank, -(finding.flake_rate or 0.0), -line.failures, -line.flaky_runs, line.id


def _value(line: TestLine) -> float:
    return line.pass_rate.value if line.pass_rate else 2.0  # no data is not a low rate: last


_ORDERS: dict[str, Callable[[TestLine], tuple[Any, ...]]] = {
    "urgency": urgency,
    "name": lambda line: (line.id.name.casefold(), line.id),
    "rate": lambda line: (_value(line), urgency(line)),
    "failures": lambda line: (-line.failures, urgency(line)),
    "flakes": lambda line: (-len(line.finding.evidence), urgency(line)),
}
