"""What names a test and a report in a lake, and which partition its results belong to."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from flakelens.lake.form import BUCKETS


class TestKey(NamedTuple):
    """A test as reported, which the store gives a number."""

    file: str
    name: str
    variant: str
    ordinal: int
    producer: str


TestKey.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class ReportKey(NamedTuple):
    """A report: the same bytes twice in one run are one."""

    provider: str
    run: str
    sha256: str


def bucket_of(file: str, name: str, variant: str) -> int:
    """The bucket of a test, from its id as reported: BLAKE2b, 8 bytes, big-endian, modulo 64."""
    said = f"{file}\0{name}\0{variant}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") % BUCKETS


def month_of(moment: datetime) -> str:
    """The partition of a report's results, from its time stamp, else its run's start, else its ingest. UTC."""
    return f"{moment.year:04}-{moment.month:02}"
