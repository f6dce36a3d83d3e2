"""Does what `forecast` expects come true? P(green), the trend's interval, the next run's rate, and the dates.

Histories are simulated, so that what comes next is known: CLUSTER-SIM, GATE-SIM and HIST-SIM, and for dates teams whose
runs follow working hours and whose causes come and are repaired as Poisson processes.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import histories
from benchmarks.failure_simulators import cluster_history
from benchmarks.simulators import Suite, simulate
from benchmarks.table import Row, Section, judged
from flakelens.model import Outcome
from flakelens.stats.intervals import green_interval
from flakelens.stats.next_run import next_run
from flakelens.stats.pace import DAY, pace_of
from flakelens.stats.trend import rate_change
from flakelens.stats.turnover import HORIZON, Turnover, outlook

SEED = 9_2026
WINDOW = 30  # newest runs that P(green) is taken over
LATER = 500  # runs that it is held against
LOOKS = 10  # per history
FULL = {"green": 60, "trend": 1000, "next": 12, "pace": 400, "repair": 600}
SMALL = {"green": 12, "trend": 60, "next": 2, "pace": 60, "repair": 20}

Figures = NDArray[np.float64]


def sections(small: bool) -> list[Section]:
    """All of it; `small` with fewer histories."""
    n = SMALL if small else FULL
    return [_green(n["green"]), _trend(n["trend"]), _next(n["next"], small), _pace(n["pace"]), _repair(n["repair"])]


def _rng(name: str, number: int = 0) -> np.random.Generator:
    """Seeded by what the history is, not by when it is made."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode()), number])


def _mean(values: list[float] | Figures) -> tuple[float, float]:
    found = np.asarray(values, np.float64)
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


# --- P(green) ---


def _green_runs(name: str, number: int) -> NDArray[np.bool_]:
    rng = _rng(f"green {name}", number)
    runs = WINDOW * LOOKS + LATER
    if name == "clusters":
        history = cluster_history(rng, runs, clusters=6, independent=12, stable=400, outages=0.02)
        green: NDArray[np.bool_] = history.failed.sum(axis=0) == 0
    else:
        failed, _ = simulate(rng, GREEN_SUITES[name], runs)
        green = failed == 0
    return green


GREEN_SUITES = {
    "flaky tests, 60 tests at 99.5 %": Suite("B", 0.005, tests=60, truth="raw"),
    "flaky tests and outages, 60 tests at 99.5 %": Suite("C", 0.005, tests=60, truth="raw"),
    "flaky tests and breaks (6,2), 60 tests at 99.5 %": Suite("D", 0.005, tests=60, length=6, size=2, truth="raw"),
}


def _green(n: int) -> Section:
    """The chance said after the newest 30 runs, beside the share of green runs in the next 500."""
    rows = []
    for name in ("clusters", *GREEN_SUITES):
        biases, errors, covered, actual = [], [], [], []
        for number in range(n):
            green = _green_runs(name, number)
            for look in range(1, LOOKS + 1):
                now = look * WINDOW
                value, low, high = green_interval(green[now - WINDOW : now])
                truth = float(green[now : now + LATER].mean())
                biases.append(value - truth)
                errors.append(abs(value - truth))
                covered.append(low <= truth <= high)
                actual.append(truth)
        # Looks of one history share what comes after: histories are the unit of replication.
        bias, error = _mean(np.array(biases).reshape(n, LOOKS).mean(axis=1))
        figure = f"{bias:+.3f} (se {error:.3f}), of one look {np.mean(errors):.3f}; actual {np.mean(actual):.2f}"
        rows.append(Row(f"{name}: expected minus actual", figure, "<= .03", judged(abs(bias), 0.03, error)))
        share, error = _mean(np.array(covered, np.float64).reshape(n, LOOKS).mean(axis=1))
        rows.append(Row(f"{name}: interval holds it", f"{100 * share:.1f} % (se {100 * error:.1f})", "nominal 95 %"))
    return Section(
        f"P(green) by the newest {WINDOW} runs, beside the share of green runs in the next {LATER}; {n} histories of "
        f"{LOOKS} looks",
        tuple(rows),
    )


# --- the trend ---

TREND_SUITES = (
    ("flaky tests", "B", 6, 5),
    ("flaky tests, outages left out", "C", 6, 5),
    ("flaky tests and breaks (2,2)", "D", 2, 2),
    ("flaky tests and breaks (6,5)", "D", 6, 5),
    ("flaky tests and breaks (15,10)", "D", 15, 10),
)
TREND_TESTS = 400  # its groups of flaky tests are whole numbers, so that the rate is exact
TREND_SIZES = ((30, 100), (100, 100), (300, 300))  # runs now and before
BEFORE, NOW = 0.03, 0.02  # failing share
COVERED = 0.93  # of flaky suites; with breaks that last it is printed, not judged


def _trend(n: int) -> Section:
    rows = []
    for name, scenario, length, size in TREND_SUITES:
        for runs, runs_before in TREND_SIZES:
            held, seen, false = [], [], []
            for number in range(n):
                rng = _rng(f"trend {name} {runs} {runs_before}", number)
                suites = [Suite(scenario, rate, TREND_TESTS, length, size, "raw") for rate in (NOW, BEFORE, BEFORE)]
                now, before, same = (
                    _kept(rng, suite, count) for suite, count in zip(suites, (runs, runs_before, runs), strict=True)
                )
                truth = (BEFORE - NOW) * (0.55 if scenario == "C" else 1.0)  # without its outages
                change, none = rate_change(now, before), rate_change(same, before)
                if change is not None and none is not None:
                    held.append(change.low <= truth <= change.high)
                    seen.append(change.shown)
                    false.append(none.shown)
            share, error = _mean(np.array(held, np.float64))
            judging = scenario in ("B", "C")
            figure = f"{100 * share:.1f} % (se {100 * error:.1f}); shown {100 * np.mean(seen):.0f} %"
            figure += f", wrongly where nothing changed {100 * np.mean(false):.1f} %"
            target = f">= {100 * COVERED:.0f} %, nominal 95 %" if judging else "nominal 95 %"
            verdict = judged(share, COVERED, error, at_least=True) if judging else ""
            rows.append(Row(f"{name}: {runs} runs against {runs_before}", figure, target, verdict))
    moved = f"from {100 * BEFORE:.0f} to {100 * NOW:.0f} % failing"
    return Section(f"The trend's interval holds a change {moved}; {n} histories of {TREND_TESTS} tests", tuple(rows))


def _kept(rng: np.random.Generator, suite: Suite, runs: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    failed, outage = simulate(rng, suite, runs)
    return failed[~outage], np.full(int((~outage).sum()), suite.tests)


# --- the next run's rate ---


class _Expected(NamedTuple):
    mixture: float
    plain: float  # the rate of the newest 30 runs
    said: float  # the error that the forecast names
    next_run: float
    next_ten: float


def _next(n: int, small: bool) -> Section:
    rows = []
    for suite in (histories.BASE, histories.SUITES[6]):
        sized = histories.scaled(suite, 350, 200 if small else 300)
        found = [each for number in range(n) for each in _forecasts(_rng(f"next {suite.name}", number), sized)]
        for what, field in (("the next run", "next_run"), ("the mean of the next ten", "next_ten")):
            truth = np.array([getattr(each, field) for each in found])
            errors = {
                name: 100 * np.abs(np.array([getattr(each, name) for each in found]) - truth)
                for name in ("mixture", "plain")
            }
            figure = (
                f"off by {errors['mixture'].mean():.2f} points; rate of the newest 30: {errors['plain'].mean():.2f}"
            )
            gained, error = _mean(errors["mixture"] - errors["plain"])
            figure += f"; difference {gained:+.2f} (se {error:.2f})"
            rows.append(Row(f"{suite.name}: {what}", figure, "<= 0", judged(gained, 0.0, error)))
        truth = np.array([each.next_run for each in found])
        real = float(np.abs(np.array([each.mixture for each in found]) - truth).mean())
        said = float(np.mean([each.said for each in found]))
        rows.append(Row(f"{suite.name}: the error that it names", f"{100 * said:.2f} points, real {100 * real:.2f}"))
    return Section(f"Failing share of coming runs, expected by the mixture; {n} histories of 350 tests", tuple(rows))


def _forecasts(rng: np.random.Generator, suite: histories.Suite) -> list[_Expected]:
    sim = histories.simulate(rng, suite)
    kept = sim.gated & ~sim.outage
    outcomes, commits = sim.outcomes[:, kept], sim.commits[kept]
    ran = np.isin(outcomes, (Outcome.PASSED, Outcome.FLAKY, Outcome.FAILED)).sum(axis=0)
    share = (outcomes == Outcome.FAILED).sum(axis=0) / np.maximum(ran, 1)
    found = []
    for now in range(60, outcomes.shape[1] - 10, 5):
        coming = next_run(outcomes[:, :now], commits[:now])
        if coming is not None:
            found.append(
                _Expected(
                    mixture=coming.failing,
                    plain=float(share[now - 30 : now].mean()),
                    said=coming.error,
                    next_run=float(share[now]),
                    next_ten=float(share[now : now + 10].mean()),
                )
            )
    return found


# --- dates ---

WEEKS = 8


def _pace(n: int) -> Section:
    """A team of five days a week, from 8 to 18 o'clock, and one of seven: when does run n come?"""
    rows = []
    for name, weekend in (("five days a week", 0.0), ("seven days a week", 1.0)):
        for ahead in (3, 10, 23):
            shipped, flat = [], []
            for number in range(n):
                rng = _rng(f"pace {name}", number)
                starts = _working_hours(rng, weekend)
                now = int(rng.integers(3 * 7 * DAY, (WEEKS - 3) * 7 * DAY))
                actual = int(starts[starts > now][ahead - 1])
                pace = pace_of(starts, now)
                expected = pace.moment_of(ahead) if pace else None
                if pace is None or expected is None:
                    continue
                shipped.append(abs(expected - actual) / 3600)
                flat.append(abs(now + ahead / pace.per_day * DAY - actual) / 3600)
            gained, error = _mean(np.array(shipped) - np.array(flat))
            figure = f"off by {np.mean(shipped):.1f} h; evenly over the week: {np.mean(flat):.1f} h"
            # Where every day is alike nothing is to be gained: the pattern must not cost much.
            judging = weekend == 0.0
            target, verdict = ("<= evenly", judged(gained, 0.0, error)) if judging else ("", "")
            rows.append(Row(f"{name}: run {ahead}", f"{figure} (se {error:.1f})", target, verdict))
    return Section(
        f"When the n-th run from now starts: mean error over {n} teams with 5 runs a working day", tuple(rows)
    )


def _working_hours(rng: np.random.Generator, weekend: float) -> NDArray[np.int64]:
    """Starts of runs in so many weeks, seconds from a Monday on: Poisson, 5 a day between 8 and 18 o'clock."""
    starts = []
    for day in range(7 * WEEKS):
        rate = 5.0 * (weekend if day % 7 >= 5 else 1.0)
        starts += (day * DAY + rng.integers(8 * 3600, 18 * 3600, rng.poisson(rate))).tolist()
    return np.sort(np.array(starts, np.int64))


def _repair(n: int) -> Section:
    """Causes come and are repaired at constant rates; after 28 days the date of the last of k repairs is said."""
    rows = []
    for repairs, arrivals in ((1.0, 0.25), (2.0, 1.0), (3.0, 0.5), (1.0, 1.0)):
        for causes in (1, 3):
            errors, held, dated, met = [], [], 0, 0
            for number in range(n):
                rng = _rng(f"repair {repairs} {arrivals} {causes}", number)
                counts = [int(rng.poisson(rate * 4)) for rate in (repairs, arrivals)]
                said = outlook(causes, Turnover(days=28, repaired=counts[0], arrived=counts[1]))
                net = np.cumsum(rng.poisson(repairs / 7, HORIZON) - rng.poisson(arrivals / 7, HORIZON))
                actual = float((net >= causes).argmax() + 1) if (net >= causes).any() else np.inf
                held.append((said.earliest or np.inf) <= actual <= (said.latest or np.inf))
                if said.expected is not None:
                    dated += 1
                    if np.isfinite(actual):
                        met += 1
                        errors.append(abs(said.expected - actual))
            share, error = _mean(np.array(held, np.float64))
            figure = (
                f"{100 * share:.1f} % (se {100 * error:.1f}); dated {100 * dated / n:.0f} %, of these met within a "
            )
            figure += f"year {100 * met / max(dated, 1):.0f} %, off by {np.median(errors):.0f} days (median)"
            name = f"{repairs:g} repaired, {arrivals:g} come a week; {causes} to repair"
            rows.append(Row(name, figure, ">= 75 %, nominal 80 %", judged(share, 0.75, error, at_least=True)))
    return Section(
        f"The 80 % range of the day of the last repair holds it; {n} teams, counted over 28 days", tuple(rows)
    )
