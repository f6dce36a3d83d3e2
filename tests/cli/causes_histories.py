"""A team whose failures have causes: a service that dies, a slow shard, a shared message, a break, and a repair."""

from __future__ import annotations

from pathlib import Path

from flakelens.model import RetryEvidence, RunReports
from tests.builders import a_commit, a_report, a_run, a_store

AS_OF = "2026-10-05T00:00Z"
RUNS = 60
APP = "src/__tests__/app"
SERVICE = "Error: /rates did not answer within {ms} ms\n    at get (/home/ci/{n}/src/api/backend.js:16:49)"
SLOW = "TimeoutError: locator.click: Timeout 1500ms exceeded.\nCall log:\n  - waiting for getByRole('button')"
TEXT = (
    "Error: expect(received).toBe(expected)\n\n"
    'Expected: "Best"\nReceived: "hides \x1b[31mthe \u202e[bold]{n}[/bold] ##[error]"'
)


def failing_run(n: int) -> RunReports:
    """Run n: four tests of two files die with the service in every ninth; the browser is slow on shard 2 of 2."""
    service = "F" if n % 9 == 4 else "P"
    rates = {
        f"{APP}/pay.test.js::payment > shows the total in USD": service,
        f"{APP}/pay.test.js::payment > shows the total in GBP": service,
        f"{APP}/job.test.js::job detail > shows the salary in dollars": service,
        f"{APP}/job.test.js::job detail > shows the salary in pounds": service if n % 2 else "P",
    }
    calm = {f"{APP}/calm.test.js::calm > test {number}": "P" for number in range(12)}
    texts = {
        "src/__tests__/api/ai/match.test.js::AI match > finds the best": "F" if n % 13 == 5 else "P",
        "src/__tests__/api/ai/match.test.js::AI match > finds the worst": "F" if n % 17 == 9 else "P",
        f"{APP}/offer.test.js::offer > broke and was mended": "F" if n in (10, 11, 12, 13) else "P",
        f"{APP}/offer.test.js::offer > is broken": "F" if n >= 57 else "P",
    }
    # The shard changes from run to run: it is where the test ran, not what it is.
    slow = n % 2 == 0
    browser = {"checkout > pays": "K" if slow and n % 6 != 2 else "P"}
    return a_run(
        n,
        commit=a_commit(n // 2),
        reports=[
            a_report(n, rates, message=SERVICE.format(ms=450 + n, n=n), job="unit", name="rates.xml"),
            a_report(n, calm | texts, message=TEXT.format(n=n), job="unit", name="rest.xml"),
            a_report(
                n,
                browser,
                file="checkout.spec.ts",
                producer="playwright",
                variant="Pixel 7",
                job="e2e",
                shard="2/2" if slow else "1/2",
                shown=RetryEvidence.RECORDED,
                message=SLOW,
            ),
        ],
    )


def failing_database(folder: Path, runs: int = RUNS) -> str:
    """The path of a database with that many runs of main."""
    a_store(folder, [failing_run(n) for n in range(runs)]).close()
    return str(folder / "flakelens.db")
