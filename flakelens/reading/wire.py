"""Reports between processes: frames of pickle, cases by column, and the tests of a suite sent once.

Only processes of one program talk here, over pipes that nobody else has.
"""

from __future__ import annotations

import pickle
from typing import IO, TYPE_CHECKING, Any

from msgspec.structs import replace

from flakelens.cases import Cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from flakelens.model import ParsedReport, TestId

_SIZE = 8  # bytes of a frame's length
_MOST_IDS = 50_000  # test ids that both sides remember


def send(stream: IO[bytes], message: object) -> None:
    """Write one frame. Raises BrokenPipeError where nobody listens any more."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(len(data).to_bytes(_SIZE, "little"))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """One frame as it came, None where the other side is gone: before a frame, or in the midst of one."""
    head = stream.read(_SIZE)
    if len(head) < _SIZE:
        return None
    size = int.from_bytes(head, "little")
    data = stream.read(size)
    return data if len(data) == size else None


def opened(frame: bytes) -> Any:
    """The message of a frame."""
    return pickle.loads(frame)  # written by a process that this one started


class Packer:
    """Makes messages of reports. The ids of a suite are sent once and named by a number from then on."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[TestId, ...], int] = {}
        self._held = 0
        self._next = 0

    def pack(self, report: ParsedReport) -> tuple[Any, ...]:
        """The message for one report."""
        cases = Cases.of(report.cases)
        ids = tuple(cases.ids)
        number = self._numbers.get(ids)
        new = number is None
        dropped: list[int] = []
        if number is None:
            number, self._next = self._next, self._next + 1
            self._numbers[ids] = number
            self._held += len(ids)
            while self._held > _MOST_IDS and len(self._numbers) > 1:
                oldest = next(iter(self._numbers))
                dropped.append(self._numbers.pop(oldest))
                self._held -= len(oldest)
        columns = bytes(cases.statuses), cases.seconds, cases.attempts, cases.ordinals, cases.lines, cases.stack_files
        return replace(report, cases=()), number, cases.ids if new else None, dropped, columns


def unpacker() -> Callable[[bytes], list[ParsedReport | None]]:
    """Makes reports of the frames that one Packer's messages came in, some a frame, in their order; None is an end."""
    known: dict[int, list[TestId]] = {}

    def unpacked(frame: bytes) -> list[ParsedReport | None]:
        return [None if message is None else whole(message) for message in opened(frame)]

    def whole(message: tuple[Any, ...]) -> ParsedReport:
        report, number, ids, dropped, columns = message
        if ids is not None:
            known[number] = ids
        cases = Cases()
        cases.ids = known[number]
        statuses, cases.seconds, cases.attempts, cases.ordinals, cases.lines, cases.stack_files = columns
        cases.statuses = bytearray(statuses)
        for each in dropped:
            del known[each]
        found: ParsedReport = replace(report, cases=cases)
        return found

    return unpacked
