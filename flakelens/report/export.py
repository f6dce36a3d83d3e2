"""What `quarantine export` hands to a test runner: the tests in quarantine as that runner knows them. Frozen types."""

from __future__ import annotations

import msgspec


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One test in quarantine, as its runner names it."""

    title: str  # full, as the newest report wrote it; as the entry says it where no report is known
    file: str  # as reported, or adopted; "" where nobody says it
    variant: str | None  # project or display name; None: any, because only the entry is known
    others: tuple[str, ...] = ()  # titles of other known tests of this file and variant, as reported


class QuarantineExport(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of one runner, and what a person should know about them."""

    held: tuple[Held, ...]  # by file and title
    separators: tuple[str, ...]  # what may stand between the parts of a title as reported
    notes: tuple[str, ...]
