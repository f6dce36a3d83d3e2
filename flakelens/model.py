"""The words of the domain: attempts, cases, reports, runs. Plain frozen values, no I/O.

Everything that crosses a room's border on the way from bytes to verdict is made of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec


class Status(IntEnum):
    """How one attempt (one execution of one test) ended. The numbers are stored: never renumber."""

    PASSED = 1
    FAILED = 2
    ERRORED = 3
    SKIPPED = 4


class Outcome(IntEnum):
    """How a test ended in a run, after its retries. int8 in `history`; the numbers are stored: never renumber.

    FAILED covers both failed and errored; NONE is "no result", which is not a kind of passing.
    """

    NONE = 0
    PASSED = 1
    FLAKY = 2
    FAILED = 3
    SKIPPED = 4


class RetryEvidence(StrEnum):
    """What a report can tell about retries. See docs/retries.md."""

    RECORDED = "recorded"  # failed first attempts are in the file
    HIDDEN = "hidden"  # retries may happen, the file does not show them
    NONE = "none"  # retries are off: every attempt is a first attempt
    UNKNOWN = "unknown"


class Event(StrEnum):
    """What started a run. Only the first four can count for the gated branch."""

    PUSH = "push"
    SCHEDULE = "schedule"
    MERGE_QUEUE = "merge_queue"
    MANUAL = "manual"
    PULL_REQUEST = "pull_request"
    OTHER = "other"


class ProblemCode(StrEnum):
    """Survivable oddities. Each has a heading of the same name in docs/problems.md; a test demands it."""

    # of a source: files, archives, standard input
    NO_SUCH_FILE = "no-such-file"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    BAD_ARCHIVE = "bad-archive"
    UNSAFE_MEMBER = "unsafe-member"
    # of a document
    EMPTY_FILE = "empty-file"
    NOT_XML = "not-xml"
    NOT_JUNIT = "not-junit"
    DOCTYPE = "doctype"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    TOO_DEEP = "too-deep"
    WRONG_ENCODING = "wrong-encoding"
    ILLEGAL_CHARACTERS = "illegal-characters"
    EXTRA_TEXT = "extra-text"
    # of what a report says
    NO_TESTS = "no-tests"
    LOAD_FAILURE = "load-failure"
    COUNTS_DISAGREE = "counts-disagree"
    BAD_TIME = "bad-time"
    BAD_TIMESTAMP = "bad-timestamp"
    NO_NAME = "no-name"
    DUPLICATE_TITLE = "duplicate-title"
    SUITE_FAILURE = "suite-failure"
    PARTIAL_REPORT = "partial-report"
    # of a run
    REPEATED_REPORT = "repeated-report"
    BAD_RUN_JSON = "bad-run-json"
    UNKNOWN_BRANCH = "unknown-branch"
    CLOCK = "clock"
    START_UNKNOWN = "start-unknown"
    MISSING_SHARD = "missing-shard"


# Codes after which `ingest` says that not all was well (exit code 6): something was unreadable, salvaged, empty or
# failed to load. The others are remarks.
SERIOUS_CODES = frozenset(
    {
        ProblemCode.NO_SUCH_FILE,
        ProblemCode.UNREADABLE,
        ProblemCode.TOO_LARGE,
        ProblemCode.BAD_ARCHIVE,
        ProblemCode.UNSAFE_MEMBER,
        ProblemCode.EMPTY_FILE,
        ProblemCode.NOT_XML,
        ProblemCode.NOT_JUNIT,
        ProblemCode.DOCTYPE,
        ProblemCode.MALFORMED,
        ProblemCode.TRUNCATED,
        ProblemCode.TOO_DEEP,
        ProblemCode.NO_TESTS,
        ProblemCode.LOAD_FAILURE,
        ProblemCode.SUITE_FAILURE,
        ProblemCode.BAD_RUN_JSON,
    }
)


class Problem(NamedTuple):
    """A survivable oddity: what kind, where, and one sentence that says what it means and how to mend it."""

    code: ProblemCode
    where: str  # "path", "archive.zip!member", "path:line", or a test's name
    message: str

    @property
    def serious(self) -> bool:
        """Is its code one of `SERIOUS_CODES`?"""
        return self.code in SERIOUS_CODES


class TestId(NamedTuple):
    """Which test. As reported in the store; canonical (see `identity`) everywhere a person or program reads it."""

    file: str  # test file with "/" separators as reported, "" where the report does not say
    name: str  # full title path
    variant: str  # browser / Playwright project / jest displayName, or ""


TestId.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class Attempt(NamedTuple):
    """One execution of one test."""

    status: Status
    seconds: float | None  # >= 0; None where the report does not say
    type: str  # the exception or failure type, "" where unknown
    message: str  # what the tool printed, "" for none; sanitised of characters XML forbids, nothing else


class CaseResult(NamedTuple):
    """One test in one report: its attempts, first to last."""

    id: TestId  # as reported
    ordinal: int  # 1; 2, 3.. for further cases of the same id in this report, in document order
    attempts: tuple[Attempt, ...]  # at least one
    line: int | None = None  # of the test in its file, where the report says so
    stack_file: str = ""  # the first test file that the failure's stack trace names, "" for none

    @property
    def status(self) -> Status:
        """Of the last attempt: what the report counts."""
        return self.attempts[-1].status

    @property
    def outcome(self) -> Outcome:
        """After the retries: a pass after a fail is FLAKY."""
        return outcome_of([attempt.status for attempt in self.attempts])


def outcome_of(statuses: list[Status]) -> Outcome:
    """The outcome of a test from the statuses of its attempts, first to last. Empty: NONE."""
    if not statuses:
        return Outcome.NONE
    last = statuses[-1]
    if last is Status.PASSED:
        return Outcome.FLAKY if any(s in (Status.FAILED, Status.ERRORED) for s in statuses) else Outcome.PASSED
    return Outcome.SKIPPED if last is Status.SKIPPED else Outcome.FAILED


def own_evidence(producer: str, declared: RetryEvidence | None, shown: RetryEvidence | None) -> RetryEvidence:
    """What one report tells of retries by itself; `retries` asks policy and earlier runs besides.

    Jest's reporter cannot show retries, whatever is declared: HIDDEN, unless they are declared to be off.
    """
    if producer == "jest" and shown is None:
        return RetryEvidence.NONE if declared is RetryEvidence.NONE else RetryEvidence.HIDDEN
    return declared or shown or RetryEvidence.UNKNOWN


class ParsedReport(msgspec.Struct, frozen=True, kw_only=True):
    """One JUnit file, read. A file that could not be read at all has no cases and says why in `problems`."""

    name: str  # path inside what was given, with "/" separators; "archive.zip!member" inside archives
    sha256: str  # of the decompressed bytes, hex
    size: int  # decompressed bytes
    producer: str  # "jest", "playwright", "vitest", "pytest".., "unknown"
    cases: Sequence[CaseResult] = ()
    started_at: datetime | None = None  # UTC; the earliest time stamp of the report
    seconds: float | None = None  # wall time where the report says so
    retry_evidence: RetryEvidence | None = None  # RECORDED or HIDDEN where the file itself shows it, else None
    partial: bool = False  # made by a filtered run (Playwright's onlyFailures): never evidence of absence
    damaged: bool = False  # truncated, empty, or not readable whole
    load_failures: tuple[str, ...] = ()  # files or suites that the tool could not load
    load_failure_cases: tuple[CaseResult, ...] = ()  # the elements that say so: not tests, kept for their messages
    problems: tuple[Problem, ...] = ()
    stored: bool = False  # read before and kept: its cases are in the store and were not read again


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run besides its reports: from the CI environment, options or run.json.

    `local` marks a laptop's run (no CI environment and no given metadata); `fork` a run that comes from another
    repository; `dirty` a working tree with uncommitted changes. None of the three counts for the gated branch.
    """

    provider: str  # "github", "gitlab".., "local", or "given" for metadata given by hand
    run: str  # the provider's id of the pipeline, unique within the provider
    attempt: int = 1  # 1, 2.. for re-runs of the same run
    commit: str = ""  # "" where unknown: then a commit of its own
    branch: str = ""  # head branch; "" where unknown
    base_branch: str = ""  # of a pull request
    base_commit: str = ""
    event: Event = Event.OTHER
    job: str = ""
    shard: str = ""  # "2/4"
    retries: RetryEvidence | None = None  # declared, not guessed
    environment: str = ""  # "production".. for checks after a deployment; never mixed with CI history
    started_at: datetime | None = None  # UTC
    url: str = ""
    fork: bool = False
    dirty: bool = False
    local: bool = False
    partial: bool = False  # a filtered run: -t, --watch, a single file


class ReportInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one report besides its bytes; where it says nothing the run's own values hold."""

    job: str = ""
    shard: str = ""
    retries: RetryEvidence | None = None
    partial: bool = False


class RunReports(msgspec.Struct, frozen=True, kw_only=True):
    """One call's share of a run: what `ingest` hands to the store."""

    info: RunInfo
    reports: tuple[tuple[ReportInfo, ParsedReport], ...]
    problems: tuple[Problem, ...] = msgspec.field(default=())


class Rename(NamedTuple):
    """A file rename that git saw (`git log -M`), old path to new path."""

    old: str
    new: str
    commit: str


class GateState(StrEnum):
    """What a gate or a criterion says. There is no fourth value, and no data is never MET."""

    MET = "MET"
    NOT_MET = "NOT_MET"
    INCONCLUSIVE = "INCONCLUSIVE"
