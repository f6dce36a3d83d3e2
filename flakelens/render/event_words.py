"""What happened to tests, in words: one place for the terminal, the report and whoever else tells it."""

from __future__ import annotations

from collections.abc import Iterable

from flakelens.gate.criterion import count_of
from flakelens.render.safe import one_line
from flakelens.render.terminal import BAD, DOUBT, GOOD, NAME, QUIET
from flakelens.report import RunPoint
from flakelens.report.events import CommitRange, EventGroup, TestEvent
from flakelens.stats.changes import ChangeKind

# The word, its style, and the mark under a strip.
WORDS = {
    ChangeKind.REGRESSED: ("regressed", BAD, "↓"),
    ChangeKind.FIXED: ("fixed", GOOD, "↑"),
    ChangeKind.FLAKY: ("became flaky", DOUBT, "f"),
    ChangeKind.HEALED: ("healed", GOOD, "h"),
    ChangeKind.FAILED: ("failed", DOUBT, "!"),
    ChangeKind.GONE: ("gone", QUIET, "g"),
    ChangeKind.BACK: ("came back", NAME, "b"),
    ChangeKind.NEW: ("new", NAME, "n"),
    ChangeKind.RENAMED: ("renamed", NAME, "r"),
    ChangeKind.SKIPPED: ("skipped from then on", QUIET, "k"),
    ChangeKind.UNSKIPPED: ("no longer skipped", NAME, "u"),
}


_TOGETHER = frozenset({ChangeKind.REGRESSED, ChangeKind.FIXED})


def run_name(point: RunPoint) -> str:
    """ "run 41 (abc1234)"; without the commit where it is unknown."""
    commit = f" ({one_line(point.commit[:7])})" if point.commit else ""
    return f"run {one_line(point.run.run)}{commit}"


def range_text(span: CommitRange) -> str:
    """ "range a..b" with a word about what is not known or was not run."""
    if not span.text:
        unknown = " and ".join(
            f"run {one_line(point.run.run)}" for point in (span.first, span.last) if not point.commit
        )
        return f"range unknown: the commit of {unknown} is"
    short = f"range {one_line(span.first.commit[:7])}..{one_line(span.last.commit[:7])}"
    if not span.untested:
        return short
    return f"{short}, in which {count_of(span.untested, 'commit')} had no result"


def details(events: Iterable[TestEvent]) -> tuple[str, ...]:
    """What is known besides kind, test and run, in phrases; of several events what holds for all of them."""
    together = tuple(events)
    said = [_DETAILS[event.kind](event) for event in together]
    shared = [phrase for phrase in said[0] if all(phrase in others for others in said)]
    if len(together) > 1:
        shared += _ended(together)
    return tuple(shared)


def _ended(events: tuple[TestEvent, ...]) -> list[str]:
    """How many of several have ended, where that is not the same for all."""
    word = {ChangeKind.REGRESSED: "fixed", ChangeKind.FLAKY: "healed", ChangeKind.GONE: "back"}.get(events[0].kind)
    ended = sum(event.until is not None for event in events)
    runs = {event.until.run for event in events if event.until}
    if word is None or not ended or (ended == len(events) and len(runs) == 1):
        return []
    return [f"{ended} of {len(events)} {word} since"]


def group_details(group: EventGroup) -> tuple[str, ...]:
    """The phrases of a group: its range first, then what holds for all of its events."""
    if not group.range:
        return details(group.events)
    own = {range_text(event.range) for event in group.events if event.range}
    wider = sum(event.range is None or event.range.first.run != group.range.first.run for event in group.events)
    said = [range_text(group.range), *([f"wider for {wider} of them"] if wider else [])]
    return (*said, *(phrase for phrase in details(group.events) if phrase not in own))


def headline(group: EventGroup) -> str:
    """ "6 tests of 2 files regressed together"; the file by name where it is one. For groups of several tests."""
    first, size = group.events[0].id.file, len(group.events)
    where = one_line(first) if group.files == 1 and first else count_of(group.files, "file")
    if group.kind is ChangeKind.NEW:
        return f"{size} new tests of {where}"
    together = " together" if group.kind in _TOGETHER else ""
    return f"{size} tests of {where} {WORDS[group.kind][0]}{together}"


def _regressed(event: TestEvent) -> list[str]:
    said = [range_text(event.range) if event.range else "it never passed before"]
    return [*said, *_end(event, "fixed in", "broken still")]


def _end(event: TestEvent, ended: str, lasts: str) -> list[str]:
    if event.until:
        return [f"{ended} {run_name(event.until)}"]
    return [lasts] if event.lasting else []


def _fixed(event: TestEvent) -> list[str]:
    return [*_range(event), f"{count_of(event.size, 'clean result')} since"]


def _flaky(event: TestEvent) -> list[str]:
    before = f"{count_of(event.size, 'clean result')} before" if event.size else "no clean result before"
    return [before, *_end(event, "healed in", "flaky still")]


def _healed(event: TestEvent) -> list[str]:
    last = f" in {run_name(event.before)}" if event.before else ""
    return [f"{count_of(event.size, 'clean result')} since its last flake{last}"]


def _failed(event: TestEvent) -> list[str]:
    times = "a single failure" if event.size == 1 else f"{count_of(event.size, 'failing run')} on end"
    if event.until:
        return [times, *_range(event), f"passed again in {run_name(event.until)}"]
    return [times, *_range(event), "not known yet whether flaky or broken: one rerun on the commit would tell"]


def _gone(event: TestEvent) -> list[str]:
    last = [f"its last result is that of {run_name(event.before)}"] if event.before else []
    return [*last, *([f"back in {run_name(event.until)}"] if event.until else [])]


def _back(event: TestEvent) -> list[str]:
    return [f"after {count_of(event.size, 'run')} without it"]


def _renamed(event: TestEvent) -> list[str]:
    old, new = event.old, event.new
    if old is None or new is None:
        return []
    if old.file != new.file and old.name == new.name:
        return [f"{one_line(old.file) or 'a report without paths'} -> {one_line(new.file) or 'a report without paths'}"]
    return [f"it was {one_line(old.name)}"]


def _skipped(event: TestEvent) -> list[str]:
    before = f"executed last in {run_name(event.before)}" if event.before else "never executed"
    return [
        before,
        f"executed again in {run_name(event.until)}" if event.until else count_of(event.size, "skipped result"),
    ]


def _unskipped(event: TestEvent) -> list[str]:
    return [f"after {count_of(event.size, 'skipped result')}"]


def _range(event: TestEvent) -> list[str]:
    return [range_text(event.range)] if event.range else []


_DETAILS = {
    ChangeKind.REGRESSED: _regressed,
    ChangeKind.FIXED: _fixed,
    ChangeKind.FLAKY: _flaky,
    ChangeKind.HEALED: _healed,
    ChangeKind.FAILED: _failed,
    ChangeKind.GONE: _gone,
    ChangeKind.BACK: _back,
    ChangeKind.NEW: lambda _: [],
    ChangeKind.RENAMED: _renamed,
    ChangeKind.SKIPPED: _skipped,
    ChangeKind.UNSKIPPED: _unskipped,
}
