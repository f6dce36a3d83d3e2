"""The few questions that CI detection asks of git. Read-only, without network, never raising."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)

# A partial clone would fetch what is missing, and a repository's configuration may name a program to watch its files.
QUIET = ("--no-optional-locks", "-c", "protocol.allow=never", "-c", "core.fsmonitor=false")


class Commit(msgspec.Struct, frozen=True):
    """A commit as git stores it. The parents' ids are known in a shallow clone too."""

    sha: str
    parents: tuple[str, ...]
    committer: str  # e-mail address
    subject: str


class Git(Protocol):
    """What a checkout can tell. Each answer is empty where git is missing or there is no repository."""

    def head(self) -> str:
        """The full id of the commit that is checked out, or ""."""
        ...

    def branch(self) -> str:
        """The branch that is checked out; "" when HEAD is detached."""
        ...

    def dirty(self) -> bool:
        """Is anything changed, staged or untracked? True too when a repository does not answer."""
        ...

    def commit(self, sha: str) -> Commit | None:
        """The commit of this full id, or None where the checkout does not have it."""
        ...


class GitFolder:
    """`Git` for a folder on disk: asks the `git` program, each question for at most `timeout` seconds."""

    def __init__(self, folder: Path, *, timeout: float = 10.0, program: str = "git") -> None:
        self._folder = folder
        self._timeout = timeout
        self._program = program

    def head(self) -> str:
        """The full id of the commit that is checked out, or ""."""
        answer = (self._ask("rev-parse", "--verify", "--quiet", "HEAD") or "").strip()
        return answer if _SHA.fullmatch(answer) else ""

    def branch(self) -> str:
        """The branch that is checked out; "" when HEAD is detached."""
        # Not --short: a tag of the same name would turn "main" into "heads/main".
        ref = (self._ask("symbolic-ref", "--quiet", "HEAD") or "").strip("\n")
        return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""

    def dirty(self) -> bool:
        """Is anything changed, staged or untracked, apart from what is ignored and flakelens' own folder?"""
        if (self._ask("rev-parse", "--is-inside-work-tree") or "").strip() != "true":
            return False
        status = self._ask("status", "--porcelain", "--", ":/", ":(exclude,top).flakelens")
        return status is None or bool(status.strip())

    def commit(self, sha: str) -> Commit | None:
        """The commit of this full id, or None where the checkout does not have it."""
        # The id comes from the environment: anything but hex could be an option to git.
        if not _SHA.fullmatch(sha):
            return None
        # Not `rev-parse SHA^2`, which fails in the shallow clones that CI makes.
        raw = self._ask("cat-file", "commit", sha)
        return None if raw is None else _parse(sha, raw)

    def has(self, name: str) -> bool:
        """Is there a commit of this name (a full ref, or an id) in the checkout?"""
        if name.startswith("-"):
            return False
        return self._ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is not None

    def show(self, name: str, path: str) -> str | None:
        """The text of a file in the commit `name`; None where it is not there. "./" begins at this folder, else the
        path begins at the root of the repository.
        """
        return None if name.startswith("-") else self._ask("cat-file", "blob", f"{name}:{path}")

    def _ask(self, *arguments: str) -> str | None:
        """Standard output of git; None when it cannot be run, takes too long or says no."""
        import subprocess  # most commands ask nothing of git

        command = [self._program, *QUIET, "-C", str(self._folder), *arguments]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=self._timeout, check=False
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _parse(sha: str, raw: str) -> Commit:
    """A raw commit object, header lines and message, as a `Commit`."""
    header, _, message = raw.partition("\n\n")
    parents = []
    committer = ""
    for line in header.split("\n"):
        key, _, value = line.partition(" ")
        if key == "parent":
            parents.append(value)
        elif key == "committer":
            committer = value.partition("<")[2].partition(">")[0]
    return Commit(sha, tuple(parents), committer, message.partition("\n")[0])
