"""What makes tests fail: causes found from the runs they share, what they said, and where they strike."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from flakelens.analyze.evidence import load
from flakelens.analyze.striking import striking
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import Bools, Int8s
from flakelens.gate.evidence import Evidence
from flakelens.messages import headline
from flakelens.model import Outcome, TestId
from flakelens.outcomes import failed_first
from flakelens.policy import UNASSIGNED, Policy
from flakelens.report import CauseOf
from flakelens.report_causes import CauseLine, CausesReport, CauseState, CauseTest, FactorLine, SignatureLine
from flakelens.stats.clusters import Cluster, common_mode_runs, find_clusters
from flakelens.stats.signatures import signature_of
from flakelens.stats.states import TestFinding, TestState
from flakelens.store import Store, StoredMessage

_MESSAGES = 30  # newest failing runs of a test whose messages are read
_LISTED = (CauseState.BROKEN, CauseState.FLAKY, CauseState.UNSURE, CauseState.HEALING)
_URGENCY = {state: rank for rank, state in enumerate(CauseState)}


@dataclass(frozen=True, kw_only=True)
class Causes:
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
            )
            for place in order
        )
        runs = [history.runs[self.evidence.counting[run]].key for run in cause.runs.tolist()]
        outcomes = self.outcomes[cause.tests]
        return CauseLine(
            id=self.id_of(cause),
            state=self.state(cause),
            tests=tests,
            areas=tuple(dict.fromkeys(test.area for test in tests)),
            files=tuple(sorted({test.id.file for test in tests} - {""})),
            signature=self._signature(cause),
            factors=factors,
            runs=len(runs),
            failures=int(((outcomes == Outcome.FAILED) & rows).sum()),
            flaky=int(((outcomes == Outcome.FLAKY) & rows).sum()),
            first=runs[0],
            last=runs[-1],
        )

    @cached_property
    def _keys(self) -> dict[TestId, list[int]]:
        keys: dict[TestId, list[int]] = {}
        for key, canonical in self.evidence.history.names.ids.items():
            keys.setdefault(canonical, []).append(key)
        return keys

    def _signature(self, cause: Cluster) -> SignatureLine | None:
        """The signature of most failed results; each counts once, by the first thing that it said."""
        said = self._said(cause)
        if not said:
            return None
        signed = [(signature_of(message.text, message.type), message) for message in said]
        counts = Counter(signature.hash for signature, _ in signed)
        best = min(counts, key=lambda name: (-counts[name], name))
        signature, newest = next((sign, message) for sign, message in signed if sign.hash == best)
        return SignatureLine(
            hash=best,
            line=signature.line,
            example=headline(newest.text) or newest.type,
            category=signature.category,
            failures=counts[best],
            of=len(signed),
        )

    def _said(self, cause: Cluster) -> list[StoredMessage]:
        """The first message of each failed result, newest run first."""
        if self.store is None:
            return []
        pairs: list[tuple[int, int, int]] = []
        for test in cause.tests.tolist():
            keys = self._keys.get(self.evidence.history.tests[test].id, [])
            for column in np.flatnonzero(self.failing[test])[-_MESSAGES:].tolist():
                for report in self.evidence.history.runs[self.evidence.counting[column]].reports:
                    if not report.stale and (report.tests == test).any():
                        pairs += [(column, report.key, key) for key in keys]
        messages = self.store.messages([(report, key) for _, report, key in pairs])
        found = [(column, messages[report, key][0]) for column, report, key in pairs if (report, key) in messages]
        found.sort(key=lambda entry: -entry[0])
        return [message for _, message in found]


def causes_of_tests(evidence: Evidence) -> dict[int, CauseOf]:
    """The cause of each test that has one, by position in `History.tests`."""
    causes = Causes(evidence=evidence, store=None)
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
    area: Collection[str] = (),
    over: bool = False,
    limit: int | None = None,
) -> CausesReport:
    """The causes of the failures of the newest 300 runs; with tests of one of the areas, if any are named.

    `over`: also causes whose tests are stable again or gone. `limit` None: all; clusters come first. Raises UsageError
    for an area that does not exist.
    """
    known = (*policy.area_names(), UNASSIGNED)
    for name in area:
        if name not in known:
            raise UsageError(f"There is no area {name!r}.", mend=f"Known here: {', '.join(known)}.")
    evidence = load(store, policy, decisions, as_of=as_of).evidence
    causes = Causes(evidence=evidence, store=store)
    chosen = [cause for cause in causes.found if not area or _within(evidence, cause, area)]
    listed = [cause for cause in chosen if over or causes.state(cause) in _LISTED]
    # A single test that nobody can call flaky or broken yet is for `tests`; there it says "unsure".
    listed = [cause for cause in listed if len(cause.tests) > 1 or causes.state(cause) is not CauseState.UNSURE]
    lines = sorted(causes.lines(listed), key=_by_urgency)
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
        over=sum(causes.state(cause) is CauseState.OVER for cause in chosen) if not over else 0,
    )


def _within(evidence: Evidence, cause: Cluster, areas: Collection[str]) -> bool:
    return any(evidence.areas.names[int(evidence.areas.index[test])] in areas for test in cause.tests)


def _by_urgency(line: CauseLine) -> tuple[int, int, int, str]:
    """Over causes last, healing ones before them; else by the runs that they hit."""
    rank = 0 if line.state in (CauseState.BROKEN, CauseState.FLAKY, CauseState.UNSURE) else _URGENCY[line.state]
    return rank, -line.runs, -len(line.tests), line.id


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
