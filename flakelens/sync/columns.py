"""The columns of a pack's reports: tests as differences, durations as planes of bytes, which zlib likes best."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from flakelens.sync.form import PLANES, PackError

_ALL = (1 << 8 * PLANES) - 1


def roster_bytes(tests: Sequence[int]) -> bytes:
    """Ascending numbers as bytes: the first, then differences, as little-endian uint32."""
    steps = array("I", [*tests[:1], *(b - a for a, b in pairwise(tests))])
    if sys.byteorder == "big":
        steps.byteswap()
    return steps.tobytes()


def roster_of(data: bytes, size: int) -> list[int]:
    """The numbers again. Raises PackError unless they ascend and lie below `size`."""
    if len(data) % 4:
        raise PackError("a list of tests is cut off")
    steps = array("I", data)
    if sys.byteorder == "big":
        steps.byteswap()
    if any(step == 0 for step in steps[1:]):
        raise PackError("a list of tests names one twice")
    tests = list(accumulate(steps))
    if tests and tests[-1] >= size:
        raise PackError("a list of tests names one that is not there")
    return tests


def planes_of(durations: Iterable[int | None]) -> bytes:
    """Durations in ms, None for unknown, as planes of bytes."""
    values = array("Q", [0 if ms is None else min(ms + 1, _ALL) for ms in durations])
    if sys.byteorder == "big":
        values.byteswap()
    data = values.tobytes()
    return b"".join(data[plane::8] for plane in range(PLANES))


def durations_of(planes: bytes, size: int) -> list[float | None]:
    """The durations of `size` attempts, in seconds. Raises PackError for another number of them."""
    if len(planes) != PLANES * size:
        raise PackError("its durations are not as many as its attempts")
    data = bytearray(8 * size)
    for plane in range(PLANES):
        data[plane::8] = planes[plane * size : (plane + 1) * size]
    values = array("Q", bytes(data))
    if sys.byteorder == "big":
        values.byteswap()
    return [(value - 1) / 1000 if value else None for value in values]
