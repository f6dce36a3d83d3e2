"""The tests with their states and rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from flakelens.facts import RunKey
    from flakelens.model import Outcome, TestId
    from flakelens.report.gate import Rate
    from flakelens.stats.states import TestFinding


class CauseOf(msgspec.Struct, frozen=True, kw_only=True):
    """The cause that a test's failures have."""

    id: str  # as `causes` prints it
    others: int  # tests that fail together with it


class TestLine(msgspec.Struct, frozen=True, kw_only=True):
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


class TestsReport(msgspec.Struct, frozen=True, kw_only=True):
    """The tests that a filter left, and how many there are in all."""

    __test__ = False

    branch: str
    runs: int  # of the gated branch, looked at
    tests: tuple[TestLine, ...]
    total: int  # before filters and limit
    matching: int  # after filters, before the limit
    ambiguous: tuple[str, ...]  # titles in several files that file-less reports cannot be matched to
