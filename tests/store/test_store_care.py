from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from store_inputs import T0, E, F, P, S, canonical, case, hours, report, run, simple

from flakelens.errors import DatabaseError
from flakelens.facts import RunKey
from flakelens.model import GateState, Problem, ProblemCode, Rename, RunReports, TestId
from flakelens.store import Store, StoredVerdict, exists, open_store

if TYPE_CHECKING:
    from pathlib import Path

DERIVED = {
    "packed": "SELECT report, hash, tests, outcomes FROM packed JOIN roster ON roster.id = roster ORDER BY report",
    "test_sum": "SELECT * FROM test_sum ORDER BY test",
    "run": "SELECT * FROM run ORDER BY id",
    "roster": "SELECT hash, tests FROM roster ORDER BY hash",
}


def derived(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as db:
        return {name: db.execute(query).fetchall() for name, query in DERIVED.items()}


def spoil(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


def fill(store: Store, numbers: range = range(12)) -> None:
    ends = [(P,), (F, P), (F,), (S,), (E, F, P), (E,)]
    for number in numbers:
        store.write_run(simple(number, *ends[number % 6]), ingested_at=hours(number))
        late = report("late.xml", case("one"), case(f"own {number}", F, stack_file="s.ts"), at=hours(number - 0.5))
        store.write_run(run(number, late, attempt=2), ingested_at=hours(number), hints={case("one").id: "hint.ts"})
    odd = Problem(ProblemCode.BAD_TIME, "late.xml", "odd")
    store.write_run(run(3, report("odd.xml", case("odd"), problems=(odd,)), problems=(odd,)), ingested_at=hours(3))


def test_rebuilding_gives_what_was_kept_all_along(store: Store, path: Path) -> None:
    fill(store)
    kept = derived(path)
    store.rebuild()
    assert derived(path) == kept
    for table in ("packed", "test_sum", "roster"):
        spoil(path, f"DELETE FROM {table}")
    spoil(path, "UPDATE run SET branch = 'x', started_at = 7")
    store.rebuild()
    assert derived(path) == kept


def test_a_healthy_database_has_no_damage(store: Store) -> None:
    assert store.check() == []
    fill(store)
    assert store.check() == []


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE result SET status = 2 WHERE report = 1 AND status = 1", "packed outcomes of report 1 differ"),
        ("UPDATE test_sum SET failed = failed + 1 WHERE test = 2", "sums of test 2 differ"),
        ("DELETE FROM test_sum WHERE test = 2", "sums of test 2 differ"),
        ("UPDATE packed SET outcomes = x'00' WHERE report = 2", "What is packed cannot be checked"),
        ("DELETE FROM packed WHERE report = 2", "packed outcomes of report 2 differ"),
        ("UPDATE roster SET hash = x'00' WHERE id = 1", "Roster 1"),
        ("UPDATE message SET type = 'x' WHERE id = 1", "Message 1 is not what its hash says"),
        ("UPDATE message SET body = x'00' WHERE id = 1", "Message 1 is not what its hash says"),
        ("DELETE FROM test WHERE id = 1", "refer to a row of test"),
        ("DELETE FROM result WHERE report = 2", "Report 2 has packed outcomes but no results"),
    ],
)
def test_damage_is_found(store: Store, path: Path, sql: str, sentence: str) -> None:
    fill(store)
    spoil(path, sql)
    assert any(sentence in found for found in store.check())


def test_info(store: Store) -> None:
    fill(store)
    info = store.info()
    assert info.rows["run"] == 12
    assert info.rows["report"] == 25
    assert (info.first_run, info.last_run) == (hours(0), hours(11))
    assert info.branches == {"main": 12}
    assert not info.table_bytes or sum(info.table_bytes.values()) <= info.size


def test_pruning_keeps_whole_new_runs_and_the_sums(store: Store) -> None:
    fill(store)
    totals = store.totals()
    kept = canonical(store.read(branch="main", last=5))
    texts = [m.text for test in store.read().tests for m in store.messages_of_test(test.key, limit=5)]
    assert store.prune(keep_runs=5) == 7
    assert [one.key.run for one in store.read().runs] == ["7", "8", "9", "10", "11"]
    assert canonical(store.read()) == kept
    assert store.totals() == totals
    assert store.check() == []
    left = [m.text for test in store.read().tests for m in store.messages_of_test(test.key, limit=5)]
    assert set(left) < set(texts)
    assert store.pruned_runs() == {RunKey("github", str(number)) for number in range(7)}
    assert store.info().rows["message"] == 5 + 3 + 1  # the first of its type stays
    assert store.prune(keep_runs=5) == 0
    assert store.prune(older_than=hours(9)) == 2
    assert store.prune(keep_runs=2, older_than=hours(11)) == 2
    assert store.totals() == totals
    fill(store, range(20, 22))
    assert store.check() == []
    with pytest.raises(ValueError, match="what to keep"):
        store.prune()


def test_a_backup_is_a_whole_database(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.backup(tmp_path / "deep" / "copy.db")
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["copy.db"]
    with open_store(tmp_path / "deep" / "copy.db", read_only=True) as copy:
        assert canonical(copy.read()) == canonical(store.read())
        assert copy.check() == []
    with open_store(tmp_path / "deep" / "copy.db") as copy:
        copy.write_run(simple(50), ingested_at=T0)
    with pytest.raises(DatabaseError, match="exists already"):
        store.backup(tmp_path / "deep" / "copy.db")
    with pytest.raises(DatabaseError, match="cannot be written"):
        store.backup(store.path / "x.db")


def verdict(gate: str) -> StoredVerdict:
    return StoredVerdict(
        gate=gate,
        as_of=T0,
        recorded_at=T0,
        state=GateState.MET,
        decision="PROCEED",
        commit="",
        policy_text="p",
        decisions_text="d",
        data_sha256="",
        version="1",
        json=b"{}",
    )


def everything(store: Store) -> object:
    totals = {test.id: store.totals()[test.key][1:] for test in store.read().tests}
    past = [canonical(store.read(known_at=hours(number))) for number in (0, 3, 7)]
    texts = sorted(m.text for test in store.read().tests for m in store.messages_of_test(test.key, limit=99))
    return canonical(store.read()), past, texts, store.problems(), totals, [v.gate for v in store.verdicts()]


def test_merging_is_as_if_all_had_come_here(tmp_path: Path) -> None:
    stores = [open_store(tmp_path / f"{name}.db", create=True) for name in ("a", "b", "all")]
    a, b, both = stores
    for one in (a, both):
        fill(one, range(6))
        one.record_verdict(verdict("x"))
    for one in (b, both):
        fill(one, range(3, 9))
        one.record_verdict(verdict("x"))
        one.record_verdict(verdict("y"))
        one.add_renames([Rename("o", "n", "c")], known_at=hours(2))
    merged = a.merge(b.path)
    assert (merged.runs, merged.reports, merged.verdicts, merged.skipped) == (3, 6, 1, 0)
    assert everything(a) == everything(both)
    assert a.check() == []
    again = a.merge(b.path)
    assert (again.runs, again.reports, again.verdicts) == (0, 0, 0)
    for one in stores:
        one.close()


def test_pruned_runs_stay_out_of_a_merge(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db", create=True) as a, open_store(tmp_path / "b.db", create=True) as b:
        for one in (a, b):
            fill(one)
        totals = a.totals()
        a.prune(keep_runs=4)
        assert a.merge(b.path).skipped == 8
        assert a.totals() == totals


def test_a_run_can_be_brought_again_from_its_calls(store: Store, tmp_path: Path) -> None:
    fill(store)
    assert len(store.run_keys()) == 12
    assert store.calls(RunKey("no", "such")) == ()
    with open_store(tmp_path / "copy.db", create=True) as copy:
        for key in reversed(store.run_keys()):
            for call in store.calls(key):
                assert isinstance(call.run, RunReports)
                assert all(isinstance(id_, TestId) for id_ in call.hints)
                copy.write_run(call.run, ingested_at=call.ingested_at, hints=call.hints)
        assert everything(copy) == everything(store)


def test_merging_a_missing_database_is_an_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="There is no database"):
        store.merge(tmp_path / "none.db")
    assert not exists(tmp_path / "none.db")
