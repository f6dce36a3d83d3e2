"""Packs and histories that are damaged, newer, or written to do harm: refused by name, and the others still land."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flakelens.errors import SharedHistoryError, UsageError
from flakelens.store import Store
from flakelens.sync import form, names
from flakelens.sync.build import pack_of_runs, pack_of_verdicts
from flakelens.sync.folder import FolderHistory
from flakelens.sync.form import Pack, PackError, decode, encode, hash_of
from flakelens.sync.names import PackName, name_of, parse
from flakelens.sync.pull import pull
from flakelens.sync.push import push
from flakelens.sync.read import check, content_of
from flakelens.sync.remote import parse_remote
from tests.sync.histories import InMemory, a_call, a_database, a_verdict, all_of

HEAD = b"flakelens-pack 1\n"


@pytest.fixture
def a_pack(tmp_path: Path) -> Pack:
    calls = [a_call(1, letters="PKF", hint="src/h.test.ts")]
    with a_database(tmp_path / "source.db", calls) as store, store.sharing("x") as sharing:
        (key,) = sharing.unshared(include_local=True).runs
        run = sharing.claim_run(key)
        assert run is not None
        return pack_of_runs([run])


def with_report(pack: Pack, **fields: Any) -> Pack:
    """The pack with other values in its only report."""
    (run,) = pack.runs
    (call,) = run.calls
    report = msgspec.structs.replace(call.reports[0], **fields)
    return msgspec.structs.replace(
        pack,
        runs=[msgspec.structs.replace(run, calls=[msgspec.structs.replace(call, reports=[report])])],
    )


def with_call(pack: Pack, **fields: Any) -> Pack:
    (run,) = pack.runs
    call = msgspec.structs.replace(run.calls[0], **fields)
    return msgspec.structs.replace(pack, runs=[msgspec.structs.replace(run, calls=[call])])


LIES: list[tuple[str, Callable[[Pack], Pack]]] = [
    ("tests are not sorted", lambda p: msgspec.structs.replace(p, tests=p.tests[::-1])),
    ("a test twice", lambda p: msgspec.structs.replace(p, tests=[*p.tests, p.tests[-1]])),
    ("a roster beyond the tests", lambda p: msgspec.structs.replace(p, rosters=[b"\x63\0\0\0"])),
    ("a roster that names a test twice", lambda p: msgspec.structs.replace(p, rosters=[b"\0" * 8])),
    ("a roster that is cut off", lambda p: msgspec.structs.replace(p, rosters=[b"\0\0\0"])),
    ("no such roster", lambda p: with_report(p, roster=7)),
    ("more results than tests", lambda p: with_report(p, statuses=b"\1" * 9, durations=b"\0" * 45)),
    ("an unknown status", lambda p: with_report(p, statuses=b"\1\2\1\7")),
    ("durations of another length", lambda p: with_report(p, durations=b"\0")),
    ("retries beyond the roster", lambda p: with_report(p, retried=[(99, 2)])),
    ("one retry is none", lambda p: with_report(p, retried=[(1, 1)])),
    ("retries that say billions", lambda p: with_report(p, retried=[(1, 2_000_000_000)])),
    ("retries twice", lambda p: with_report(p, retried=[(1, 2), (1, 2)])),
    ("a message that is not there", lambda p: with_report(p, said=[(0, 99)])),
    ("a message of no result", lambda p: with_report(p, said=[(99, 0)])),
    ("another tool's tests", lambda p: with_report(p, producer="playwright")),
    ("an unknown kind of evidence", lambda p: with_report(p, declared="certainly")),
    ("an unknown event", lambda p: with_call(p, event="<script>")),
    ("a run without a name", lambda p: msgspec.structs.replace(p, runs=[msgspec.structs.replace(p.runs[0], run="")])),
    ("a run without metadata",
     lambda p: msgspec.structs.replace(p, runs=[msgspec.structs.replace(p.runs[0], calls=[])])),
    ("a file of no test",
     lambda p: msgspec.structs.replace(p, files=[msgspec.structs.replace(p.files[0], test=99)])),
]  # fmt: skip


@pytest.mark.parametrize("lie", [lie for _, lie in LIES], ids=[what for what, _ in LIES])
def test_a_pack_that_contradicts_itself_is_refused_before_any_of_it_is_stored(
    a_pack: Pack, lie: Callable[[Pack], Pack]
) -> None:
    check(a_pack)
    data = encode(lie(a_pack))
    with pytest.raises(PackError):
        content_of(decode(data, hash_of(data)))


WRONG_TYPES: list[tuple[str, object]] = [
    ("no list", {"runs": 1}),
    ("too short", [[], []]),
    ("one field too many", [[], [], [], [], [], [], [], [], [], []]),
    ("numbers for texts", [[], [[1, 2, 3, 4, 5]], [], [], [], [], [], [], []]),
    ("a text for a number", [[], [["f", "n", "v", "1", "jest"]], [], [], [], [], [], [], []]),
    ("an ordinal of nought", [[], [["f", "n", "v", 0, "jest"]], [], [], [], [], [], [], []]),
    ("a name that is no SHA-256", [[b"short"], [], [], [], [], [], [], [], []]),
    ("a time beyond all calendars", [[], [], [], [], [], [], [["a", "b", "c", 10**17]], [], []]),
    ("a negative time", [[], [], [], [], [], [], [["a", "b", "c", -1]], [], []]),
]


@pytest.mark.parametrize("value", [value for _, value in WRONG_TYPES], ids=[what for what, _ in WRONG_TYPES])
def test_a_value_of_the_wrong_type_is_refused(value: object) -> None:
    data = HEAD + zlib.compress(msgspec.msgpack.encode(value))
    with pytest.raises(PackError, match="does not say what a pack must say"):
        decode(data, hash_of(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no pack"),
        (b"hello", "no pack"),
        (b"flakelens-pack one\n123", "no pack"),
        (HEAD, "no pack"),
        (HEAD + b"not zlib", "cannot be unpacked"),
        (HEAD + zlib.compress(b"x" * 1000)[:-6], "cut off"),
        (HEAD + zlib.compress(b"x") + b"more", "cut off"),
        (HEAD + zlib.compress(b"\x91" * 5_000), "does not say"),  # lists in lists in lists
        (HEAD + zlib.compress(b"\xc1"), "does not say"),
        (b"flakelens-pack 2\n" + zlib.compress(b""), "install a newer"),
    ],
)
def test_what_is_no_pack_of_ours_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(PackError, match=why):
        decode(data, hash_of(data))


def test_a_bomb_is_refused_in_little_memory() -> None:
    import tracemalloc

    packer = zlib.compressobj(9)
    bomb = HEAD + b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(512)) + packer.flush()
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(PackError, match="holds more than"):
        decode(bomb, hash_of(bomb))
    assert tracemalloc.get_traced_memory()[1] < 3 * form.MOST_PLAIN
    tracemalloc.stop()


def test_bytes_under_another_name_are_refused(a_pack: Pack) -> None:
    data = encode(a_pack)
    with pytest.raises(PackError, match="not those that its name promises"):
        decode(data, "0" * 64)
    flipped = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    with pytest.raises(PackError, match="not those that its name promises"):
        decode(flipped, hash_of(data))


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "runs/2026-10/20261001T060000-xyz.1.pack",
        f"runs/2026-11/20261001T060000-{'a' * 64}.1.pack",  # another month than its time
        f"runs/../2026-10/20261001T060000-{'a' * 64}.1.pack",
        f"/runs/2026-10/20261001T060000-{'a' * 64}.1.pack",
        f"other/2026-10/20261001T060000-{'a' * 64}.1.pack",
        f"runs/2026-10/20261001T060000-{'a' * 64}.0.pack",
        f"runs/2026-10/20261001T060000-{'A' * 64}.1.pack",
        f"runs/2026-10/20261001T060000-{'a' * 64}.1.pack\n",
        f"runs/٢٠٢٦-10/20261001T060000-{'a' * 64}.1.pack",
    ],
)
def test_any_other_path_is_no_pack(path: str) -> None:
    assert parse(path) is None


def test_a_path_comes_back() -> None:
    path = f"runs/2026-10/20261001T060000-{'a' * 64}.3.pack"
    name = parse(path)
    assert name == PackName("runs", "2026-10", "20261001T060000", "a" * 64, 3)
    assert name.path == path


@pytest.mark.parametrize(
    "remote",
    ["", "git", "git:", "git:origin", "git:/b", "git:origin/", "git:origin/a..b", "git:origin/-x", "git:origin/a b",
     "git:origin/x.lock", "git:origin/a\nb", "dir:", "s3:bucket"],
)  # fmt: skip
def test_a_remote_that_is_none_is_said(remote: str) -> None:
    with pytest.raises(UsageError, match="no shared history"):
        parse_remote(remote)


# --- histories that hold such packs ---


def good_and_bad(tmp_path: Path, bad: dict[PackName, bytes]) -> tuple[InMemory, Store]:
    history = InMemory()
    source = a_database(tmp_path / "good.db", [a_call(1), a_call(2)])
    push(source, history)
    history.packs |= bad
    return history, source


def test_the_others_land_and_the_bad_ones_are_named(tmp_path: Path, a_pack: Pack) -> None:
    data = encode(a_pack)
    honest = name_of(a_pack, hash_of(data), 1)
    newer = b"flakelens-pack 9\nwhatever"
    verdict = encode(pack_of_verdicts([a_verdict(1)]))
    bad = {
        honest._replace(stamp="20261001T000000"): data,  # another time than its content's
        honest._replace(sha256="b" * 64): data,
        honest._replace(sha256=hash_of(newer)): newer,
        honest._replace(sha256=hash_of(verdict)): verdict,  # another kind
    }
    history, source = good_and_bad(tmp_path, bad)
    before = dict(history.packs)
    with a_database(tmp_path / "new.db", []) as store:
        pulled = pull(store, history)
        assert pulled.runs == 2
        assert all_of(store) == all_of(source)
        assert sorted(pack for pack, _ in pulled.refused) == sorted(name.path for name in bad)
        assert pull(store, history).refused == pulled.refused  # not forgotten: they may be mended
    assert history.packs == before  # left as they are


def test_a_bad_pack_is_never_joined_with_good_ones(
    tmp_path: Path, a_pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flakelens.sync import joining

    monkeypatch.setattr(joining, "TOGETHER", 3)
    lie = with_report(a_pack, producer="playwright")
    data = encode(lie)
    history, source = good_and_bad(tmp_path, {name_of(lie, hash_of(data), 1): data})
    a_call(3).into(source)
    pushed = push(source, history)
    assert [pack for pack, _ in pushed.refused] == [name_of(lie, hash_of(data), 1).path]
    assert data in history.packs.values()
    with a_database(tmp_path / "new.db", []) as store:
        pull(store, history)
        assert all_of(store) == all_of(source)


def test_a_pack_cannot_hide_another(tmp_path: Path, a_pack: Pack) -> None:
    """A pack that claims to be made of others is not taken for them."""
    history, source = good_and_bad(tmp_path, {})
    claimed = [bytes.fromhex(name.sha256) for name in history.packs]
    lying = msgspec.structs.replace(a_pack, made_of=sorted(claimed))
    data = encode(lying)
    liar = InMemory()
    liar.packs = {name_of(lying, hash_of(data), 2): data}
    with a_database(tmp_path / "new.db", []) as store:
        pull(store, liar)
        pull(store, history)
        assert {key.run for key in store.run_keys()} >= {key.run for key in source.run_keys()}
        assert pull(store, history).there == len(history.packs)
        assert all_of(store)[4] == all_of(source)[4]  # type: ignore[index]


def test_a_link_that_is_no_web_address_is_dropped(a_pack: Pack) -> None:
    ((_, (call,)),) = content_of(with_call(a_pack, url="javascript:alert(1)")).runs
    assert call.run.info.url == ""


def test_in_a_folder_only_files_are_read(tmp_path: Path, a_pack: Pack) -> None:
    """No link, no device, no folder with the name of a pack; and nothing outside of the folder."""
    data = encode(a_pack)
    name = name_of(a_pack, hash_of(data), 1)
    secret = tmp_path / "secret"
    secret.write_bytes(data)
    top = tmp_path / "history"
    folder = top / "runs" / name.month
    folder.mkdir(parents=True)
    (folder / Path(name.path).name).symlink_to(secret)
    (folder / Path(name._replace(level=2).path).name).mkdir()
    os.mkfifo(folder / Path(name._replace(level=3).path).name)
    (top / "verdicts").symlink_to(top / "runs")
    history = FolderHistory(top)
    assert history.names() == frozenset()
    with pytest.raises(SharedHistoryError):
        list(history.read([name]))


def test_a_history_of_too_many_packs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flakelens.sync import folder as room

    history = FolderHistory(tmp_path / "history")
    with a_database(tmp_path / "a.db", [a_call(1), a_call(2)]) as store:
        push(store, history)
        monkeypatch.setattr(room, "MOST_PACKS", 1)
        with pytest.raises(SharedHistoryError, match="more than 1 packs"):
            pull(store, history)


def test_a_run_too_large_for_a_pack_is_named_and_stays_unshared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = InMemory()
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        monkeypatch.setattr(form, "MOST_PLAIN", 100)
        pushed = push(store, history)
        assert pushed.runs == 0
        assert "it is not shared" in pushed.refused[0].why
        monkeypatch.undo()
        assert push(store, history).runs == 1


def test_levels_are_digits_of_names_alone() -> None:
    assert names.HIGHEST < names.FULL <= 9
