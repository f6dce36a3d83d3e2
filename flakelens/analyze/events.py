"""What happened to the tests, run by run: the evidence's changes with their runs, commits and ranges."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from flakelens.analyze.began import point_of
from flakelens.analyze.evidence import load
from flakelens.analyze.filters import known_names
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.expected import window_start
from flakelens.gate.criterion import Scope
from flakelens.gate.evidence import Evidence
from flakelens.outcomes import was_executed
from flakelens.policy import UNASSIGNED, Policy
from flakelens.report import RunPoint
from flakelens.report.events import CommitRange, EventGroup, EventsReport, TestEvent
from flakelens.stats.changes import Change, ChangeKind, Surroundings, find_changes
from flakelens.stats.fitting import WINDOW_RUNS
from flakelens.stats.states import TestState
from flakelens.store import Store

KINDS = tuple(str(kind) for kind in ChangeKind)
_RANGED = frozenset({ChangeKind.REGRESSED, ChangeKind.FIXED, ChangeKind.FAILED})
_LASTING = {ChangeKind.REGRESSED: TestState.BROKEN, ChangeKind.FLAKY: TestState.FLAKY}
_ORDER = {kind: place for place, kind in enumerate(ChangeKind)}
_LEAST_DIGITS = 4  # of a commit


def events_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    area: Collection[str] = (),
    focus: Collection[str] = (),
    kind: Collection[str] = (),
    since: str = "",
    limit: int | None = None,
) -> EventsReport:
    """What happened in the newest 300 runs of the gated branch, newest first, narrowed to some areas, focuses, kinds.

    `since` is a date or time, a run, a commit or "7d"; `limit` counts groups, None: all. Raises UsageError for a name
    that does not exist.
    """
    known_names(area, (*policy.area_names(), UNASSIGNED), "area")
    known_names(focus, tuple(dict.fromkeys(rule.name for rule in policy.focuses)), "focus")
    known_names(kind, KINDS, "kind of event")
    evidence = load(store, policy, decisions, as_of=as_of).evidence
    moment = since_moment(evidence, since) if since else None
    matching = [
        event
        for event in events_between(evidence, moment)
        if (not area or event.area in area)
        and (not focus or not set(focus).isdisjoint(event.focuses))
        and (not kind or str(event.kind) in kind)
    ]
    groups = grouped_events(evidence, matching)
    runs = evidence.counting
    return EventsReport(
        branch=evidence.history.branch,
        runs=len(runs),
        first=point_of(evidence.history.runs[runs[0]]) if runs else None,
        since=moment,
        groups=groups if limit is None else groups[:limit],
        matching=len(groups),
        events=len(matching),
    )


def events_between(evidence: Evidence, since: datetime | None) -> tuple[TestEvent, ...]:
    """What can be said since a moment and could not be said before, up to `evidence.as_of`; None: all. By test."""
    events = [event for area in evidence.areas.names for event in area_events(evidence, area)]
    return tuple(event for event in events if since is None or event.known.started_at >= since)


def area_events(evidence: Evidence, area: str) -> tuple[TestEvent, ...]:
    """All that happened to the tests of one area in the runs of the evidence, by test, oldest first."""
    scope = evidence.scope(area)
    view = scope.view
    reach = len(view.runs)
    around = Surroundings(
        commits=view.commits,
        outage=scope.outage,
        complete=view.complete,
        starts=np.fromiter((window_start(view.commits, run) for run in range(reach + 1)), np.int64, reach + 1),
        cut=len(evidence.counting) >= WINDOW_RUNS,
        moved=np.isin(view.tests, list(evidence.moved)),
        heirs=np.isin(view.tests, list(evidence.moved.values())),
    )
    found = [
        (place, _order(change.kind, change.at), _event(evidence, scope, place, change))
        for place, change in find_changes(view.outcomes, scope.findings, around)
    ]
    places = {int(test): place for place, test in enumerate(view.tests)}
    runs = {int(run): place for place, run in enumerate(view.runs)}
    found += [
        (places[test], _order(event.kind, runs.get(run, reach)), event)
        for test, run, event in _renames(evidence)
        if test in places
    ]
    return tuple(event for _, _, event in sorted(found, key=lambda entry: entry[:2]))


def _order(kind: ChangeKind, run: int) -> tuple[int, int]:
    return run, _ORDER[kind]


def grouped_events(evidence: Evidence, events: Iterable[TestEvent]) -> tuple[EventGroup, ...]:
    """Events of one kind and commit together; the newest run first, what broke before what else happened."""
    position = {run.key: place for place, run in enumerate(evidence.history.runs)}
    commits = evidence.history.commits
    groups: dict[tuple[object, ...], list[TestEvent]] = {}
    for event in events:
        files = (event.old.file, event.new.file) if event.old and event.new else None
        groups.setdefault((int(commits[position[event.at.run]]), event.kind, files), []).append(event)
    found = [
        EventGroup(
            kind=together[0].kind,
            at=min((event.at for event in together), key=lambda at: position[at.run]),
            range=max(
                (event.range for event in together if event.range),
                key=lambda span: (position[span.first.run], -span.untested),
                default=None,
            ),
            events=tuple(sorted(together, key=lambda event: event.id)),
        )
        for together in groups.values()
    ]
    found.sort(key=lambda group: (-position[group.at.run], _ORDER[group.kind], -len(group.events), group.events[0].id))
    return tuple(found)


def _event(evidence: Evidence, scope: Scope, place: int, change: Change) -> TestEvent:
    runs = scope.view.runs
    test = int(scope.view.tests[place])

    def point(at: int | None) -> RunPoint | None:
        return None if at is None else point_of(evidence.history.runs[int(runs[at])])

    at = point_of(evidence.history.runs[int(runs[change.at])])
    before = point(change.before)
    span = None
    if before is not None and change.kind in _RANGED:
        between = evidence.history.commits[
            _untested(evidence, test, int(runs[change.before or 0]), int(runs[change.at]))
        ]
        span = CommitRange(first=before, last=at, untested=len(np.unique(between)))
    return TestEvent(
        kind=change.kind,
        id=scope.ids[place],
        area=scope.name,
        focuses=evidence.focuses[test],
        at=at,
        known=point_of(evidence.history.runs[int(runs[change.known])]),
        before=before,
        range=span,
        until=point(change.until),
        lasting=change.until is None and scope.findings[place].state is _LASTING.get(change.kind),
        size=change.size,
    )


def _untested(evidence: Evidence, test: int, first: int, last: int) -> Sequence[int]:
    """Counting runs between two, of other commits than theirs, in which the test was not executed, or in an outage."""
    history = evidence.history
    there = was_executed(history.whole[test])
    down = {evidence.counting[place] for place in np.flatnonzero(evidence.outages.confirmed)}
    ends = {int(history.commits[first]), int(history.commits[last])}
    between = [run for run in evidence.counting if first < run < last and int(history.commits[run]) not in ends]
    tested = {int(history.commits[run]) for run in between if there[run] and run not in down}
    return [run for run in between if int(history.commits[run]) not in tested]


def _renames(evidence: Evidence) -> Iterator[tuple[int, int, TestEvent]]:
    """Test and run (positions in the history) of what was renamed, by a person, by git, or by the look of it."""
    history = evidence.history
    place = {run.key: position for position, run in enumerate(history.runs)}
    tests = {test.id: position for position, test in enumerate(history.tests)}
    known = [(tests[one.test], place[one.run], one.old, one.new) for one in history.renames if one.test in tests]
    known += [
        (heir, evidence.moved_in[old], history.tests[old].id, history.tests[heir].id)
        for old, heir in evidence.moved.items()
    ]
    for test, run, old, new in known:
        point = point_of(history.runs[run])
        yield (
            test,
            run,
            TestEvent(
                kind=ChangeKind.RENAMED,
                id=history.tests[test].id,
                area=evidence.areas.names[int(evidence.areas.index[test])],
                focuses=evidence.focuses[test],
                at=point,
                known=point,
                before=None,
                range=None,
                until=None,
                lasting=False,
                size=0,
                old=old,
                new=new,
            ),
        )


def since_moment(evidence: Evidence, text: str) -> datetime:
    """The start of the run or commit that `text` names, the day or time it is, or "7d" before `as_of`.

    Raises UsageError for what is none of these.
    """
    runs = [evidence.history.runs[run] for run in evidence.counting]
    if named := [run for run in runs if run.key.run == text]:
        return named[-1].started_at
    if days := re.fullmatch(r"(\d{1,4})d", text):
        return evidence.as_of - timedelta(days=int(days[1]))
    wanted = text.lower()
    if len(wanted) >= _LEAST_DIGITS and re.fullmatch(r"[0-9a-f]+", wanted):
        meant = {run.commit: run.started_at for run in reversed(runs) if run.commit.lower().startswith(wanted)}
        if len(meant) > 1:
            raise UsageError(
                f"Several commits begin with {text}.", mend=f"Name more digits of one: {', '.join(sorted(meant)[:5])}."
            )
        if meant:
            return next(iter(meant.values()))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no run or commit of {evidence.history.branch} in the newest {len(runs)} runs, and no time.",
            mend="Write a run, a commit, a date such as 2026-11-20, or 7d for the last seven days.",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
