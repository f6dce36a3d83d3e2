"""What of this database a shared history holds, and what it lacks: for pushing and pulling packs.

A push claims what it is about to share, in the transaction that reads it. Whatever is added to a run meanwhile takes
the claim away (a trigger), so that settling the claims after the push cannot call shared what was not. The claims of a
push that was killed are dropped by the next one.
"""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.facts import RunKey
from flakelens.model import Rename, TestId
from flakelens.store import merge, verdicts
from flakelens.store.connection import transaction
from flakelens.store.values import from_ms, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from flakelens.store.merge import StoredCall
    from flakelens.store.verdicts import StoredVerdict
    from flakelens.store.write import Writer

_RUN: Final = 1  # kinds of table `shared`
_VERDICT: Final = 2
_RENAME: Final = 3
_CLAIM: Final = "?"


class TestFile(NamedTuple):
    """A file found for a test by other means than its report's own words, as table test_file holds it."""

    test: TestId
    ordinal: int
    producer: str
    kind: int  # store.results.TITLE or STACK
    file: str
    first_seen_at: datetime  # UTC
    known_since: datetime


TestFile.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class SharedRun(NamedTuple):
    """All that is stored of one run, and what is known of the files of its tests."""

    key: RunKey
    calls: tuple[StoredCall, ...]
    files: tuple[TestFile, ...]


class SharedRename(NamedTuple):
    """A file rename and since when it is known here."""

    rename: Rename
    known_since: datetime


class Unshared(NamedTuple):
    """What a shared history lacks."""

    runs: tuple[RunKey, ...]  # oldest first
    local: int  # a laptop's runs, which are not among them
    verdicts: int
    renames: int


class Sharing:
    """One database and one shared history, `place` being a hash of its address."""

    def __init__(self, connection: sqlite3.Connection, writer: Writer, place: str) -> None:
        self._connection = connection
        self._writer = writer
        self._place = place
        self._claim = f"{_CLAIM}{token_hex(8)}:{place}"  # of this push alone

    # --- pushing ---

    def unshared(self, *, include_local: bool) -> Unshared:
        """What the history lacks, as far as this database knows."""
        query = """
        SELECT provider, run, local FROM run WHERE NOT EXISTS
          (SELECT 1 FROM shared WHERE kind = 1 AND item = run.id AND place = ?)
        ORDER BY started_at, provider, run
        """
        rows = self._connection.execute(query, (self._place,)).fetchall()
        runs = tuple(RunKey(provider, run) for provider, run, local in rows if include_local or not local)
        query = "SELECT count(*) FROM verdict WHERE id NOT IN (SELECT item FROM shared WHERE kind = 2 AND place = ?)"
        (given,) = self._connection.execute(query, (self._place,)).fetchone()
        return Unshared(runs, len(rows) - len(runs), int(given), len(self._renames()))

    def claim_run(self, key: RunKey) -> SharedRun | None:
        """All of a run, claimed; None if it is not there (any more)."""
        with transaction(self._connection):
            find = "SELECT id FROM run WHERE provider = ? AND run = ?"
            found = self._connection.execute(find, tuple(key)).fetchone()
            if found is None:
                return None
            self._mark(_RUN, found[0], self._claim)
            return SharedRun(key, merge.calls(self._connection, key), self._files(found[0]))

    def release_run(self, key: RunKey) -> None:
        """Give up the claim on a run: it could not be shared."""
        query = """
        DELETE FROM shared WHERE kind = 1 AND place = ? AND item IN (SELECT id FROM run WHERE provider = ? AND run = ?)
        """
        with transaction(self._connection):
            self._connection.execute(query, (self._claim, *key))

    def claim_verdicts(self, most: int) -> tuple[StoredVerdict, ...]:
        """At most `most` of the verdicts that the history lacks and this push has not claimed yet, oldest first."""
        query = """
        SELECT id FROM verdict WHERE id NOT IN (SELECT item FROM shared WHERE kind = 2 AND place IN (?, ?))
        ORDER BY as_of, id LIMIT ?
        """
        with transaction(self._connection):
            ids = [key for (key,) in self._connection.execute(query, (self._place, self._claim, most)).fetchall()]
            for key in ids:
                self._mark(_VERDICT, key, self._claim)
            return tuple(found for key in ids if (found := verdicts.one(self._connection, key)) is not None)

    def claim_renames(self) -> tuple[SharedRename, ...]:
        """The renames that the history lacks, claimed."""
        with transaction(self._connection):
            rows = self._renames()
            for row in rows:
                self._mark(_RENAME, _item(row), self._claim)
        return tuple(SharedRename(Rename(*row[:3]), from_ms(row[3])) for row in rows)

    def settle(self) -> None:
        """The claims have been pushed: what has not changed meanwhile is shared from now on."""
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE OR REPLACE shared SET place = ? WHERE place = ?", (self._place, self._claim)
            )

    def drop_claims(self) -> None:
        """Forget the claims of every push that has not settled; one that still runs will have to share again."""
        with transaction(self._connection):
            query = "DELETE FROM shared WHERE substr(place, 1, 1) = ? AND substr(place, -?) = ?"
            self._connection.execute(query, (_CLAIM, len(self._place) + 1, f":{self._place}"))

    def _renames(self) -> list[tuple[str, str, str, int]]:
        rows = self._connection.execute("SELECT old, new, commit_sha, known_since FROM rename ORDER BY 1, 2, 3")
        query = "SELECT item FROM shared WHERE kind = 3 AND place = ?"
        known = {item for (item,) in self._connection.execute(query, (self._place,))}
        return [row for row in rows.fetchall() if _item(row) not in known]

    def _files(self, run: int) -> tuple[TestFile, ...]:
        where = "test.id IN (SELECT test FROM result JOIN report ON report.id = result.report WHERE report.run = ?)"
        return test_files(self._connection, where, (run,))

    def _mark(self, kind: int, item: object, place: str) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO shared (kind, item, place) VALUES (?, ?, ?)", (kind, item, place)
        )

    # --- pulling ---

    def unknown_packs(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the packs named (SHA-256, hex) that this database does not hold."""
        known = {name for (name,) in self._connection.execute("SELECT name FROM pack")}
        return frozenset(names) - known

    def note_packs(self, names: Iterable[str]) -> None:
        """These packs are held from now on."""
        with transaction(self._connection):
            self._connection.executemany("INSERT OR IGNORE INTO pack (name) VALUES (?)", [(name,) for name in names])

    def take_run(self, key: RunKey, calls: Sequence[StoredCall]) -> int | None:
        """Bring a run of the history, whole or not at all: how many of its reports are new; None if pruned here."""
        connection = self._connection
        with transaction(connection):
            pruned = "SELECT 1 FROM pruned_run WHERE provider = ? AND run = ?"
            if connection.execute(pruned, tuple(key)).fetchone():
                return None
            find = "SELECT id FROM run WHERE provider = ? AND run = ?"
            before = connection.execute(find, tuple(key)).fetchone()
            shared = "SELECT 1 FROM shared WHERE kind = 1 AND item = ? AND place = ?"
            whole = before is None or connection.execute(shared, (before[0], self._place)).fetchone() is not None
            new = sum(self._writer.write(*call).reports for call in calls)
            if whole:  # nothing is here that the history lacks
                (run,) = connection.execute(find, tuple(key)).fetchone()
                self._mark(_RUN, run, self._place)
            return new

    def take_rest(
        self, files: Iterable[TestFile], renames: Iterable[SharedRename], given: Iterable[StoredVerdict]
    ) -> int:
        """Bring what a pack holds besides runs, in one transaction; how many of its verdicts are new."""
        connection = self._connection
        with transaction(connection):
            merge.add_files(connection, files)
            for rename, since in renames:
                verdicts.add_renames(connection, [rename], to_ms(since))
                self._mark(_RENAME, _item(rename), self._place)
            (before,) = connection.execute("SELECT count(*) FROM verdict").fetchone()
            for verdict in given:
                self._mark(_VERDICT, verdicts.record(connection, verdict), self._place)
            (after,) = connection.execute("SELECT count(*) FROM verdict").fetchone()
        return int(after - before)

    def start_of_newest(self, branch: str | None, number: int) -> datetime | None:
        """When the `number`-th newest run of `branch` that may count started; None where there are fewer.

        `branch` None: of main, or else master, whichever has runs.
        """
        for name in (branch,) if branch is not None else ("main", "master"):
            query = """
            SELECT started_at FROM run WHERE environment = '' AND branch = ? AND counted AND NOT local
            ORDER BY started_at DESC LIMIT 1 OFFSET ?
            """
            found = self._connection.execute(query, (name, number - 1)).fetchone()
            if found is not None:
                return from_ms(found[0])
        return None


def test_files(
    connection: sqlite3.Connection, where: str = "TRUE", values: Sequence[object] = ()
) -> tuple[TestFile, ...]:
    """The files found for tests, of all or of some of them."""
    query = f"""
    SELECT test.file, name, variant, ordinal, test.producer, kind, test_file.file, first_seen_at, known_since
    FROM test_file JOIN test ON test.id = test_file.test WHERE {where}
    """
    return tuple(
        TestFile(TestId(file, name, variant), ordinal, producer, kind, found, from_ms(first), from_ms(since))
        for file, name, variant, ordinal, producer, kind, found, first, since in connection.execute(query, values)
    )


def renames(connection: sqlite3.Connection) -> tuple[SharedRename, ...]:
    """The renames that are known, in order."""
    rows = connection.execute("SELECT old, new, commit_sha, known_since FROM rename ORDER BY 1, 2, 3")
    return tuple(SharedRename(Rename(*row[:3]), from_ms(row[3])) for row in rows)


def _item(rename: Sequence[object]) -> str:
    return json.dumps(list(rename[:3]), ensure_ascii=False)
