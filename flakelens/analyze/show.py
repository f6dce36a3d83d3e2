"""One test: found by any of its names, its history run by run, the evidence, and what its failures said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from flakelens.analyze.because import Case, because
from flakelens.analyze.course import course_of
from flakelens.analyze.durations import duration_line
from flakelens.analyze.events import area_events
from flakelens.analyze.evidence import load
from flakelens.analyze.filters import EVERY_TEST, Filter
from flakelens.analyze.price import price
from flakelens.analyze.tests import CausesOf, area_lines
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import RunKey
from flakelens.gate.evidence import Evidence
from flakelens.history import Run
from flakelens.identity import SEPARATORS, canonical_name
from flakelens.masks import mask
from flakelens.model import Outcome, RetryEvidence, TestId
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.render.safe import one_line
from flakelens.report import FailureGroup, RunCell, ShowReport, TestLine
from flakelens.store import Store, StoredMessage

_MOST_LISTED = 10
_COMMON = 2  # failing runs from which on a test can be seen to fail with others
_MESSAGES = 200  # newest messages of each reported form that are looked at
_LEAST_FIRST = (RetryEvidence.UNKNOWN, RetryEvidence.HIDDEN, RetryEvidence.RECORDED, RetryEvidence.NONE)


def show_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    test: str,
    asked: Filter = EVERY_TEST,
    owners: Owners = NOBODY,
    causes_of: CausesOf | None = None,
) -> ShowReport:
    """The test that `test` names: canonical or reported, alone or as "file > name", or a part that only it contains,
    among those that `asked` leaves.

    `causes_of` is called when the test failed often enough to have a cause with others. Raises UsageError when none or
    several fit; several are listed.
    """
    found = look_up(store, policy, decisions, as_of=as_of, test=test, asked=asked, owners=owners)
    return page_of(store, with_cause(found, causes_of) if causes_of else found)


class Found(NamedTuple):
    """A test that was asked for: where it stands, its line, and every form in which reports wrote it."""

    case: Case
    line: TestLine
    forms: list[tuple[int, TestId]]  # with its key in the store

    @property
    def names(self) -> tuple[TestId, ...]:
        """The forms, oldest first, each once."""
        return tuple(dict.fromkeys(form for _, form in sorted(self.forms)))


def look_up(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    test: str,
    asked: Filter = EVERY_TEST,
    owners: Owners = NOBODY,
) -> Found:
    """The one test that `test` names, as for `show_report`. Raises UsageError."""
    evidence = load(store, policy, decisions, as_of=as_of, any_branch=True, owners=owners).evidence
    return locate(store, evidence, test, asked)


def with_cause(found: Found, causes_of: CausesOf) -> Found:
    """The same, with the cause of a test that failed twice or more."""
    line = found.line
    if line.failures + line.flaky_runs < _COMMON:
        return found
    cause = causes_of(found.case.evidence).get(found.case.position)
    return found._replace(line=replace(line, cause=cause))


def locate(store: Store | None, evidence: Evidence, test: str, asked: Filter = EVERY_TEST) -> Found:
    """The test that `test` names. Raises UsageError when none or several fit; several are listed."""
    forms = _forms(store, evidence)
    if asked.checked(evidence):
        left = {row.id for place, row in enumerate(evidence.history.tests) if asked.holds(evidence, place)}
        forms = {test: known for test, known in forms.items() if test in left}
    found = find(test, forms, evidence.policy.title_separators or SEPARATORS)
    position = [row.id for row in evidence.history.tests].index(found)
    return found_at(evidence, position, forms[found])


def found_at(evidence: Evidence, position: int, forms: list[tuple[int, TestId]]) -> Found:
    """The test at a position of `History.tests`, with the forms in which reports wrote it."""
    area = evidence.areas.names[int(evidence.areas.index[position])]
    line = area_lines(evidence, area)[position]
    scope = evidence.scope(area)
    place = int(np.flatnonzero(scope.view.tests == position)[0])
    case = Case(evidence=evidence, scope=scope, place=place, finding=line.finding)
    return Found(case, line, forms)


def page_of(store: Store | None, found: Found) -> ShowReport:
    """All about a test that was looked up."""
    case = found.case
    return ShowReport(
        line=found.line,
        cells=tuple(cells(case)),
        because=because(case),
        price=price(store, case.evidence, [found.line.id]),
        messages=grouped(store, case.evidence, found.line.id, lambda message: mask(first_line(message))),
        names=found.names,
        events=tuple(event for event in area_events(case.evidence, found.line.area) if event.id == found.line.id),
        duration=duration_line(store, case.evidence, case.position) if store else None,
    )


def _forms(store: Store | None, evidence: Evidence) -> dict[TestId, list[tuple[int, TestId]]]:
    """Every reported form of each test of the history, with its key in the store."""
    forms: dict[TestId, list[tuple[int, TestId]]] = {row.id: [] for row in evidence.history.tests}
    if store is None:
        return forms
    for fact in store.read(branch="", last=0).tests:
        canonical = evidence.history.names.ids.get(fact.key)
        if canonical in forms:
            forms[canonical].append((fact.key, fact.id))
    return forms


def find(text: str, forms: dict[TestId, list[tuple[int, TestId]]], separators: Iterable[str]) -> TestId:
    """The one test that `text` means: by canonical id, by a reported form, by a part of the title, by a part of both.

    Raises UsageError for none, an empty text and several, naming up to 10 of them as they can be typed.
    """
    separators = tuple(separators)
    asked = canonical_name(text, separators)
    if not asked:
        raise UsageError("Which test?", mend="Name it, or a part of its title; flakelens tests lists them.")
    own = {canonical: _canonical_spellings([canonical], separators) for canonical in forms}
    reported = {
        canonical: _canonical_spellings([form for _, form in known], separators) for canonical, known in forms.items()
    }
    part = asked.casefold()
    found = (
        [canonical for canonical, known in own.items() if asked in known]
        or [canonical for canonical, known in reported.items() if asked in known]
        or [test for test in forms if part in one_line(test.name).casefold()]
        or [test for test in forms if any(part in one.casefold() for one in own[test] | reported[test])]
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"No test matches {text!r}.", mend="flakelens tests lists them; a part of a title is enough.")
    listed = "".join(f"\n    {one_line(typed(canonical))}" for canonical in sorted(found)[:_MOST_LISTED])
    more = f"\n    and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    raise UsageError(f"{len(found)} tests match {text!r}:{listed}{more}", mend="Name one of them, as written here.")


def _canonical_spellings(forms: Iterable[TestId], separators: tuple[str, ...]) -> set[str]:
    """Every spelling folded, as reported and as `show` prints it (colours removed)."""
    plainly = {spelling for form in forms for spelling in spellings(form)}
    return {canonical_name(text, separators) for spelling in plainly for text in (spelling, one_line(spelling))}


def typed(test: TestId) -> str:
    """A test as `show` takes it: "file > name [variant]", what is empty left out."""
    return spellings(test)[0]


def spellings(test: TestId) -> tuple[str, ...]:
    """Every way in which a command takes a test, the fullest first."""
    variant = f" [{test.variant}]" if test.variant else ""
    file = f"{test.file} > " if test.file else ""
    return tuple(
        dict.fromkeys((f"{file}{test.name}{variant}", f"{file}{test.name}", f"{test.name}{variant}", test.name))
    )


def cells(case: Case) -> Iterable[RunCell]:
    """The runs of its area and the others that had a result of it, in the order of the history."""
    history = case.evidence.history
    chances = course_of(case)
    of_area = {int(run): place for place, run in enumerate(case.scope.view.runs)}
    for position, run in enumerate(history.runs):
        outcome = Outcome(int(history.outcomes[case.position, position]))
        partial = bool(outcome != history.whole[case.position, position])
        if position in of_area or outcome is not Outcome.NONE:
            place = of_area.get(position)
            yield RunCell(
                run=run.key,
                commit=run.commit,
                started_at=run.started_at,
                counts=run.counts,
                why_not=run.why_not,
                outcome=outcome,
                outage=place is not None and bool(case.scope.outage[place]),
                partial=partial,
                evidence=_evidence(run, case.position),
                chances=chances.get(position),
            )


def _evidence(run: Run, test: int) -> RetryEvidence | None:
    there = {report.evidence for report in run.reports if not report.stale and (report.tests == test).any()}
    return next((evidence for evidence in _LEAST_FIRST if evidence in there), None)


def grouped(
    store: Store | None, evidence: Evidence, test: TestId, key: Callable[[StoredMessage], str]
) -> tuple[FailureGroup, ...]:
    """Failed attempts whose messages have one `key`, the newest group first."""
    if store is None:
        return ()
    runs = {report.key: (run, place) for place, run in enumerate(evidence.history.runs) for report in run.reports}
    forms = [form for form, canonical in evidence.history.names.ids.items() if canonical == test]
    said: list[tuple[int, RunKey, StoredMessage]] = []
    for form in forms:
        for message in store.messages_of_test(form, limit=_MESSAGES):
            if message.report in runs:
                run, place = runs[message.report]
                said.append((place, run.key, message))
    said.sort(key=lambda entry: (-entry[0], entry[2].report, entry[2].attempt))
    groups: dict[str, list[tuple[int, RunKey, StoredMessage]]] = {}
    for entry in said:
        groups.setdefault(key(entry[2]), []).append(entry)
    return tuple(
        FailureGroup(
            first_line=first_line(group[0][2]),
            text=group[0][2].text,
            count=len(group),
            runs=len({run for _, run, _ in group}),
            first=group[-1][1],
            last=group[0][1],
        )
        for group in groups.values()
    )


def first_line(message: StoredMessage) -> str:
    """The first line that says something; the failure's type where there is none."""
    return next((line.strip() for line in message.text.splitlines() if line.strip()), message.type or "no message")
