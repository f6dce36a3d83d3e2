"""Do ordinary healthy teams meet Gate 1? The whole gate, through the store, on simulated teams.

A team: tests of AI, components, E2E and others; three component tests flaky at 2, 3.5 and 5 % whose retry, recorded,
fails again with probability .3; on average every 40 runs one test of a random area breaks for 1 to 4 runs. The shipped
policy judges after every run from the 100th on, reading from the database each time.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.table import Row, Section, judged
from flakelens.analyze.evidence import load
from flakelens.decisions import Decisions
from flakelens.gate import verdict
from flakelens.model import (
    Attempt,
    CaseResult,
    Event,
    GateState,
    ParsedReport,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
    Status,
    TestId,
)
from flakelens.policy_text import parse
from flakelens.store import open_store

SEED = 11_2026
START = datetime(2026, 9, 1, tzinfo=UTC)
WARM_UP = 100
FLAKE_RATES = (0.02, 0.035, 0.05)
RETRY_FAILS = 0.3
BREAK_EVERY = 40
PROCESSES = 2

FOLDERS = {"AI": "src/__tests__/api/ai", "components": "src/__tests__/app", "other": "src/__tests__/lib"}
PASSED = (Attempt(Status.PASSED, 0.1, "", ""),)
FLAKED = (Attempt(Status.FAILED, 0.1, "", "expected text to match"), *PASSED)
FAILED = (Attempt(Status.FAILED, 0.1, "", "expected text to match"),) * 2


@dataclass(frozen=True)
class Team:
    """How many tests an area has, how many runs a day, and the share of looks that must be MET."""

    name: str
    sizes: dict[str, int]
    runs_a_day: int
    target: float


TEAMS = (
    Team("350 tests, 15 runs a day", {"AI": 40, "components": 150, "E2E": 40, "other": 120}, 15, 75.0),
    Team("60 tests, 4 runs a day", {"AI": 10, "components": 30, "E2E": 10, "other": 10}, 4, 65.0),
)


class Task(NamedTuple):
    """One simulated history of a team."""

    team: Team
    replicate: int
    looks: int


class Looks(NamedTuple):
    """What the gate said at the looks of one history."""

    team: str
    met: int
    looks: int
    blocked: Counter[str]  # criteria that were not MET, by id


def simulate(team: Team, rng: np.random.Generator, runs: int) -> list[RunReports]:
    """The runs of one history, a commit each."""
    tests = [(area, number) for area, size in team.sizes.items() for number in range(size)]
    broken: dict[tuple[str, int], int] = {}  # test -> run in which it is repaired
    history = []
    for run in range(runs):
        if rng.random() < 1 / BREAK_EVERY:
            area = list(team.sizes)[rng.integers(len(team.sizes))]
            broken[area, int(rng.integers(team.sizes[area]))] = run + int(rng.integers(1, 5))
        cases: dict[str, list[CaseResult]] = {"unit": [], "e2e": []}
        for area, number in tests:
            attempts: tuple[Attempt, ...] = PASSED
            if broken.get((area, number), 0) > run:
                attempts = FAILED
            elif area == "components" and number < len(FLAKE_RATES) and rng.random() < FLAKE_RATES[number]:
                attempts = FAILED if rng.random() < RETRY_FAILS else FLAKED
            file = f"{FOLDERS[area]}/{number % 7}.test.ts" if area in FOLDERS else f"{number % 7}.spec.ts"
            job = "e2e" if area == "E2E" else "unit"
            cases[job].append(CaseResult(TestId(file, f"{area} test {number}", ""), 1, attempts))
        started = START + timedelta(days=run / team.runs_a_day)
        info = RunInfo(
            provider="github",
            run=str(10_000 + run),
            commit=hashlib.sha1(f"{run}".encode(), usedforsecurity=False).hexdigest(),
            branch="main",
            event=Event.PUSH,
            started_at=started,
        )
        reports = tuple(
            (
                ReportInfo(job=job, retries=RetryEvidence.RECORDED),
                ParsedReport(
                    name=f"{job}.xml",
                    sha256=hashlib.sha256(f"{job} {run}".encode()).hexdigest(),
                    size=1,
                    producer="playwright" if job == "e2e" else "jest",
                    cases=tuple(of_job),
                    started_at=started,
                ),
            )
            for job, of_job in cases.items()
        )
        history.append(RunReports(info=info, reports=reports))
    return history


def look(task: Task) -> Looks:
    """One history, run by run: ingest, read, judge."""
    rng = np.random.default_rng([SEED, task.replicate, len(task.team.name)])
    policy, decisions = parse(), Decisions()
    met, blocked = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "team.db", create=True) as store:
        for number, run in enumerate(simulate(task.team, rng, WARM_UP + task.looks)):
            started = run.info.started_at
            assert started is not None
            store.write_run(run, ingested_at=started)
            if number < WARM_UP:
                continue
            evidence = load(store, policy, decisions, as_of=started + timedelta(minutes=30)).evidence
            judged_now = verdict.judge("gate1", policy.gates["gate1"], evidence, needs=False)
            met += judged_now.state is GateState.MET
            blocked.update({finding.id for finding in judged_now.criteria if finding.state is not GateState.MET})
    return Looks(task.team.name, met, task.looks, blocked)


def sections(small: bool) -> list[Section]:
    """The share of looks at which each team's gate is MET, and what stood in the way at the others."""
    replicates, looks = (4, 25) if small else (16, 150)
    tasks = [Task(team, replicate, looks) for team in TEAMS for replicate in range(replicates)]
    with get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(look, tasks, chunksize=1)
    rows = []
    for team in TEAMS:
        of_team = [looks for looks in found if looks.team == team.name]
        shares = np.array([100 * looks.met / looks.looks for looks in of_team])
        # Looks of one history are much alike: histories, not looks, are the unit of replication.
        error = float(shares.std(ddof=1) / math.sqrt(len(shares)))
        share = float(shares.mean())
        rows.append(
            Row(
                f"{team.name}: looks at which Gate 1 is MET",
                f"{share:.1f} % (se {error:.1f})",
                f">= {team.target:.0f} %",
                judged(share, team.target, error, at_least=True),
            )
        )
        total = sum(looks.looks for looks in of_team)
        blocked = sum((looks.blocked for looks in of_team), Counter[str]())
        rows += [Row(f"  not MET: {ident}", f"{100 * times / total:.1f} %") for ident, times in blocked.most_common()]
    return [Section(f"Healthy teams, {replicates} histories of {looks} looks each, through the store", tuple(rows))]
