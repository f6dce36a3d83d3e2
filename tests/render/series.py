"""Series for charts, made up: few runs and many, gaps, outages, hidden first attempts, hostile titles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from flakelens.analyze.trends import rate_of
from flakelens.model import GateState, Outcome, TestId
from flakelens.report.trends import (
    Bucket,
    DurationLevel,
    DurationPoint,
    DurationSeries,
    Limit,
    PolicyChange,
    RatedRun,
    RateSeries,
    TestPoint,
    TestSeries,
    VerdictPoint,
)

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
HOSTILE = '$\\frac{1}{2}$ <script>alert(1)</script> & "quoted" \x1b[31mred\x1b[0m \u202eevil 日本 🎉 ]]> {{x}}'


def rate_series(
    runs: int,
    *,
    name: str = "E2E",
    a_day: int = 15,
    failing: float = 0.02,
    flaking: float = 0.03,
    hidden_until: int = 0,
    outages: tuple[int, ...] = (),
    gap: tuple[int, int] = (0, 0),
    policy: int | None = None,
) -> RateSeries:
    """`runs` runs of 40 tests, `a_day` a day with the days of `gap` left out, in buckets of a day; fixed seed."""
    rng = np.random.default_rng(7)
    days = [day for day in range(4000) if not gap[0] <= day < gap[1]]
    starts = [START + timedelta(days=days[n // a_day], hours=10 * (n % a_day) / max(1, a_day - 1)) for n in range(runs)]
    failed = rng.binomial(40, failing, runs)
    first = failed + rng.binomial(40 - failed, flaking)
    failed[list(outages)] = 25
    buckets = []
    for day in sorted({start.date() for start in starts}):
        rows = [n for n in range(runs) if starts[n].date() == day and n not in outages]
        if rows:
            shown = [n for n in rows if n >= hidden_until]
            buckets.append(
                Bucket(
                    first=starts[rows[0]],
                    last=starts[rows[-1]],
                    runs=len(rows),
                    pass_rate=rate_of(failed[rows], np.full(len(rows), 40)),
                    first_attempts=rate_of(first[shown], np.full(len(shown), 40)),
                    hidden=len(rows) - len(shown),
                )
            )
    changes = ()
    if policy is not None:
        changes = (PolicyChange(at=starts[policy], said=("tighter: pass-rate threshold 95 -> 98",)),)
    return RateSeries(
        name=name,
        per="day",
        buckets=tuple(buckets),
        runs=tuple(
            RatedRun(started_at=starts[n], passed=40 - int(failed[n]), executed=40, outage=n in outages)
            for n in range(runs)
        ),
        limits=(Limit(value=0.98, first_attempts=False), Limit(value=0.95, first_attempts=True)),
        policy_changes=changes,
    )


def a_verdict(day: int, state: GateState, *, hour: int = 6, waived: bool = False, observed: float | None = None):
    """A verdict on a day after 2026-09-01."""
    return VerdictPoint(
        number=day + 1,
        as_of=START.replace(hour=hour) + timedelta(days=day),
        state=state,
        waived=waived,
        observed=observed,
        required=None if observed is None else 0.98,
    )


def strip_series(
    letters: str,
    *,
    name: str = "pays by card",
    hidden: int = 0,
    outages: tuple[int, ...] = (),
    now: float | None = None,
):
    """A test whose runs, two to a commit, are `letters` (P, K, F, S, "."); its probabilities are made up, `now`
    being P(flaky) with what pull requests say."""
    codes = {".": Outcome.NONE, "P": Outcome.PASSED, "K": Outcome.FLAKY, "F": Outcome.FAILED, "S": Outcome.SKIPPED}
    seen = [place for place, letter in enumerate(letters) if letter != "."]
    return TestSeries(
        id=TestId("e2e/pay.spec.ts", name, "chromium"),
        reported=TestId("pay.spec.ts", name, "chromium"),
        points=tuple(
            TestPoint(
                run=str(1000 + place),
                commit=f"{place // 2:07x}",
                started_at=START + timedelta(hours=6 * place),
                outcome=codes[letter],
                outage=place in outages,
                p_flaky=min(0.99, 0.1 * place) if seen and place >= seen[0] else None,
                p_broken=0.001 if seen and place >= seen[0] else None,
            )
            for place, letter in enumerate(letters)
        ),
        hidden=hidden,
        p_flaky=(now if now is not None else min(0.99, 0.1 * (len(letters) - 1))) if seen else None,
        p_broken=0.001 if seen else None,
        disagreed=now is not None,
    )


def duration_series(*levels: tuple[int, float], name: str = "pays by card"):
    """A test that took so long for so many runs, exactly."""
    seconds = [each for runs, each in levels for _ in range(runs)]
    firsts = np.cumsum([0, *(runs for runs, _ in levels)])[:-1]
    test = TestId("e2e/pay.spec.ts", name, "")
    return DurationSeries(
        id=test,
        reported=test,
        points=tuple(
            DurationPoint(
                run=str(1000 + n), commit=f"{n:07x}", started_at=START + timedelta(hours=6 * n), seconds=seconds[n]
            )
            for n in range(len(seconds))
        ),
        levels=tuple(
            DurationLevel(first=int(first), runs=runs, seconds=each)
            for first, (runs, each) in zip(firsts, levels, strict=True)
        ),
    )
