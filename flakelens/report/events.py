"""The document of `events`: what happened to tests, run by run. Frozen types, no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.model import TestId
    from flakelens.report import RunPoint
    from flakelens.stats.changes import ChangeKind


class CommitRange(msgspec.Struct, frozen=True, kw_only=True):
    """Where a change of the code lies that broke or repaired tests: after `first`, with `last` at the latest."""

    first: RunPoint  # the last run before, of the other kind
    last: RunPoint
    untested: int  # commits between them that the gated branch ran, without a result that counts of the test

    @property
    def text(self) -> str:
        """ "a..b" for `git log` and `git bisect`; "" where a commit is unknown."""
        return f"{self.first.commit}..{self.last.commit}" if self.first.commit and self.last.commit else ""


class TestEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to one test on the gated branch."""

    __test__ = False

    kind: ChangeKind
    id: TestId  # canonical
    area: str
    focuses: tuple[str, ...]
    at: RunPoint  # where it happened
    known: RunPoint  # from this run on it could be said: for a break the second failing one
    before: RunPoint | None  # the last run of the other kind: last pass, failure, flake, result, execution
    range: CommitRange | None  # of regressed, fixed and failed; None: the other end is not known
    until: RunPoint | None  # where it ended
    lasting: bool  # regressed or flaky, and it is so now
    size: int  # failing results; clean ones since (fixed, healed) or before (flaky); runs without it; skipped ones
    old: TestId | None = None  # of a renamed one: what it was called
    new: TestId | None = None


class EventGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one kind on one commit: what happened together."""

    kind: ChangeKind
    at: RunPoint  # the first of their runs
    range: CommitRange | None  # the narrowest of its events: what broke together has one cause, as a rule
    events: tuple[TestEvent, ...]  # by test

    @property
    def files(self) -> int:
        """Files in which the tests stand; tests without a known file count as one file."""
        return len({event.id.file for event in self.events})


class EventsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, newest first."""

    branch: str
    runs: int  # that count for the branch, looked at
    first: RunPoint | None  # the oldest of them
    since: datetime | None  # None: from the first run looked at
    groups: tuple[EventGroup, ...]
    matching: int  # groups, before the limit
    events: int  # in these
