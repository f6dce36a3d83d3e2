"""The work per bucket: which test of it had which outcome in which report. Runs here or on Dask workers.

A bucket's answer is integers alone, and answers are put together in the order of the buckets, so that it cannot matter
where, when or how often one was worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from flakelens.errors import DamagedError
from flakelens.facts import Int8s, Int32s, Int64s
from flakelens.lake.commits import Part, read_part
from flakelens.lake.keys import ReportKey, TestKey
from flakelens.model import Outcome

_In = TypeVar("_In")
_Out = TypeVar("_Out")

# Does the same for each item and gives the answers in their order: here (`in_turn`) or on workers.
Mapper = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]

_COLUMNS: Final = ("provider", "run", "report", "file", "name", "variant", "ordinal", "producer", "try", "outcome")
_CODES: Final = {outcome.name.lower(): int(outcome) for outcome in Outcome}


class Owned(NamedTuple):
    """A wanted report: its number for this question, and the commit whose rows are counted."""

    number: int
    commit: str


class Share(NamedTuple):
    """The question to one bucket."""

    folder: Path
    bucket: int
    parts: tuple[tuple[Part, frozenset[str]], ...]  # with the commits that name it
    wanted: Mapping[ReportKey, Owned]


class Answer(NamedTuple):
    """What one bucket says: three arrays of one length."""

    bucket: int
    tests: list[TestKey]
    test: Int32s  # places in `tests`
    report: Int32s  # numbers of the question
    outcome: Int8s


def in_turn(work: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
    """A `Mapper` of this process."""
    return [work(item) for item in items]


def outcomes_of(share: Share) -> Answer:
    """The outcomes of a bucket's tests in the wanted reports. Raises DamagedError for a part that cannot be read."""
    places: dict[TestKey, int] = {}
    found: list[tuple[Int32s, Int32s, Int8s]] = []
    for part, commits in share.parts:
        rows = read_part(share.folder, "result", part, _COLUMNS)
        rows = rows.filter(np.asarray(rows["try"]) == 1).unify_dictionaries()
        of_report, reports = _combined(rows, ("provider", "run", "report"))
        numbers = np.full(len(reports), -1, np.int32)
        for place, key in enumerate(reports):
            owned = share.wanted.get(ReportKey(*key))
            if owned is not None and owned.commit in commits:
                numbers[place] = owned.number
        report = numbers[of_report]
        of_test, tests = _combined(rows, ("file", "name", "variant", "ordinal", "producer"))
        local = np.array([places.setdefault(TestKey(*key), len(places)) for key in tests], np.int32)
        code, words = _coded(rows, "outcome")
        outcome = np.array([_CODES.get(word, -1) for word in words], np.int8)[code]
        kept = report >= 0
        found.append((local[of_test][kept], report[kept], outcome[kept]))
    test, report, outcome = (np.concatenate(each) for each in zip(_NOTHING, *found, strict=True))
    return Answer(share.bucket, list(places), test, report, outcome)


_NOTHING: Final = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8))


def _combined(rows: Any, names: Sequence[str]) -> tuple[Int64s, list[tuple[Any, ...]]]:
    """Each row as a place among the different combinations of some columns."""
    combined = np.zeros(rows.num_rows, np.int64)
    kinds: list[tuple[Any, ...]] = [()]
    for name in names:
        code, values = _coded(rows, name)
        used, combined = np.unique(combined * len(values) + code, return_inverse=True)
        kinds = [(*kinds[each // len(values)], values[each % len(values)]) for each in used.tolist()]
    return combined, kinds


def _coded(rows: Any, name: str) -> tuple[Int64s, list[Any]]:
    """A column as places in its different values."""
    column = rows[name].combine_chunks()
    if hasattr(column, "dictionary"):
        return np.asarray(column.indices).astype(np.int64), column.dictionary.to_pylist()
    values, code = np.unique(np.asarray(column), return_inverse=True)
    return code.astype(np.int64), values.tolist()


def joined(answers: Iterable[Answer], keys: Mapping[TestKey, int], sizes: Sequence[int]) -> list[tuple[Int32s, Int8s]]:
    """The tests (ascending keys) and outcomes of each report; `sizes`: how many tests each must have.

    Reports of one set of tests share its array. Raises DamagedError where a result is lost or there twice.
    """
    ordered = sorted(answers, key=lambda answer: answer.bucket)
    try:
        tests = [np.array([keys[test] for test in answer.tests], np.int32)[answer.test] for answer in ordered]
    except KeyError as error:
        raise _wrong(f"no commit names the test {error}") from None
    test = np.concatenate([_NOTHING[0], *tests])
    report = np.concatenate([_NOTHING[1], *(answer.report for answer in ordered)])
    outcome = np.concatenate([_NOTHING[2], *(answer.outcome for answer in ordered)])
    order = np.lexsort((test, report))
    test, report, outcome = test[order], report[order], outcome[order]
    if (outcome <= 0).any():
        raise _wrong("a result has an outcome that means nothing")
    if ((np.diff(test) == 0) & (np.diff(report) == 0)).any():
        raise _wrong("a result is there twice")
    bounds = np.searchsorted(report, np.arange(len(sizes) + 1))
    if (np.diff(bounds) != np.asarray(sizes, np.int64)).any():
        raise _wrong("a report has not the results that it came with")
    rosters: dict[bytes, Int32s] = {}
    found = []
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        roster = test[start:stop]
        found.append((rosters.setdefault(roster.tobytes(), roster), outcome[start:stop]))
    return found


def _wrong(what: str) -> DamagedError:
    return DamagedError(f"The lake is damaged: {what}.", mend="Export the database again, or bring the reports again.")
