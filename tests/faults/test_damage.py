"""Damage in the file is found and named, and what is derived can be made again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flakelens.errors import DatabaseError
from flakelens.store import open_store
from tests.faults import damage
from tests.faults.operations import Material


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return Material(tmp_path_factory.mktemp("material"))


@pytest.fixture
def path(material: Material, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "x.db").write_bytes(material.whole.read_bytes())
    return tmp_path / "x.db"


def test_flipped_bits_are_named_or_without_effect(material: Material, tmp_path: Path) -> None:
    found = damage.counts(material, tmp_path, 120, 20261126)
    assert found["flipped bits: named"] > 5
    assert found["flipped bits: refused"] > 2


def test_pages_of_noise_and_short_files_are_always_found(material: Material, tmp_path: Path) -> None:
    assert damage.overwritten(material, tmp_path, 15, 20261126).total() == 30


def test_what_is_derived_is_mended(material: Material, tmp_path: Path) -> None:
    assert damage.rebuilt(material, tmp_path, 8, 20261126).total() == 8


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE run SET branch = 'other' WHERE id = 2", "What run 2 keeps of its attempts differs"),
        ("UPDATE attempt SET branch = 'other' WHERE id = 2", "Attempt 2 of run 2 is not what its hash says"),
        ("UPDATE attempt SET event = 'pull' WHERE id = 2", "'pull' in attempt.event means nothing"),
        ("UPDATE report SET declared = 'no' WHERE id = 2", "'no' in report.declared means nothing"),
        ("UPDATE report SET load_failures = '[1]' WHERE id = 2", "load failures of report 2"),
        ("UPDATE report SET load_failures = '[' WHERE id = 2", "load failures of report 2"),
        ("UPDATE report SET damaged = 7 WHERE id = 2", "7 in report.damaged means nothing"),
        ("UPDATE problem SET code = 'odd' WHERE id = 1", "'odd' in problem.code means nothing"),
        ("UPDATE result SET status = 9 WHERE report = 2", "9 in result.status means nothing"),
        ("UPDATE result SET try = 3 WHERE report = 2 AND try = 1", "in report 2 are not numbered 1, 2, 3.."),
        ("UPDATE result SET ms = ms + 1 WHERE report = 2", "differ from its results: rebuild"),
        ("DELETE FROM attempt WHERE run = 3", "Run 3 has no attempt"),
        ("UPDATE test SET name = CAST(x'ff41' AS TEXT) WHERE id = 2", "A text of table test is not UTF-8"),
        ("DELETE FROM report WHERE id = 4", "refer to a row of report that is not there"),
    ],
)
def test_every_kind_of_damage_has_its_sentence(path: Path, sql: str, named: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(sql).rowcount > 0
    with open_store(path, read_only=True) as store:
        assert any(named in line for line in store.check()), store.check()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE attempt SET event = 'pull'",
        "UPDATE report SET declared = 'no'",
        "UPDATE report SET load_failures = '['",
        "UPDATE report SET started_at = 9223372036854775807",
        "UPDATE test SET name = CAST(x'ff41' AS TEXT) WHERE id = 2",
        "UPDATE packed SET outcomes = x'ffffff'",
        "UPDATE roster SET tests = x'ffffff'",
    ],
)
def test_reading_what_means_nothing_is_one_clear_sentence(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)
    with open_store(path, read_only=True) as store, pytest.raises(DatabaseError, match="damaged"):
        store.read()


def test_a_status_that_means_nothing_cannot_be_rebuilt(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE result SET status = 9 WHERE report = 2")
    with open_store(path) as store:
        with pytest.raises(DatabaseError, match="status is 9"):
            store.rebuild()
        assert len(store.read().runs) == 12  # and it is as it was
