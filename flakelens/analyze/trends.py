"""Rates, verdicts, one test and its durations over time: what charts and the frame `daily` are made of.

The one file of `analyze` that uses pandas. No verdict passes through here: who waits for one does not pay for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from flakelens.facts import Int64s
from flakelens.gate.criterion import Scope
from flakelens.gate.evidence import Evidence
from flakelens.model import Outcome
from flakelens.policy import ALL_AREAS, GatePolicy, PassRatePolicy, ReliablePolicy, StablePolicy
from flakelens.report import Rate
from flakelens.report.trends import Bucket, Limit, PolicyChange, RatedRun, RateSeries
from flakelens.stats.intervals import MINIMUM_RUNS, run_interval

MOST_BUCKETS = 60  # a chart with more points than this is read no better


def run_table(evidence: Evidence, scope: Scope) -> pd.DataFrame:
    """One row per run of the scope, oldest first: `started_at` (UTC), `executed`, `failed`, `flaky`, `first_failed`,
    `shown` (its reports show first attempts), `outage` (confirmed) and `usable` (enters rates).
    """
    view = scope.view
    return pd.DataFrame(
        {
            "started_at": moments(evidence.history.runs[run].started_at for run in view.runs),
            "executed": view.executed,
            "failed": view.failed,
            "flaky": np.asarray((view.outcomes == Outcome.FLAKY).sum(axis=0), np.int64),
            "first_failed": view.first_failed,
            "shown": view.shown,
            "outage": scope.outage,
            "usable": view.valid & ~scope.outage & (view.executed > 0),
        }
    )


def moments(values: Iterable[datetime]) -> pd.DatetimeIndex:
    """Times as the store keeps them: UTC, to the millisecond."""
    return pd.DatetimeIndex([value.astimezone(UTC) for value in values], dtype="datetime64[ms, UTC]")


def rate_of(failed: Int64s, executed: Int64s) -> Rate | None:
    """The pooled rate of some runs with its interval over runs (None below 10); None without results."""
    total = int(executed.sum())
    if not total:
        return None
    interval = run_interval(failed, executed)
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Rate(passed=total - int(failed.sum()), executed=total, low=low, high=high)


def bucket_of(rows: pd.DataFrame) -> Bucket:
    """The usable runs `rows` of a `run_table` as one point."""
    shown = rows[rows["shown"]]
    return Bucket(
        first=rows["started_at"].min().to_pydatetime(),
        last=rows["started_at"].max().to_pydatetime(),
        runs=len(rows),
        pass_rate=rate_of(rows["failed"].to_numpy(), rows["executed"].to_numpy()),
        first_attempts=rate_of(shown["first_failed"].to_numpy(), shown["executed"].to_numpy()),
        hidden=len(rows) - len(shown),
    )


def scope_of(evidence: Evidence, *, area: str = "", focus: str = "") -> Scope:
    """The scope of an area, of a focus, of a focus within an area, or (neither given) of every test."""
    if focus:
        return evidence.pooled([area or ALL_AREAS], [focus])
    return evidence.scope(area) if area else evidence.pooled([ALL_AREAS])


def rate_series(
    evidence: Evidence,
    *,
    area: str = "",
    focus: str = "",
    gate: GatePolicy | None = None,
    policy_changes: tuple[PolicyChange, ...] = (),
) -> RateSeries:
    """The rates of an area, a focus or (neither given) every test over the runs of `evidence`.

    A bucket is a day (a week, beyond 60 days) where days have 10 runs or more in the median, for an interval needs as
    many; else 10 runs, or more where that would give over 60 buckets; below 20 runs it is one run. `gate`: whose
    thresholds are marked.
    """
    table = run_table(evidence, scope_of(evidence, area=area, focus=focus))
    per, keys = _buckets(table[table["usable"]])
    usable = table[table["usable"]]
    return RateSeries(
        name=" / ".join(part for part in (area, focus) if part) or "all",
        per=per,
        buckets=tuple(bucket_of(rows) for _, rows in usable.groupby(keys, sort=True)),
        runs=tuple(
            RatedRun(started_at=started.to_pydatetime(), passed=executed - failed, executed=executed, outage=outage)
            for started, executed, failed, outage in zip(
                table["started_at"],
                table["executed"].tolist(),
                table["failed"].tolist(),
                table["outage"].tolist(),
                strict=True,
            )
            if executed
        ),
        limits=_limits(gate, area) if gate else (),
        policy_changes=policy_changes,
    )


def _buckets(usable: pd.DataFrame) -> tuple[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """What a bucket holds, and the number of the bucket of each run, ascending."""
    size = len(usable)
    day = usable["started_at"].dt.floor("D")
    # In order of commits a run can stand before one that started earlier: its day decides, not its place.
    if size and day.value_counts().median() >= MINIMUM_RUNS:
        if day.nunique() <= MOST_BUCKETS:
            return "day", np.asarray(day.astype("int64"))
        return "week", np.asarray((day - pd.to_timedelta(day.dt.weekday, unit="D")).astype("int64"))
    if size < 2 * MINIMUM_RUNS:
        return "run", np.arange(size)
    each = max(MINIMUM_RUNS, math.ceil(size / MOST_BUCKETS))
    # Counted from the newest, whose bucket must be full: what is left over is the oldest.
    return f"{each} runs", (size - 1) // each - np.arange(size)[::-1] // each


def _limits(gate: GatePolicy, area: str) -> tuple[Limit, ...]:
    """The thresholds that hold for an area ("": for all tests together): of each kind the highest."""
    found: dict[bool, float] = {}
    for policy in gate.criteria.values():
        if isinstance(policy, PassRatePolicy | StablePolicy | ReliablePolicy) and policy.threshold is not None:
            everywhere = ALL_AREAS in policy.areas
            if everywhere or (area and area in policy.areas):
                first = isinstance(policy, ReliablePolicy)
                found[first] = max(found.get(first, 0.0), policy.threshold / 100)
    return tuple(Limit(value=value, first_attempts=first) for first, value in sorted(found.items()))


def daily_table(evidence: Evidence) -> pd.DataFrame:
    """Per day (UTC) and area the rates of its usable runs with their intervals; areas in the policy's order.

    A day on which every run of the area was an outage, or had too few results, has a row with rates of None.
    """
    rows = []
    for area in evidence.areas.names:
        table = run_table(evidence, evidence.scope(area))
        ran = table[table["executed"] > 0]
        for day, of_day in ran.groupby(ran["started_at"].dt.floor("D"), sort=True):
            rows.append(_day(day, area, of_day))
    return pd.DataFrame(rows, columns=list(_DAILY))


_DAILY = (
    "day", "area", "runs", "outages", "executed", "failed", "flaky", "pass_rate", "low", "high", "hidden_runs",
    "first_executed", "first_failed", "first_attempt_rate", "first_low", "first_high",
)  # fmt: skip


def _day(day: object, area: str, rows: pd.DataFrame) -> dict[str, object]:
    usable = rows[rows["usable"]]
    shown = usable[usable["shown"]]
    after = rate_of(usable["failed"].to_numpy(), usable["executed"].to_numpy())
    first = rate_of(shown["first_failed"].to_numpy(), shown["executed"].to_numpy())
    return {
        "day": day,
        "area": area,
        "runs": len(usable),
        "outages": int(rows["outage"].sum()),
        "executed": int(usable["executed"].sum()),
        "failed": int(usable["failed"].sum()),
        "flaky": int(shown["flaky"].sum()) if first else None,
        "pass_rate": after.value if after else None,
        "low": after.low if after else None,
        "high": after.high if after else None,
        "hidden_runs": len(usable) - len(shown),
        "first_executed": first.executed if first else None,
        "first_failed": first.executed - first.passed if first else None,
        "first_attempt_rate": first.value if first else None,
        "first_low": first.low if first else None,
        "first_high": first.high if first else None,
    }
