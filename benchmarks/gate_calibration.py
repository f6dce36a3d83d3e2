"""How often the gate's rate evidence is wrong, and how soon it is right: GATE-SIM at a threshold of 98 %.

Figures are percent unless a row says otherwise, with the Monte-Carlo standard error of the worst of them. "prototype"
marks the figure of an earlier implementation of the same rule on the same simulator: to compare with, not a target.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from benchmarks import gate_measures as measure
from benchmarks.simulators import SCENARIOS, Suite
from benchmarks.table import Row, Section, judged

SEED = 20_260
PROCESSES = 2
SIZES = (100, 500, 2000)
BREAKAGES = ((6, 2), (6, 5), (10, 20), (15, 10))  # (L, s): runs that a breakage lasts, tests that it breaks
PAIRED = ((100, 6, 2), (500, 6, 5), (2000, 10, 20), (500, 15, 10))  # (T, L, s) of the prototype's figures

Measure = Callable[[np.random.Generator, Suite, int], measure.Figures]


class Task(NamedTuple):
    """One measure of one suite. Its seed follows from what it is, not from when it runs."""

    measure: Measure
    suite: Suite
    replicates: int


class Results(dict[tuple[str, Suite], measure.Figures]):
    """Figures by (measure's name, suite)."""

    def of(self, function: Measure, suite: Suite) -> measure.Figures:
        """The figures of one suite."""
        return self[function.__name__, suite]


def _perform(task: Task) -> tuple[tuple[str, Suite], measure.Figures]:
    key = task.measure.__name__, task.suite
    rng = np.random.default_rng([SEED, zlib.crc32(repr(key).encode())])
    return key, task.measure(rng, task.suite, task.replicates)


def _suites(rate: float, *, paired: bool = False) -> list[Suite]:
    """All suites of the false-MET tables at a rate: every size, and for D and E every kind of breakage."""
    suites = []
    for name in "ABCDE":
        if not SCENARIOS[name].broken:
            suites += [Suite(name, rate, tests) for tests in SIZES]
        elif paired:
            suites += [Suite(name, rate, *setting) for setting in PAIRED]
        else:
            suites += [Suite(name, rate, tests, *setting) for setting in BREAKAGES for tests in SIZES]
    return suites


LOOKED_AT = tuple(Suite(name, rate) for rate in (0.025, 0.021) for name in "ABC")
LONG_LIVED = (
    Suite("D", 0.025, truth="raw"),
    Suite("D", 0.021, truth="raw"),
    Suite("D", 0.025, 500, 15, 10, truth="raw"),
)
CLOSE = tuple(Suite(name, 0.015, tests) for name in "BC" for tests in SIZES)  # half a point above the threshold
REPAIRED = (Suite("B", 0.005), Suite("C", 0.005))
LOSING = tuple(Suite(name, rate) for name in "CO" for rate in (0.025, 0.021, 0.015, 0.005))
COVERED = tuple(Suite(name, 0.015, truth="raw") for name in "BCD")
PERVERSE = (Suite("B", 0.01), Suite("D", 0.005), Suite("D", 0.01), Suite("E", 0.01))


def _tasks(n: dict[str, int]) -> list[Task]:
    """Longest first, so that both processes end together."""
    tasks = [Task(measure.thousand_looks, suite, n["thousand"]) for suite in LONG_LIVED]
    tasks += [Task(measure.peeking, suite, n["peeking"]) for suite in LOOKED_AT]
    tasks += [Task(measure.repair, suite, n["repair"]) for suite in REPAIRED]
    tasks += [Task(measure.perverse, suite, n["perverse"]) for suite in PERVERSE]
    judged_suites = _suites(0.025) + _suites(0.021) + _suites(0.005, paired=True) + _suites(0.01, paired=True)
    judged_suites += CLOSE
    tasks += [Task(measure.states, suite, n["states"]) for suite in judged_suites]
    tasks += [Task(measure.outages, suite, n["outages"]) for suite in LOSING]
    return tasks + [Task(measure.coverage, suite, n["coverage"]) for suite in COVERED]


FULL = {
    "states": 2000,
    "thousand": 400,
    "peeking": 1000,
    "repair": 1000,
    "perverse": 300,
    "outages": 2000,
    "coverage": 1000,
}
SMALL = {"states": 100, "thousand": 10, "peeking": 50, "repair": 100, "perverse": 30, "outages": 200, "coverage": 100}


def sections(small: bool) -> list[Section]:
    """Simulate and judge."""
    n = SMALL if small else FULL
    with get_context("fork").Pool(PROCESSES) as pool:
        results = Results(pool.imap_unordered(_perform, _tasks(n), chunksize=1))
    return [
        _false_met(results, 0.025, n["states"]),
        _false_met(results, 0.021, n["states"]),
        _power(results, n["states"]),
        _peeking(results, n),
        _repair(results, n["repair"]),
        _refusals(results, n["states"]),
        _outages(results, n["outages"]),
        _coverage(results, n["coverage"]),
        _perverse(results, n["perverse"]),
    ]


def _percent(share: float) -> str:
    """One decimal; never 0 or 100 unless it is."""
    text = f"{100 * share:.1f}"
    if text == "0.0" and share > 0:
        return "<.1"
    return ">99.9" if text == "100.0" and share < 1 else text


def _error(share: float, n: int) -> float:
    """The Monte-Carlo standard error of a share of n histories."""
    return math.sqrt(share * (1 - share) / n)


def _se(share: float, n: int) -> str:
    return f"se {100 * _error(share, n):.1f}"


def _list(shares: object) -> str:
    return " ".join(_percent(float(share)).rjust(5) for share in np.asarray(shares))


# Worst false MET of the prototype, by rate and by what the row is called.
PROTOTYPE_FALSE = {
    0.025: {"D (6,2)": "T=100 1.3", "D (6,5)": "T=500 .1", "D (10,20)": "T=2000 .6", "D (15,10)": "T=500 7.2"},
    0.021: {"D (6,2)": "T=100 4.7", "D (6,5)": "T=500 1.2", "D (10,20)": "T=2000 6.4", "D (15,10)": "T=500 13.3"},
}


def _false_met(results: Results, rate: float, n: int) -> Section:
    """Rows of one rate: the worst share of MET over the lengths of history, for each size of suite."""
    groups: dict[str, list[Suite]] = {}
    for suite in _suites(rate):
        groups.setdefault(suite.name().split(" T=")[0], []).append(suite)
    rows = []
    for name, suites in groups.items():
        met = np.array([results.of(measure.states, suite)["met"] for suite in suites])
        naive = max(float(results.of(measure.states, suite)["naive"].max()) for suite in suites)
        worst = float(met.max())
        runs = measure.LENGTHS[int(met.max(axis=0).argmax())]
        figure = f"{_list(met.max(axis=1))}   {_se(worst, n)}"
        figure += f", worst at R={runs}, naive {_percent(naive)}" if worst else f", naive {_percent(naive)}"
        prototype = PROTOTYPE_FALSE[rate].get(name)
        note = f"prototype {prototype}" if prototype else ""
        if rate == 0.025:
            target = "<= 5" + (", moonshot" if suites[0].length > 10 else "") + (f"; {note}" if note else "")
            rows.append(
                Row(name, figure, target, judged(worst, 0.05, _error(worst, n), moonshot=suites[0].length > 10))
            )
        else:
            rows.append(Row(name, figure, note))
    sizes = "/".join(map(str, SIZES))
    title = (
        f"False MET at a true clipped rate of {100 - 100 * rate:g} %, worst of R = 5..200 runs, T = {sizes} tests; "
        f"{n} histories a cell"
    )
    return Section(title, tuple(rows))


PROTOTYPE_POWER = {
    (0.005, "B T=500"): "92 100 100 100",
    (0.005, "C T=500"): "67 87 100 100",
    (0.005, "D (6,5) T=500"): "43 53 92 92",
    (0.01, "B T=500"): "R=100: 100",
    (0.01, "D (6,5) T=500"): "R=100: 53",
}
# (rate, suite) -> (index of R in 30/50/100/200, the least share of MET).
POWER_TARGETS = {(0.005, f"{name} T={tests}"): (1, 0.90) for name in "AB" for tests in SIZES}
POWER_TARGETS |= {(0.005, "C T=500"): (1, 0.85)} | {(0.01, f"B T={tests}"): (2, 0.90) for tests in SIZES}


def _power(results: Results, n: int) -> Section:
    rows = []
    for suite in [*_suites(0.005, paired=True), *_suites(0.01, paired=True), *CLOSE]:
        met = results.of(measure.states, suite)["met"][4:]
        note = PROTOTYPE_POWER.get((suite.rate, suite.name()))
        moonshot = suite.rate == 0.005 and suite.scenario == "D" and suite.length == 6 and suite.size == 5
        at, needed = POWER_TARGETS.get((suite.rate, suite.name()), (1, 0.90 if moonshot else None))
        runs = measure.LENGTHS[4 + at]
        parts = [f"R={runs}: >= {100 * needed:.0f}{', moonshot' if moonshot else ''}"] if needed else []
        parts += [f"prototype {note}"] if note else []
        share = float(met[at])
        error = _error(share, n)
        verdict = judged(share, needed, error, at_least=True, moonshot=moonshot) if needed else ""
        name = f"{100 - 100 * suite.rate:.1f} %  {suite.name()}"
        rows.append(Row(name, f"{_list(met)}   {_se(share, n)} at R={runs}", "; ".join(parts), verdict))
    return Section(f"Power: MET at a true clipped rate above 98 %, R = 30/50/100/200 runs; {n} histories", tuple(rows))


def _peeking(results: Results, n: dict[str, int]) -> Section:
    rows = []
    for suite in LOOKED_AT:
        figures = results.of(measure.peeking, suite)
        ever = float(figures["ever"])
        target = suite.rate == 0.025
        name = f"{100 - 100 * suite.rate:.1f} %  {suite.name()}, a look after each of runs 10..200"
        figure = f"{_percent(ever)}   {_se(ever, n['peeking'])}, looks {_percent(figures['looks'])}"
        rows.append(
            Row(
                name, figure, "<= 1" if target else "", judged(ever, 0.01, _error(ever, n["peeking"])) if target else ""
            )
        )
    for suite, prototype in zip(LONG_LIVED, ("8.5, looks .1", "54, looks 1.2", "80, looks 5"), strict=True):
        figures = results.of(measure.thousand_looks, suite)
        ever = float(figures["ever"])
        name = f"{100 - 100 * suite.rate:.1f} % raw  {suite.name()}, 1,000 looks"
        figure = f"{_percent(ever)}   {_se(ever, n['thousand'])}, looks {_percent(figures['looks'])}"
        rows.append(Row(name, figure, f"prototype {prototype}"))
    histories = f"{n['peeking']} and {n['thousand']} histories"
    return Section(f"Ever MET when looked at again and again, below the threshold; {histories}", tuple(rows))


def _repair(results: Results, n: int) -> Section:
    rows = []
    for suite, prototype in zip(REPAIRED, ("29 (30)", "29 (49)"), strict=True):
        for key, name in (("all", "all clauses"), ("without_large_loss", "without the large-loss bound")):
            runs = results.of(measure.repair, suite)[key]
            within = float((runs <= 35).mean())
            middle, late = np.percentile(runs, [50, 90], method="inverted_cdf")
            figure = f"median {middle:g}, p90 {late:g} runs; within 35: {_percent(within)}   {_se(within, n)}"
            judging = suite.scenario == "B" and key == "all"
            target = "within 35: >= 90; " if judging else ""
            verdict = judged(within, 0.90, _error(within, n), at_least=True) if judging else ""
            rows.append(Row(f"{suite.name()}, {name}", figure, f"{target}prototype {prototype}", verdict))
    return Section(f"Runs until MET after a repair, 96.4 -> 99.5 % after 100 runs; {n} histories", tuple(rows))


def _refusals(results: Results, n: int) -> Section:
    rows = []
    for rate in (0.005, 0.01):
        for suite in _suites(rate, paired=True):
            if suite.scenario in "ABC" and suite.tests != 500:
                continue
            shares = results.of(measure.states, suite)["not_met"][[1, 4, 5, 6, 7]]
            rows.append(Row(f"{100 - 100 * rate:.1f} %  {suite.name()}", f"{_list(shares)}   {_se(shares.max(), n)}"))
    return Section(f"NOT_MET at a true clipped rate above 98 %, R = 10/30/50/100/200 runs; {n} histories", tuple(rows))


def _outages(results: Results, n: int) -> Section:
    rows = []
    for suite in LOSING:
        figures = results.of(measure.outages, suite)
        met, not_met = ([figures[key], figures[key + "_if"]] for key in ("met", "not_met"))
        wrong = suite.rate > 0.02
        name = f"{100 - 100 * suite.rate:.1f} %  {suite.name()}"
        figure = f"MET {_list(met)}   NOT_MET {_list(not_met)}   {_se(max(met), n)}"
        rows.append(
            Row(name, figure, "MET <= 5" if wrong else "", judged(met[0], 0.05, _error(met[0], n)) if wrong else "")
        )
    title = (
        "Every outage confirmed, R = 100: MET as shipped / were outages in the large-loss bound alone, "
        f"NOT_MET as shipped / were they in the mirror; {n} histories"
    )
    return Section(title, tuple(rows))


def _coverage(results: Results, n: int) -> Section:
    prototypes = ("about 95", "33 67 84", "56 71 76")
    rows = []
    for suite, prototype in zip(COVERED, prototypes, strict=True):
        hits = results.of(measure.coverage, suite)["hits"]
        rows.append(Row(suite.name(), f"{_list(hits)}   {_se(hits.min(), n)}", f"prototype {prototype}"))
    title = f"Coverage of the nominal 95 % interval at a raw rate of 98.5 %, R = 20/50/100 runs; {n} histories"
    return Section(title, tuple(rows))


def _perverse(results: Results, n: int) -> Section:
    rows = []
    for suite in PERVERSE:
        figures = results.of(measure.perverse, suite)
        share = float(figures["share"])
        figure = f"{_percent(share)} of all, {_percent(figures['unmet'])} are not MET   {_se(share, n)}"
        rows.append(Row(f"{100 - 100 * suite.rate:.1f} %  {suite.name()}", figure, "none", judged(share, 0.0, 0.0)))
    title = f"Not MET, but MET with one more failing result somewhere, R = 50 runs; {n} histories"
    return Section(title, tuple(rows))
