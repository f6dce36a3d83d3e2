"""A team that works from Monday to Friday: eight weeks of runs, with flakes, breaks and repairs that can be counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from flakelens.model import RetryEvidence, RunReports
from tests.builders import a_commit, a_report, a_run, a_store

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
AS_OF = "2026-10-30T18:00Z"  # a Friday evening, after the last run of that day
HOURS = (8, 10, 12, 14, 16)  # at which every working day has a run
MINUTES = 6.0  # that the two reports of a run take together
APP = "src/__tests__/app"
_TITLES = {f"{area} {number}" for area in ("AI", "components", "E2E") for number in range(1, 21)}


def working_days(weeks: int) -> list[datetime]:
    """The working days of so many weeks from MONDAY on."""
    days = [MONDAY + timedelta(days=day) for day in range(7 * weeks)]
    return [day for day in days if day.weekday() < 5]


def team_run(
    n: int, started: datetime, bad: dict[str, str], *, provider: str = "github", branch: str = "main"
) -> RunReports:
    """One run of 60 tests: `bad` maps titles ("AI 3", "components 1", "E2E 2") to letters, the others pass."""
    seconds = {"unit": 60 * MINUTES * 0.75, "e2e": 60 * MINUTES * 0.25}
    reports = []
    for job, areas in (("unit", ("AI", "components")), ("e2e", ("E2E",))):
        outcomes = {}
        for area in areas:
            file = {"AI": "src/__tests__/api/ai/chat.test.ts", "components": f"{APP}/page.test.tsx"}.get(area, "")
            further = [title for title in bad if title.startswith(area) and title not in _TITLES]
            for title in (*(f"{area} {number}" for number in range(1, 21)), *further):
                outcomes[f"{file}::{title}" if file else title] = bad.get(title, "P")
        info, report = a_report(
            n,
            outcomes,
            file="checkout.spec.ts",
            producer="playwright" if job == "e2e" else "jest",
            variant="chromium" if job == "e2e" else "",
            job=job,
            started=started,
            retries=RetryEvidence.RECORDED if job == "e2e" else RetryEvidence.NONE,
        )
        reports.append((info, replace(report, seconds=seconds[job])))
    run = a_run(n, reports=reports, commit=a_commit(n), started=started, provider=provider, branch=branch)
    pages = {
        "github": f"https://github.com/acme/shop/actions/runs/{1000 + n}",
        "gitlab": f"https://git.example.org/acme/shop/-/pipelines/{1000 + n}",
    }
    return replace(run, info=replace(run.info, url=pages.get(provider, "")))


def what_fails(n: int) -> dict[str, str]:
    """Run n of eight weeks (0 to 199): what fails in it.

    Three components flake in about 10 % of the runs; one of them is repaired after run 99. Two tests are broken from
    run 60 to 69, another from 150 to 154. From run 120 on a browser test flakes, its retry passes.
    """
    bad = {}
    if n % 9 == 3:
        bad["components 1"] = "F"
    if n % 11 == 5:
        bad["components 2"] = "F"
    if n % 8 == 1 and n < 100:
        bad["components 3"] = "F"
    if 60 <= n < 70:
        bad |= {"AI 1": "F", "AI 2": "F"}
    if 150 <= n < 155:
        bad["components 7"] = "F"
    if n >= 120 and n % 7 == 2:
        bad["E2E 4"] = "K"
    return bad


def team_runs(weeks: int = 8, bad: Iterable[dict[str, str]] | None = None, **run: str) -> list[RunReports]:
    """All runs of so many weeks; `bad` one entry per run, else `what_fails`."""
    moments = [day + timedelta(hours=hour) for day in working_days(weeks) for hour in HOURS]
    told = list(bad) if bad is not None else [what_fails(n) for n in range(len(moments))]
    return [team_run(n, when, told[n], **run) for n, when in enumerate(moments)]


def team_database(folder: Path, runs: Iterable[RunReports] | None = None) -> str:
    """The path of a database with these runs."""
    a_store(folder, team_runs() if runs is None else runs).close()
    return str(folder / "flakelens.db")


def trouble(n: int) -> dict[str, str]:
    """Run n of the same weeks with more to do: a service that dies, a test broken at the end, two causes repaired."""
    bad = what_fails(n)
    if n % 5 == 3:
        bad |= {f"AI {number}": "F" for number in (3, 4, 5, 6)}
    if n % 4 == 1:
        bad["components 15"] = "F"
    if 10 <= n < 150 and n % 4 == 2:
        bad |= {f"E2E {number}": "F" for number in (8, 9, 10)}
    if 10 <= n < 150 and n % 3 == 1:
        bad["components 16"] = "F"
    if n >= 198:
        bad["E2E 1"] = "F"
    return bad
