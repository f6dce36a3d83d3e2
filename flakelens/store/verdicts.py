"""Verdicts as they were given, and the file renames that were looked up at ingest."""

from __future__ import annotations

import json as json_text
import sqlite3
import zlib
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flakelens.model import GateState, TestId
from flakelens.store.values import from_ms, opt_ms, to_ms
from flakelens.store.wording import squeeze, unsqueeze

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from flakelens.model import Rename


class StoredVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict with all it needs to be replayed to the same bytes. Times are kept to the millisecond."""

    gate: str
    as_of: datetime  # the moment it speaks of, UTC
    recorded_at: datetime  # when it was given, UTC: pass it to `Store.read` as known_at to replay
    state: GateState
    decision: str  # PROCEED, WAIVED or STOP
    commit: str  # "" for none
    policy_text: str
    decisions_text: str
    data_sha256: str
    version: str  # of flakelens
    json: bytes
    active: tuple[TestId, ...] = ()  # canonical ids of the tests that were active then; stored sorted
    id: int = 0  # given by the store; 0 for one that is not stored yet


class VerdictOutline(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict without what a replay needs: for looking at many."""

    id: int
    as_of: datetime
    state: GateState
    decision: str
    json: bytes


_COLUMNS: Final = (
    "gate, as_of, recorded_at, state, decision, commit_sha, policy, decisions, data_sha256, version, json, active, id"
)
_SELECT: Final = f"""
SELECT {_COLUMNS.replace("active, id", "active.tests, verdict.id")}
FROM verdict JOIN active ON active.id = verdict.active
"""


def record(connection: sqlite3.Connection, verdict: StoredVerdict) -> int:
    """Store `verdict` inside the caller's transaction and return its id; the same verdict twice is one."""
    as_of = to_ms(verdict.as_of)
    key = _hash(verdict.gate, as_of, verdict.json)
    found = connection.execute("SELECT id FROM verdict WHERE hash = ?", (key,)).fetchone()
    if found is None:
        columns = _COLUMNS.removesuffix(", id")
        found = connection.execute(
            f"INSERT INTO verdict (hash, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                key,
                verdict.gate,
                as_of,
                to_ms(verdict.recorded_at),
                verdict.state.value,
                verdict.decision,
                verdict.commit,
                squeeze(verdict.policy_text),
                squeeze(verdict.decisions_text),
                verdict.data_sha256,
                verdict.version,
                zlib.compress(verdict.json, 9),
                _active(connection, verdict.active),
            ),
        ).fetchone()
    return int(found[0])


def _hash(gate: str, as_of: int, json: bytes) -> bytes:
    digest = blake2b(f"{gate}\0{as_of}\0".encode(), digest_size=16)
    digest.update(json)
    return digest.digest()


def unsound(connection: sqlite3.Connection) -> list[int]:
    """The ids of verdicts that are not what their hash says, or cannot be read any more."""
    found = []
    for (key,) in connection.execute("SELECT id FROM verdict ORDER BY id").fetchall():
        try:
            verdict = one(connection, key)
            (digest,) = connection.execute("SELECT hash FROM verdict WHERE id = ?", (key,)).fetchone()
            sound = verdict is not None and _hash(verdict.gate, to_ms(verdict.as_of), verdict.json) == digest
        except (zlib.error, ValueError, OverflowError, sqlite3.OperationalError):
            sound = False
        if not sound:
            found.append(key)
    return found


def _active(connection: sqlite3.Connection, tests: Iterable[TestId]) -> int:
    text = _as_text(sorted(tests))
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
    found = connection.execute("SELECT id FROM active WHERE hash = ?", (digest,)).fetchone()
    if found is None:
        insert = "INSERT INTO active (hash, tests) VALUES (?, ?) RETURNING id"
        found = connection.execute(insert, (digest, squeeze(text))).fetchone()
    return int(found[0])


def _as_text(tests: list[TestId]) -> str:
    """What `json.dumps(tests, ensure_ascii=False)` gives, in a tenth of the time: a suite has thousands."""
    try:
        return msgspec.json.format(msgspec.json.encode(tests), indent=0).decode()
    except UnicodeEncodeError:  # half a character, which no report can hold
        return json_text.dumps(tests, ensure_ascii=False)


def find(
    connection: sqlite3.Connection,
    gate: str | None = None,
    state: GateState | None = None,
    before: datetime | None = None,
    limit: int | None = None,
) -> tuple[StoredVerdict, ...]:
    """The verdicts of `gate` (None: of every gate), newest `as_of` first; of one state, `as_of` before a moment."""
    query = f"""
    {_SELECT} WHERE (?1 IS NULL OR gate = ?1) AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR as_of < ?3)
    ORDER BY as_of DESC, recorded_at DESC, verdict.id DESC LIMIT ?4
    """
    values = (gate, None if state is None else state.value, opt_ms(before), -1 if limit is None else limit)
    return tuple(_verdict(row) for row in connection.execute(query, values))


def outlines(connection: sqlite3.Connection, gate: str, until: datetime) -> tuple[VerdictOutline, ...]:
    """The verdicts of `gate` whose `as_of` is not after `until`, oldest first."""
    query = """
    SELECT id, as_of, state, decision, json FROM verdict WHERE gate = ? AND as_of <= ?
    ORDER BY as_of, recorded_at, id
    """
    return tuple(
        VerdictOutline(
            id=key, as_of=from_ms(as_of), state=GateState(state), decision=decision, json=zlib.decompress(json)
        )
        for key, as_of, state, decision, json in connection.execute(query, (gate, to_ms(until)))
    )


def one(connection: sqlite3.Connection, key: int) -> StoredVerdict | None:
    """The verdict with this id, None if there is none."""
    row = connection.execute(f"{_SELECT} WHERE verdict.id = ?", (key,)).fetchone()
    return None if row is None else _verdict(row)


def _verdict(row: tuple[Any, ...]) -> StoredVerdict:
    gate, as_of, recorded_at, state, decision, commit, policy, decisions, data_sha256, version, json, active, key = row
    return StoredVerdict(
        gate=gate,
        as_of=from_ms(as_of),
        recorded_at=from_ms(recorded_at),
        state=GateState(state),
        decision=decision,
        commit=commit,
        policy_text=unsqueeze(policy),
        decisions_text=unsqueeze(decisions),
        data_sha256=data_sha256,
        version=version,
        json=zlib.decompress(json),
        active=tuple(TestId(*test) for test in json_text.loads(unsqueeze(active))),
        id=key,
    )


def add_renames(connection: sqlite3.Connection, renames: Iterable[Rename], known_since_ms: int) -> int:
    """Store file renames inside the caller's transaction; returns how many are new."""
    insert = """
    INSERT INTO rename (old, new, commit_sha, known_since) VALUES (?, ?, ?, ?)
    ON CONFLICT (old, new, commit_sha) DO UPDATE SET known_since = min(known_since, excluded.known_since)
    """
    (before,) = connection.execute("SELECT count(*) FROM rename").fetchone()
    connection.executemany(insert, [(*rename, known_since_ms) for rename in renames])
    (after,) = connection.execute("SELECT count(*) FROM rename").fetchone()
    return int(after - before)
