"""Per area: which runs are its runs, and what each of them holds of it.

Everything is per area: an area's window is its own newest runs, so that a nightly E2E suite is not judged by the day's
unit runs. Pure functions of a History; the gated branch's counting runs only, partial reports left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from flakelens.carriers import Carriers
from flakelens.completeness import NEVER, AreaView, make_view
from flakelens.facts import Bools, Int32s, columns, of_tests
from flakelens.history import History
from flakelens.model import Outcome


def area_views(
    history: History,
    names: tuple[str, ...],
    index: Int32s,
    area_of_file: Callable[[str, str, str], str],
    *,
    counting: Bools | None = None,
    moved: Mapping[int, int] | None = None,
) -> dict[str, AreaView]:
    """The view of every area. `index[i]` is the position in `names` of test i's area.

    `area_of_file(producer, job, file)` names the area that a report without results, or a suite that failed to load,
    belongs to by policy; "" where the policy does not say. `counting` chooses other runs than those that count.
    `moved` gives for tests that ceased the run in which the same title began in another file: from then on they are
    not expected.
    """
    chosen = np.flatnonzero(history.counting if counting is None else counting).tolist()
    carried = Carriers(history, names, index, area_of_file)
    started = [int(run.started_at.timestamp()) for run in history.runs]
    until = np.full(len(history.tests), NEVER, np.int64)
    for test, run in (moved or {}).items():
        until[test] = run
    views = {}
    for place, name in enumerate(names):
        tests = np.flatnonzero(index == place).astype(np.int32)
        rows = of_tests(history.whole, tests)
        with_result = (np.bitwise_or.reduce(rows, axis=0) != Outcome.NONE).tolist()
        there = [run for run in chosen if with_result[run] or carried.carries(history.runs[run], name)]
        runs = np.array(there, np.int32)
        views[name] = make_view(
            name=name,
            tests=tests,
            runs=runs,
            commits=history.commits[runs],
            started=np.array([started[run] for run in there], np.int64),
            outcomes=columns(rows, runs),
            faults=tuple(carried.fault(history.runs[run], name) for run in there),
            shown=np.array([carried.shows_first_attempts(history.runs[run], name) for run in there], np.bool_),
            until=np.searchsorted(runs, until[tests]) + np.where(until[tests] == NEVER, NEVER, 0),
        )
    return views
