"""What the user named -> bytes of reports, one at a time: files, folders, globs, archives, standard input.

Nothing is ever extracted to disk, nothing outside what was named is read through an archive, and everything is
decompressed within limits.
"""

from __future__ import annotations

import glob
import gzip
import os
import re
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from flakelens.junit.archive import TooLargeError, read_limited, tar_members, zip_members
from flakelens.junit.limits import Limits
from flakelens.junit.reader import read_bytes
from flakelens.model import ParsedReport, Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CANDIDATES = (".xml", ".xml.gz", ".zip", ".tar.gz", ".tgz", ".tar")
_NEVER_ENTERED = frozenset({"node_modules", ".git"})
_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no bytes
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"


class Named(NamedTuple):
    """A file that a user named: where it is ("-": standard input) and the name that its report has."""

    path: str
    name: str


Read = Callable[[str, bytes, Limits], ParsedReport]  # the name and the bytes of one report


def read_paths(
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Iterator[ParsedReport]:
    """Every report that the paths name, in the order given; within a folder in natural order.

    A path is a file, a folder (searched for *.xml, *.xml.gz, .zip, .tar, .tar.gz, .tgz), a glob, or "-" for `stdin`.
    A file that several paths name is read once. What cannot be read is a damaged report that says why.
    """
    for found in find(paths):
        if isinstance(found, ParsedReport):
            yield found
        else:
            yield from read_named(found, stdin=stdin, limits=limits)


def find(paths: Sequence[str]) -> Iterator[Named | ParsedReport]:
    """The files that the paths name, in the order of `read_paths`; a damaged report for a path that names none."""
    seen: set[str] = set()
    for path in paths:
        if path == "-":
            yield Named(path, path)
            continue
        found = False
        for file, name in _files(path):
            found = True
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield Named(file, name)
        if not found:
            what = "No report was found there: check the path, and that the tests ran before this step."
            yield unread(_clean(path), ProblemCode.NO_SUCH_FILE, what)


def read_named(
    named: Named,
    *,
    stdin: BinaryIO | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    read: Read = read_bytes,
) -> Iterator[ParsedReport]:
    """The reports of one file: one, or those of an archive. `read` makes each from its decompressed bytes."""
    if named.path == "-":
        return _from_stdin(stdin, limits, read)
    return _from_file(named.path, named.name, limits, read)


def unread(name: str, code: ProblemCode, message: str) -> ParsedReport:
    """A report that could not be read at all."""
    return ParsedReport(
        name=name,
        sha256=_NOTHING,
        size=0,
        producer="unknown",
        damaged=True,
        problems=(Problem(code, name, message),),
    )


def _files(path: str) -> Iterator[tuple[str, str]]:
    """The files that one path names, each with the name that its report will have."""
    if "\0" in path:
        return
    if os.path.isdir(path):  # noqa: PTH112 - paths stay texts here, as the user gave them
        yield from _in_folder(path)
    elif os.path.lexists(path):
        yield path, _clean(path)
    elif glob.has_magic(path):
        for match in sorted(glob.glob(path, recursive=True), key=_natural):  # noqa: PTH207 - the pattern may be absolute
            if os.path.isdir(match):  # noqa: PTH112
                yield from ((file, f"{_clean(match)}/{name}") for file, name in _in_folder(match))
            else:
                yield match, _clean(match)


def _in_folder(folder: str) -> Iterator[tuple[str, str]]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted((name for name in folders if name not in _NEVER_ENTERED), key=_natural)
        for name in sorted(files, key=_natural):
            if name.lower().endswith(_CANDIDATES) and not name.startswith("._"):
                file = os.path.join(parent, name)  # noqa: PTH118
                yield file, _clean(os.path.relpath(file, folder))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key: numbers by value, so that run-2 comes before run-10."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part[:18]), part) if part[:1].isdigit() and part.isascii() else (0, 0, part) for part in parts]


def _clean(path: str) -> str:
    """A path as a name: "/" separators, and no halves of characters (undecodable file names)."""
    name = path.replace(os.sep, "/")
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _from_stdin(stdin: BinaryIO | None, limits: Limits, read: Read) -> Iterator[ParsedReport]:
    if stdin is None:
        yield unread("-", ProblemCode.UNREADABLE, "There is no standard input to read from: name a file instead of -.")
        return
    try:
        data = read_limited(stdin, limits.max_bytes)
    except TooLargeError:
        yield _too_large("-", limits)
    except (OSError, ValueError) as error:
        yield _unreadable("-", error)
    else:
        yield from _from_memory("-", data, limits, read)


def _from_memory(name: str, data: bytes, limits: Limits, read: Read) -> Iterator[ParsedReport]:
    import io

    if data.startswith((_GZIP, _ZIP, _EMPTY_ZIP)):
        yield from _from_stream(io.BytesIO(data), name, limits, read)
    else:
        yield read(name, data, limits)


def _from_file(file: str, name: str, limits: Limits, read: Read) -> Iterator[ParsedReport]:
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116
            what = (
                "This is no regular file (a device, pipe or socket): name the report's file, or - for standard input."
            )
            yield unread(name, ProblemCode.UNREADABLE, what)
            return
        with Path(file).open("rb") as stream:
            yield from _from_stream(stream, name, limits, read)
    except FileNotFoundError:
        yield unread(name, ProblemCode.NO_SUCH_FILE, "The file is gone, or is a link to nothing.")
    except OSError as error:
        yield _unreadable(name, error)


def _from_stream(stream: BinaryIO, name: str, limits: Limits, read: Read) -> Iterator[ParsedReport]:
    """A file's content by what it is, not by what it is called."""
    head = stream.read(512)
    stream.seek(0)
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        yield from _from_members(zip_members(stream, limits), name, limits, read)
    elif _is_tar(head):
        yield from _from_members(tar_members(stream, limits), name, limits, read)
    elif head.startswith(_GZIP):
        yield from _from_gzip(stream, name, limits, read)
    else:
        try:
            yield read(name, read_limited(stream, limits.max_bytes), limits)
        except TooLargeError:
            yield _too_large(name, limits)


def _from_gzip(stream: BinaryIO, name: str, limits: Limits, read: Read) -> Iterator[ParsedReport]:
    try:
        with gzip.GzipFile(fileobj=stream) as plain:
            head = plain.read(512)
            if _is_tar(head):
                plain.seek(0)
                yield from _from_members(tar_members(plain, limits), name, limits, read)
                return
            data = head + read_limited(plain, limits.max_bytes - len(head))
    except TooLargeError:
        yield _too_large(name, limits)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield _bad_archive(name, error)
    else:
        yield read(name, data, limits)


def _from_members(
    members: Iterable[tuple[str, bytes | Problem]], name: str, limits: Limits, read: Read
) -> Iterator[ParsedReport]:
    found = False
    for member, content in members:
        found = True
        full = f"{name}!{_clean(member)}" if member else name
        if isinstance(content, Problem):
            yield unread(full, content.code, content.message)
        else:
            yield read(full, content, limits)
    if not found:
        yield unread(name, ProblemCode.NO_SUCH_FILE, "The archive holds no report (*.xml): check what was packed.")


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _too_large(name: str, limits: Limits) -> ParsedReport:
    message = f"The report is larger than {limits.max_bytes} bytes and was not read. Split it, or raise the limit."
    return unread(name, ProblemCode.TOO_LARGE, message)


def _bad_archive(name: str, error: Exception) -> ParsedReport:
    message = f"The compressed file is damaged ({type(error).__name__}): upload or download it again."
    return unread(name, ProblemCode.BAD_ARCHIVE, message)


def _unreadable(name: str, error: Exception) -> ParsedReport:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return unread(name, ProblemCode.UNREADABLE, f"The file could not be read ({reason}): check its permissions.")
