"""How long tests took: read on demand from the results, for those who ask whether something became slower."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from flakelens.facts import Int32s
from flakelens.model import Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_ROW: Final = np.dtype([("report", np.int32), ("test", np.int32), ("ms", np.int32)])
_PASSED: Final = f"result.status = {int(Status.PASSED)} AND result.ms IS NOT NULL"


class Durations(NamedTuple):
    """Passing attempts with a known duration: three arrays of one length, in no particular order."""

    reports: Int32s  # ReportFacts.key
    tests: Int32s  # TestFacts.key
    milliseconds: Int32s


def durations(connection: sqlite3.Connection, reports: Iterable[int], tests: Iterable[int] | None) -> Durations:
    """The passing attempts of `tests` (None: of all) in `reports`."""
    # CROSS JOIN keeps this order of loops: the primary key of `result` begins with the report, then the test.
    query = "SELECT result.report, result.test, min(result.ms, 2147483647) FROM json_each(?1) AS asked"
    values = [json.dumps(sorted(set(reports)))]
    if tests is None:
        query += f" CROSS JOIN result ON result.report = asked.value AND {_PASSED}"
    else:
        query += f""" CROSS JOIN json_each(?2) AS wanted
        CROSS JOIN result ON result.report = asked.value AND result.test = wanted.value AND {_PASSED}"""
        values.append(json.dumps(sorted(set(tests))))
    rows = np.fromiter(connection.execute(query, values), _ROW)
    return Durations(rows["report"], rows["test"], rows["ms"])
