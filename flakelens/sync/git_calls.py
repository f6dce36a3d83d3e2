"""Calls of the git program on a cache of ours: with the checkout's log-in, without its files, hooks and variables."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flakelens.errors import SharedHistoryError, UsageError

_PATIENCE: Final = 600.0  # seconds for one call: a first fetch over a slow line
_LOGIN: Final = r"^(http|https|credential|url|ssh|core\.sshcommand|core\.gitproxy|protocol|safe)\."
_PASSWORD: Final = re.compile(r"://[^@/\s]*@")
_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ADDRESS: Final = re.compile(r"[a-z+]+://|[^/\s]+@[^/\s]+:|/|\.\.?/")
_LONGEST: Final = 600  # characters of what git said
_WHO: Final = {"NAME": "flakelens", "EMAIL": "flakelens@localhost"}


class GitFailure(Exception):  # noqa: N818 - it is not an error of ours until somebody decides so
    """A call that did not succeed, with what git said."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the remote is and how to log in there, as the checkout knows it."""

    address: str
    push_address: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)  # of configuration: may hold secrets
    environ: Mapping[str, str] = field(repr=False)


def settings_of(folder: Path, remote: str, environ: Mapping[str, str]) -> Settings:
    """Ask the checkout in `folder`. Raises UsageError where there is none, or no such remote."""
    plain = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in _KEPT}
    plain |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    def ask(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=folder, env=plain, capture_output=True, text=True, errors="replace",
                check=False, timeout=60,
            )  # fmt: skip
        except FileNotFoundError:
            raise UsageError("There is no git program.", mend="Install git, or share through dir:PATH.") from None
        return done.stdout if done.returncode == 0 else None

    if _ADDRESS.match(remote):
        address: str | None = remote
        push: str | None = remote
    else:
        address, push = ask("remote", "get-url", remote), ask("remote", "get-url", "--push", remote)
    if not address:
        raise UsageError(
            f"This folder is no checkout with a remote {remote!r}.",
            mend="Call it in a checkout of your repository, or name the remote: --remote git:NAME/BRANCH.",
        )
    address, push = _absolute(address, folder), _absolute(push or address, folder)
    found = ask("config", "--local", "--includes", "-z", "--get-regexp", _LOGIN) or ""
    pairs = tuple((name, value) for entry in found.split("\0") if entry for name, _, value in [entry.partition("\n")])
    return Settings(address, push, pairs, plain)


def _absolute(address: str, folder: Path) -> str:
    address = address.strip()
    return str((folder / address).resolve()) if re.match(r"\.\.?/", address) else address


_KEPT: Final = frozenset(
    {"GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY", "GIT_CONFIG_GLOBAL",
     "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_ALLOW_PROTOCOL", "GIT_EXEC_PATH"}
)  # fmt: skip


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """One process at a time works in the cache; a lock of the kernel, so that a killed one lets go."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        file = cache.with_suffix(".lock").open("w")
    except OSError as error:
        raise SharedHistoryError(
            f"The folder {cache.parent} cannot be written: {error.strerror}.", mend="Call it where you may write."
        ) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class GitCalls:
    """git on the bare repository `cache`; every method may raise GitFailure."""

    def __init__(self, cache: Path, settings: Settings, remote: str) -> None:
        self._cache = cache
        self._settings = settings
        self._remote = remote
        self._online = _environ(settings, remote)
        self._local = _environ(Settings("", "", (), settings.environ), remote)

    def prepare(self) -> None:
        """Make the cache, if there is none."""
        if not (self._cache / "HEAD").exists():
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            self._run(["init", "--quiet", "--bare", "--template=", str(self._cache)], self._local, at=False)

    def online(self, *arguments: str) -> str:
        """A call that talks to the remote, logged in as the checkout would be."""
        return self._run(list(arguments), self._online).decode("utf-8", "replace")

    def local(self, *arguments: str) -> str:
        """A call that needs the cache alone."""
        return self._run(list(arguments), self._local).decode("utf-8", "surrogateescape")

    def tree(self, lines: Sequence[str]) -> str:
        """Store a tree of these lines ("100644 blob ID<tab>NAME"); what they name may be missing here."""
        data = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
        return self._run(["mktree", "--missing", "-z"], self._local, data).decode().strip()

    def store_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Store each content; their ids."""
        return [
            self._run(["hash-object", "-w", "--stdin"], self._local, content).decode().strip() for content in contents
        ]

    def bring(self, ids: Sequence[str]) -> None:
        """Fetch those of these blobs that are not here, all in one call."""
        here = set(self.local("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered").split())
        missing = sorted(id_ for id_ in set(ids) - here if _OID.fullmatch(id_))
        if not missing:
            return
        try:
            self._run(
                ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", self._remote, "--no-tags",
                 "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin"],
                self._online,
                "".join(f"{id_}\n" for id_ in missing).encode(),
            )  # fmt: skip
        except GitFailure as failure:
            raise SharedHistoryError(
                f"Packs of the shared history cannot be fetched: {self.scrubbed(str(failure))}",
                mend="Run it again; what was taken in stays.",
            ) from None

    def blob(self, id_: str, most: int) -> bytes | None:
        """The bytes of a blob, None for one that is not here; of one larger than `most`, the first bytes beyond it."""
        command = ["git", "--git-dir", str(self._cache), "cat-file", "blob", id_]
        with subprocess.Popen(
            command, env=self._local, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            data = process.stdout.read(most + 1)
            if len(data) > most:
                process.kill()
                return data
            process.wait()
        return data if process.returncode == 0 else None

    def scrubbed(self, text: str) -> str:
        """What git said, without passwords and not longer than a person reads."""
        text = without_password(" ".join(text.split()))
        for _, value in self._settings.pairs:
            if len(value) >= 8:
                text = text.replace(value, "***")
        return text[:_LONGEST]

    def _run(self, arguments: list[str], environ: Mapping[str, str], data: bytes = b"", *, at: bool = True) -> bytes:
        where = ["--git-dir", str(self._cache)] if at else []
        try:
            done = subprocess.run(
                ["git", *where, *arguments], env=environ, input=data, capture_output=True, check=False,
                timeout=_PATIENCE,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise GitFailure(f"git {arguments[0]} took longer than {_PATIENCE:.0f} seconds") from None
        if done.returncode:
            raise GitFailure(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
        return done.stdout


def without_password(text: str) -> str:
    """Addresses in `text` without user and password: these may change with every job, and are nobody's business."""
    return _PASSWORD.sub("://", text)


def _environ(settings: Settings, remote: str) -> dict[str, str]:
    """The environment of a call: configuration goes through it, since arguments can be seen by other users."""
    pairs = [
        *settings.pairs,
        *([(f"remote.{remote}.url", settings.address)] if settings.address else []),
        *([(f"remote.{remote}.pushurl", settings.push_address)] if settings.push_address else []),
        ("core.hooksPath", os.devnull),
        ("gc.autoDetach", "false"),
        ("fetch.fsckObjects", "true"),
        ("commit.gpgSign", "false"),
        ("push.gpgSign", "false"),
        ("protocol.ext.allow", "never"),
        ("core.autocrlf", "false"),
    ]
    environ = dict(settings.environ) | {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (name, value) in enumerate(pairs):
        environ |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    for who in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{who}_{what}": value for what, value in _WHO.items()}
    return environ
