"""What the store hands over: the facts of some runs, as they were reported. No I/O, no interpretation.

`history` turns these into matrices; nothing else reads them. They are facts because nobody's later opinion (policy,
decisions, newer reports) can change them.
"""

from __future__ import annotations

from datetime import datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from flakelens.model import Rename, RetryEvidence, RunInfo, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Int8s = npt.NDArray[np.int8]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_Cell = TypeVar("_Cell", np.int8, np.bool_)
_Named = TypeVar("_Named", bound=NamedTuple)


def columns(cells: npt.NDArray[_Cell], runs: Sequence[int] | npt.NDArray[np.integer]) -> npt.NDArray[_Cell]:
    """The columns at the positions `runs` of a matrix of tests x runs: itself where these are all, as mostly."""
    if len(runs) == cells.shape[1] and np.array_equal(runs, np.arange(len(runs))):
        return cells
    # `cells[:, runs]` would lay them out by run, and all that goes over tests after it would take much longer.
    return np.take(cells, runs, axis=1)


def made(kind: type[_Named], rows: Iterable[tuple[Any, ...]]) -> Iterator[_Named]:
    """`kind._make` of each row: without a call of Python code for each, which for thousands is half of it."""
    return map(tuple.__new__, repeat(kind), rows)


def of_tests(cells: npt.NDArray[_Cell], tests: npt.NDArray[np.integer]) -> npt.NDArray[_Cell]:
    """The rows at the positions `tests`, ascending, of a matrix of tests x runs: itself where these are all."""
    return cells if len(tests) == len(cells) else cells[tests]


def distinct(keys: Int32s) -> Int64s:
    """The distinct ones of numbers from 0 on, ascending: `np.unique`, which loads numpy's masked arrays for nothing."""
    found: Int64s = np.flatnonzero(np.bincount(keys))
    return found


def median(values: npt.NDArray[np.floating] | Int64s) -> float:
    """The median of at least one number; `np.median` would load numpy's masked arrays as well."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else float((ordered[middle - 1] + ordered[middle]) / 2)


class RunKey(NamedTuple):
    """Names one CI pipeline."""

    provider: str
    run: str


class TestFacts(NamedTuple):
    """One test as reported. `key` is the store's own number; it means nothing outside one database."""

    key: int
    id: TestId
    ordinal: int  # 1, or 2, 3.. for further cases of this id in one report
    producer: str
    title_file: str = ""  # the only test file of the checkout that held this title at ingest, "" for none
    stack_file: str = ""  # a test file seen in a stack trace of this test, "" for none


TestFacts.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class ReportFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One report: who wrote it, what it can show, and the outcome of each of its tests."""

    key: int
    attempt: int  # of the run: 1, 2..
    job: str
    shard: str  # "2/4" or ""
    name: str  # path inside what was given to ingest
    sha256: str  # hex, of the decompressed bytes
    producer: str
    declared: RetryEvidence | None  # by option, run.json or the reporter's environment
    shown: RetryEvidence | None  # by the file itself
    partial: bool
    damaged: bool
    load_failures: tuple[str, ...]
    started_at: datetime | None  # UTC, earliest time stamp in the report; None where it has none
    seconds: float | None
    ingested_at: datetime  # UTC
    earlier_elsewhere: bool  # a run that started earlier holds the same bytes
    tests: Int32s  # TestFacts.key, one per test of the report
    outcomes: Int8s  # model.Outcome codes, as long as `tests`


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One run: every distinct record of metadata that came with it, and its reports (order carries no meaning)."""

    key: RunKey
    infos: tuple[RunInfo, ...]  # job, shard, retries and partial stay empty here: they belong to the reports
    reports: tuple[ReportFacts, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the store: some runs, and every test that the store knows."""

    runs: tuple[RunFacts, ...]
    tests: tuple[TestFacts, ...]
    renames: tuple[Rename, ...] = ()
