"""Histories with known truth, as real report files: what a method says of them can be held against what happened.

Every first-attempt failure has exactly one cause (a flake, a break, an outage), and truth.json names it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from flakelens.errors import UsageError
from flakelens.junit.write import jest_bytes, playwright_bytes
from flakelens.model import Attempt, CaseResult, RetryEvidence, Status, TestId
from flakelens.report import SimulateReport

SCHEMA = "flakelens.truth/1"
START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)  # of the first run: the same bytes for the same seed, on every day
BETWEEN = timedelta(hours=2)

# Where tests live (see gate1.toml), how many of each kind, and what they are called.
_PLACES = (
    ("AI", 0.15, "src/__tests__/api/ai/{}.test.ts", ("summary", "match", "chat", "embedding")),
    ("components", 0.45, "src/components/{}.test.tsx", ("button", "table", "form", "dialog", "calendar")),
    ("other", 0.20, "src/lib/{}.test.ts", ("mail", "dates", "money", "search")),
    ("E2E", 0.20, "e2e/{}.spec.ts", ("checkout", "signup", "referral", "upload")),
)
_E2E = 3
_RERUN = 0.2  # share of runs that test the commit of the run before again
_SLOWER = 0.02  # share of tests that become slower for good
_MEAN_BREAK = 4  # commits
_MESSAGES = {
    "flake": "TimeoutError: locator.click: Timeout 5000ms exceeded.\n    at {file}:{line}:11",
    "broken": "Error: expect(received).toBe(expected) // Object.is equality\n\nExpected: 3\nReceived: 4\n"
    "    at {file}:{line}:20",
    "outage": "Error: connect ECONNREFUSED 10.0.0.5:5432\n    at {file}:{line}:5",
}
# What truth.json calls the tests whose first attempt failed, by cause.
_FIELDS = {"flake": "flake", "broken": "broken", "outage": "outage_failures"}
# Chance that a second attempt fails as well; a flake's is its own rate, at least _AGAIN_FLAKE.
_AGAIN = {"broken": 0.98, "outage": 0.9}
_AGAIN_FLAKE = 0.3

_RUN_LIMIT, _TEST_LIMIT = 5_000, 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to simulate. Shares are fractions from 0 to 1."""

    tests: int = 120
    runs: int = 60
    seed: int = 0
    flaky: float = 0.05  # of the tests
    broken: float = 0.02  # of the tests: broken for some commits, once
    outages: float = 0.03  # of the runs
    retries: RetryEvidence = RetryEvidence.RECORDED  # E2E alone is retried; where HIDDEN, every test


class _Test(NamedTuple):
    """One test and all that will befall it."""

    id: TestId
    area: str
    flake_rate: float  # 0: not flaky
    broken: tuple[int, int] | None  # first and last commit, counted from 0
    slower: tuple[int, float] | None  # from which run on, and how many times
    seconds: float


def simulate(plan: Plan, folder: Path) -> SimulateReport:
    """Write runs/NNNN/ (run.json, jest.xml, playwright.xml) and truth.json into `folder`: the same bytes for a plan.

    Raises UsageError for a plan that makes no sense and for a folder that has something in it.
    """
    _check(plan)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder.", mend="Name a new one: nothing is overwritten.")
    rng = np.random.default_rng(plan.seed)
    commits = np.cumsum(np.concatenate([[0], rng.random(plan.runs - 1) >= _RERUN])).astype(int)
    tests = _tests(plan, rng, int(commits[-1]) + 1)
    hit = np.zeros(plan.runs, np.bool_)
    hit[rng.permutation(plan.runs)[: round(plan.outages * plan.runs)]] = True
    told: list[dict[str, Any]] = []
    results = 0
    counts = dict.fromkeys(_MESSAGES, 0)
    for number in range(plan.runs):
        commit = int(commits[number])
        share = float(rng.beta(6, 14)) if hit[number] else 0.0
        causes = _causes(tests, commit, share, rng)
        cases = _cases(plan, tests, causes, number, rng)
        results += len(cases)
        place = folder / "runs" / f"{number + 1:04}"
        place.mkdir(parents=True)
        _write_run(plan, place, number, _sha(plan.seed, commit), tests, cases)
        said: dict[str, Any] = {"run": _run_id(number), "commit": _sha(plan.seed, commit), "outage": bool(hit[number])}
        for cause, field in _FIELDS.items():
            said[field] = [position for position, found in enumerate(causes) if found == cause]
            counts[cause] += len(said[field])
        told.append(said)
    _write_truth(plan, folder, tests, told)
    return SimulateReport(
        folder=str(folder),
        tests=plan.tests,
        runs=plan.runs,
        reports=2 * plan.runs,
        results=results,
        flaky=sum(test.flake_rate > 0 for test in tests),
        broken=sum(test.broken is not None for test in tests),
        slower=sum(test.slower is not None for test in tests),
        outages=int(hit.sum()),
        first_failures=counts,
        newest=START + (plan.runs - 1) * BETWEEN,
    )


def _check(plan: Plan) -> None:
    if not 4 <= plan.tests <= _TEST_LIMIT:
        raise UsageError(f"{plan.tests} tests cannot be simulated.", mend=f"From 4 to {_TEST_LIMIT:,}.")
    if not 1 <= plan.runs <= _RUN_LIMIT:
        raise UsageError(f"{plan.runs} runs cannot be simulated.", mend=f"From 1 to {_RUN_LIMIT:,}.")
    for name in ("flaky", "broken", "outages"):
        if not 0 <= getattr(plan, name) <= 1:
            raise UsageError(f"--{name} {getattr(plan, name):g} is not a share.", mend="Write 0.05 for 5 %.")
    if plan.flaky + plan.broken > 1:
        raise UsageError("More tests would be flaky or broken than there are.", mend="Lower --flaky or --broken.")


def _tests(plan: Plan, rng: np.random.Generator, commits: int) -> list[_Test]:
    """The suite; flaky and broken tests are drawn from all areas, no test is both."""
    drawn = rng.permutation(plan.tests)
    flaky = round(plan.flaky * plan.tests)
    broken = round(plan.broken * plan.tests)
    rates = dict(
        zip(drawn[:flaky].tolist(), np.exp(rng.uniform(np.log(0.02), np.log(0.4), flaky)).tolist(), strict=True)
    )
    spells = {}
    for position in drawn[flaky : flaky + broken].tolist():
        first = int(rng.integers(0, commits))
        spells[position] = (first, min(commits - 1, first + int(rng.geometric(1 / _MEAN_BREAK)) - 1))
    slower = {
        position: (
            int(rng.integers(plan.runs // 4, max(plan.runs // 4 + 1, plan.runs * 3 // 4))),
            float(rng.uniform(1.5, 3)),
        )
        for position in sorted(rng.permutation(plan.tests)[: round(_SLOWER * plan.tests)].tolist())
    }
    tests = []
    for position, place in enumerate(_places(plan.tests)):
        area, _, pattern, names = _PLACES[place]
        name = names[position % len(names)]
        separator = " › " if place == _E2E else " "
        base = 1.0 if place == _E2E else 0.05
        tests.append(
            _Test(
                id=TestId(
                    pattern.format(name),
                    f"{name}{separator}does thing {position + 1}",
                    "chromium" if place == _E2E else "",
                ),
                area=area,
                flake_rate=rates.get(position, 0.0),
                broken=spells.get(position),
                slower=slower.get(position),
                seconds=base * float(np.exp(rng.normal(0, 0.6))),
            )
        )
    return tests


def _places(tests: int) -> list[int]:
    """Which place each test belongs to: every place has one at least, the largest takes what rounding leaves."""
    sizes = [max(1, int(share * tests)) for _, share, _, _ in _PLACES]
    sizes[1] += tests - sum(sizes)
    return [place for place, size in enumerate(sizes) for _ in range(size)]


def _causes(tests: list[_Test], commit: int, share: float, rng: np.random.Generator) -> list[str]:
    """Why the first attempt of each test fails in a run; "" where it passes. What is broken cannot flake."""
    hit, flake = rng.random(len(tests)), rng.random(len(tests))
    found = []
    for position, test in enumerate(tests):
        if test.broken and test.broken[0] <= commit <= test.broken[1]:
            found.append("broken")
        elif hit[position] < share:
            found.append("outage")
        else:
            found.append("flake" if flake[position] < test.flake_rate else "")
    return found


def _cases(
    plan: Plan, tests: list[_Test], causes: list[str], number: int, rng: np.random.Generator
) -> list[tuple[int, CaseResult]]:
    """The cases of one run as the reports will show them, each with the position of its test."""
    noise = np.exp(rng.normal(0, 0.15, (len(tests), 2)))
    again = rng.random(len(tests))
    cases = []
    for position, (test, cause) in enumerate(zip(tests, causes, strict=True)):
        slow = test.slower[1] if test.slower and number >= test.slower[0] else 1.0
        seconds = [round(float(test.seconds * slow * factor), 3) for factor in noise[position]]
        attempts = [Attempt(Status.PASSED, seconds[0], "", "")]
        if cause:
            text = _MESSAGES[cause].format(file=test.id.file, line=10 + position)
            failed = Attempt(Status.FAILED, seconds[0], "Error" if test.area == "E2E" else "", text)
            attempts = [failed]
            retried = plan.retries is RetryEvidence.HIDDEN or (
                plan.retries is RetryEvidence.RECORDED and test.area == "E2E"
            )
            if retried:
                fails = again[position] < _AGAIN.get(cause, max(test.flake_rate, _AGAIN_FLAKE))
                attempts.append(
                    failed._replace(seconds=seconds[1]) if fails else Attempt(Status.PASSED, seconds[1], "", "")
                )
        if plan.retries is RetryEvidence.HIDDEN:
            attempts = attempts[-1:]
        cases.append((position, CaseResult(test.id, 1, tuple(attempts))))
    return cases


def _write_run(
    plan: Plan, place: Path, number: int, commit: str, tests: list[_Test], cases: list[tuple[int, CaseResult]]
) -> None:
    started = START + number * BETWEEN
    browser = [case for position, case in cases if tests[position].area == "E2E"]
    unit = [case for position, case in cases if tests[position].area != "E2E"]
    (place / "jest.xml").write_bytes(jest_bytes(unit, started_at=started))
    (place / "playwright.xml").write_bytes(playwright_bytes(browser, started_at=started))
    # Jest cannot record: where retries are recorded, its tests are not retried.
    of_jest = RetryEvidence.HIDDEN if plan.retries is RetryEvidence.HIDDEN else RetryEvidence.NONE
    run = {
        "provider": "simulated",
        "run": _run_id(number),
        "commit": commit,
        "branch": "main",
        "event": "push",
        "started_at": started.isoformat().replace("+00:00", "Z"),
        "reports": {
            "jest.xml": {"job": "unit", "retries": str(of_jest)},
            "playwright.xml": {"job": "e2e", "retries": str(plan.retries)},
        },
    }
    (place / "run.json").write_bytes(_json(run))


def _write_truth(plan: Plan, folder: Path, tests: list[_Test], runs: list[dict[str, Any]]) -> None:
    truth = {
        "schema": SCHEMA,
        "plan": {
            "tests": plan.tests,
            "runs": plan.runs,
            "seed": plan.seed,
            "flaky": plan.flaky,
            "broken": plan.broken,
            "outages": plan.outages,
            "retries": str(plan.retries),
        },
        "tests": [
            {
                "file": test.id.file,
                "name": test.id.name,
                "variant": test.id.variant,
                "area": test.area,
                "flake_rate": test.flake_rate,
                "broken": None if test.broken is None else [_sha(plan.seed, commit) for commit in test.broken],
                "slower": None if test.slower is None else {"run": _run_id(test.slower[0]), "times": test.slower[1]},
            }
            for test in tests
        ],
        "runs": runs,
    }
    (folder / "truth.json").write_bytes(_json(truth))


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()


def _run_id(number: int) -> str:
    return str(number + 1)


def _sha(seed: int, commit: int) -> str:
    return hashlib.sha1(f"{seed} {commit}".encode(), usedforsecurity=False).hexdigest()
