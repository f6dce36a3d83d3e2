"""A team whose failures have every cause that triage knows: runs of main, then the run that is asked about.

Titles are "calm 1".. (components), "mail" (components, flaky), "old break" (components, broken from run 36 on),
"AI 1".. (AI 1 is flaky) and "pays 1".. (E2E, retries recorded). A run is described by what is not passing in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flakelens.model import Event, ParsedReport, ReportInfo, RetryEvidence, RunReports
from tests.builders import a_case, a_commit, a_run, a_store, started_at

AS_OF = "2026-10-05T00:00Z"
RUNS = 40
FLAKY = (
    "TimeoutError: no mail within 5000 ms\n    at poll (/home/runner/work/app/app/src/components/mail.test.tsx:12:9)"
)
BREAK = (
    "expect(received).toBe(expected) // Object.is equality\n\nExpected: 3\nReceived: 4\n"
    "    at x (/home/runner/work/app/app/src/components/calm.test.tsx:3:4)"
)
DOWN = "Error: connect ECONNREFUSED 10.0.0.5:5432"

_FILES = {
    "calm": "src/components/calm.test.tsx",
    "mail": "src/components/mail.test.tsx",
    "old": "src/components/old.test.tsx",
    "AI": "src/__tests__/api/ai/chat.test.ts",
    "pays": "checkout.spec.ts",
}


class Bad(NamedTuple):
    """How a test does not pass: a letter of `builders`, and what it says."""

    letter: str = "F"
    message: str = BREAK


def usual(n: int) -> dict[str, Bad]:
    """What is not passing in run n of main: the flaky tests now and then, the broken one since run 36."""
    bad = {}
    if n % 7 == 3:
        bad["mail"] = Bad("F", FLAKY)
    if n % 9 == 5:
        bad["AI 1"] = Bad("F", FLAKY)
    if n % 8 == 6:
        bad["pays 1"] = Bad("K", "TimeoutError: locator.click: Timeout 1500ms exceeded.")
    if n >= 36:
        bad["old break"] = Bad("F", BREAK)
    return bad


def team_run(n: int, bad: Mapping[str, Bad] | None = None, *, calm: int = 20, **more: object) -> RunReports:
    """Run n with three reports; `bad` is all that is not passing, titles it does not know come to the unit tests."""
    bad = usual(n) if bad is None else bad
    unit = [*(f"calm {place}" for place in range(1, calm + 1)), "mail", "old break"]
    unit += [title for title in bad if title.split()[0] not in ("AI", "pays") and title not in unit]
    places = {
        "unit": (unit, RetryEvidence.NONE, "jest", ""),
        "ai": ([f"AI {place}" for place in range(1, 6)], RetryEvidence.NONE, "jest", ""),
        "e2e": ([f"pays {place}" for place in range(1, 6)], RetryEvidence.RECORDED, "playwright", "chromium"),
    }
    more.setdefault("commit", a_commit(n // 2))
    return a_run(n, reports=[_report(n, job, bad, *place) for job, place in places.items()], **more)  # type: ignore[arg-type]


def _report(
    n: int, job: str, bad: Mapping[str, Bad], titles: list[str], retries: RetryEvidence, producer: str, variant: str
) -> tuple[ReportInfo, ParsedReport]:
    cases = []
    for title in titles:
        letter, message = bad.get(title, Bad("P", ""))
        if letter != ".":
            file = _FILES.get(title.split()[0], "src/components/new.test.tsx")
            cases.append(a_case(title, letter, file=file, variant=variant, message=message))
    report = ParsedReport(
        name=f"{job}.xml",
        sha256=hashlib.sha256(repr((n, job, cases)).encode()).hexdigest(),
        size=1,
        producer=producer,
        cases=tuple(cases),
        started_at=started_at(n),
    )
    return ReportInfo(job=job, retries=retries), report


def pull(n: int, bad: Mapping[str, Bad], **more: object) -> RunReports:
    """Run n, of the pull request "feat" to main."""
    given = {"branch": "feat", "base_branch": "main", "event": Event.PULL_REQUEST, "commit": a_commit(5000), **more}
    return team_run(n, bad, **given)


def database(folder: Path, *runs: RunReports, main: int = RUNS) -> str:
    """The path of a database with `main` usual runs of main, and then `runs`."""
    a_store(folder, [*(team_run(n) for n in range(main)), *runs]).close()
    return str(folder / "flakelens.db")


# One of each: what a pull request may meet at once.
MIXED = {
    "calm 3": Bad("F", BREAK),
    "mail": Bad("F", FLAKY),
    "old break": Bad("F", BREAK),
    "brand new": Bad("F", "ReferenceError: total is not defined"),
    "AI 1": Bad("F", FLAKY),
    "pays 1": Bad("K", "TimeoutError: locator.click: Timeout 1500ms exceeded."),
}


def mixed_database(folder: Path) -> str:
    """Forty runs of main and one of a pull request in which everything comes together."""
    return database(folder, pull(41, MIXED))


def of(document: dict[str, Any], name: str) -> dict[str, Any]:
    (failure,) = [each for each in document["failures"] if each["name"] == name]
    return failure


def everything_down(calm: int) -> dict[str, Bad]:
    return {f"calm {place}": Bad("F", DOWN) for place in range(1, calm + 1)}
