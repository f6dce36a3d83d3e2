"""Whoever pushes what in which order, and however packs are joined: a pull gives what direct ingest gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.model import Event, GateState
from flakelens.sync import joining, names
from flakelens.sync.build import joined, pack_of_runs
from flakelens.sync.caps import LONGEST, OF_A_RUN, SHORT, Caps
from flakelens.sync.columns import durations_of, planes_of, roster_bytes, roster_of
from flakelens.sync.form import Pack, decode, encode, hash_of
from flakelens.sync.pull import pull
from flakelens.sync.push import push
from tests.sync.histories import LETTERS, Call, InMemory, a_call, a_database, a_verdict, all_of

CALLS = st.builds(
    a_call,
    st.integers(0, 5),
    letters=st.text(LETTERS, min_size=1, max_size=4),
    attempt=st.integers(1, 2),
    branch=st.sampled_from(["main", "feature"]),
    event=st.sampled_from([Event.PUSH, Event.PULL_REQUEST]),
    job=st.sampled_from(["unit", "e2e"]),
    shard=st.sampled_from(["", "1/2", "2/2"]),
    late=st.floats(0.1, 50).map(lambda hours: round(hours, 2)),
    file=st.sampled_from(["", "src/a.test.ts"]),
    hint=st.sampled_from(["", "src/hinted.test.ts", "src/other.test.ts"]),
    rename=st.sampled_from(["", "src/old.test.ts"]),
    problem=st.sampled_from(["", "odd"]),
)


@settings(max_examples=40)
@given(calls=st.lists(CALLS, min_size=1, max_size=10), data=st.data())
def test_a_pull_gives_what_direct_ingest_gives(calls: list[Call], data: st.DataObject) -> None:
    """Two databases, each with some of the calls, push now and then; a third pulls, and a fourth ingested it all."""
    history = InMemory()
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "TOGETHER", data.draw(st.integers(2, 4), "packs that are joined"))
        patch.setattr(joining, "FURTHER", 2)
        folder = Path(name)
        one, other = (a_database(folder / f"{which}.db", []) for which in ("one", "other"))
        direct = a_database(folder / "direct.db", calls)
        for n, call in enumerate(calls):
            for place in data.draw(st.sampled_from([[one], [other], [one, other]]), "who ingests"):
                call.into(place)
            if data.draw(st.booleans(), "push now?"):
                push(data.draw(st.sampled_from([one, other]), "who pushes"), history)
            if data.draw(st.booleans(), "pull now?"):
                pull(data.draw(st.sampled_from([one, other]), "who pulls"), history)
            if data.draw(st.integers(0, 3), "a verdict?") == 0:
                verdict = a_verdict(n, data.draw(st.sampled_from([GateState.MET, GateState.NOT_MET])))
                one.record_verdict(verdict)
                direct.record_verdict(verdict)
        push(one, history)
        push(other, history)
        with a_database(folder / "pulled.db", []) as pulled:
            pull(pulled, history)
            assert all_of(pulled) == all_of(direct)
            assert pulled.check() == []
            again = pull(pulled, history)
            assert (again.packs, again.runs, again.verdicts) == (0, 0, 0)
            nothing = push(pulled, history)  # nothing is here that is not there; it may join what is ripe
            assert (nothing.runs, nothing.verdicts, nothing.renames) == (0, 0, 0)
        pull(one, history)
        pull(other, history)
        assert all_of(one) == all_of(other) == all_of(direct)
        for store in (one, other, direct):
            store.close()


@given(calls=st.lists(CALLS, min_size=1, max_size=8), order=st.randoms())
def test_joining_does_not_depend_on_order_or_grouping(calls: list[Call], order: object) -> None:
    with TemporaryDirectory() as name, a_database(Path(name) / "a.db", calls) as store, store.sharing("x") as sharing:
        runs = [sharing.claim_run(key) for key in sharing.unshared(include_local=True).runs]
    packs = _by_name(pack_of_runs([run]) for run in runs if run is not None)
    whole = joined(packs)
    names = list(packs)
    order.shuffle(names)  # type: ignore[attr-defined]
    half = [joined({name: packs[name] for name in some}) for some in (names[::2], names[1::2]) if some]
    assert _content(joined(_by_name(half))) == _content(whole)
    assert encode(joined({name: packs[name] for name in names})) == encode(whole)
    assert _content(joined(_by_name([whole]))) == _content(whole)  # joining what is joined changes nothing


def _by_name(packs: object) -> dict[str, Pack]:
    found = {}
    for pack in packs:  # type: ignore[attr-defined]
        data = encode(pack)
        found[hash_of(data)] = decode(data, hash_of(data))
    return found


def _content(pack: Pack) -> Pack:
    return msgspec.structs.replace(pack, made_of=[])


@given(st.lists(st.integers(0, 10**6), unique=True).map(sorted))
def test_a_roster_comes_back(tests: list[int]) -> None:
    assert roster_of(roster_bytes(tests), 10**6 + 1) == tests


@given(st.lists(st.none() | st.integers(0, 10**12)))
def test_durations_come_back_to_the_millisecond(durations: list[int | None]) -> None:
    seconds = durations_of(planes_of(durations), len(durations))
    assert [None if each is None else round(each * 1000) for each in seconds] == durations


@given(st.lists(st.text(min_size=1).flatmap(lambda text: st.integers(1, 20_000).map(lambda n: text * n))))
def test_what_was_capped_stays_as_it_is(texts: Sequence[str]) -> None:
    once = Caps()
    capped = [once.capped(text) for text in texts]
    twice = Caps()
    assert [twice.capped(text) for text in capped] == capped
    assert all(len(text) <= LONGEST for text in capped)


def test_a_run_that_fails_as_a_whole_is_capped_and_still_readable() -> None:
    caps = Caps()
    texts = [f"Error {n}: cannot connect\n" + "at frame\n" * 2_000 + f"last line {n}" for n in range(1_000)]
    capped = [caps.capped(text) for text in texts]
    assert sum(map(len, capped)) < OF_A_RUN + 1_000 * SHORT
    for n, text in enumerate(capped):
        assert text.startswith(f"Error {n}: cannot connect")
        assert text.endswith(f"last line {n}")
        assert "characters left out" in text


def test_every_month_ends_with_few_packs(tmp_path: Path) -> None:
    """Two hundred runs of four months, pushed one by one: what is in the history stays small, and is all there."""
    history = InMemory()
    calls = [a_call(n * 14, letters="PPF") for n in range(200)]  # one every fourteen hours, from October to January
    most = 0
    with a_database(tmp_path / "a.db", []) as store:
        for call in calls:
            call.into(store)
            push(store, history)
            most = max(most, len(history.packs))
        with a_database(tmp_path / "b.db", []) as other:
            assert pull(other, history).runs == 200
            assert all_of(other) == all_of(store)
    assert most <= 3 * 33
    by_month = Counter(name.month for name in history.packs)
    assert by_month["2026-10"] == by_month["2026-11"] == 1  # a whole month lies between them and the newest pack
    assert 1 < by_month["2026-12"] <= 33


def test_a_pack_that_is_full_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs are joined up to a size; a month of a large team keeps several, which nobody reads again to join them."""
    from flakelens.sync import push as room

    monkeypatch.setattr(joining, "TOGETHER", 3)
    monkeypatch.setattr(joining, "FURTHER", 3)
    monkeypatch.setattr(room, "_MOST_RESULTS", 25)
    history = InMemory()
    with a_database(tmp_path / "a.db", []) as store:
        for n in range(40):
            a_call(n, letters="PPPPPPPPPP").into(store)
            push(store, history)
        with a_database(tmp_path / "b.db", []) as other:
            pull(other, history)
            assert all_of(other) == all_of(store)
    levels = Counter(name.level for name in history.packs)
    assert levels[names.FULL] >= 15  # two runs of ten results each
    assert sum(levels.values()) < 30
    asked: list[str] = []
    monkeypatch.setattr(history, "read", lambda names: asked.extend(name.path for name in names) or [])
    with a_database(tmp_path / "a.db", []) as store:
        push(store, history)
    assert not [path for path in asked if path.endswith(f".{names.FULL}.pack")]
