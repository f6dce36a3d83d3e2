"""How right are the states of tests and the causes of failures? HIST-SIM, where the truth is known.

Section by section: which tests flaked at least once (beside simpler scores), how soon a broken test is seen, whether
triage's probabilities are honest, how many failures it may wave through, and whether a break is taken for an outage.
"""

from __future__ import annotations

import math
from dataclasses import replace
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.histories import BASE, SUITES, Suite, scaled, simulate
from benchmarks.state_scores import (
    WORD,
    Failures,
    judge_outages,
    mass_breaks,
    observed,
    seen_broken,
    state_scores,
    triage_scores,
)
from benchmarks.table import Row, Section, judged
from flakelens.stats.fitting import fit
from flakelens.stats.markov import DEFAULTS

SEED = 22_2026
PROCESSES = 2
MODEL = "model, fitted"
READING = "model, fitted, with messages"
LEAST_DISMISSED = 1000  # with fewer, a share of 1 % is a handful of failures


class Task(NamedTuple):
    """One history of one suite."""

    suite: Suite
    replicate: int


class Found(NamedTuple):
    """What one history showed."""

    suite: str
    replicate: int
    flaked: NDArray[np.bool_]  # among tests with any failure
    scores: dict[str, NDArray[np.float64]]
    broken: dict[str, NDArray[np.int64]]  # by model
    failures: dict[str, Failures]


def measure(task: Task) -> Found:
    """Simulates, fits and scores one history."""
    number = next(place for place, suite in enumerate(SUITES) if suite.name == task.suite.name)
    sim = simulate(np.random.default_rng([SEED, number, task.replicate]), task.suite)
    outages = judge_outages(sim)
    seen = {MODEL: observed(sim, outages.kept), READING: observed(sim, outages.kept, messages=True)}
    models = {name: (history, fit(history)) for name, history in seen.items()}
    troubled = seen[MODEL].failed.any(axis=1)
    scores = state_scores(sim, outages, models | {"model, defaults": (seen[MODEL], DEFAULTS)})
    return Found(
        task.suite.name,
        task.replicate,
        sim.flaked[troubled],
        {name: score[troubled] for name, score in scores.items()},
        {name: seen_broken(sim, *model) for name, model in models.items()},
        {name: triage_scores(sim, outages, history) for name, history in seen.items()},
    )


def count_mass_breaks(task: Task) -> NDArray[np.int64]:
    """`state_scores.mass_breaks` of one history."""
    return mass_breaks(np.random.default_rng([SEED, 99, task.suite.tests, task.replicate]), task.suite)


def auc(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The chance that a true one scores above a false one, ties one half (Mann and Whitney)."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    yes = int(truth.sum())
    return float((rank[truth].sum() - yes * (yes + 1) / 2) / (yes * (len(truth) - yes)))


def precision_recall(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[Any, Any]:
    """Precision and recall at every distinct threshold, strictest first: scores that tie are taken together."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))
    hits = np.cumsum(truth[order])[last]
    return hits / (last + 1), hits / truth.sum()


def average_precision(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Sum over thresholds of precision times the recall gained."""
    precision, recall = precision_recall(score, truth)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def precision_at(recall: float, score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The best precision at a recall of at least so much."""
    precision, reached = precision_recall(score, truth)
    return float(precision[reached >= recall].max())


def calibration_error(p: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """ECE: |mean p - share true| in ten equal bins, weighted by their entries."""
    place = np.minimum((p * 10).astype(int), 9)
    gap = np.abs(np.bincount(place, p, 10) - np.bincount(place, truth, 10))
    return float(gap.sum() / len(p))


def _mean(values: list[float]) -> tuple[float, float]:
    """Mean and its standard error; histories are the unit of replication."""
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(np.mean(values)), spread


def _at_least(name: str, values: list[float], target: float, digits: int = 3, *, moonshot: bool = False) -> Row:
    mean, error = _mean(values)
    verdict = judged(mean, target, error, at_least=True, moonshot=moonshot)
    label = f">= {target:g}" + (", moonshot" if moonshot else "")
    return Row(name, f"{mean:.{digits}f} (se {error:.{digits}f})", label, verdict)


def _flakes(found: list[Found], suites: tuple[Suite, ...], n: int) -> Section:
    rows = []
    for suite in suites:
        mine = [entry for entry in found if entry.suite == suite.name]
        of = [(entry.scores[MODEL], entry.flaked) for entry in mine]
        rows.append(_at_least(f"{suite.name}: AUC", [auc(*pair) for pair in of], 0.99, 4))
        rows.append(_at_least(f"{suite.name}: average precision", [average_precision(*pair) for pair in of], 0.98, 4))
        best = [precision_at(0.82, *pair) for pair in of]
        rows.append(_at_least(f"{suite.name}: precision at a recall of .82", best, 0.98))
        at_half = [(truth[score > 0.5].mean(), (score > 0.5)[truth].mean()) for score, truth in of]
        precision, recall = np.mean(at_half, axis=0)
        rows.append(Row(f"{suite.name}: at P > .5", f"precision {precision:.3f}, recall {recall:.3f}"))
        if suite.name == BASE.name:
            best = [precision_at(0.95, *pair) for pair in of]
            rows.append(_at_least(f"{suite.name}: precision at a recall of .95", best, 0.99, moonshot=True))
    size = f"{suites[0].tests} tests x {suites[0].runs} runs"
    return Section(
        f"Which tests flaked at least once, among tests with any failure; {n} histories of {size}", tuple(rows)
    )


def _others(found: list[Found], suites: tuple[Suite, ...]) -> Section:
    rows = []
    for name in found[0].scores:
        for suite in suites:
            mine = [entry for entry in found if entry.suite == suite.name]
            area = np.mean([auc(entry.scores[name], entry.flaked) for entry in mine])
            precise = np.mean([average_precision(entry.scores[name], entry.flaked) for entry in mine])
            figure = f"AUC {area:.3f}, AP {precise:.3f}"
            if name == WORD:
                called = [(entry.scores[name] > 0.75, entry.flaked) for entry in mine]
                right = np.mean([truth[yes].mean() for yes, truth in called])
                figure += (
                    f"; called flaky: precision {right:.3f}, recall {np.mean([yes[t].mean() for yes, t in called]):.3f}"
                )
            rows.append(Row(f"{name}: {suite.name}", figure))
    return Section("The same question to simpler scores", tuple(rows))


def _broken(found: list[Found], suites: tuple[Suite, ...]) -> Section:
    rows = []
    for suite in suites:
        for name in (READING, MODEL):
            counts = [entry.broken[name] for entry in found if entry.suite == suite.name]
            windows, one, two, calm, calm_two = np.sum(counts, axis=0)
            of = f"of {windows} breaks; after two, of tests that had not flaked: {calm_two / calm:.3f}"
            if name == READING:
                rows.append(_at_least(f"{suite.name}: after two results", [c[2] / c[0] for c in counts], 0.93))
                rows.append(Row(f"{suite.name}: after one", f"{one / windows:.3f} {of}"))
            else:
                figure = f"after two {two / windows:.3f}, after one {one / windows:.3f} {of}"
                rows.append(Row(f"{suite.name}: without messages", figure))
    return Section("P(broken) > .5 on the gated branch after a test broke; the model reads messages", tuple(rows))


def _triage(found: list[Found], suites: tuple[Suite, ...], later: bool) -> Section:
    rows = []
    for suite in suites:
        scored = [_scored(entry.failures[READING], later) for entry in found if entry.suite == suite.name]
        brier, error = _mean([float(((p - truth) ** 2).mean()) for (p, _), truth in scored])
        ece, ece_error = _mean([calibration_error(p, truth) for (p, _), truth in scored])
        limit = 0.03 if suite.name == BASE.name else 0.04
        target = f"<= {limit:g}" if later else ""
        verdict = judged(brier, limit, error) if later else ""
        rows.append(Row(f"{suite.name}: Brier", f"{brier:.4f} (se {error:.4f})", target, verdict))
        verdict = judged(ece, 0.02, ece_error) if later else ""
        rows.append(Row(f"{suite.name}: ECE", f"{ece:.4f} (se {ece_error:.4f})", "<= 0.02" if later else "", verdict))
        rows.append(_dismissals(suite.name, [(out, truth) for (_, out), truth in scored], LEAST_DISMISSED))
        plain = [_scored(entry.failures[MODEL], later) for entry in found if entry.suite == suite.name]
        brier = float(np.mean([((p - truth) ** 2).mean() for (p, _), truth in plain]))
        wrong = _dismissals("", [(out, truth) for (_, out), truth in plain], 0).figure
        rows.append(Row(f"{suite.name}: without messages", f"Brier {brier:.4f}; wrong {wrong}"))
    everything = [(out, truth) for (_, out), truth in (_scored(entry.failures[READING], later) for entry in found)]
    rows.append(_dismissals("all of these", everything, 0))
    when = "one later run of the branch known" if later else "at the run itself"
    title = f"Flake or outage, not a change of the code? {when}; fitted on the first 60 % of the runs, the rest judged"
    return Section(title, tuple(rows))


def _scored(failures: Failures, later: bool) -> tuple[tuple[NDArray[np.float64], NDArray[np.bool_]], NDArray[np.bool_]]:
    """(P(harmless), dismissed), and which of the failures were harmless."""
    said = (failures.later, failures.dismissed_later) if later else (failures.now, failures.dismissed_now)
    return said, failures.harmless


def _dismissals(name: str, parts: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]], least: int) -> Row:
    """The share of dismissed failures that were a change of the code; judged if there are `least`."""
    dismissed = sum(int(out.sum()) for out, _ in parts)
    wrong = sum(int((out & ~truth).sum()) for out, truth in parts)
    total = sum(len(truth) for _, truth in parts)
    share = wrong / max(dismissed, 1)
    error = math.sqrt(share * (1 - share) / max(dismissed, 1))
    figure = f"{100 * share:.2f} % of {dismissed} ({100 * dismissed / total:.0f} % of {total} failures dismissed)"
    verdict = judged(share, 0.01, error) if dismissed >= least else "too few to judge"
    return Row(f"{name}: wrong among the dismissed", figure, "<= 1 %", verdict)


def _mass(counts: dict[int, list[NDArray[np.int64]]]) -> Section:
    rows = []
    for tests, found in counts.items():
        breaks, wrong = (int(value) for value in np.sum(found, axis=0))
        share = wrong / max(breaks, 1)
        error = math.sqrt(share * (1 - share) / max(breaks, 1))
        verdict = judged(share, 0.02, error) if breaks else ""
        rows.append(Row(f"{tests} tests", f"{100 * share:.1f} % of {breaks}", "<= 2 %", verdict))
    return Section("Breaks of five or more tests that last two commits, called a confirmed outage", tuple(rows))


def sections(small: bool) -> list[Section]:
    """All of it; `small` has three suites, fewer tests and one history of each."""
    suites, n = (tuple(scaled(SUITES[i], 1500, 200) for i in (0, 5, 6)), 1) if small else (SUITES, 6)
    tasks = [Task(suite, replicate) for suite in suites for replicate in range(n)]
    sizes = {350: 4, 4000: 0} if small else {350: 100, 4000: 30}
    breaking = [Task(replace(BASE, tests=tests), i) for tests, count in sizes.items() for i in range(count)]
    with get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(measure, tasks, chunksize=1)
        counted = pool.map(count_mass_breaks, breaking, chunksize=1)
    counts: dict[int, list[NDArray[np.int64]]] = {}
    for task, count in zip(breaking, counted, strict=True):
        counts.setdefault(task.suite.tests, []).append(count)
    return [
        _flakes(found, suites, n),
        _others(found, suites),
        _broken(found, suites),
        _triage(found, suites, later=True),
        _triage(found, suites, later=False),
        _mass(counts),
    ]
