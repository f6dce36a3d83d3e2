"""A shared history as push and pull see it, wherever it lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from flakelens.errors import UsageError

if TYPE_CHECKING:
    from flakelens.sync.names import PackName

DEFAULT: Final = "git:origin/flakelens-history"
MOST_PACKS: Final = 200_000  # that a history may list

_BRANCH: Final = re.compile(r"[A-Za-z0-9_][\w.-]*(?:/[\w][\w.-]*)*", re.ASCII)


class Change(msgspec.Struct, frozen=True):
    """What is to be added to a history, and which packs the added ones replace."""

    add: Mapping[PackName, bytes] = msgspec.field(default_factory=dict)
    remove: frozenset[PackName] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


class History(Protocol):
    """A shared history."""

    place: str  # a hash of its address

    def names(self) -> frozenset[PackName]:
        """The packs that are there now. Raises SharedHistoryError."""
        ...

    def read(self, names: Iterable[PackName]) -> Iterator[tuple[PackName, bytes]]:
        """The bytes of these packs, in this order; one that is not there any more is left out."""
        ...

    def change(self, plan: Callable[[frozenset[PackName]], Change]) -> Change:
        """Make the change that `plan` wants for what is there; asked again whenever another was faster.

        Returns the change that was made. Killed at any moment, the history is as before or as after.
        """
        ...


def place_of(address: str) -> str:
    """The hash of an address, as the database keeps it: it may hold a password."""
    return sha256(address.encode("utf-8", "replace")).hexdigest()[:16]


def parse_remote(text: str) -> tuple[str, str, str]:
    """`git:REMOTE/BRANCH` as ("git", remote, branch), `dir:PATH` as ("dir", path, ""). Raises UsageError."""
    kind, sign, rest = text.partition(":")
    if kind == "dir" and rest:
        return "dir", rest, ""
    if kind == "git" and sign:
        remote, _, branch = rest.partition("/")
        if remote and _BRANCH.fullmatch(branch) and ".." not in branch and not branch.endswith((".lock", ".")):
            return "git", remote, branch
    raise UsageError(
        f"--remote {text!r} is no shared history.",
        mend=f"Write {DEFAULT} for a branch of your repository, or dir:PATH for a folder.",
    )


def open_history(text: str, folder: Path, cache: Path, environ: Mapping[str, str]) -> History:
    """The history that `text` names, seen from `folder`; `cache` is a folder of ours. Raises UsageError."""
    kind, where, branch = parse_remote(text)
    if kind == "dir":
        from flakelens.sync.folder import FolderHistory

        return FolderHistory(folder / where)
    from flakelens.sync.git_branch import GitHistory

    return GitHistory(folder, where, branch, cache, environ)
