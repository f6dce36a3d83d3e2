"""How much a report or an archive may hold before it is refused."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds for hostile or absurd input; what exceeds one is a Problem, never an endless wait."""

    max_bytes: int = 256 * 2**20  # of one report, decompressed
    max_archive_bytes: int = 4 * 2**30  # of all that must be decompressed of one archive
    max_members: int = 100_000  # of one archive
    max_tags: int = 4_000_000  # of one report, closing ones too: each costs up to half a kilobyte of memory
    max_depth: int = 100  # of suites within suites
