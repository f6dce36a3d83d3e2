"""What a failing test costs those who wait for it: lost runs, re-runs, minutes, blocked pull requests. Counts only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cached_property

import msgspec
import numpy as np

from flakelens.facts import Bools, Int32s
from flakelens.history import History, Report, Run
from flakelens.model import Event, Outcome
from flakelens.outcomes import was_executed

DAYS = 30  # that a price is about
LAPTOP = "a laptop's run"  # Run.why_not of what nobody else waits for


class Price(msgspec.Struct, frozen=True, kw_only=True):
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


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """What would not have been lost, had some tests not failed: runs whose first failed attempt they alone failed.

    Sums of savings are savings: where two causes hit one run, it is saved when the second of them is repaired.
    """

    runs: int
    reruns: int
    minutes: float | None  # None: no report says how long one of these runs took
    timed: int  # of `runs`, those whose minutes are known
    pull_request_runs: int
    pull_requests: int  # different head branches of these that no earlier saving counted


def total(savings: Sequence[Saving]) -> Saving:
    """Savings together, of repairs in the order in which they were found."""
    known = [each.minutes for each in savings if each.minutes is not None]
    return Saving(
        runs=sum(each.runs for each in savings),
        reruns=sum(each.reruns for each in savings),
        minutes=sum(known) if known else None,
        timed=sum(each.timed for each in savings),
        pull_request_runs=sum(each.pull_request_runs for each in savings),
        pull_requests=sum(each.pull_requests for each in savings),
    )


def price_of(
    history: History, tests: Collection[int], *, since: datetime, until: datetime, left_out: Bools | None = None
) -> Price:
    """The price of `tests` (positions in `history.tests`) in the runs that started in [since, until].

    `left_out`, shape (runs,): confirmed outages, which are not the tests' fault. Laptops' runs never count.
    """
    return Losses(history, since=since, until=until, left_out=left_out).price(tests)


class Losses:
    """The failed attempts of the runs that started in [since, until], read once for the prices of many sets of tests.

    `left_out`, shape (runs,): confirmed outages, which are not the tests' fault. Laptops' runs never count.
    """

    def __init__(self, history: History, *, since: datetime, until: datetime, left_out: Bools | None = None) -> None:
        self._history = history
        self._columns = [
            position
            for position, run in enumerate(history.runs)
            if since <= run.started_at <= until
            and run.why_not != LAPTOP
            and not (left_out is not None and left_out[position])
        ]

    @cached_property
    def _red(self) -> list[_Red]:
        found = (_red(self._history.runs[position]) for position in self._columns)
        return [run for run in found if run.failed]

    @cached_property
    def _hit(self) -> dict[int, list[int]]:
        """For each test that failed the runs, by position in `_red`."""
        hit: dict[int, list[int]] = {}
        for place, run in enumerate(self._red):
            for test in sorted(set().union(*run.failed.values())):
                hit.setdefault(test, []).append(place)
        return hit

    def price(self, tests: Collection[int]) -> Price:
        """The price of `tests`, positions in `history.tests`."""
        wanted = frozenset(tests)
        rows: Int32s = np.asarray(sorted(wanted), np.int32)
        executed = was_executed(self._history.outcomes[np.ix_(rows, np.asarray(self._columns, np.int32))]).any(axis=0)
        places = sorted({place for test in wanted for place in self._hit.get(test, ())})
        lost = [self._red[place].lost_to(wanted) for place in places]
        blocked = [each.run for each in lost if each.run.event is Event.PULL_REQUEST]
        return Price(
            runs=int(executed.sum()),
            failed=len(lost),
            alone=sum(each.alone for each in lost),
            reruns=sum(each.reruns for each in lost),
            minutes=_minutes(lost),
            timed=sum(each.seconds is not None for each in lost),
            pull_request_runs=len(blocked),
            pull_requests=len({_head(run) for run in blocked}),
        )

    def savings(self, sets: Sequence[Collection[int]], *, repaired: Collection[int] = ()) -> tuple[Saving, ...]:
        """What each of `sets` saves when they are repaired one after the other, besides what `repaired` saves.

        A run is saved when the last of all that failed in it is repaired, and is in no other saving.
        """
        mended: set[int] = set()
        heads: set[str] = set()
        saved: set[int] = set()
        found = []
        for tests in (repaired, *sets):
            mended |= set(tests)
            places = sorted({place for test in tests for place in self._hit.get(test, ())} - saved)
            places = [place for place in places if self._red[place].saved_by(mended)]
            saved |= set(places)
            now = [self._red[place].lost_to(mended) for place in places]
            pulls = [each.run for each in now if each.run.event is Event.PULL_REQUEST]
            new = {_head(run) for run in pulls} - heads
            heads |= new
            found.append(
                Saving(
                    runs=len(now),
                    reruns=sum(each.reruns for each in now),
                    minutes=_minutes(now),
                    timed=sum(each.seconds is not None for each in now),
                    pull_request_runs=len(pulls),
                    pull_requests=len(new),
                )
            )
        return tuple(found[1:])


def _head(run: Run) -> str:
    return run.branch or str(run.key)


def _minutes(lost: Sequence[_Lost]) -> float | None:
    known = [each.seconds for each in lost if each.seconds is not None]
    return sum(known) / 60 if known else None


class _Lost(msgspec.Struct, frozen=True, kw_only=True):
    run: Run
    alone: bool  # nothing else failed in an attempt that failed with the tests
    reruns: int
    seconds: float | None


class _Red(msgspec.Struct, frozen=True, kw_only=True):
    """One run and its attempts that failed with a test."""

    run: Run
    attempts: dict[int, list[Report]]
    failed: dict[int, frozenset[int]]  # by attempt, where any test failed
    unloaded: frozenset[int]  # attempts with a suite that failed to load

    def saved_by(self, mended: Collection[int]) -> bool:
        """Would it have been green without the failures of `mended`? Later attempts were made because of the first."""
        first = min(self.failed.keys() | self.unloaded)
        return first not in self.unloaded and self.failed[first] <= frozenset(mended)

    def lost_to(self, wanted: Collection[int]) -> _Lost:
        """What the run lost to `wanted`, of which at least one failed in it."""
        wanted = frozenset(wanted)
        red = {
            number: failed <= wanted and number not in self.unloaded
            for number, failed in self.failed.items()
            if not wanted.isdisjoint(failed)
        }
        first, last = min(red), max(self.run.attempts, *self.attempts)
        counted = {number: reports for number, reports in self.attempts.items() if number in red or number > first}
        times = [report.seconds for reports in counted.values() for report in reports]
        # An attempt without a report of its own took somebody's time too: then the sum is not known.
        whole = all(number in self.attempts for number in range(first, last + 1))
        seconds = sum(time for time in times if time is not None) if whole and None not in times else None
        return _Lost(run=self.run, alone=all(red.values()), reruns=last - first, seconds=seconds)


def _red(run: Run) -> _Red:
    attempts: dict[int, list[Report]] = {}
    for report in run.reports:
        if not report.stale:
            attempts.setdefault(report.attempt, []).append(report)
    failed = {
        number: frozenset(
            test for report in reports for test in report.tests[report.outcomes == Outcome.FAILED].tolist()
        )
        for number, reports in attempts.items()
    }
    return _Red(
        run=run,
        attempts=attempts,
        failed={number: tests for number, tests in failed.items() if tests},
        unloaded=frozenset(
            number for number, reports in attempts.items() if any(report.load_failures for report in reports)
        ),
    )
