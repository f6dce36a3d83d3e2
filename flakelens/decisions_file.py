"""The decisions file on disk: entries appended and removed, all else in it byte for byte what it was.

Whatever is written is read again first: a file that would not say exactly what was meant is not written.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from flakelens import decisions as decisions_room
from flakelens.decisions import (
    Acknowledgement,
    AliasEntry,
    Attestation,
    Decisions,
    QuarantineEntry,
    TestRef,
    Waiver,
)
from flakelens.errors import DecisionsError
from flakelens.gate.criterion import count_of

Entry: TypeAlias = Waiver | Attestation | Acknowledgement | QuarantineEntry | AliasEntry


class Written(NamedTuple):
    """What was appended or removed, as TOML, and all that the file holds now."""

    entry: str
    decisions: Decisions


def append(
    path: Path, key: str, entries: Sequence[Entry], *, check: Callable[[Decisions], None] | None = None
) -> Written:
    """Append to the array of tables `key`, having made sure that the file then says what it said and this besides.

    `check` sees what the file holds and may raise UsageError. Raises DecisionsError for a file that is not valid or
    cannot be written; then nothing is written.
    """
    text = _read(path)
    before = decisions_room.parse(text, where=path.name)
    if check is not None:
        check(before)
    shown = _as_toml(key, entries)
    newline = "\r\n" if "\r\n" in text else "\n"
    wanted = msgspec.structs.replace(before, **{key: (*getattr(before, key), *entries)})
    # At the end of the file, whatever stands there: nothing else moves, and a review shows the entry alone.
    ended = text if not text or text.endswith("\n") else text + newline
    tail = f"\n{shown}" if ended.strip() else shown
    new = ended + tail.replace("\n", newline)
    if not _says(new, wanted):
        new = _into_array(text, key, entries)
    if not _says(new, wanted):
        raise DecisionsError(
            f"{path.name}: {count_of(len(entries), 'entry', 'entries')} cannot be added without changing others.",
            mend=f"Write [[{key}]] by hand; docs/decisions.md shows how.",
        )
    _write(path, new)
    return Written(shown, wanted)


def remove(
    path: Path, key: str, which: Callable[[Any], bool], *, check: Callable[[Decisions], None] | None = None
) -> Written:
    """Remove the entries of `key` that `which` picks; comments around them stay. None picked: nothing is written.

    `check` is asked after the picking and may raise UsageError. Raises DecisionsError for a file that is not valid or
    cannot be written; then nothing is written.
    """
    text = _read(path)
    before = decisions_room.parse(text, where=path.name)
    entries: tuple[Entry, ...] = getattr(before, key)
    picked = [place for place, entry in enumerate(entries) if which(entry)]
    if check is not None:
        check(before)
    if not picked:
        return Written("", before)
    kept = tuple(entry for place, entry in enumerate(entries) if place not in picked)
    wanted = msgspec.structs.replace(before, **{key: kept})
    new = _without_tables(text, key, picked)
    if not _says(new, wanted):
        new = _out_of_array(text, key, picked)
    if not _says(new, wanted):
        raise DecisionsError(
            f"{path.name}: {count_of(len(picked), 'entry', 'entries')} cannot be removed without changing others.",
            mend=f"Take it out of {key} by hand.",
        )
    _write(path, new)
    return Written(_as_toml(key, [entries[place] for place in picked]), wanted)


def _without_tables(text: str, key: str, picked: Collection[int]) -> str:
    """The text without some of its [[key]] tables. What a person wrote between tables stays."""
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"\s*\[\[\s*[\"']?{key}[\"']?\s*\]\]")
    starts = [place for place, line in enumerate(lines) if line.lstrip().startswith("[")]
    own = [place for place in starts if header.match(lines[place])]
    gone: set[int] = set()
    for number in picked:
        if number >= len(own):
            return text
        start = own[number]
        end = next((place for place in starts if place > start), len(lines))
        while end > start + 1 and (not (last := lines[end - 1].strip()) or last.startswith("#")):
            end -= 1
        gone |= set(range(start, end))
        if start and not lines[start - 1].strip() and (end == len(lines) or not lines[end].strip()):
            gone.add(start - 1)  # one empty line between neighbours is enough
    return "".join(line for place, line in enumerate(lines) if place not in gone)


def _out_of_array(text: str, key: str, picked: Collection[int]) -> str:
    """For a file that writes the entries as an array of inline tables."""
    try:
        document = tomlkit.parse(text)
        array: Any = document[key]
        for place in sorted(picked, reverse=True):
            del array[place]
        return tomlkit.dumps(document)
    except (TOMLKitError, KeyError, IndexError):
        return text


def _says(text: str, wanted: Decisions) -> bool:
    try:
        return decisions_room.parse(text) == wanted
    except DecisionsError:
        return False


def _as_toml(key: str, entries: Sequence[Entry]) -> str:
    document = tomlkit.document()
    tables = tomlkit.aot()
    for entry in entries:
        tables.append(_table(entry))
    document[key] = tables
    return re.sub(r"\n+\[\[", "\n\n[[", tomlkit.dumps(document).strip()) + "\n"


def _into_array(text: str, key: str, entries: Sequence[Entry]) -> str:
    """For a file that writes the entries as an array of inline tables, to which no [[table]] can be added."""
    try:
        document = tomlkit.parse(text)
        array = document[key]
        if isinstance(array, Array):
            array.extend(_inline(_table(entry)) for entry in entries)
        return tomlkit.dumps(document)
    except (TOMLKitError, KeyError):
        return text


def _table(entry: Entry) -> Any:
    table = tomlkit.table()
    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        if value == "":  # a field that need not be given, such as `issue`
            continue
        table[name] = _test(value) if isinstance(value, TestRef) else value
    return table


def _inline(table: Any) -> Any:
    inline = tomlkit.inline_table()
    inline.update(table)
    return inline


def _test(ref: TestRef) -> Any:
    inline = tomlkit.inline_table()
    inline.update({key: value for key in ("name", "file", "variant") if (value := getattr(ref, key))})
    return inline


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return (
            "# What people decided about the gate. Committed and reviewed like code; docs/decisions.md explains each"
            " entry.\n"
        )
    except OSError as error:
        raise DecisionsError(f"{path} cannot be read: {error.strerror}.", mend="Check its permissions.") from None
    except UnicodeDecodeError:
        raise DecisionsError(f"{path} is not UTF-8 text.", mend="Save it as UTF-8.") from None


def _write(path: Path, text: str) -> None:
    """The whole file or none of it, with the permissions it had; a symbolic link stays one."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise DecisionsError(f"{path} cannot be written: {error.strerror}.", mend="Check its permissions.") from None
