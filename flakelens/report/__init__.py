"""The documents that flakelens gives out, as frozen types. `analyze` fills them, `render` writes them.

They hold facts and judgements, never layout: what a terminal, a page and a program read is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # documents are only told apart by their types here: `look` must not pay for numpy
    from datetime import datetime

    from flakelens.facts import RunKey
    from flakelens.gate.verdict import Verdict
    from flakelens.model import GateState, Outcome, Problem, RetryEvidence, TestId
    from flakelens.report.events import TestEvent
    from flakelens.stats.price import Price
    from flakelens.stats.states import TestFinding
    from flakelens.stats.verification import RateBasis, Repair


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPoint:
    """A run of the gated branch and its commit."""

    run: RunKey
    commit: str  # "" where unknown
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A pass rate: integers, and a two-sided 95 % interval over runs where there are at least 10."""

    passed: int  # passed and flaky tests (after retries), or clean first attempts
    executed: int  # > 0: test results that are not skipped
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        """passed / executed, 0 to 1, unrounded."""
        return self.passed / self.executed


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaLine:
    """One area over its newest 30 runs."""

    area: str
    tests: int  # active
    runs: int  # looked at, at most 30
    pass_rate: Rate | None  # None: no results
    first_attempt_pass_rate: Rate | None  # None: hidden by the reporter, or no results
    first_attempt_hidden: int  # runs among them whose reports hide first attempts
    p_green: float | None  # chance that a run of the area is all green
    states: dict[str, int]  # active tests by state


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a verdict rests on. Two verdicts with the same provenance are the same bytes."""

    branch: str
    window_runs: int  # counting runs looked at
    first: str  # first run of the window, "" for none
    last: str
    commit: str  # the commit asked for with --commit, else that of the newest run
    as_of: datetime
    policy_sha256: str
    decisions_sha256: str
    data_sha256: str
    params_sha256: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """A verdict with the areas it is about and what it rests on."""

    verdict: Verdict
    areas: tuple[AreaLine, ...]
    bridge: str  # from what people know to the verdict: "Your console says 868/900 = 96.4 %; the gate says .."
    notices: tuple[str, ...]  # runs that do not count, clocks, what the reports cannot show
    provenance: Provenance
    number: int | None = None  # of the recorded verdict, for --replay; None when it was not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseOf:
    """The cause that a test's failures have."""

    id: str  # as `causes` prints it
    others: int  # tests that fail together with it


@dataclass(frozen=True, slots=True, kw_only=True)
class TestLine:
    """One test: where it belongs, its state, and its rates over the window."""

    __test__ = False

    id: TestId  # canonical
    reported: TestId  # as the newest report wrote it
    area: str
    focuses: tuple[str, ...]
    finding: TestFinding
    quarantined: bool
    runs: int  # counting runs without a confirmed outage in which it was executed
    failures: int  # of these, runs in which it failed after retries
    flaky_runs: int  # of these, runs in which it failed, then passed
    pass_rate: Rate | None  # over `runs`
    first_attempt_pass_rate: Rate | None  # over those of `runs` whose reports show first attempts; None: none does
    last_outcome: Outcome | None  # of the newest counting run with a result; of any run for a branch-only test
    last_run: RunKey | None
    since_run: RunKey | None  # where the present state began
    since_commit: str
    strip: str  # one letter per counting run of the area, oldest first: P, K flaky, F, S, "." no result
    owner: str = ""  # as CODEOWNERS writes it: "@team/web @ada"; "" for none
    cause: CauseOf | None = None  # None: it has none, or nobody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsReport:
    """The tests that a filter left, and how many there are in all."""

    __test__ = False

    branch: str
    runs: int  # of the gated branch, looked at
    tests: tuple[TestLine, ...]
    total: int  # before filters and limit
    matching: int  # after filters, before the limit
    ambiguous: tuple[str, ...]  # titles in several files that file-less reports cannot be matched to


class Chances(NamedTuple):
    """How likely a test is in each state; they sum to 1."""

    stable: float
    flaky: float
    broken: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCell:
    """One run of one test's history."""

    run: RunKey
    commit: str
    started_at: datetime
    counts: bool
    why_not: str
    outcome: Outcome
    outage: bool  # confirmed
    partial: bool  # the result comes from a filtered run: it enters no rate
    evidence: RetryEvidence | None  # the least that a report with the test can show; None without a result
    chances: Chances | None = None  # by all that is known now; None without a result on the gated branch


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed attempts of a test whose messages begin alike (ids, times and long hex aside)."""

    first_line: str  # of the newest
    text: str  # the newest, whole
    count: int  # attempts
    runs: int
    first: RunKey
    last: RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationLine:
    """How long a test takes when it passes, and since when. Medians over runs, in seconds."""

    seconds: float  # now
    runs: int  # that say so
    before: float | None  # of the level before; None: it was ever so
    since_run: RunKey | None
    since_commit: str  # "" where unknown, and without a change


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReport:
    """One test's history: oldest run first, with what its state rests on."""

    line: TestLine
    cells: tuple[RunCell, ...]  # counting runs and, beside them, the others that had a result of it
    because: tuple[str, ...]  # the evidence for its state, in sentences
    price: Price  # of the 30 days before `as_of`
    messages: tuple[FailureGroup, ...]  # newest first
    names: tuple[TestId, ...]  # every form in which reports wrote it, newest last
    events: tuple[TestEvent, ...]  # what happened to it, oldest first
    duration: DurationLine | None = None  # None: no passing attempt whose duration is known


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """Whether a repair has held, and what that rests on. Runs with a confirmed outage are nowhere in it."""

    line: TestLine
    commit: str  # of the repair, whole
    branch: str
    state: Repair
    basis: RateBasis
    failures: int  # before the commit
    results: int  # before the commit, of the same kind
    rate: float | None  # the cautious reading of failures / results; None: never failed before
    needed: int | None  # clean results in a row; None: never failed before
    clean: int  # results at and after the commit without a failure, of the same kind
    hidden: int  # passes since that cannot count: their reports hide retries, and only retries showed the failures
    again: tuple[RunCell, ...]  # runs since in which it failed, or failed first, oldest first
    clean_after: int  # clean results after the last of `again`
    failed_before: RunKey | None  # the newest run before the commit in which it failed
    before: str  # one letter per run of the area before the commit, see TestLine.strip
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateReport:
    """A made-up history, as it was written."""

    folder: str
    tests: int
    runs: int
    reports: int
    results: int
    flaky: int  # tests
    broken: int  # tests, each for some commits
    slower: int  # tests
    outages: int  # runs
    pull_requests: int
    pull_request_runs: int  # of `runs`
    breaking: int  # pull requests that break tests
    first_failures: dict[str, int]  # failed first attempts by cause: flake, broken, outage, pull_request
    newest: datetime  # start of the newest run


@dataclass(frozen=True, slots=True, kw_only=True)
class LookArea:
    """One area of the reports at hand."""

    area: str
    tests: int
    passed: int
    flaky: int
    failed: int
    errored: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookCause:
    """Failures whose messages are the same but for what changes in every run."""

    message: str  # of the first of them, one line
    tests: tuple[TestId, ...]  # as reported


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFlake:
    """A test that failed and then passed."""

    id: TestId  # as reported
    failed_attempts: int
    message: str  # of the first failed attempt, one line; "" where the report hides it


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpot:
    """Something that a report cannot show, and the lines that change it."""

    said: str  # one or two sentences
    file: str  # where the lines belong, "" where there are none
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookReport:
    """What reports say by themselves, without a database."""

    headline: str  # the most useful sentence
    reports: int  # that could be read
    producers: tuple[str, ...]
    seconds: float | None  # wall time of the longest report
    areas: tuple[LookArea, ...]
    causes: tuple[LookCause, ...]
    flaky: tuple[LookFlake, ...]
    cannot_show: tuple[BlindSpot, ...]
    problems: tuple[Problem, ...]
    next_steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRule:
    """One rule, replayed over history."""

    name: str
    looks: int
    met: int
    judged: int  # looks followed by enough runs to know
    false_green: int  # MET while the rate of the next runs is below the required one
    false_red: int  # not MET while it is not below


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport:
    """The gate replayed at every run of the branch, beside the naive rule."""

    gate: str
    branch: str
    required: float
    horizon: int  # next runs that a look is held against
    rules: tuple[BacktestRule, ...]
    states: tuple[tuple[RunKey, GateState], ...]  # the gate's state after each run


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that keeps flakelens from seeing what it should, with the mend."""

    code: str
    where: str
    message: str
    mend: str
    serious: bool  # the gate cannot be trusted, or cannot be met, until it is mended


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """All findings, serious ones first."""

    findings: tuple[Finding, ...]
    runs: int
    counting: int
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """What a project's configuration told, and what was written from it."""

    path: str  # of the policy that was written
    found: tuple[str, ...]  # what was recognised, in sentences
    areas: tuple[str, ...]  # areas with a folder of their own
    reporters: tuple[tuple[str, str], ...]  # file to edit, and the lines to add
    unknown: tuple[str, ...]  # what could not be told from the text of the files


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """All that `demo` shows, from reports to verdict."""

    runs: int
    reports: int
    results: int  # test results read
    problems: dict[str, int]  # by code
    database: str  # where it was kept, "" when it was thrown away
    tests: TestsReport
    gate: GateReport
