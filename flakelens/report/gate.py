"""The verdict of a gate, the areas it is about and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.gate.verdict import Verdict


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A pass rate: integers, and a two-sided 95 % interval over runs where there are at least 10."""

    passed: int  # passed and flaky tests (after retries), or clean first attempts
    executed: int  # > 0: test results that are not skipped
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        """passed / executed, 0 to 1, unrounded."""
        return self.passed / self.executed


class AreaLine(msgspec.Struct, frozen=True, kw_only=True):
    """One area over its newest 30 runs."""

    area: str
    tests: int  # active
    runs: int  # looked at, at most 30
    pass_rate: Rate | None  # None: no results
    first_attempt_pass_rate: Rate | None  # None: hidden by the reporter, or no results
    first_attempt_hidden: int  # runs among them whose reports hide first attempts
    p_green: float | None  # chance that a run of the area is all green


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
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


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with the areas it is about and what it rests on."""

    verdict: Verdict
    areas: tuple[AreaLine, ...]
    bridge: str  # from what people know to the verdict: "Your console says 868/900 = 96.4 %; the gate says .."
    notices: tuple[str, ...]  # runs that do not count, clocks, what the reports cannot show
    provenance: Provenance
    number: int | None = None  # of the recorded verdict, for --replay; None when it was not recorded
