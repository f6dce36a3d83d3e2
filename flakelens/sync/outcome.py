"""What a push or a pull has done."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

Progress = Callable[[int, int | None, str], None]  # done, of how many (None: unknown), what comes now


class Refused(NamedTuple):
    """A pack that was left as it is."""

    pack: str  # its path in the history
    why: str


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull brought."""

    there: int  # packs in the history
    packs: int  # taken in now
    bytes: int  # of these
    left: int  # older than what was asked for, not looked at
    runs: int  # with at least one new report
    reports: int
    verdicts: int
    skipped: int  # runs that this database has pruned
    refused: tuple[Refused, ...] = ()


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """What a push shared."""

    runs: int
    verdicts: int
    renames: int
    packs: int  # that were added
    bytes: int  # of these
    joined: int  # packs that were replaced by joined ones
    local: int  # a laptop's runs, which were not shared
    refused: tuple[Refused, ...] = ()  # runs and packs that could not be shared or joined
