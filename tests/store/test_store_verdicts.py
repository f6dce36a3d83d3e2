from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from store_inputs import T0, hours

from flakelens.model import GateState, Rename, TestId
from flakelens.store import StoredVerdict
from flakelens.store.verdicts import _as_text

if TYPE_CHECKING:
    from flakelens.store import Store


@pytest.fixture
def verdict() -> StoredVerdict:
    return StoredVerdict(
        gate="gate1",
        as_of=T0,
        recorded_at=hours(1),
        state=GateState.MET,
        decision="PROCEED",
        commit="abc",
        policy_text="threshold = 98\n# ü\n",
        decisions_text="",
        data_sha256="00",
        version="0.1.0",
        json=b'{"gate": "gate1", "exact":   "bytes"}\n\xff',
        active=(TestId("a.ts", "z", "webkit"), TestId("a.ts", "ü", "")),
    )


def test_a_verdict_comes_back_byte_for_byte(store: Store, verdict: StoredVerdict) -> None:
    key = store.record_verdict(verdict)
    assert store.verdict(key) == replace(verdict, id=key)
    assert store.verdict(key + 1) is None


def test_the_same_verdict_twice_is_one(store: Store, verdict: StoredVerdict) -> None:
    assert store.record_verdict(verdict) == store.record_verdict(replace(verdict, recorded_at=hours(9)))
    assert len(store.verdicts()) == 1


def test_verdicts_are_found_newest_first(store: Store, verdict: StoredVerdict) -> None:
    for number, state in enumerate((GateState.MET, GateState.NOT_MET, GateState.MET)):
        store.record_verdict(replace(verdict, as_of=hours(number), state=state))
    store.record_verdict(replace(verdict, gate="smoke"))
    assert [v.as_of for v in store.verdicts("gate1")] == [hours(2), hours(1), hours(0)]
    assert [v.as_of for v in store.verdicts("gate1", state=GateState.MET, limit=1)] == [hours(2)]
    assert [v.as_of for v in store.verdicts("gate1", state=GateState.MET, before=hours(2))] == [hours(0)]
    assert len(store.verdicts()) == 4
    assert {v.active for v in store.verdicts()} == {verdict.active}


ODD = st.text('",[]\\ {}:a\n\x00\x7f\u00fc\u2028\ud800', max_size=6)


@given(st.lists(st.tuples(ODD, ODD, ODD), max_size=4))
def test_active_tests_are_written_as_they_always_were(tests: list[tuple[str, str, str]]) -> None:
    """Their text has a hash that finds it again: a byte that differs would keep them twice."""
    assert _as_text([TestId(*test) for test in tests]) == json.dumps(tests, ensure_ascii=False)


def test_renames_are_kept_once(store: Store) -> None:
    renames = [Rename("b", "c", "2"), Rename("a", "b", "1")]
    assert store.add_renames(renames, known_at=T0) == 2
    assert store.add_renames(renames, known_at=hours(1)) == 0
    assert store.read().renames == tuple(sorted(renames))


def test_outlines_tell_of_one_gate_until_a_moment_oldest_first(store: Store, verdict: StoredVerdict) -> None:
    for number in (2, 0, 1):
        store.record_verdict(replace(verdict, as_of=hours(number)))
    store.record_verdict(replace(verdict, gate="smoke"))
    found = store.verdict_outlines("gate1", until=hours(1))
    assert [(one.as_of, one.state, one.json) for one in found] == [
        (hours(0), GateState.MET, verdict.json),
        (hours(1), GateState.MET, verdict.json),
    ]
