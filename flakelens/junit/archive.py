"""The reports inside a .zip or .tar archive: names checked, sizes bounded, nothing written to disk."""

from __future__ import annotations

import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Protocol, Self

from flakelens.model import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flakelens.junit.limits import Limits

_CHUNK = 1 << 20
_LONGEST_HEADER = 1 << 20
_CONTENT_TYPES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE)
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression method that Python does not know
    RuntimeError,  # an encrypted member
    ValueError,
    OverflowError,
)
_LINK, _OUTSIDE = "is a link", "has a name that leads out of the archive"
_UNSAFE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)")


class Readable(Protocol):
    """All that is asked of a stream."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""


class TooLargeError(Exception):
    """A stream holds more than it may."""


def read_limited(stream: Readable, limit: int) -> bytes:
    """All bytes of a stream, read in pieces. Raises TooLargeError as soon as there are more than `limit`."""
    pieces: list[bytes] = []
    left = max(limit, 0)
    while piece := stream.read(min(_CHUNK, left + 1)):
        left -= len(piece)
        if left < 0:
            raise TooLargeError
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def zip_members(stream: IO[bytes], limits: Limits) -> Iterator[tuple[str, bytes | Problem]]:
    """The reports of a zip archive in its order: name and bytes, or what is wrong with it (name "": the archive)."""
    budget = limits.max_archive_bytes
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > limits.max_members:
                yield "", _too_many(limits)
                members = members[: limits.max_members]
            overlapping = _overlapping(members)
            for member in members:
                name = member.filename
                if member.is_dir() or not _is_candidate(name):
                    continue
                if member.header_offset in overlapping:
                    yield name, _unsafe(name, "shares its bytes with another one")
                    continue
                link = stat.S_ISLNK(member.external_attr >> 16)
                if link or _UNSAFE.search(name):
                    yield name, _unsafe(name, _LINK if link else _OUTSIDE)
                    continue
                try:
                    with archive.open(member) as content:
                        data = _member(content, name, min(limits.max_bytes, budget))
                except TooLargeError:
                    yield name, _too_large(name, limits)
                    budget -= limits.max_bytes
                except _DAMAGE as error:
                    yield name, _damaged(name, error)
                else:
                    budget -= len(data)
                    yield name, data
                if budget <= 0:
                    yield "", _too_large_archive(limits)
                    return
    except _DAMAGE as error:
        yield "", _damaged("", error)


def tar_members(stream: Readable, limits: Limits) -> Iterator[tuple[str, bytes | Problem]]:
    """The reports of a tar archive, as `zip_members`. The stream is plain; the caller decompresses as it is read."""
    try:
        bounded = _Bounded(stream, limits.max_archive_bytes)
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
            for number, member in enumerate(archive):
                if number >= limits.max_members:
                    yield "", _too_many(limits)
                    return
                name = member.name
                if not _is_candidate(name) or member.isdir():
                    continue
                if not member.isreg() or _UNSAFE.search(name):
                    yield name, _unsafe(name, _OUTSIDE if member.isreg() else _LINK)
                    continue
                if member.size > limits.max_bytes:
                    yield name, _too_large(name, limits)
                    continue
                content = archive.extractfile(member)
                if content is None:
                    continue
                try:
                    yield name, _member(content, name, limits.max_bytes)
                except TooLargeError:
                    if bounded.exhausted:
                        raise
                    yield name, _too_large(name, limits)
    except TooLargeError:
        yield "", _too_large_archive(limits)
    except (*_DAMAGE, OSError) as error:
        yield "", _damaged("", error)


class _Header(tarfile.TarInfo):
    """A member's header. tarfile takes a broken one for the end, and long names of any size into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header in a block of 512 bytes."""
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the regular end: a block of zeros
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error
        if header.type not in _CONTENT_TYPES and header.size > _LONGEST_HEADER:
            raise TooLargeError
        return header


class _Bounded:
    """A stream that gives out only so many bytes: skipping a member decompresses it too."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self.stream = stream
        self.left = limit
        self.exhausted = False

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            self.exhausted = True
            raise TooLargeError
        return self.stream.read(size)


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """Where members lie that share bytes with the one before them: how a small zip holds petabytes."""
    found: set[int] = set()
    end = -1
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            found.add(member.header_offset)
        end = max(end, member.header_offset + member.compress_size)
    return found


def _is_candidate(name: str) -> bool:
    base = name.replace("\\", "/").rpartition("/")[2]
    return base.lower().endswith((".xml", ".xml.gz")) and not base.startswith("._")


def _member(content: IO[bytes], name: str, limit: int) -> bytes:
    if name.lower().endswith(".gz"):
        with gzip.GzipFile(fileobj=content) as plain:
            return read_limited(plain, limit)
    return read_limited(content, limit)


def _unsafe(name: str, what: str) -> Problem:
    message = f"This member {what} and was refused. Pack the reports themselves under plain names."
    return Problem(ProblemCode.UNSAFE_MEMBER, name, message)


def _too_large(name: str, limits: Limits) -> Problem:
    message = f"The member is larger than {limits.max_bytes} bytes and was not read. Split the report."
    return Problem(ProblemCode.TOO_LARGE, name, message)


def _too_large_archive(limits: Limits) -> Problem:
    message = f"The archive holds more than {limits.max_archive_bytes} bytes; the rest was not read. Split it."
    return Problem(ProblemCode.TOO_LARGE, "", message)


def _too_many(limits: Limits) -> Problem:
    message = f"The archive has more than {limits.max_members} members; the rest was not read. Pack only the reports."
    return Problem(ProblemCode.TOO_LARGE, "", message)


def _damaged(name: str, error: BaseException) -> Problem:
    message = f"The archive is damaged here ({type(error).__name__}) and was not read: upload or download it again."
    return Problem(ProblemCode.BAD_ARCHIVE, name, message)
