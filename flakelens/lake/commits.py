"""Commits: which parts belong to a lake. A part that no commit names is as good as absent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from flakelens.errors import DamagedError, DatabaseError
from flakelens.lake.form import FACTS, TABLES, put, schema

_SCHEMA: Final = "flakelens.lake-commit/1"
_NAME: Final = re.compile(r"[0-9a-f]{32}\.json")
_PART: Final = re.compile(r"(?:bucket=(\d\d)/month=(\d{4}-\d\d)/)?[0-9a-f]{32}\.parquet")


class Part(msgspec.Struct, frozen=True):
    """One Parquet file: its path below the folder of its table, with "/" separators."""

    path: str
    rows: int
    bytes: int

    @property
    def bucket(self) -> int:
        """Of a part of `result`."""
        found = _PART.fullmatch(self.path)
        return int(found[1]) if found and found[1] else 0

    @property
    def month(self) -> str:
        """Of a part of `result`."""
        found = _PART.fullmatch(self.path)
        return found[2] if found and found[2] else ""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit says."""

    schema: str = _SCHEMA
    version: str  # of flakelens
    since: int | None  # ms; when all of it was ingested, None for different moments
    parts: dict[str, list[Part]]  # by table


class Commit(msgspec.Struct, frozen=True):
    """A commit as it was read."""

    name: str
    parts: dict[str, list[Part]]


def put_part(folder: Path, table: str, rows: Any, below: str = "") -> Part:
    """Write an Arrow table as a part, unless it is there; `below`: the partition, "bucket=07/month=2026-11/"."""
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(rows, sink, compression="zstd", version="2.6")
    data = sink.getvalue().to_pybytes()
    part = Part(f"{below}{hashlib.sha256(data).hexdigest()[:32]}.parquet", rows.num_rows, len(data))
    place = folder / FACTS / table / part.path
    try:
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            put(place, data)
    except OSError as error:
        raise _unwritable(place, error) from None
    return part


def put_commit(folder: Path, name: str, document: Document) -> None:
    """Make the parts that `document` names belong to the lake. Raises DatabaseError."""
    place = _place(folder, name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        put(place, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    except OSError as error:
        raise _unwritable(place, error) from None


def since_of(folder: Path, name: str) -> int | None:
    """When the commit of this name was ingested, ms (-1: at different moments); None if there is none."""
    place = _place(folder, name)
    if not place.exists():
        return None
    since = _read(place).since
    return -1 if since is None else since


def _place(folder: Path, name: str) -> Path:
    return folder / FACTS / "commit" / f"{name}.json"


def commits(folder: Path) -> list[Commit]:
    """The commits of a lake, by name. Raises DamagedError for one that cannot be read."""
    try:
        places = sorted(p for p in (folder / FACTS / "commit").iterdir() if _NAME.fullmatch(p.name))
    except FileNotFoundError:
        return []
    return [Commit(place.stem, _read(place).parts) for place in places]


def _read(place: Path) -> Document:
    try:
        document = msgspec.json.decode(place.read_bytes(), type=Document)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{place} cannot be read: {error}.", mend=_MEND) from None
    # A commit is data: whoever may write to the folder could name any path.
    wrong = next((part.path for of in document.parts.values() for part in of if not _PART.fullmatch(part.path)), None)
    if document.schema != _SCHEMA or wrong is not None or not document.parts.keys() <= TABLES.keys():
        said = f"it names {wrong!r}" if wrong is not None else f"its schema is {document.schema!r}"
        raise DamagedError(f"{place} is not a commit that this flakelens reads: {said}.", mend=_MEND)
    return document


def read_part(folder: Path, table: str, part: Part, columns: Iterable[str] | None = None) -> Any:
    """The rows of a part as an Arrow table. Raises DamagedError: missing, of another size, or not Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    place = folder / FACTS / table / part.path
    try:
        if place.stat().st_size != part.bytes:
            raise ValueError(f"it has {place.stat().st_size:,} bytes instead of {part.bytes:,}")
        wanted = list(columns) if columns is not None else None
        words = [column.name for column in TABLES[table] if column.kind == "word"]
        # One file, not a data set: the folders' names are no columns here.
        rows = parquet.ParquetFile(place, read_dictionary=words).read(columns=wanted)
    except (OSError, ValueError, pa.ArrowException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).split("\n")[0]
        raise DamagedError(f"The lake is damaged: {place}: {why}.", mend=_MEND) from None
    expected = {column.name: column for column in TABLES[table] if wanted is None or column.name in wanted}
    types = schema(table)
    if (
        rows.num_rows != part.rows
        or set(rows.column_names) != expected.keys()
        or any(rows.schema.field(name).type != types.field(name).type for name in expected)
        or any(rows[name].null_count for name, column in expected.items() if not column.may_miss)
    ):
        raise DamagedError(f"The lake is damaged: {place} is not the part that its commit names.", mend=_MEND)
    return rows


_MEND: Final = "Bring the reports again with flakelens ingest --to-parquet, or export the database into a new folder."


def _unwritable(place: Path, error: OSError) -> DatabaseError:
    return DatabaseError(
        f"{place} cannot be written: {error.strerror}.",
        mend="Every worker must be able to write to the lake's folder. What has landed stays; run this again.",
    )
