"""What a failing test costs those who wait for it: lost runs, re-runs, minutes, blocked pull requests. Counts only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from flakelens.facts import Bools
from flakelens.history import History, Report, Run
from flakelens.model import Event, Outcome
from flakelens.outcomes import was_executed

DAYS = 30  # that a price is about
LAPTOP = "a laptop's run"  # Run.why_not of what nobody else waits for


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one test, or several with one cause, cost. A retry within a report is not counted: nobody waited for it.

    `minutes` is what the reports say of themselves, summed over jobs: waiting and set-up come on top.
    """

    runs: int  # in which one of them was executed
    failed: int  # of these, runs with an attempt that failed with one of them
    alone: int  # of `failed`, runs in which nothing else failed beside them
    reruns: int  # further attempts of these runs
    minutes: float | None  # of the attempts that failed with one of them and of the re-runs; None: no report says
    timed: int  # of `failed`, runs whose minutes are known: those that `minutes` is about
    pull_request_runs: int  # of `failed`, runs of pull requests: blocked until somebody ran them again
    pull_requests: int  # different head branches of these


def price_of(
    history: History, tests: Collection[int], *, since: datetime, until: datetime, left_out: Bools | None = None
) -> Price:
    """The price of `tests` (positions in `history.tests`) in the runs that started in [since, until].

    `left_out`, shape (runs,): confirmed outages, which are not the tests' fault. Laptops' runs never count.
    """
    wanted = np.asarray(sorted(tests), np.int32)
    executed = 0
    lost: list[_Lost] = []
    for position, run in enumerate(history.runs):
        if not since <= run.started_at <= until or run.why_not == LAPTOP:
            continue
        if left_out is not None and left_out[position]:
            continue
        row = history.outcomes[wanted, position]
        executed += bool(was_executed(row).any())
        if (found := _lost(run, wanted)) is not None:
            lost.append(found)
    known = [each.seconds for each in lost if each.seconds is not None]
    blocked = [each.run for each in lost if each.run.event is Event.PULL_REQUEST]
    return Price(
        runs=executed,
        failed=len(lost),
        alone=sum(each.alone for each in lost),
        reruns=sum(each.reruns for each in lost),
        minutes=sum(known) / 60 if known else None,
        timed=len(known),
        pull_request_runs=len(blocked),
        pull_requests=len({run.branch or str(run.key) for run in blocked}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    run: Run
    alone: bool
    reruns: int
    seconds: float | None


def _lost(run: Run, wanted: np.ndarray[tuple[int], np.dtype[np.int32]]) -> _Lost | None:
    """What one run lost to the tests; None when they failed in none of its attempts."""
    attempts: dict[int, list[Report]] = {}
    for report in run.reports:
        if not report.stale:
            attempts.setdefault(report.attempt, []).append(report)
    red = {}
    for number, reports in attempts.items():
        failed = np.unique(np.concatenate([report.tests[report.outcomes == Outcome.FAILED] for report in reports]))
        if np.isin(wanted, failed).any():
            others = np.setdiff1d(failed, wanted).size or any(report.load_failures for report in reports)
            red[number] = not others
    if not red:
        return None
    first, last = min(red), max(run.attempts, *attempts)
    counted = {number: reports for number, reports in attempts.items() if number in red or number > first}
    times = [report.seconds for reports in counted.values() for report in reports]
    # An attempt without a report of its own took somebody's time too: then the sum is not known.
    whole = all(number in attempts for number in range(first, last + 1))
    seconds = sum(time for time in times if time is not None) if whole and None not in times else None
    return _Lost(run=run, alone=all(red.values()), reruns=last - first, seconds=seconds)
