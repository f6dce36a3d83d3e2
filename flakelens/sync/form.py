"""The form of a pack: what its bytes mean, and what is refused before any of it is used. docs/sync.md documents it.

A pack is a line that names the version, then a zlib stream of one MessagePack value. Its file is named by the SHA-256
of these bytes. Anybody who may push to the branch can write one, so that all of it is checked: sizes before unpacking,
types and lengths while decoding, meaning (`read`) of each run before it reaches the store.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Annotated, Final

import msgspec

from flakelens.errors import FlakelensError

VERSION: Final = 1
MOST_BYTES: Final = 16 << 20  # of a pack's file
MOST_PLAIN: Final = 32 << 20  # of what it unpacks to: about five million attempts
PLANES: Final = 5  # bytes of a duration
_MAGIC: Final = b"flakelens-pack "
_LONGEST_LINE: Final = 40

_Text = Annotated[str, msgspec.Meta(max_length=1 << 20)]
_Index = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
_Moment = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000)]  # ms since 1970, to the end of year 9999
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class PackError(FlakelensError):
    """A pack that cannot be used. The message says why in a few words; whoever knows its name adds that."""

    slug = "pack"


class NewerPackError(PackError):
    """A pack of a version that this flakelens does not know. It is left as it is."""


class _Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, order=True):
    """A row: its fields by position, none more."""


class TestRow(_Row, array_like=True, frozen=True, order=True):
    """A test as reported."""

    file: _Text
    name: _Text
    variant: _Text
    ordinal: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]
    producer: _Text


TestRow.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class FileRow(_Row, array_like=True, frozen=True, order=True):
    """A file found for a test by other means than its report's own words."""

    test: _Index
    kind: Annotated[int, msgspec.Meta(ge=1, le=2)]  # 1: title in the checkout, 2: stack trace
    file: _Text
    first_seen_at: _Moment
    known_since: _Moment


class MessageRow(_Row, array_like=True, frozen=True, order=True):
    """What failing attempts said."""

    type: _Text
    text: _Text


class ProblemRow(_Row, array_like=True, frozen=True, order=True):
    """A survivable oddity."""

    code: _Text
    place: _Text
    message: _Text


class ReportRow(_Row, array_like=True, frozen=True):
    """A report: its facts, and its attempts in columns, in the order of its tests (`roster`)."""

    sha256: _Hash
    size: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
    name: _Text
    job: _Text
    shard: _Text
    producer: _Text
    declared: _Text | None
    shown: _Text | None
    partial: bool
    damaged: bool
    load_failures: Annotated[list[_Text], msgspec.Meta(max_length=100_000)]
    started_at: _Moment | None
    seconds: float | None
    problems: Annotated[list[ProblemRow], msgspec.Meta(max_length=1_000_000)]
    roster: _Index  # of Pack.rosters
    retried: Annotated[list[tuple[_Index, _Index]], msgspec.Meta(max_length=1_000_000)]  # place in roster, attempts > 1
    statuses: bytes  # one of an attempt: 1 passed, 2 failed, 3 errored, 4 skipped
    durations: bytes  # milliseconds + 1, 0 for unknown: 5 planes of a byte per attempt, lowest first
    said: Annotated[list[tuple[_Index, _Index]], msgspec.Meta(max_length=4_000_000)]  # attempt, of Pack.messages


class CallRow(_Row, array_like=True, frozen=True):
    """What one ingest brought of a run: a record of metadata, and reports."""

    attempt: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]
    commit: _Text
    branch: _Text
    base_branch: _Text
    base_commit: _Text
    event: _Text
    environment: _Text
    started_at: _Moment | None
    url: _Text
    fork: bool
    dirty: bool
    local: bool
    ingested_at: _Moment
    problems: Annotated[list[ProblemRow], msgspec.Meta(max_length=1_000_000)]
    reports: Annotated[list[ReportRow], msgspec.Meta(max_length=100_000)]


class RunRow(_Row, array_like=True, frozen=True):
    """A run."""

    provider: _Text
    run: _Text
    calls: Annotated[list[CallRow], msgspec.Meta(max_length=100_000)]


def start_of(run: RunRow) -> int:
    """When a run started, ms: the earliest given start, else the earliest report, else the first ingest."""
    given = [call.started_at for call in run.calls if call.started_at is not None]
    stamps = [report.started_at for call in run.calls for report in call.reports if report.started_at is not None]
    return min(given or stamps or [call.ingested_at for call in run.calls], default=0)


class RenameRow(_Row, array_like=True, frozen=True, order=True):
    """A file rename that git saw."""

    old: _Text
    new: _Text
    commit: _Text
    known_since: _Moment


class VerdictRow(_Row, array_like=True, frozen=True):
    """A verdict as it was given."""

    gate: _Text
    as_of: _Moment
    recorded_at: _Moment
    state: _Text
    decision: _Text
    commit: _Text
    policy: _Index  # of Pack.texts
    decisions: _Index  # of Pack.texts
    data_sha256: _Text
    version: _Text
    json: Annotated[bytes, msgspec.Meta(max_length=1 << 24)]
    active: _Index  # of Pack.rosters


class Pack(_Row, array_like=True, frozen=True):
    """A pack: tables, and what refers to them by position. A pack of verdicts has no runs, and the other way round."""

    made_of: Annotated[list[_Hash], msgspec.Meta(max_length=100_000)]  # packs that this one replaces, sorted
    tests: Annotated[list[TestRow], msgspec.Meta(max_length=4_000_000)]  # sorted
    files: Annotated[list[FileRow], msgspec.Meta(max_length=8_000_000)]  # sorted
    messages: Annotated[list[MessageRow], msgspec.Meta(max_length=4_000_000)]  # sorted
    rosters: Annotated[
        list[bytes], msgspec.Meta(max_length=1_000_000)
    ]  # ascending tests: differences, uint32, low first
    runs: Annotated[list[RunRow], msgspec.Meta(max_length=200_000)]  # by start, provider, run
    renames: Annotated[list[RenameRow], msgspec.Meta(max_length=1_000_000)]  # sorted
    texts: Annotated[list[Annotated[str, msgspec.Meta(max_length=1 << 24)]], msgspec.Meta(max_length=1_000_000)]
    verdicts: Annotated[list[VerdictRow], msgspec.Meta(max_length=1_000_000)]


_DECODER: Final = msgspec.msgpack.Decoder(Pack)
_ENCODER: Final = msgspec.msgpack.Encoder()


def encode(pack: Pack) -> bytes:
    """The bytes of a pack: the same for the same pack and zlib. Raises PackError for one larger than may be read."""
    plain = _ENCODER.encode(pack)
    if len(plain) > MOST_PLAIN:
        raise PackError(f"it would hold {len(plain):,} bytes")
    data = _MAGIC + b"%d\n" % VERSION + zlib.compress(plain, 9)
    if len(data) > MOST_BYTES:
        raise PackError(f"it would have {len(data):,} bytes")
    return data


def decode(data: bytes, sha256: str) -> Pack:
    """The pack in `data`, whose name says `sha256` (hex). Raises PackError, NewerPackError; memory is bounded."""
    if len(data) > MOST_BYTES:
        raise PackError(f"it is larger than {MOST_BYTES:,} bytes")
    if hash_of(data) != sha256:
        raise PackError("its bytes are not those that its name promises")
    line, _, body = data[:_LONGEST_LINE].partition(b"\n")
    if not line.startswith(_MAGIC) or not line[len(_MAGIC) :].isdigit() or not body:
        raise PackError("it is no pack of flakelens")
    version = int(line[len(_MAGIC) :])
    if version > VERSION:
        raise NewerPackError(f"it has version {version} and this flakelens reads {VERSION}: install a newer one")
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data[len(line) + 1 :], MOST_PLAIN)
    except zlib.error as error:
        raise PackError(f"it cannot be unpacked ({error})") from None
    if not unpacker.eof or unpacker.unused_data:
        raise PackError(f"it is cut off, or holds more than {MOST_PLAIN:,} bytes")
    try:
        return _DECODER.decode(plain)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise PackError(f"it does not say what a pack must say ({error})") from None


def hash_of(data: bytes) -> str:
    """What a pack's file is named by."""
    return hashlib.sha256(data).hexdigest()
