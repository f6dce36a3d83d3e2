"""The document of `triage`: every failure of one run explained. Frozen types, no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.facts import RunKey
    from flakelens.model import Event, Problem, TestId
    from flakelens.reproduce import Command
    from flakelens.stats.signatures import Signature
    from flakelens.stats.triage import TriageVerdict


class TriagedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run that was looked at, and what it is compared with."""

    key: RunKey
    commit: str  # "" where unknown
    branch: str
    base_branch: str  # of a pull request, else ""
    event: Event
    started_at: datetime
    url: str
    why_not: str  # why it does not count for the gated branch, "" when it does
    gated: str  # the gated branch
    before: int  # runs of the gated branch before it
    after: int  # runs of the gated branch after it


class TriagedTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test that failed in the run, or failed and then passed."""

    id: TestId  # canonical
    reported: TestId  # as its newest report wrote it
    area: str
    owner: str  # as CODEOWNERS writes them; "" for none
    verdict: TriageVerdict
    dismissed: bool  # by what is known of it, or because it is in quarantine
    quarantined: bool
    kept: str  # why it is not dismissed though it looks harmless: "ai", "signature", "chance"; else ""
    explained: bool  # dismissed, or already broken on the gated branch: it causes no exit code 10
    probabilities: tuple[float, ...]  # in the order of stats.triage.CAUSES, sums to 1
    message: str | None  # of its first failed attempt; None where the report says nothing
    headline: str  # what is wrong in one line; "" likewise
    signature: Signature | None  # None likewise
    seen_before: bool  # an earlier failure of this test or its cluster said the same
    because: tuple[str, ...]  # the evidence in words, weightiest first. Never empty
    runs: int  # earlier results on the gated branch, confirmed outages left out
    failures: int  # of these
    flaky_runs: int  # of these
    since: RunKey | None  # where an ongoing break began
    since_commit: str
    place: str  # its file with as many folders as anything names; absolute where only a stack trace does; or ""
    line: int | None  # of the file, where the message says so
    command: Command | None  # None: the tool's command line is not known
    reruns: int | None  # of its commit that settle it; 0: settled; None: more than is sensible
    rerun: bool  # worth a rerun


class TriageGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Failures with one verdict that say the same; all victims of an outage are one group."""

    verdict: TriageVerdict
    explained: bool
    signature: Signature | None  # that of most of its tests
    headline: str  # of one of these
    kinds: int  # different signatures in it
    tests: tuple[TriagedTest, ...]  # least certain first


class OutageNote(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the run as a whole."""

    state: Literal["confirmed", "suspected"]
    victims: int  # tests that newly failed
    executed: int
    rerun: str  # the command that runs the failed jobs again, "" where the provider's is not known


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the run that could not be read or loaded: tests in it may have failed, and nobody knows."""

    problem: Problem
    before: bool  # the newest run of the gated branch before it lost the same


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """A command that runs several tests again, and why."""

    tests: int
    command: str  # one line of POSIX shell
    whole_files: bool  # it runs their files whole: a pattern of all titles would be too long
    times: int  # how often at most until they are settled


class TriageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every failure of a run explained."""

    run: TriagedRun
    executed: int
    failures: tuple[TriagedTest, ...]
    flaky: tuple[TriagedTest, ...]  # failed, then passed
    groups: tuple[TriageGroup, ...]  # of the failures: what is not explained first
    outage: OutageNote | None
    lost: tuple[Lost, ...]
    new_tests: int  # tests that the gated branch never ran, of a run that does not count
    new_flaky: tuple[TestId, ...]  # of these: failed and passed on one commit
    reruns: tuple[Rerun, ...]
    settled: int  # failures that a rerun would not change
    notices: tuple[str, ...]

    @property
    def explained(self) -> bool:
        """Nothing here is new: exit code 0."""
        return all(test.explained for test in self.failures) and all(each.before for each in self.lost)
