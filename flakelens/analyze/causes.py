"""What makes tests fail: causes found from the runs they share, what they said, and where they strike."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from flakelens.analyze.evidence import load
from flakelens.analyze.filters import EVERY_TEST, Filter, known_names
from flakelens.analyze.price import Prices
from flakelens.analyze.said import Said
from flakelens.analyze.striking import striking
from flakelens.decisions import Decisions
from flakelens.facts import Bools, Int8s
from flakelens.gate.evidence import Evidence
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.report import CauseOf
from flakelens.report.causes import CauseLine, CausesReport, CauseState, CauseTest, FactorLine
from flakelens.stats.clusters import Cluster, common_mode_runs, find_clusters
from flakelens.stats.states import TestFinding, TestState
from flakelens.store import Store

_LISTED = (CauseState.BROKEN, CauseState.FLAKY, CauseState.UNSURE, CauseState.HEALING)
_URGENCY = {state: rank for rank, state in enumerate(CauseState)}


class Causes(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that the counting runs of an evidence tell about causes. Costs are paid when first asked for."""

    evidence: Evidence
    store: Store | None

    @cached_property
    def outcomes(self) -> Int8s:
        """(N, R): whole reports of the counting runs."""
        columns: Int8s = self.evidence.history.whole[:, self.evidence.counting]
        return columns

    @cached_property
    def left_out(self) -> Bools:
        """(R,) outages."""
        return common_mode_runs(self.outcomes, self.evidence.outages)

    @cached_property
    def failing(self) -> Bools:
        """(N, R) failed or flaky, outages left out."""
        both: Bools = failed_first(self.outcomes) & ~self.left_out
        return both

    @cached_property
    def findings(self) -> dict[int, TestFinding]:
        """The state of each test that an area holds, by its position."""
        found: dict[int, TestFinding] = {}
        for name in self.evidence.areas.names:
            scope = self.evidence.scope(name)
            found |= dict(zip(scope.view.tests.tolist(), scope.findings, strict=True))
        return found

    @cached_property
    def spells(self) -> Bools:
        """(N, R) where a test was broken."""
        inside = np.zeros(self.outcomes.shape, np.bool_)
        column = {position: place for place, position in enumerate(self.evidence.counting)}
        for name in self.evidence.areas.names:
            scope = self.evidence.scope(name)
            places = [column[run] for run in scope.view.runs.tolist()]
            for test, finding in zip(scope.view.tests.tolist(), scope.findings, strict=True):
                for spell in finding.spells:
                    inside[test, places[spell.first] : places[spell.last] + 1] = True
        return inside

    @cached_property
    def said(self) -> Said:
        """The messages of its failures."""
        return Said(evidence=self.evidence, store=self.store, failing=self.failing)

    @cached_property
    def prices(self) -> Prices:
        """What tests cost in the last 30 days."""
        return Prices(self.store, self.evidence)

    @cached_property
    def found(self) -> tuple[Cluster, ...]:
        """Every cause: tests that fail together, and every other test that failed twice, is flaky or is broken."""
        clusters = find_clusters(self.failing, outage=self.left_out)
        known = {int(test) for cluster in clusters for test in cluster.tests}
        alone = [
            Cluster(tests=np.array([test], np.int32), runs=np.flatnonzero(self.failing[test]).astype(np.int32))
            for test, finding in self.findings.items()
            if test not in known and finding.state in (TestState.FLAKY, TestState.BROKEN) and self.failing[test].any()
        ]
        return (*clusters, *alone)

    def id_of(self, cause: Cluster) -> str:
        """The short name of a cause: it stays while the first test of the cause, by file and title, is the same."""
        first = min(self.evidence.history.tests[test].id for test in cause.tests.tolist())
        return "c" + hashlib.sha256("\0".join(first).encode()).hexdigest()[:6]

    def state(self, cause: Cluster) -> CauseState:
        """The most urgent state of its tests."""
        return min((_state(self.findings.get(int(test))) for test in cause.tests), key=_URGENCY.__getitem__)

    def lines(self, causes: Sequence[Cluster]) -> list[CauseLine]:
        """The causes with what they said and where they strike."""
        factors = striking(self.evidence, causes, left_out=self.left_out, spells=self.spells)
        return [self._line(cause, factors[place]) for place, cause in enumerate(causes)]

    def _line(self, cause: Cluster, factors: tuple[FactorLine, ...]) -> CauseLine:
        history, areas = self.evidence.history, self.evidence.areas
        rows = self.failing[cause.tests]
        counts = rows.sum(axis=1)
        order = sorted(
            range(len(cause.tests)), key=lambda place: (-counts[place], history.tests[cause.tests[place]].id)
        )
        tests = tuple(
            CauseTest(
                id=history.tests[cause.tests[place]].id,
                area=areas.names[int(areas.index[cause.tests[place]])],
                state=str(self.findings[int(cause.tests[place])].state),
                runs=int(counts[place]),
                owner=self.evidence.owner(int(cause.tests[place])),
            )
            for place in order
        )
        runs = [history.runs[self.evidence.counting[run]].key for run in cause.runs.tolist()]
        outcomes = self.outcomes[cause.tests]
        owners = Counter(owner for test in tests for owner in test.owner.split())
        return CauseLine(
            id=self.id_of(cause),
            state=self.state(cause),
            tests=tests,
            areas=tuple(dict.fromkeys(test.area for test in tests)),
            files=tuple(sorted({test.id.file for test in tests} - {""})),
            signature=self.said.signature(cause),
            factors=factors,
            runs=len(runs),
            failures=int(((outcomes == Outcome.FAILED) & rows).sum()),
            flaky=int(((outcomes == Outcome.FLAKY) & rows).sum()),
            first=runs[0],
            last=runs[-1],
            owners=tuple(sorted(owners, key=lambda owner: (-owners[owner], owner))),
            price=self.prices.of([test.id for test in tests]),
        )


def causes_of_tests(evidence: Evidence) -> dict[int, CauseOf]:
    """The cause of each test that has one, by position in `History.tests`."""
    return causes_by_test(Causes(evidence=evidence, store=None))


def causes_by_test(causes: Causes) -> dict[int, CauseOf]:
    """The same, of causes that are already found."""
    return {
        test: CauseOf(id=name, others=len(cause.tests) - 1)
        for cause, name in ((cause, causes.id_of(cause)) for cause in causes.found)
        for test in cause.tests.tolist()
    }


def causes_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    asked: Filter = EVERY_TEST,
    state: Collection[str] = (),
    over: bool = False,
    sort: str = "urgency",
    limit: int | None = None,
    owners: Owners = NOBODY,
) -> CausesReport:
    """The causes of the failures of the newest 300 runs: those with a test that `asked` leaves, in one of the states.

    `over`: also causes whose tests are stable again or gone. `limit` None: all; clusters come first. Raises UsageError
    for an area, focus, state or order that does not exist.
    """
    known_names(state, tuple(map(str, CauseState)), "state of causes")
    known_names((sort,), SORTS, "order")
    evidence = load(store, policy, decisions, as_of=as_of, owners=owners).evidence
    causes = Causes(evidence=evidence, store=store)
    return report_of(causes, asked=asked, state=state, over=over, sort=sort, limit=limit)


def report_of(
    causes: Causes,
    *,
    asked: Filter = EVERY_TEST,
    state: Collection[str] = (),
    over: bool = False,
    sort: str = "urgency",
    limit: int | None = None,
) -> CausesReport:
    """The report on causes that are already found, as for `causes_report`."""
    evidence = causes.evidence
    asked = asked.checked(evidence)
    chosen = [
        cause
        for cause in causes.found
        if any(asked.holds(evidence, test) for test in cause.tests.tolist())
        and (not state or str(causes.state(cause)) in state)
    ]
    listed = [cause for cause in chosen if over or state or causes.state(cause) in _LISTED]
    # A single test that nobody can call flaky or broken yet is for `tests`; there it says "unsure".
    listed = [cause for cause in listed if len(cause.tests) > 1 or causes.state(cause) is not CauseState.UNSURE]
    lines = sorted(causes.lines(listed), key=_ORDERS[sort])
    clusters = [line for line in lines if len(line.tests) > 1]
    singles = [line for line in lines if len(line.tests) == 1]
    if limit is not None:
        clusters, singles = clusters[:limit], singles[: max(0, limit - len(clusters))]
    return CausesReport(
        branch=evidence.history.branch,
        runs=len(evidence.counting),
        left_out=int(causes.left_out.sum()),
        clusters=tuple(clusters),
        singles=_grouped(singles),
        matching=len(lines),
        over=sum(causes.state(cause) is CauseState.OVER for cause in chosen) if not over and not state else 0,
    )


def _by_urgency(line: CauseLine) -> tuple[int, int, int, str]:
    """Over causes last, healing ones before them; else by the runs that they hit."""
    rank = 0 if line.state in (CauseState.BROKEN, CauseState.FLAKY, CauseState.UNSURE) else _URGENCY[line.state]
    return rank, -line.runs, -len(line.tests), line.id


_ORDERS: dict[str, Callable[[CauseLine], tuple[Any, ...]]] = {
    "urgency": _by_urgency,
    "failures": lambda line: (-line.failures, _by_urgency(line)),
    "tests": lambda line: (-len(line.tests), _by_urgency(line)),
    "price": lambda line: (-line.price.alone, -line.price.reruns, -(line.price.minutes or 0.0), _by_urgency(line)),
}
SORTS = tuple(_ORDERS)


def _grouped(singles: Iterable[CauseLine]) -> tuple[tuple[CauseLine, ...], ...]:
    """Tests that say the same stand together, in the order of the first of each group."""
    groups: dict[str, list[CauseLine]] = {}
    for line in singles:
        groups.setdefault(line.signature.hash if line.signature else line.id, []).append(line)
    return tuple(tuple(group) for group in groups.values())


def _state(finding: TestFinding | None) -> CauseState:
    if finding is None:
        return CauseState.OVER
    if finding.state is TestState.FLAKY:
        return CauseState.HEALING if finding.healing else CauseState.FLAKY
    return {TestState.BROKEN: CauseState.BROKEN, TestState.UNSURE: CauseState.UNSURE}.get(
        finding.state, CauseState.OVER
    )
