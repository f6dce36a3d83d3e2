"""Power cuts, replayed: what an operation asked of its files, cut off at a random call, with a disk that had not yet
written what it was not made to.

recording_io.c writes down each write, truncation and sync. For a cut after call n every file is what had been synced,
plus a random part of what had not: whole writes, writes of which only the first sectors came, none in between. (Names
are taken to be on the disk at once; that a file is there before its content is, is the harder case.) What is left must
open, be sound, hold each run whole or not at all, and be completed by the same operation.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.faults.kills import child, ended, judge
from tests.faults.operations import Material, Operation

_SECTOR = 512
SHIM = "recording_io.c"


class Call(NamedTuple):
    """One record: `what` is write, truncate, sync, unlink or rename (its `data` is the new path)."""

    what: str
    path: str
    offset: int
    data: bytes


@dataclass
class Disk:
    """Files as they are on the disk, and what was asked of each and is not there for sure."""

    files: dict[str, bytearray] = field(default_factory=dict)
    waiting: dict[str, list[Call]] = field(default_factory=dict)

    def ask(self, call: Call) -> None:
        if call.what == "unlink":
            self.files.pop(call.path, None)
            self.waiting.pop(call.path, None)
        elif call.what == "rename":
            target = call.data.decode()
            self.files[target] = self.files.pop(call.path, bytearray())
            self.waiting[target] = self.waiting.pop(call.path, [])
        elif call.what == "sync":
            for each in self.waiting.pop(call.path, []):
                self._do(each, len(each.data))
        else:
            self.files.setdefault(call.path, bytearray())
            self.waiting.setdefault(call.path, []).append(call)

    def cut(self, rng: random.Random) -> None:
        """The power goes: some of what waits came to be, some in part."""
        for path, calls in self.waiting.items():
            share = rng.choice((0.0, 0.2, 0.5, 0.9, 1.0))
            for call in calls:
                if path in self.files and rng.random() < share:
                    sectors = rng.randrange(len(call.data) // _SECTOR + 1) if rng.random() < 0.2 else None
                    self._do(call, len(call.data) if sectors is None else sectors * _SECTOR)

    def _do(self, call: Call, size: int) -> None:
        content = self.files.setdefault(call.path, bytearray())
        end = call.offset + (size if call.what == "write" else 0)
        if call.what == "truncate" and len(content) > end:
            del content[end:]
        content.extend(bytes(max(0, end - len(content))))
        if call.what == "write":
            content[call.offset : end] = call.data[:size]


def read(book: Path) -> Iterator[Call]:
    """The calls of a record, in their order."""
    data, at = book.read_bytes(), 0
    while at < len(data):
        end = data.index(b"\n", at)
        what, path, offset, size = data[at:end].decode().split(" ")
        behind = int(size) if what in ("write", "rename") else 0
        yield Call(what, path, int(offset), data[end + 1 : end + 1 + behind])
        at = end + 1 + behind


def recorded(operation: Operation, folder: Path, book: Path) -> Sequence[Call]:
    """Does the operation in a process of its own, in `folder`, and gives what it asked of the files there."""
    library = ctypes.CDLL(os.environ["FAULTS_SHIM"])

    def act() -> None:
        library.record_into(str(book).encode())
        operation.act(folder)

    assert ended(child(act)) == 0
    return list(read(book))


def cuts(material: Material, most: int, seed: int) -> Counter[str]:
    """Cut each operation at `most` random calls. Needs the process to have been started with the shim."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for operation in material.operations():
        with TemporaryDirectory(prefix="faults-") as place:
            folder = Path(place) / "work"
            folder.mkdir()
            operation.prepare(folder)
            before = {str(file): bytearray(file.read_bytes()) for file in folder.iterdir()}
            calls = recorded(operation, folder, Path(place) / "book")
            counts[f"{operation.name}: writes and syncs in all"] = len(calls)
            for _ in range(most):
                number, chance = rng.randrange(1, len(calls) + 1), rng.randrange(2**32)
                disk = Disk({path: bytearray(content) for path, content in before.items()})
                for call in calls[:number]:
                    disk.ask(call)
                lost = sum(map(len, disk.waiting.values()))
                disk.cut(random.Random(chance))
                shutil.rmtree(folder)
                folder.mkdir()
                for path, content in disk.files.items():
                    Path(path).write_bytes(content)
                where = f"{operation.name}: power cut after call {number} of {len(calls)}, chance {chance}"
                assert ended(child(partial(judge, operation, folder))) == 0, where
                counts[
                    f"{operation.name}: cut {'with calls not yet on the disk' if lost else 'with all on the disk'}"
                ] += 1
    return counts
