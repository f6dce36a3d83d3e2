"""Runs, tests, results and daily rates as pandas frames. docs/library.md explains every column.

What is not known is missing (NA), never 0: a rate without results, an interval of fewer than 10 runs, first attempts
that a reporter hides. Counts are Int64, shares Float64 from 0 to 1, moments UTC to the millisecond, and what recurs
in many rows is a category.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from flakelens.analyze.trends import daily_table, moments
from flakelens.facts import Bools, Int64s
from flakelens.gate.evidence import Evidence
from flakelens.history import Report, Run
from flakelens.model import Event, Outcome, RetryEvidence
from flakelens.outcomes import failed_first, was_executed
from flakelens.render.json.tests import RateView, view_of
from flakelens.report import TestsReport
from flakelens.stats.states import TestState
from flakelens.store import Store

OUTCOMES = ("passed", "flaky", "failed", "skipped")
_SHOWN = frozenset({RetryEvidence.RECORDED, RetryEvidence.NONE})
_LEAST_FIRST = (RetryEvidence.UNKNOWN, RetryEvidence.HIDDEN, RetryEvidence.RECORDED, RetryEvidence.NONE)

# Column -> dtype, in the order of the columns; "category" stands for one whose categories the builder knows.
RUNS: Mapping[str, str] = {
    "provider": "category", "run": "str", "commit": "str", "branch": "category", "base_branch": "category",
    "event": "category", "environment": "category", "started_at": "datetime64[ms, UTC]", "url": "str",
    "attempts": "Int64", "counts": "bool", "why_not": "category", "outage": "boolean", "retry_evidence": "category",
    "partial": "bool", "reports": "Int64", "executed": "Int64", "passed": "Int64", "flaky": "Int64",
    "failed": "Int64", "skipped": "Int64", "pass_rate": "Float64", "first_attempt_rate": "Float64",
}  # fmt: skip
TESTS: Mapping[str, str] = {
    "file": "category", "name": "str", "variant": "category", "area": "category", "focus": "object",
    "state": "category", "healing": "bool", "quarantined": "bool", "p_stable": "Float64", "p_flaky": "Float64",
    "p_broken": "Float64", "flake_rate": "Float64", "flake_low": "Float64", "flake_high": "Float64",
    "runs": "Int64", "failures": "Int64", "flaky_runs": "Int64",
    "pass_rate": "Float64", "low": "Float64", "high": "Float64", "first_attempt_rate": "Float64",
    "first_low": "Float64", "first_high": "Float64", "last_outcome": "category", "since_run": "str",
    "since_commit": "str", "cluster": "str", "owner": "str",
}  # fmt: skip
RESULTS: Mapping[str, str] = {
    "provider": "category", "run": "category", "commit": "category", "started_at": "datetime64[ms, UTC]",
    "counts": "bool", "outage": "boolean", "file": "category", "name": "category", "variant": "category",
    "area": "category", "outcome": "category", "first_attempt": "boolean", "partial": "bool", "seconds": "Float64",
}  # fmt: skip
DAILY: Mapping[str, str] = {
    "day": "datetime64[ms, UTC]", "area": "category", "runs": "Int64", "outages": "Int64", "executed": "Int64",
    "failed": "Int64", "flaky": "Int64", "pass_rate": "Float64", "low": "Float64", "high": "Float64",
    "hidden_runs": "Int64", "first_executed": "Int64", "first_failed": "Int64", "first_attempt_rate": "Float64",
    "first_low": "Float64", "first_high": "Float64",
}  # fmt: skip
FRAMES: Mapping[str, Mapping[str, str]] = {"runs": RUNS, "tests": TESTS, "results": RESULTS, "daily": DAILY}
FrameName = Literal["runs", "tests", "results", "daily"]


def runs_frame(evidence: Evidence) -> pd.DataFrame:
    """One row per run of the evidence, in its order: commits by their first run on the branch, then by start.

    Counts are of tests after their retries: `passed` holds the flaky ones.
    """
    history = evidence.history
    runs = history.runs
    counts = {word: (history.outcomes == code).sum(axis=0) for word, code in zip(OUTCOMES, _CODES, strict=True)}
    executed = was_executed(history.outcomes).sum(axis=0)
    first = failed_first(history.outcomes).sum(axis=0)
    shown = np.fromiter((_least(run.reports) in _SHOWN for run in runs), np.bool_, len(runs))
    return _typed(
        RUNS,
        {
            "provider": [run.key.provider for run in runs],
            "run": [run.key.run for run in runs],
            "commit": _texts(run.commit for run in runs),
            "branch": _texts(run.branch for run in runs),
            "base_branch": _texts(run.base_branch for run in runs),
            "event": pd.Categorical([str(run.event) for run in runs], categories=[str(event) for event in Event]),
            "environment": _texts(run.environment for run in runs),
            "started_at": moments(run.started_at for run in runs),
            "url": _texts(run.url for run in runs),
            "attempts": [run.attempts for run in runs],
            "counts": [run.counts for run in runs],
            "why_not": _texts(run.why_not for run in runs),
            "outage": _outages(evidence),
            "retry_evidence": pd.Categorical(
                [_text(_least(run.reports)) for run in runs], categories=[str(kind) for kind in RetryEvidence]
            ),
            "partial": [any(report.partial for report in run.reports) for run in runs],
            "reports": [len(run.reports) for run in runs],
            "executed": executed,
            **counts,
            "passed": executed - counts["failed"],
            "flaky": _where(counts["flaky"], shown),
            "pass_rate": _share(executed - counts["failed"], executed),
            "first_attempt_rate": _where(_share(executed - first, executed), shown),
        },
    )


def tests_frame(report: TestsReport, areas: Iterable[str]) -> pd.DataFrame:
    """One row per test of `flakelens tests`, in its order and with its figures."""
    views = [view_of(line) for line in report.tests]
    return _typed(
        TESTS,
        {
            "file": _texts(view.file for view in views),
            "name": [view.name for view in views],
            "variant": _texts(view.variant for view in views),
            "area": pd.Categorical([view.area for view in views], categories=list(areas)),
            "focus": pd.Series([tuple(view.focus) for view in views], dtype=object),
            "state": pd.Categorical([view.state for view in views], categories=[str(state) for state in TestState]),
            **{
                key: [getattr(view, key) for view in views]
                for key in ("healing", "quarantined", "p_stable", "p_flaky", "p_broken", "flake_rate", "flake_low",
                            "flake_high", "runs", "failures", "flaky_runs", "cluster", "owner")
            },
            **_rates(("pass_rate", "low", "high"), [view.pass_rate for view in views]),
            **_rates(("first_attempt_rate", "first_low", "first_high"), [v.first_attempt_pass_rate for v in views]),
            "last_outcome": pd.Categorical([view.last_run_outcome for view in views], categories=list(OUTCOMES)),
            "since_run": [view.since.run if view.since else None for view in views],
            "since_commit": [view.since.commit if view.since else None for view in views],
        },
    )  # fmt: skip


def results_frame(store: Store, evidence: Evidence) -> pd.DataFrame:
    """One row per test and run that has a result of it, run by run as in `runs_frame`, tests by file and name."""
    history = evidence.history
    column, row = (places.astype(np.int64) for places in np.nonzero(history.outcomes.T != Outcome.NONE))
    outcomes = history.outcomes[row, column]
    runs, tests = history.runs, [test.id for test in history.tests]
    shown = _shown(evidence)[row, column] & (outcomes != Outcome.SKIPPED)
    started = moments(run.started_at for run in runs)
    return _typed(
        RESULTS,
        {
            "provider": _spread([run.key.provider for run in runs], column),
            "run": _spread([run.key.run for run in runs], column),
            "commit": _spread([run.commit for run in runs], column),
            "started_at": started.take(column),
            "counts": history.counting[column],
            "outage": _outages(evidence).take(column),
            "file": _spread([test.file for test in tests], row),
            "name": _spread([test.name for test in tests], row),
            "variant": _spread([test.variant for test in tests], row),
            "area": _coded(evidence.areas.index[row], evidence.areas.names),
            "outcome": _coded(outcomes - 1, OUTCOMES),
            "first_attempt": _where(outcomes == Outcome.PASSED, shown),
            "partial": outcomes != history.whole[row, column],
            "seconds": _seconds(store, evidence, row, column),
        },
    )


def daily_frame(evidence: Evidence) -> pd.DataFrame:
    """One row per day (UTC) and area with a run that counts for the gated branch, areas in the policy's order."""
    table = daily_table(evidence)
    areas = pd.Categorical(table["area"], categories=list(evidence.areas.names))
    return _typed(DAILY, {**{name: table[name] for name in DAILY}, "area": areas})


_CODES = (Outcome.PASSED, Outcome.FLAKY, Outcome.FAILED, Outcome.SKIPPED)


def _typed(dtypes: Mapping[str, str], columns: Mapping[str, Any]) -> pd.DataFrame:
    """The columns in the order and with the dtypes given, whatever is missing in them."""
    frame = pd.DataFrame({name: columns[name] for name in dtypes})
    return frame.astype({name: dtype for name, dtype in dtypes.items() if str(frame[name].dtype) != dtype})


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _texts(values: Iterable[object]) -> list[str | None]:
    """Texts, an empty one being no text."""
    return [_text(value) for value in values]


def _spread(values: list[str], places: Int64s) -> Any:
    """`values` at `places`, without a copy of any text; empty ones are missing."""
    known = sorted({value for value in values if value})
    code = {value: place for place, value in enumerate(known)}
    codes = np.fromiter((code.get(value, -1) for value in values), np.int32, len(values))
    return _coded(codes[places], known)


def _coded(codes: Any, categories: Iterable[str]) -> Any:
    """A category column from positions in `categories`, -1 being missing."""
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(categories)))


def _where(values: Any, there: Bools) -> Any:
    """`values` with what is not `there` missing."""
    known = pd.array(values, copy=True)
    known[~there] = pd.NA
    return known


def _share(part: Any, whole: Any) -> Any:
    """part / whole, missing where there is no whole."""
    return _where(part / np.maximum(whole, 1), whole > 0)


def _rates(names: tuple[str, str, str], rates: list[RateView | None]) -> dict[str, list[float | None]]:
    return {
        name: [getattr(rate, field) if rate else None for rate in rates]
        for name, field in zip(names, ("value", "low", "high"), strict=True)
    }


def _outages(evidence: Evidence) -> Any:
    """Confirmed or not for the runs that count, missing for the others: outages are found among those alone."""
    found = np.zeros(len(evidence.history.runs), np.bool_)
    found[evidence.counting] = evidence.outages.confirmed
    return _where(found, evidence.history.counting)


def _least(reports: Iterable[Report]) -> RetryEvidence | None:
    """The least that a report of a run can show; None without one."""
    there = {report.evidence for report in reports if not report.stale}
    return next((kind for kind in _LEAST_FIRST if kind in there), None)


def _shown(evidence: Evidence) -> Bools:
    """Where every report that holds the test shows failed first attempts, or has none to show. Shape (tests, runs)."""
    history = evidence.history
    shown = np.ones((len(history.tests), len(history.runs)), np.bool_)
    for column, run in enumerate(history.runs):
        for report in run.reports:
            if report.evidence not in _SHOWN and not report.stale:
                shown[report.tests, column] = False
    return shown


def _seconds(store: Store, evidence: Evidence, row: Int64s, column: Int64s) -> Any:
    """Mean seconds of the passing attempts of each result, missing where none is known."""
    history = evidence.history
    columns = {report.key: place for place, run in enumerate(history.runs) for report in _fresh(run)}
    places = {test.id: place for place, test in enumerate(history.tests)}
    rows = {key: places[test] for key, test in history.names.ids.items() if test in places}
    found = store.durations(columns)
    cells = pd.Series(rows, dtype="int64").reindex(found.tests).to_numpy() * len(history.runs)
    cells = cells + pd.Series(columns, dtype="int64").reindex(found.reports).to_numpy()
    mean = pd.Series(found.milliseconds / 1000).groupby(cells).mean()
    return mean.reindex(row * len(history.runs) + column).to_numpy()


def _fresh(run: Run) -> Iterable[Report]:
    return (report for report in run.reports if not report.stale)
