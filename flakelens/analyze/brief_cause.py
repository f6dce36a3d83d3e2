"""What helps to repair a cause that several tests share: since when, how they fail, how often, and how to see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

import numpy as np

from flakelens.analyze.because import Case
from flakelens.analyze.began import began_at, flaked_first
from flakelens.analyze.brief import brief_of, repeats
from flakelens.analyze.causes import Causes
from flakelens.analyze.evidence import load
from flakelens.analyze.failing_lines import failing_lines, source_lines
from flakelens.analyze.said import Saying
from flakelens.analyze.show import found_at
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import Bools
from flakelens.history import Run
from flakelens.messages import headline
from flakelens.model import Outcome, RetryEvidence, TestId
from flakelens.outcomes import was_executed
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.report import FailureGroup
from flakelens.report.brief import Began, BriefReport, CauseBrief, CauseFailure, GroupRun, Line
from flakelens.report.causes import CauseState
from flakelens.reproduce import command_of_group
from flakelens.stats.clusters import Cluster
from flakelens.stats.signatures import signature_of
from flakelens.stats.states import TestState
from flakelens.stats.verification import clean_runs_to_verify
from flakelens.store import Store

_MOST_LINES = 10
_MOST_ASKED = 8  # tests that are asked for a commit range to bisect


def cause_brief(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    cause: str,
    owners: Owners = NOBODY,
) -> CauseBrief | BriefReport | None:
    """The brief of the cause with this id; that of its test where it has one alone, and None for an unknown id."""
    causes = Causes(
        evidence=load(store, policy, decisions, as_of=as_of, any_branch=True, owners=owners).evidence, store=store
    )
    found = _named(causes, cause)
    if found is None:
        return None
    if len(found.tests) == 1:
        return _brief_of(causes, int(found.tests[0]))
    return _Briefed(causes, found).report()


def telling_test(
    store: Store | None, policy: Policy, decisions: Decisions, *, as_of: datetime, cause: str
) -> BriefReport | None:
    """The brief of the test of a cause that is best bisected: of those with a commit range and a command the one that
    fails most. Where none has both, that of the test that fails most. None for an unknown id.
    """
    causes = Causes(evidence=load(store, policy, decisions, as_of=as_of, any_branch=True).evidence, store=store)
    found = _named(causes, cause)
    if found is None:
        return None
    counts = causes.failing[found.tests].sum(axis=1)
    order = found.tests[np.argsort(-counts, kind="stable")].tolist()[:_MOST_ASKED]
    briefs = [_brief_of(causes, test) for test in order]
    usable = [each for each in briefs if each.began and each.began.range and each.command and each.rate]
    return max(usable, key=lambda each: each.rate or 0.0, default=briefs[0])


def unknown_cause(cause: str) -> UsageError:
    """What is said of an id that no cause has now."""
    return UsageError(
        f"There is no cause {cause!r} now.",
        mend="flakelens causes --over lists them with their ids; an id changes with the first test of its cause.",
    )


def _named(causes: Causes, name: str) -> Cluster | None:
    return next((cause for cause in causes.found if causes.id_of(cause) == name), None)


def _brief_of(causes: Causes, test: int) -> BriefReport:
    canonical = causes.evidence.history.tests[test].id
    keys = causes.evidence.history.names.ids
    facts = causes.store.read(branch="", last=0).tests if causes.store else ()
    forms = [(fact.key, fact.id) for fact in facts if keys.get(fact.key) == canonical]
    return brief_of(causes.store, found_at(causes.evidence, test, forms))


class _Briefed:
    """One cause, looked at run by run. Positions are those of the counting runs."""

    def __init__(self, causes: Causes, cause: Cluster) -> None:
        self._causes = causes
        self._cause = cause
        self._history = causes.evidence.history
        self._state = causes.state(cause)
        rows = causes.outcomes[cause.tests]
        failing = causes.failing[cause.tests]
        self._hit: Bools = np.any(failing, axis=0)
        self._ran: Bools = np.any(was_executed(rows), axis=0) & ~causes.left_out
        self._only_flaked: Bools = self._hit & ~np.any(rows == Outcome.FAILED, axis=0)
        self._several = int((failing.sum(axis=0) > 1).sum())

    def report(self) -> CauseBrief:
        """All about it."""
        first = self._first()
        failing, tried = self._chances(first) if first is not None else (0, 0)
        rate = failing / tried if failing else None
        return CauseBrief(
            cause=self._causes.lines([self._cause])[0],
            branch=self._history.branch,
            runs=len(self._causes.evidence.counting),
            several=self._several,
            failing=failing,
            tried=tried,
            rate=rate,
            repeats=None if rate is None else repeats(rate),
            hidden=bool((self._ran & self._hides).any()),
            began=None if first is None or rate is None else self._began(first, rate),
            failures=self._failures(),
            commands=tuple(self._commands()),
            clean_needed=self._clean_needed(failing, tried),
        )

    def _run(self, position: int) -> Run:
        return self._history.runs[self._causes.evidence.counting[position]]

    def _cases(self) -> Iterator[Case]:
        evidence = self._causes.evidence
        for test in self._cause.tests.tolist():
            scope = evidence.scope(evidence.areas.names[int(evidence.areas.index[test])])
            place = int(np.flatnonzero(scope.view.tests == test)[0])
            yield Case(evidence=evidence, scope=scope, place=place, finding=scope.findings[place])

    def _first(self) -> int | None:
        """The first run of the present trouble; None for a cause that is over."""
        if self._state is CauseState.OVER:
            return None
        wanted = TestState.BROKEN if self._state is CauseState.BROKEN else TestState.FLAKY
        place = {run: position for position, run in enumerate(self._causes.evidence.counting)}
        firsts = [
            place[int(case.scope.view.runs[case.finding.since])]
            for case in self._cases()
            if case.finding.state is wanted and case.finding.since is not None
        ]
        hits = np.flatnonzero(self._hit)
        return min(firsts) if firsts else int(hits[0])

    def _inside(self, first: int) -> Bools:
        """Runs that speak of the present trouble; a lasting break is another matter than a flake."""
        inside = self._ran.copy()
        inside[:first] = False
        if self._state is not CauseState.BROKEN:
            inside &= ~self._causes.spells[self._cause.tests].any(axis=0)
        if self._state is CauseState.HEALING:
            inside[int(np.flatnonzero(self._hit)[-1]) + 1 :] = False  # these runs are the repair's
        return inside

    def _chances(self, first: int) -> tuple[int, int]:
        inside = self._inside(first)
        return int((inside & self._hit).sum()), int(inside.sum())

    def _began(self, first: int, rate: float) -> Began | None:
        if self._state is CauseState.BROKEN:
            found = [began_at(case, 1.0) for case in self._cases() if case.finding.state is TestState.BROKEN]
            known = [began for began in found if began is not None]
            start = min(began.bad.started_at for began in known)
            # Of the tests that broke first the one that was seen passing last: its range is the narrowest.
            return max(
                (began for began in known if began.bad.started_at == start),
                key=lambda began: (began.good is not None, began.good.started_at if began.good else start),
            )
        clean = self._ran & ~self._hit & ~self._causes.spells[self._cause.tests].any(axis=0)
        clean[first:] = False
        if self._only_flaked[first]:
            clean &= ~self._hides  # a report that hides retries would not have shown a flake like this
        return flaked_first(self._run(first), [self._run(at) for at in np.flatnonzero(clean).tolist()], rate)

    @cached_property
    def _hides(self) -> Bools:
        """Runs with a report of one of the tests that does not show failed first attempts."""
        hides = np.zeros(len(self._hit), np.bool_)
        shows = (RetryEvidence.RECORDED, RetryEvidence.NONE)
        for position in range(len(hides)):
            hides[position] = any(
                report.evidence not in shows and not report.stale and np.isin(self._cause.tests, report.tests).any()
                for report in self._run(position).reports
            )
        return hides

    def _clean_needed(self, failing: int, tried: int) -> int | None:
        if self._state is CauseState.BROKEN:
            spells = [case.finding.spells for case in self._cases() if case.finding.state is TestState.BROKEN]
            return max((own[-1].needed for own in spells if own), default=None)
        return clean_runs_to_verify(failing, tried) if failing else None

    def _failures(self) -> tuple[CauseFailure, ...]:
        groups: dict[str, list[Saying]] = {}
        for said in self._causes.said.of(self._cause):
            groups.setdefault(signature_of(said.message.text, said.message.type).hash, []).append(said)
        found = [self._failure(group) for group in groups.values()]
        return tuple(sorted(found, key=lambda failure: -failure.group.count))

    def _failure(self, group: list[Saying]) -> CauseFailure:
        newest = group[0].message
        counts = Counter(said.test for said in group)
        lines: dict[tuple[str, int], Line] = {}
        shared: Counter[Line] = Counter()
        for said in group:
            file = self._file(said.test)
            for line in failing_lines(said.message.text, file):
                lines.setdefault((line.file, line.line), line)
            shared.update(source_lines(said.message.text, file))
        said_by = sorted(counts, key=lambda test: (-counts[test], self._id(test)))
        return CauseFailure(
            headline=headline(newest.text) or newest.type or "no message",
            category=signature_of(newest.text, newest.type).category,
            group=FailureGroup(
                first_line=headline(newest.text) or newest.type or "no message",
                text=newest.text,
                count=len(group),
                runs=len({said.run for said in group}),
                first=self._run(group[-1].run).key,
                last=self._run(group[0].run).key,
            ),
            tests=tuple(self._id(test) for test in said_by),
            lines=tuple(lines.values())[:_MOST_LINES],
            shared=tuple(line for line, count in shared.most_common(_MOST_LINES) if count * 2 > len(group)),
        )

    def _id(self, test: int) -> TestId:
        return self._history.tests[test].id

    def _file(self, test: int) -> str:
        row = self._history.tests[test]
        return row.id.file or row.reported.file or row.title_file or row.stack_file

    def _commands(self) -> Iterator[GroupRun]:
        """One command per tool and project, for those tests that are not gone."""
        groups: dict[tuple[str, str], list[int]] = {}
        gone = {case.position for case in self._cases() if case.finding.state is TestState.GONE}
        for test in self._cause.tests.tolist():
            if test not in gone:
                groups.setdefault((self._history.tests[test].producer, self._id(test).variant), []).append(test)
        for (producer, variant), tests in groups.items():
            command = command_of_group(
                producer,
                [(self._file(test), self._history.tests[test].reported.name) for test in tests],
                variant=variant,
                separators=self._causes.evidence.policy.title_separators,
            )
            if command is not None:
                yield GroupRun(variant=variant, tests=len(tests), command=command)
