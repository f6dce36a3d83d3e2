"""A folder of reports as a team's CI leaves them: Jest's and Playwright's, one folder per run with its run.json.

1,500 tests in five reports (three of Jest, two of Playwright's shards). 3 % of the results fail, each with a stack of
2 KB that no other failure has: other values and lines, in frames that the failures of one test share, as real ones do.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from flakelens.junit.write import jest_bytes, playwright_bytes
from flakelens.model import Attempt, CaseResult, Status, TestId

SEED = 3_000
REPORTS, TESTS = 5, 300  # reports of a run, tests of a report
OF_JEST = 3  # the others are Playwright's
FAILING, SKIPPED = 0.03, 0.01
STACK = 2_000  # characters
START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
_WORDS = ("submits", "renders", "rejects", "keeps", "sorts", "uploads", "shows", "filters", "saves", "restores")
_THINGS = ("candidate", "invoice", "résumé", "referral", "payment", "draft", "avatar", "session", "search", "offer")
_MODULES = ("react-dom/cjs/react-dom.development.js", "@testing-library/dom/dist/wait-for.js", "zustand/vanilla.js",
            "next/dist/server/base-server.js", "jest-circus/build/utils.js",
            "@tanstack/query-core/build/query.js")  # fmt: skip


def write_reports(folder: Path, runs: int) -> tuple[int, int]:
    """Write `runs` folders into `folder`; how many results they hold, and how many bytes."""
    rng = Random(SEED)
    suites = [_suite(report) for report in range(REPORTS)]
    size = 0
    for run in range(runs):
        place = folder / f"run-{run + 1}"
        place.mkdir(parents=True)
        started = START + timedelta(hours=2 * run)
        said = {"provider": "made", "run": str(run + 1), "commit": f"{run:040x}", "branch": "main", "event": "push"}
        (place / "run.json").write_text(json.dumps(said), encoding="utf-8")
        for report, suite in enumerate(suites):
            cases = [_case(test, seconds, rng) for test, seconds in suite]
            write = jest_bytes if report < OF_JEST else playwright_bytes
            data = write(cases, started_at=started)
            (place / f"report-{report + 1}.xml").write_bytes(data)
            size += len(data)
    return runs * REPORTS * TESTS, size


def _suite(report: int) -> list[tuple[TestId, float]]:
    """The tests of one report and their mean durations in seconds."""
    rng = Random(report)
    jest = report < OF_JEST
    tests = []
    for number in range(TESTS):
        word, thing = _WORDS[number % 10], _THINGS[number // 10 % 10]
        place = f"src/features/{thing}s/__tests__/{thing}-{report}-{number // 12}.test.tsx"
        if not jest:
            place = f"{thing}s/{thing}-{report}-{number // 12}.spec.ts"
        title = f"{thing} form {number // 12}{' ' if jest else ' › '}{word} the {thing} {number} when a list is empty"
        tests.append((TestId(place, title, "" if jest else "chromium"), rng.lognormvariate(-3, 1.2)))
    return tests


def _case(test: TestId, mean: float, rng: Random) -> CaseResult:
    seconds = round(mean * max(0.5, rng.gauss(1, 1 / 6)), 3)
    drawn = rng.random()
    if drawn < FAILING:
        attempt = Attempt(Status.FAILED, seconds, "", _stack(test, rng))
    elif drawn < FAILING + SKIPPED:
        attempt = Attempt(Status.SKIPPED, 0.0, "", "")
    else:
        attempt = Attempt(Status.PASSED, seconds, "", "")
    return CaseResult(test, 1, (attempt,))


def _stack(test: TestId, rng: Random) -> str:
    """What a failing test says. A tenth of the frames stand at another line each time: the code moves on."""
    own = Random(test.name)
    lines = [
        "Error: expect(received).toBe(expected) // Object.is equality",
        "",
        f'Expected: "{own.choice(_THINGS)} {own.randrange(10**6)}"',
        f'Received: "{rng.choice(_THINGS)} {rng.randrange(10**9)} after {rng.randrange(10**5)} ms"',
    ]
    size = sum(map(len, lines))
    while size < STACK:
        where = f"/app/node_modules/{own.choice(_MODULES)}"
        line = own.randrange(3000) if rng.random() < 0.9 else rng.randrange(3000)
        lines.append(f"    at {own.choice(_WORDS)}{own.choice(_THINGS).title()} ({where}:{line}:{own.randrange(90)})")
        size += len(lines[-1])
    lines.insert(5, f"    at Object.<anonymous> ({test.file}:{own.randrange(300)}:{own.randrange(60)})")
    return "\n".join(lines)
