"""The document of `quarantine list` and `check`: every entry with what became of its test. Frozen types, no layout."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from flakelens.decisions import QuarantineEntry
    from flakelens.report import TestLine


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the decisions file."""

    entry: QuarantineEntry
    status: Literal["active", "expired", "unknown", "unchecked"]  # unknown: no run knows such a test
    lines: tuple[TestLine, ...]  # the tests that it means
    release: bool  # it is active, and all its tests are healing or stable

    @property
    def states(self) -> tuple[str, ...]:
        """The states of its tests, each once; none for an unknown test."""
        found = ("healing" if line.finding.healing else str(line.finding.state) for line in self.lines)
        return tuple(dict.fromkeys(found))


class AreaUse(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an area is in quarantine."""

    area: str
    used: int  # active tests in quarantine
    allowed: int  # tests at most
    tests: int  # active
    percent: float  # of the policy


class QuarantineReport(msgspec.Struct, frozen=True, kw_only=True):
    """All entries in the order of the file, and what is wrong with them by the policy."""

    as_of: datetime
    entries: tuple[Quarantined, ...]
    areas: tuple[AreaUse, ...]
    faults: tuple[str, ...]  # expired, unknown, too many: what makes `complete` NOT_MET
    checked: bool  # False: no database, so only the ends were looked at


class QuarantineSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Flaky tests that might go into quarantine while somebody repairs them, the flakiest first."""

    suggested: tuple[TestLine, ...]
    full: tuple[TestLine, ...]  # flaky too, but their area's share is used up
    never: int  # flaky tests of areas without any quarantine
    repair: int  # broken tests: these are to be repaired, not hidden
