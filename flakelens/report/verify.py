"""Has a repair held?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from flakelens.facts import RunKey
    from flakelens.report.show import RunCell
    from flakelens.report.tests import TestLine
    from flakelens.stats.verification import RateBasis, Repair


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
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
