"""What a matrix of outcomes comes to, run by run and test by test, without making another one of its size.

Memory that is touched for the first time costs more than all that is counted in it. So a suite is worked through in
blocks of tests that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from flakelens.model import Outcome
from flakelens.outcomes import EXECUTED, FIRST_FAILED, was_executed

_BLOCK = 255  # tests at a time: a byte can count them

_Cell = TypeVar("_Cell", np.int64, np.bool_)


def blocks(tests: int, size: int = _BLOCK) -> Iterator[slice]:
    """Tests to look at at a time."""
    return (slice(start, start + size) for start in range(0, tests, size))


def by_run(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The same codes (N, R) laid out by run, (R, N): for those who look at one whole run after the other."""
    found = np.empty((codes.shape[1], len(codes)), np.int8)
    for tests in blocks(len(codes)):
        found[:, tests] = codes[tests].T
    return found


def counted(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many hold in each column, (R,); `cells` (N, R)."""
    # A byte holds what a block counts to, and is added up many times faster than a whole number.
    found = np.zeros(cells.shape[1], np.int64)
    for tests in blocks(len(cells)):
        found += cells[tests].view(np.uint8).sum(axis=0, dtype=np.uint8)
    return found


class Tally(NamedTuple):
    """How many tests have which outcome in each run, (R,) each."""

    executed: npt.NDArray[np.int64]  # passed, flaky or failed
    failed: npt.NDArray[np.int64]  # after retries
    flaky: npt.NDArray[np.int64]


def tally(codes: npt.NDArray[np.int8]) -> Tally:
    """The outcomes of each run, counted; `codes` (N, R)."""
    runs = codes.shape[1]
    of_blocks = np.zeros((3, -(-len(codes) // _BLOCK), runs), np.uint8)
    for number, tests in enumerate(blocks(len(codes))):
        block = codes[tests]
        for kind, cells in enumerate((was_executed(block), block == Outcome.FAILED, block == Outcome.FLAKY)):
            np.add.reduce(cells.view(np.uint8), axis=0, dtype=np.uint8, out=of_blocks[kind, number])
    return Tally(*of_blocks.sum(axis=1, dtype=np.int64))


def executed_runs(codes: npt.NDArray[np.int8], runs: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """In how many of the `runs` (R,) each test was executed, (N,); `codes` (N, R)."""
    asked = np.where(runs, EXECUTED, np.int8(0))
    into = np.empty(len(codes), np.int64)
    return _by_test(lambda block: ((block & asked) != 0).view(np.uint8).sum(axis=1, dtype=np.uint32), codes, into)


def passed_runs(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """In how many runs each test passed at its first attempt, (N,); `codes` (N, R)."""
    into = np.empty(len(codes), np.int64)
    return _by_test(lambda block: (block == Outcome.PASSED).view(np.uint8).sum(axis=1, dtype=np.uint32), codes, into)


def ever_failed(codes: npt.NDArray[np.int8], runs: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which tests failed a first attempt in any of the `runs` (R,), (N,); `codes` (N, R)."""
    asked = np.where(runs, FIRST_FAILED, np.int8(0))
    into = np.empty(len(codes), np.bool_)
    return _by_test(lambda block: np.bitwise_or.reduce(block & asked, axis=1), codes, into)


def ever_seen(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Which tests have a result in any run, (N,); `codes` (N, R)."""
    into = np.empty(len(codes), np.bool_)
    return _by_test(lambda block: np.bitwise_or.reduce(block, axis=1), codes, into)


def _by_test(
    found: Callable[[npt.NDArray[np.int8]], npt.NDArray[np.generic]],
    codes: npt.NDArray[np.int8],
    into: npt.NDArray[_Cell],
) -> npt.NDArray[_Cell]:
    """`into`, filled with what `found` says of each test of a block."""
    for tests in blocks(len(codes)):
        into[tests] = found(codes[tests])
    return into
