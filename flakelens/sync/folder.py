"""A shared history in a folder: a network drive, a volume, a bucket that is mounted.

Each pack is written beside its place and renamed into it, so that nobody sees half of one. Packs that a joined one
replaces are removed after it is there: whoever looks between sees both, which does no harm.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from flakelens.errors import SharedHistoryError
from flakelens.sync.form import MOST_BYTES
from flakelens.sync.names import KINDS, PackName, parse
from flakelens.sync.remote import MOST_PACKS, Change, place_of

_STALE: Final = 24 * 3600  # seconds after which a half-written file is somebody's who was killed


class FolderHistory:
    """`History` in a folder, which the first push makes."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self.place = place_of(f"dir:{top.resolve()}")

    def names(self) -> frozenset[PackName]:
        """The packs in the folder; none where there is no such folder."""
        found: set[PackName] = set()
        for kind in KINDS:
            for month in _entries(self._top / kind):
                for entry in _entries(Path(month.path)) if month.is_dir(follow_symlinks=False) else ():
                    name = parse(f"{kind}/{month.name}/{entry.name}")
                    if name is not None and entry.is_file(follow_symlinks=False):
                        found.add(name)
        if len(found) > MOST_PACKS:
            raise SharedHistoryError(f"{self._top} lists more than {MOST_PACKS:,} packs.", mend="Is it the right one?")
        return frozenset(found)

    def read(self, names: Iterable[PackName]) -> Iterator[tuple[PackName, bytes]]:
        """The bytes of these packs; one more byte than allowed at most."""
        for name in names:
            path = self._top / name.path
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
                with os.fdopen(descriptor, "rb") as file:
                    if stat.S_ISREG(os.fstat(descriptor).st_mode):
                        yield name, file.read(MOST_BYTES + 1)
            except FileNotFoundError:
                continue  # joined with others meanwhile
            except OSError as error:
                raise _failed(path, error, "read") from None

    def change(self, plan: Callable[[frozenset[PackName]], Change]) -> Change:
        """Write what is to be added, then remove what it replaces."""
        change = plan(self.names())
        for name, data in sorted(change.add.items()):
            path = self._top / name.path
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
            except OSError as error:
                raise _failed(path, error, "written") from None
        for name in change.remove:
            with suppress(FileNotFoundError, PermissionError):  # somebody else was faster; or may, and does it later
                (self._top / name.path).unlink()
        return change


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _failed(folder, error, "read") from None


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    for old in path.parent.glob(".*.part"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _STALE:
                old.unlink()


def _failed(path: Path, error: OSError, what: str) -> SharedHistoryError:
    return SharedHistoryError(
        f"{path} cannot be {what}: {error.strerror}.", mend="Check the folder of --remote and its permissions."
    )
