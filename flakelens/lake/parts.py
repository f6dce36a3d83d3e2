"""The results of a commit cut into its parts: one Arrow table per bucket and month, tests in order."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from flakelens.facts import Bools, Int64s
from flakelens.lake.form import schema


def result_tables(
    columns: Sequence[array[int]],
    *,
    tests: Sequence[tuple[str, str, str, int, str]],
    buckets: Sequence[int],
    reports: Sequence[tuple[str, str, str]],
    months: Sequence[str],
    texts: Sequence[str],
    statuses: Sequence[str],
    outcomes: Sequence[str],
) -> Iterator[tuple[int, str, Any]]:
    """Bucket, month and rows of each part. `columns`: test, report, try, status, outcome, ms, type, message, as places
    in the lists given (-1: missing); `buckets` of the tests, `months` of the reports.
    """
    if not columns[0]:
        return
    test, report, tried, status, outcome, ms, type_, message = (np.frombuffer(c, np.int64) for c in columns)
    test_rank, report_rank = _ranks(tests), _ranks(reports)
    known = sorted(set(months))
    month = np.array([known.index(of) for of in months], np.int64)[report]
    bucket = np.array(buckets, np.int64)[test]
    order = np.lexsort((tried, report_rank[report], test_rank[test], month, bucket))
    cell = (bucket * len(known) + month)[order]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    of_test = [_words([str(one[field]) for one in tests]) for field in (0, 1, 2, 4)]
    of_report = [_words([one[field] for one in reports]) for field in range(3)]
    ordinals = np.array([one[3] for one in tests], np.int64)
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[start:stop]
        mine, its = test[rows], report[rows]
        file, name, variant, producer = (_word(codes[mine], words) for codes, words in of_test)
        yield (
            int(cell[start] // len(known)),
            known[int(cell[start] % len(known))],
            _table(
                [*(_word(codes[its], words) for codes, words in of_report), file, name, variant, ordinals[mine],
                 producer, tried[rows], _word(status[rows], statuses), _word(outcome[rows], outcomes), ms[rows],
                 _word(type_[rows], texts), _word(message[rows], texts)],
                missing={11: ms[rows] < 0},
            ),
        )  # fmt: skip


def _table(columns: Sequence[Any], missing: dict[int, Bools]) -> Any:
    import pyarrow as pa

    arrays = [
        pa.array(column, mask=missing.get(place)) if isinstance(column, np.ndarray) else column
        for place, column in enumerate(columns)
    ]
    return pa.table(arrays, schema=schema("result"))


def _ranks(values: Sequence[Any]) -> Int64s:
    ranks = np.empty(len(values), np.int64)
    ranks[sorted(range(len(values)), key=values.__getitem__)] = np.arange(len(values))
    return ranks


def _words(values: Sequence[str]) -> tuple[Int64s, list[str]]:
    """Each value as a place among the different ones, which are sorted."""
    words = sorted(set(values))
    place = {word: at for at, word in enumerate(words)}
    return np.array([place[value] for value in values], np.int64), words


def _word(codes: Int64s, words: Sequence[str]) -> Any:
    """A dictionary column that holds only the words that occur in it; -1 is missing."""
    import pyarrow as pa

    used, places = np.unique(codes, return_inverse=True)
    lacking = bool(len(used)) and used[0] < 0
    indices = pa.array((places - lacking).astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(
        indices, pa.array([words[at] for at in used.tolist() if at >= 0], pa.string())
    )
