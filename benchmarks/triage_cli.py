"""The figures of `accuracy`'s triage once more, through `flakelens triage --format json` on a database.

HIST-SIM histories are stored as runs with reports, messages and pull requests; then runs of the newest 40 % are triaged
by the command line, as it would have been at the run itself and one run of the branch later (--as-of). What counts is
what a program reads: probabilities, verdict, dismissed.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import tempfile
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import calibration_error
from benchmarks.histories import BASE, FLAKE, OUTAGE, SUITES, Simulated, Suite, simulate
from benchmarks.state_scores import TRAIN
from benchmarks.table import Row, Section, judged
from flakelens import cli
from flakelens.model import (
    Attempt,
    CaseResult,
    Event,
    Outcome,
    ParsedReport,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
    Status,
    TestId,
)
from flakelens.store import open_store

SEED = 23_2026
PROCESSES = 2
_START = datetime(2026, 1, 5, tzinfo=UTC)
_BETWEEN = timedelta(hours=1)
_FILE = "tests/{}.spec.ts"
LEAST_DISMISSED = 300  # with fewer, a share of 1 % is a handful of failures
LEAST_FAILURES = 500  # with fewer, chance alone lifts the calibration error of ten bins above .02


class Task(NamedTuple):
    """One history, and every how many runs one is triaged."""

    suite: Suite
    replicate: int
    every: int


class Scored(NamedTuple):
    """The failures of one history, one entry each, at the run itself (first) and one run later (second)."""

    suite: str
    harmless: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    p: tuple[NDArray[np.float64], NDArray[np.float64]]
    dismissed: tuple[NDArray[np.bool_], NDArray[np.bool_]]


def store_history(sim: Simulated, path: Path) -> None:
    """The history as a database: Playwright's reports, retries recorded where the suite has them."""
    evidence = RetryEvidence.RECORDED if sim.suite.retries else RetryEvidence.NONE
    with open_store(path, create=True) as store:
        for run in range(sim.outcomes.shape[1]):
            pull = int(sim.pulls[run]) >= 0
            started = _START + run * _BETWEEN
            info = RunInfo(
                provider="simulated",
                run=_run_id(run),
                commit=hashlib.sha1(f"{sim.commits[run]}".encode(), usedforsecurity=False).hexdigest(),
                branch=f"change-{sim.pulls[run]}" if pull else "main",
                base_branch="main" if pull else "",
                event=Event.PULL_REQUEST if pull else Event.PUSH,
                started_at=started,
            )
            cases = tuple(_cases(sim, run))
            report = ParsedReport(
                name="playwright.xml",
                sha256=hashlib.sha256(repr((run, cases)).encode()).hexdigest(),
                size=1,
                producer="playwright",
                cases=cases,
                started_at=started,
            )
            store.write_run(
                RunReports(info=info, reports=((ReportInfo(retries=evidence), report),)), ingested_at=started
            )


def _run_id(run: int) -> str:
    return f"r{run:04}"


def _cases(sim: Simulated, run: int) -> list[CaseResult]:
    cases = []
    for test in np.flatnonzero(sim.outcomes[:, run] != Outcome.NONE).tolist():
        outcome = sim.outcomes[test, run]
        statuses = [Status.PASSED] if outcome == Outcome.PASSED else [Status.FAILED]
        if outcome == Outcome.FLAKY:
            statuses.append(Status.PASSED)
        elif outcome == Outcome.FAILED and sim.suite.retries:
            statuses.append(Status.FAILED)
        said = f"Error: {_words(int(sim.signature[test, run]))}"
        attempts = tuple(
            Attempt(status, 0.1, "Error" if status is Status.FAILED else "", said if status is Status.FAILED else "")
            for status in statuses
        )
        cases.append(CaseResult(TestId(_FILE.format(test // 50), f"does thing {test}", ""), 1, attempts))
    return cases


def _words(number: int) -> str:
    """A signature's number in letters: digits would be masked."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = ""
    while True:
        number, rest = divmod(number, 26)
        text += letters[rest]
        if not number:
            return f"cause {text}"


def asked(path: Path, run: int, known: int) -> dict[str, Any]:
    """What the command line says of a run when nothing after run `known` has started."""
    moment = (_START + known * _BETWEEN).isoformat()
    out = io.StringIO()
    with redirect_stdout(out):
        code = cli.run(["--db", str(path), "triage", _run_id(run), "--format", "json", "--as-of", moment])
    document: dict[str, Any] = json.loads(out.getvalue())
    assert code == (0 if document["explained"] else 10)
    return document


def measure(task: Task) -> Scored:
    """Simulates and stores a history, and triages every `every`th of the newest 40 % of its runs that has failures."""
    number = next(place for place, suite in enumerate(SUITES) if suite.name == task.suite.name)
    sim = simulate(np.random.default_rng([SEED, number, task.replicate]), task.suite)
    gated = np.flatnonzero(sim.gated)
    failed = (sim.outcomes == Outcome.FAILED).any(axis=0)
    last = int(gated[-1])
    runs = [run for run in range(round(TRAIN * task.suite.runs), last) if failed[run]][:: task.every]
    found: tuple[list[tuple[bool, float, bool]], list[tuple[bool, float, bool]]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        store_history(sim, path)
        for run in runs:
            following = int(gated[gated > run][0])
            for place, known in enumerate((run, following)):
                for failure in asked(path, run, known)["failures"]:
                    test = int(failure["name"].rsplit(" ", 1)[1])
                    p = failure["probabilities"]
                    harmless = bool(sim.cause[test, run] in (FLAKE, OUTAGE))
                    found[place].append((harmless, p["flake"] + p["outage"], failure["dismissed"]))
    columns = [list(zip(*each, strict=True)) for each in found]
    return Scored(
        task.suite.name,
        (np.array(columns[0][0]), np.array(columns[1][0])),
        (np.array(columns[0][1]), np.array(columns[1][1])),
        (np.array(columns[0][2]), np.array(columns[1][2])),
    )


def _section(found: list[Scored], suites: tuple[Suite, ...], when: int, histories: int) -> Section:
    rows = []
    for suite in suites:
        mine = [each for each in found if each.suite == suite.name]
        truth = np.concatenate([each.harmless[when] for each in mine])
        p = np.concatenate([each.p[when] for each in mine])
        squares = (p - truth) ** 2
        error = float(squares.std(ddof=1)) / math.sqrt(len(squares))
        limit = 0.03 if suite.name == BASE.name else 0.04
        later = bool(when)
        brier = float(squares.mean())
        verdict = judged(brier, limit, error) if later else ""
        rows.append(
            Row(f"{suite.name}: Brier", f"{brier:.4f} (se {error:.4f})", f"<= {limit:g}" if later else "", verdict)
        )
        ece = calibration_error(p, truth)
        # Its spread from 200 resamples of the failures.
        rng = np.random.default_rng(0)
        draws = [rng.integers(0, len(p), len(p)) for _ in range(200)]
        ece_error = float(np.std([calibration_error(p[draw], truth[draw]) for draw in draws]))
        verdict = "" if not later else judged(ece, 0.02, ece_error) if len(p) >= LEAST_FAILURES else "too few to judge"
        rows.append(Row(f"{suite.name}: ECE", f"{ece:.4f} (se {ece_error:.4f})", "<= 0.02" if later else "", verdict))
        rows.append(_dismissals(suite.name, mine, when))
    rows.append(_dismissals("all of these", found, when))
    known = "one later run of the branch known" if when else "at the run itself"
    many = "one history" if histories == 1 else f"{histories} histories"
    size = f"{many} each of {suites[0].tests} tests x {suites[0].runs} runs"
    return Section(f"flakelens triage --format json: flake or outage, not a change? {known}; {size}", tuple(rows))


def _dismissals(name: str, parts: list[Scored], when: int) -> Row:
    out = np.concatenate([each.dismissed[when] for each in parts])
    truth = np.concatenate([each.harmless[when] for each in parts])
    dismissed, wrong = int(out.sum()), int((out & ~truth).sum())
    share = wrong / max(dismissed, 1)
    error = math.sqrt(share * (1 - share) / max(dismissed, 1))
    figure = f"{100 * share:.2f} % of {dismissed} ({100 * dismissed / len(out):.0f} % of {len(out)} failures dismissed)"
    verdict = judged(share, 0.01, error) if dismissed >= LEAST_DISMISSED else "too few to judge"
    return Row(f"{name}: wrong among the dismissed", figure, "<= 1 %", verdict)


def sections(small: bool) -> list[Section]:
    """Both moments; `small` has one history of one suite with fewer tests, and triages fewer of its runs."""
    chosen = SUITES[:1] if small else (SUITES[0], SUITES[1], SUITES[5], SUITES[6])
    tests, runs, every, histories = (250, 150, 5, 1) if small else (600, 200, 3, 2)
    suites = tuple(replace(suite, tests=tests, runs=runs) for suite in chosen)
    tasks = [Task(suite, replicate, every) for suite in suites for replicate in range(histories)]
    with get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(measure, tasks, chunksize=1)
    return [_section(found, suites, 1, histories), _section(found, suites, 0, histories)]
