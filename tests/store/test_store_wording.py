from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_inputs import T0, F, report, run

from flakelens.errors import DatabaseError
from flakelens.model import Attempt, CaseResult, TestId
from flakelens.store import Store, open_store
from flakelens.store.wording import squeeze, unsqueeze

TRACE = "\n".join(f"    at frame{place} (src/lib/file{place * 7919 % 101}.ts:{place * 31}:7)" for place in range(60))


def failing(*messages: tuple[str, str]) -> tuple[CaseResult, ...]:
    return tuple(
        CaseResult(TestId("f", f"t{place}", ""), 1, (Attempt(F, None, type_, text),))
        for place, (type_, text) in enumerate(messages)
    )


@settings(max_examples=50)
@given(st.text(), st.binary(max_size=200))
def test_a_text_comes_back(text: str, words: bytes) -> None:
    assert unsqueeze(squeeze(text, words), words) == text.encode("utf-8", "replace").decode()


def test_a_text_cut_short_is_damage() -> None:
    blob = squeeze("some text that is long enough")
    for bad in (blob[:-1], blob + b"x", b"", zlib.compress(b"x") + b"y"):
        with pytest.raises(zlib.error):
            unsqueeze(bad)


def test_messages_that_repeat_an_earlier_one_are_small(store: Store) -> None:
    messages = [("Error", f"Expected {number}\n{TRACE}") for number in range(20)] + [
        ("Other", TRACE),
        ("", "x" * 50_000),
    ]
    store.write_run(run(1, report("r.xml", *failing(*messages))), ingested_at=T0)
    with open_store(store.path) as another:
        another.write_run(run(2, report("s.xml", *failing(("Error", f"again\n{TRACE}")))), ingested_at=T0)
        sizes = [size for (size,) in another._connection.execute("SELECT length(body) FROM message WHERE root = 1")]
        assert len(sizes) == 20
        assert max(sizes) < 60
    texts = {m.text for test in store.read().tests for m in store.messages_of_test(test.key)}
    assert texts == {text for _, text in messages} | {f"again\n{TRACE}"}
    assert store.check() == []


def test_a_lost_root_is_damage(store: Store) -> None:
    store.write_run(run(1, report("r.xml", *failing(("E", "a"), ("E", "b")))), ingested_at=T0)
    store._connection.execute("PRAGMA foreign_keys = OFF")
    store._connection.execute("DELETE FROM message WHERE root IS NULL")
    assert store.check()
    facts = store.read()
    with pytest.raises(DatabaseError, match="is damaged"):
        store.messages([(facts.runs[0].reports[0].key, facts.tests[1].key)])
