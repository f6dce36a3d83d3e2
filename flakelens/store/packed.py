"""The packed form of reports: a roster (which tests, shared between reports) and one byte of outcome per test.

Per report and append-only: see docs/adr/0001-packed-per-report.md. Writing needs no numpy, so that `ingest` does not
pay for its import; reading gives numpy arrays.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from hashlib import blake2b
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from flakelens.errors import DamagedError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from flakelens.facts import Int8s, Int32s


def write_packed(connection: sqlite3.Connection, report: int, tests: list[int], digest: bytes, codes: bytes) -> None:
    """Store the outcome codes of one report: of `tests`, ascending, whose `roster_hash` is `digest`.

    A report without results gets no row.
    """
    if tests:
        row = report, _roster(connection, tests, digest), zlib.compress(codes, 6)
        connection.execute("INSERT INTO packed (report, roster, outcomes) VALUES (?, ?, ?)", row)


def _roster(connection: sqlite3.Connection, tests: list[int], digest: bytes) -> int:
    """The id of the roster that lists `tests`, written if it is new."""
    found = connection.execute("SELECT id FROM roster WHERE hash = ?", (digest,)).fetchone()
    if found is None:
        steps = chain(tests[:1], (b - a for a, b in pairwise(tests)))  # mostly ones: a few bytes after compression
        found = connection.execute(
            "INSERT INTO roster (hash, tests) VALUES (?, ?) RETURNING id", (digest, zlib.compress(_int32(steps), 6))
        ).fetchone()
    return int(found[0])


def roster_hash(tests: Iterable[int]) -> bytes:
    """What makes a roster unique: 16 bytes of BLAKE2b over its ascending test ids."""
    return blake2b(_int32(tests), digest_size=16).digest()


def _int32(values: Iterable[int]) -> bytes:
    packed = array("i", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


class Rosters:
    """Reads rosters once each: they are shared between reports and never change.

    Remembered by hash, because `rebuild` and `prune`, also of another process, can give an id to another roster.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Int32s] = {}
        self._now: dict[int, Int32s] = {}

    def load(self, connection: sqlite3.Connection, ids: set[int]) -> None:
        """Make `ids` what `self[id]` finds from now on. Raises DatabaseError for bytes that are no roster."""
        import numpy as np

        query = "SELECT id, hash FROM roster WHERE id IN (SELECT value FROM json_each(?))"
        hashes = connection.execute(query, (str(sorted(ids)),)).fetchall()
        for key, digest in hashes:
            if digest not in self._known:
                (blob,) = connection.execute("SELECT tests FROM roster WHERE id = ?", (key,)).fetchone()
                try:
                    steps = np.frombuffer(zlib.decompress(blob), np.dtype("<i4"))
                except (zlib.error, ValueError) as error:
                    raise _damaged(f"roster {key}", error) from error
                tests = np.cumsum(steps, dtype=np.int32)
                tests.flags.writeable = False  # shared by every report that has this roster
                self._known[digest] = tests
        self._now = {key: self._known[digest] for key, digest in hashes}

    def __getitem__(self, key: int) -> Int32s:
        if key not in self._now:
            raise _damaged(f"roster {key}", "it is missing")
        return self._now[key]


def outcomes_of(report: int, blob: bytes, size: int) -> Int8s:
    """The outcome codes of one report, as many as its roster is long. Raises DatabaseError where they are not."""
    import numpy as np

    try:
        codes = np.frombuffer(zlib.decompress(blob), np.int8)
    except (zlib.error, ValueError) as error:
        raise _damaged(f"the outcomes of report {report}", error) from error
    if len(codes) != size:
        raise _damaged(f"the outcomes of report {report}", f"{len(codes)} of them for {size} tests")
    return codes


def _damaged(what: str, why: object) -> DamagedError:
    return DamagedError(
        f"The database is damaged: {what}: {why}.",
        mend="`flakelens db check` says what else is; `flakelens db rebuild` makes derived tables again.",
    )
