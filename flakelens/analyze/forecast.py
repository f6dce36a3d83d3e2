"""What is to be expected of each area: the chance of a green run, the next run's rates, and their trend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from flakelens.analyze.gate import AREA_WINDOW, rate_of
from flakelens.facts import Bools
from flakelens.gate.criterion import Scope
from flakelens.model import Outcome
from flakelens.report.forecast import AreaForecast, GreenChance, TrendLine
from flakelens.stats.intervals import green_interval
from flakelens.stats.next_run import next_run
from flakelens.stats.states import TestState
from flakelens.stats.trend import rate_change

PERIODS = (7, 28)  # last days, each held against the days before it
AGAINST = 28
REACH = max(PERIODS) + AGAINST  # days of history that trends are made from


def area_forecast(scope: Scope, longer: Scope) -> AreaForecast:
    """The forecast of one scope; `longer` is the same scope over enough runs for the trends."""
    view = scope.view
    usable = view.valid & ~scope.outage
    newest = np.flatnonzero(usable)[-AREA_WINDOW:]
    shown = newest[view.shown[newest]]
    learnt = np.flatnonzero(usable)
    active = scope.active
    rows = view.outcomes[active]
    visible = learnt[view.shown[learnt]]
    coming = next_run(rows[:, learnt], view.commits[learnt])
    if len(visible) == len(learnt) and not (rows == Outcome.FLAKY).any():
        first_coming = coming  # every attempt is a first one: nothing else to work out
    else:
        first_coming = next_run(rows[:, visible], view.commits[visible], first_attempts=True)
    broken = len(scope.findings.being(TestState.BROKEN, active))
    return AreaForecast(
        area=scope.name,
        tests=int(active.sum()),
        broken=broken,
        green=green_chance(scope),
        now=rate_of(view.failed[newest], view.executed[newest]),
        next_run=coming,
        first_now=rate_of(view.first_failed[shown], view.executed[shown]),
        first_next=first_coming,
        trends=_trends(longer),
    )


def green_chance(scope: Scope) -> GreenChance | None:
    """By the newest 30 valid runs, outages among them: a run that an outage spoils is not green. None without runs."""
    failed = scope.view.failed[scope.view.valid][-AREA_WINDOW:]
    if not len(failed):
        return None
    value, low, high = green_interval(failed == 0)
    return GreenChance(green=int((failed == 0).sum()), runs=len(failed), value=value, low=low, high=high)


def _trends(scope: Scope) -> tuple[TrendLine, ...]:
    view = scope.view
    usable: Bools = view.valid & ~scope.outage
    lines = [_trend(scope, usable, days, first_attempts=False) for days in PERIODS]
    visible: Bools = usable & view.shown
    if visible.any():
        lines += [_trend(scope, visible, days, first_attempts=True) for days in PERIODS]
    return tuple(lines)


def _trend(scope: Scope, usable: Bools, days: int, *, first_attempts: bool) -> TrendLine:
    view = scope.view
    edges = [int((scope.as_of - timedelta(days=back)).timestamp()) for back in (days + AGAINST, days)]
    now = np.flatnonzero(usable & (view.started > edges[1]))
    before = np.flatnonzero(usable & (view.started > edges[0]) & (view.started <= edges[1]))
    failed = view.first_failed if first_attempts else view.failed
    return TrendLine(
        rate="first-attempts" if first_attempts else "after-retries",
        days=days,
        against=AGAINST,
        runs=len(now),
        runs_before=len(before),
        change=rate_change((failed[now], view.executed[now]), (failed[before], view.executed[before])),
        reaches=_reaches(view.started.tolist(), edges[0]),
    )


def _reaches(started: Sequence[int], edge: int) -> bool:
    return bool(started) and min(started) <= edge
