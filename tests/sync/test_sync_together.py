"""Many processes at one shared history, some of them killed: nothing is lost, and nobody's checkout is touched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from flakelens.errors import SharedHistoryError, UsageError
from flakelens.sync.pull import pull
from flakelens.sync.push import push
from flakelens.sync.remote import History, open_history
from tests.sync.histories import Call, a_call, a_database, all_of

ROOT = Path(__file__).parents[2]
PUSHERS = 8
EACH = 6  # runs of each pusher


def git(folder: Path, *arguments: str) -> str:
    environ = {
        **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=True)
    return done.stdout


def a_repository(tmp_path: Path, *, filters: bool = True) -> Path:
    """A bare repository that leaves blobs out when asked to, as the big hosts do."""
    bare = tmp_path / "remote.git"
    bare.mkdir()
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    git(bare, "config", "uploadpack.allowFilter", str(filters).lower())
    git(bare, "config", "uploadpack.allowAnySHA1InWant", str(filters).lower())
    return bare


def a_checkout(tmp_path: Path, bare: Path, name: str = "team") -> Path:
    team = tmp_path / name
    git(tmp_path, "clone", "--quiet", str(bare), name)
    (team / "file.txt").write_text("committed", encoding="utf-8")
    git(team, "add", "file.txt")
    git(team, "commit", "--quiet", "-m", "first")
    return team


class Place:
    """A shared history for the tests, and how processes reach it."""

    def __init__(self, tmp_path: Path, kind: str) -> None:
        self._tmp = tmp_path
        if kind == "dir":
            self.remote, self.checkout = f"dir:{tmp_path / 'shared'}", tmp_path
        else:
            self.checkout = a_checkout(tmp_path, a_repository(tmp_path, filters=kind == "git"))
            self.remote = "git:origin/flakelens-history"

    def open(self, cache: str = "cache") -> History:
        return open_history(self.remote, self.checkout, self._tmp / cache, dict(os.environ))

    def process(self, what: str, database: Path, cache: str) -> subprocess.Popen[str]:
        words = [what, str(database), self.remote, str(self._tmp / cache), str(self.checkout)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.sync.pusher", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def everything(self, calls: Iterable[Call]) -> None:
        """Is all of these calls in the history, as direct ingest would have it?"""
        with a_database(self._tmp / "direct.db", calls) as direct, a_database(self._tmp / "pulled.db", []) as pulled:
            assert pull(pulled, self.open("cache-of-the-reader")).refused == ()
            assert all_of(pulled) == all_of(direct)


@pytest.fixture(params=["dir", "git", "git of a server without filters"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, request.param)


def test_eight_pushers_at_once_lose_nothing(tmp_path: Path, place: Place) -> None:
    """Each from its own database and cache, so that they meet only at the history; joining is going on meanwhile."""
    calls = [[a_call(PUSHERS * n + who, letters="PPFK") for n in range(EACH)] for who in range(PUSHERS)]
    databases = [tmp_path / f"{who}.db" for who in range(PUSHERS)]
    for path, own in zip(databases, calls, strict=True):
        a_database(path, own).close()
    processes = [place.process("push", path, f"cache-{who}") for who, path in enumerate(databases)]
    for process in processes:
        out, _ = process.communicate(timeout=300)
        assert out.split() == ["begun", "done"]
    place.everything(call for own in calls for call in own)
    history = place.open()
    names = history.names()
    assert any(name.level > 1 for name in names)  # 48 packs of a month: 32 of them were joined
    assert len(names) < PUSHERS * EACH


def test_two_pushers_with_one_database_and_one_cache(tmp_path: Path, place: Place) -> None:
    calls = [a_call(n) for n in range(10)]
    a_database(tmp_path / "one.db", calls).close()
    for process in [place.process("push", tmp_path / "one.db", "cache") for _ in range(2)]:
        assert process.communicate(timeout=300)[0].split() == ["begun", "done"]
    place.everything(calls)


@pytest.mark.parametrize("what", ["push", "pull"])
def test_killed_at_any_moment_the_next_call_completes_it(tmp_path: Path, what: str, place: Place) -> None:
    rng = random.Random(20261126)
    calls = [a_call(n, letters="PPFK" * 20) for n in range(40)]
    source = tmp_path / "source.db"
    a_database(source, calls).close()
    if what == "pull":
        with a_database(source, []) as store:
            push(store, place.open("cache-of-the-source"))
    database = source if what == "push" else tmp_path / "target.db"
    killed = 0
    for after in (0.0, 0.003, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2):  # a fast machine is done before the later ones
        process = place.process(what, database, "cache")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after * rng.uniform(0.5, 1.0))
        process.send_signal(signal.SIGKILL)
        killed += "done" not in process.communicate()[0]
    assert killed
    assert place.process(what, database, "cache").communicate(timeout=300)[0].split() == ["begun", "done"]
    place.everything(calls)
    with a_database(database, []) as store:
        assert store.check() == []
        if what == "pull":
            with a_database(tmp_path / "direct.db", []) as direct:
                assert all_of(store) == all_of(direct)


# --- a branch of the team's repository ---


def state_of(checkout: Path) -> tuple[object, ...]:
    """All of a checkout that could be touched: refs, HEAD, index, configuration, objects, files."""
    inside = {
        str(path.relative_to(checkout)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(checkout.rglob("*"))
    }
    return git(checkout, "--no-optional-locks", "status", "--porcelain"), git(checkout, "for-each-ref"), inside


def test_the_checkout_is_never_touched(tmp_path: Path) -> None:
    team = a_checkout(tmp_path, a_repository(tmp_path))
    (team / "file.txt").write_text("changed", encoding="utf-8")
    (team / "new.txt").write_text("staged", encoding="utf-8")
    git(team, "add", "new.txt")
    git(team, "checkout", "--quiet", "--detach")
    before = state_of(team)
    history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        push(store, history)
        pull(store, history)
    assert state_of(team) == before


def test_the_branch_is_an_orphan_that_says_what_it_is(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    team = a_checkout(tmp_path, bare)
    git(team, "push", "--quiet", "origin", "HEAD:main")
    history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        push(store, history)
        a_call(2).into(store)
        push(store, history)
    assert git(bare, "rev-list", "--count", "flakelens-history").strip() == "2"
    assert git(bare, "rev-list", "--count", "main").strip() == "1"
    assert "flakelens sync" in git(bare, "show", "flakelens-history:README.md")
    assert git(bare, "log", "-1", "--format=%an: %s", "flakelens-history").strip() == "flakelens: Add 1 pack"


def test_what_else_lies_on_the_branch_stays(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    team = a_checkout(tmp_path, bare)
    history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        push(store, history)
        git(tmp_path, "clone", "--quiet", "--branch=flakelens-history", str(bare), "by-hand")
        (tmp_path / "by-hand" / "NOTES.md").write_text("ours", encoding="utf-8")
        git(tmp_path / "by-hand", "add", "NOTES.md")
        git(tmp_path / "by-hand", "commit", "--quiet", "-m", "notes")
        git(tmp_path / "by-hand", "push", "--quiet")
        a_call(2).into(store)
        push(store, history)
    assert git(bare, "show", "flakelens-history:NOTES.md") == "ours"
    assert len(history.names()) == 2


def test_a_branch_of_code_is_refused(tmp_path: Path) -> None:
    """A slip of the pen must not fill the main branch with packs."""
    bare = a_repository(tmp_path)
    team = a_checkout(tmp_path, bare)
    git(team, "push", "--quiet", "origin", "HEAD:main")
    history = open_history("git:origin/main", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store, pytest.raises(UsageError, match="something else"):
        push(store, history)
    assert git(bare, "rev-list", "--count", "main").strip() == "1"


def test_variables_and_hooks_of_git_lead_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Called from a hook, GIT_DIR and GIT_INDEX_FILE name the checkout: they must not reach the plumbing."""
    team = a_checkout(tmp_path, a_repository(tmp_path))
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    git(team, "config", "core.hooksPath", str(hooks))
    before = state_of(team)
    monkeypatch.setenv("GIT_DIR", str(team / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(team / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(team))
    history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        assert push(store, history).packs == 1
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name)
    assert state_of(team) == before
    assert not (tmp_path / "ran").exists()


def test_a_branch_that_may_not_be_written_is_said_without_the_password(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    team = a_checkout(tmp_path, bare)
    (bare / "hooks").mkdir(exist_ok=True)
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'protected: https://u:secret@example.org/x' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        with pytest.raises(SharedHistoryError, match="cannot be pushed") as caught:
            push(store, history)
        assert "secret" not in str(caught.value)
        assert "protected" in str(caught.value)
        hook.unlink()
        assert push(store, history).runs == 1  # what did not land is pushed later


def test_a_remote_that_is_not_there(tmp_path: Path) -> None:
    team = a_checkout(tmp_path, a_repository(tmp_path))
    with pytest.raises(UsageError, match="no checkout with a remote 'upstream'"):
        open_history("git:upstream/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with pytest.raises(UsageError, match="no checkout"):
        open_history("git:origin/flakelens-history", tmp_path, tmp_path / "cache", dict(os.environ))
    git(team, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
    with a_database(tmp_path / "a.db", []) as store, pytest.raises(SharedHistoryError, match="cannot be reached"):
        pull(store, history)


@pytest.mark.parametrize("harm", ["emptied", "locked", "garbage"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, harm: str) -> None:
    team = a_checkout(tmp_path, a_repository(tmp_path))
    with a_database(tmp_path / "a.db", [a_call(1)]) as store:
        push(store, open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ)))
        (cache,) = (tmp_path / "cache").glob("*.git")
        if harm == "emptied":
            for path in cache.rglob("*"):
                if path.is_file():
                    path.unlink()
        elif harm == "locked":
            (cache / "shallow.lock").touch()
            (cache / "config.lock").touch()
        else:
            (cache / "HEAD").write_text("garbage", encoding="utf-8")
            (cache / "config").write_text("[garbage", encoding="utf-8")
        a_call(2).into(store)
        history = open_history("git:origin/flakelens-history", team, tmp_path / "cache", dict(os.environ))
        assert push(store, history).runs == 1
        assert len(history.names()) == 2


def test_only_what_is_asked_for_is_fetched(tmp_path: Path) -> None:
    """A pull of a small window leaves most of the history where it is."""
    bare = a_repository(tmp_path)
    team = a_checkout(tmp_path, bare)

    def open_(cache: str) -> History:
        return open_history("git:origin/flakelens-history", team, tmp_path / cache, dict(os.environ))

    with a_database(tmp_path / "a.db", []) as store:
        for n in range(30):
            a_call(24 * n, letters="PFK" * 10).into(store)
            if n % 2:
                push(store, open_("cache"))
    with a_database(tmp_path / "b.db", []) as store:
        pulled = pull(store, open_("other"), window=4)
        assert 4 <= pulled.runs < 20
        assert pulled.left > 0
        (cache,) = (tmp_path / "other").glob("*.git")
        objects = git(cache, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split()
        assert objects.count("blob") < 25
