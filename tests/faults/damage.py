"""Flipped bytes in a database file: found and named, or without effect; and what `rebuild` can mend."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from flakelens.errors import DatabaseError
from flakelens.store import open_store
from tests.faults.operations import Material, by_run


def flipped(material: Material, folder: Path, count: int, seed: int) -> Iterator[tuple[str, int, str]]:
    """Flip one bit of one byte `count` times, each in a fresh copy: what came of it, where, and in which words.

    "refused": opening or reading it is an error of ours; "named": `check` says so; "harmless": every row is as it was;
    "unseen": a row is another, and nothing tells.
    """
    rng = random.Random(seed)
    whole = material.whole.read_bytes()
    before = dump(material.whole)
    path = folder / "flipped.db"
    for _ in range(count):
        place = rng.randrange(len(whole))
        content = bytearray(whole)
        content[place] ^= 1 << rng.randrange(8)
        for old in folder.glob("flipped.db*"):
            old.unlink()
        path.write_bytes(content)
        yield (*_verdict(path, before, place),)


def _verdict(path: Path, before: object, place: int) -> tuple[str, int, str]:
    try:
        with open_store(path, read_only=True) as store:
            damage = store.check()
            store.read()
    except DatabaseError as error:
        return "refused", place, str(error)
    if damage:
        return "named", place, damage[0]
    after = dump(path)
    if after == before:
        return "harmless", place, ""
    return "unseen", place, _difference(before, after)


def dump(path: Path) -> list[str]:
    """Every row of every table, as SQL."""
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        tables = [
            name.decode() for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        return [f"{table}: {row!r}" for table in tables for row in db.execute(f"SELECT * FROM {table}")]


def _difference(before: object, after: object) -> str:
    assert isinstance(before, list)
    assert isinstance(after, list)
    changed = [f"{one} -> {two}" for one, two in zip(before, after, strict=False) if one != two]
    return changed[0] if changed else f"{len(before)} -> {len(after)} rows"


# Words that nothing is made from: no copy of them is anywhere in the file to compare with.
ONLY_COPY = ("problem:", "report:", "rename:", "_sqlite_migrations:")


def counts(material: Material, folder: Path, count: int, seed: int) -> Counter[str]:
    """How often each came of it. AssertionError for damage that nothing tells, but for single copies of words."""
    found: Counter[str] = Counter()
    for what, place, words in flipped(material, folder, count, seed):
        found[f"flipped bits: {what}"] += 1
        assert what != "unseen" or words.startswith(ONLY_COPY), f"bit of byte {place}: {words}"
    return found


def overwritten(material: Material, folder: Path, count: int, seed: int) -> Counter[str]:
    """Overwrite pages and cut the file short: always found. `count` of each."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    whole = material.whole.read_bytes()
    before = dump(material.whole)
    path = folder / "flipped.db"
    for turn in range(2 * count):
        page = rng.randrange(1, len(whole) // 4096) * 4096
        content = whole[:page] + (b"" if turn % 2 else rng.randbytes(4096) + whole[page + 4096 :])
        for old in folder.glob("flipped.db*"):
            old.unlink()
        path.write_bytes(content)
        what, _, words = _verdict(path, before, page)
        assert what in ("refused", "named"), f"page at {page}: {what} {words}"
        found[f"{'cut short' if turn % 2 else 'pages of noise'}: {what}"] += 1
    return found


def rebuilt(material: Material, folder: Path, count: int, seed: int) -> Counter[str]:
    """Spoil derived rows at random and rebuild: the same database again."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    for turn in range(count):
        path = folder / f"spoiled-{turn}.db"
        path.write_bytes(material.whole.read_bytes())
        with closing(sqlite3.connect(path)) as db, db:
            for sql in rng.sample(SPOILING, 3):
                db.execute(sql, {"n": rng.randrange(1, 8)} if ":n" in sql else {})
        with open_store(path) as store:
            assert store.check(), "nothing was noticed"
            store.rebuild()
            assert store.check() == []
        assert by_run(path) == material.expected
        found["derived rows spoiled, named, rebuilt"] += 1
        path.unlink()
    return found


SPOILING = (
    "DELETE FROM packed WHERE report % 8 = :n",
    "DELETE FROM test_sum WHERE test % 8 = :n",
    "UPDATE test_sum SET ms = ms + :n",
    "UPDATE roster SET hash = zeroblob(16) WHERE id = (SELECT min(id) FROM roster)",
    "UPDATE packed SET outcomes = zeroblob(:n)",
    "UPDATE run SET branch = 'other', counted = 1 - counted WHERE id % 8 = :n",
    "UPDATE run SET started_at = started_at + :n",
    "DELETE FROM roster",
)
