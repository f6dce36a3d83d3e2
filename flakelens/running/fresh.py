"""Which reports a command has written: the report files that are new or changed since before it ran.

A file's identity, size and time of change (nanoseconds) before and after decide, never the clock: the times that a file
system keeps may lie behind it. An old report that lies around is not this command's, and is named.
"""

from __future__ import annotations

import glob
import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

MOST_FOLDERS: Final = 20_000  # that are looked into
DEEPEST: Final = 10  # folders below the one of the call
_ENDINGS: Final = (".xml", ".xml.gz")
_ARCHIVES: Final = (".zip", ".tar.gz", ".tgz", ".tar")  # only where somebody names them
_NEVER_ENTERED: Final = frozenset(
    {
        "node_modules",
        ".git",
        ".venv",
        "venv",
        ".next",
        ".nuxt",
        ".cache",
        ".turbo",
        ".yarn",
        "__pycache__",
        ".flakelens",
    }
)
_HEAD: Final = 1 << 16  # bytes in which a report's root element is looked for
_ROOTS: Final = tuple("<testsuite".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


class _Stamp(NamedTuple):
    device: int
    inode: int
    size: int
    changed: int  # ns


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look: `folder` as a whole, and `named` folders, files and globs, whose files are reports by word."""

    folder: Path
    named: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The report files that were there at one moment."""

    files: dict[str, _Stamp]
    named: frozenset[str]
    bounded: bool = False  # there are more folders than are looked into

    def written_since(self, before: Found) -> tuple[str, ...]:
        """The reports that are new or changed, sorted; of files that nobody named, those that look like JUnit XML."""
        changed = (name for name, stamp in self.files.items() if before.files.get(name) != stamp)
        return tuple(sorted(name for name in changed if name in self.named or _is_report(name)))

    def old_since(self, before: Found) -> tuple[str, ...]:
        """The reports that were there before and have not changed, sorted."""
        same = (name for name, stamp in self.files.items() if before.files.get(name) == stamp)
        return tuple(sorted(name for name in same if name in self.named or _is_report(name)))


def look(places: Places) -> Found:
    """The report files that are there now. Links to folders are not followed, and not more is read than names."""
    files: dict[str, _Stamp] = {}
    bounded = _walk(str(places.folder), files, _ENDINGS)
    named: set[str] = set()
    for place in places.named:
        for path in _matches(place, places.folder):
            of_place: dict[str, _Stamp] = {}
            if os.path.isdir(path):  # noqa: PTH112 - a glob gives text
                _walk(path, of_place, (*_ENDINGS, *_ARCHIVES), always=True)
            else:
                _note(path, of_place)
            files |= of_place
            named |= of_place.keys()
    return Found(files=files, named=frozenset(named), bounded=bounded)


def _matches(place: str, folder: Path) -> Sequence[str]:
    path = os.path.normpath(folder / place)
    return [path] if os.path.exists(path) else glob.glob(path, recursive=True)  # noqa: PTH110, PTH207


def _walk(top: str, files: dict[str, _Stamp], endings: tuple[str, ...], *, always: bool = False) -> bool:
    """Note the files below `top`; True where there was too much to look at."""
    waiting = [(top, 0)]
    seen = 0
    while waiting:
        folder, depth = waiting.pop()
        seen += 1
        if seen > MOST_FOLDERS:
            return True
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if entry.name.lower().endswith(endings):
                _note(entry.path, files)
            elif (
                depth < DEEPEST and (always or entry.name not in _NEVER_ENTERED) and entry.is_dir(follow_symlinks=False)
            ):
                waiting.append((entry.path, depth + 1))
    return False


def _note(path: str, files: dict[str, _Stamp]) -> None:
    try:
        told = os.stat(path)  # noqa: PTH116 - runs once per file of a tree
    except OSError:
        return
    files[path] = _Stamp(told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns)


def _is_report(path: str) -> bool:
    """Does it begin like JUnit XML? Coverage files and sitemaps end in .xml as well."""
    try:
        with gzip.open(path) if path.lower().endswith(".gz") else Path(path).open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return False
    return any(root in head for root in _ROOTS)
