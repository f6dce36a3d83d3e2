"""A small team's forty runs for the commands that show tests, and how to call a command on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flakelens.cli import run
from flakelens.model import Event, RetryEvidence, RunReports
from tests.builders import a_commit, a_report, a_run, a_store

AS_OF = "2026-10-05T00:00Z"
EVIL = "hides the \x1b[31mbutton\x1b[0m \u202egnp.exe [bold]x[/bold] ##[error]boo"
LONG = (
    "a table of candidates sorts by the date of application, newest first, when the 日本語 column is clicked twice by "
    "a person with a very long name indeed"
)
MESSAGE = "expect(received).toBe(expected) // Object.is equality\n\nExpected: 3\nReceived: 4\n    at x (src/a.js:3:4)"


def team_run(n: int) -> RunReports:
    """Run n: one test broken since run 1036, one flaky in the browser, one gone, one flaked on a commit."""
    app = "src/__tests__/app"
    unit = {
        f"{app}/offer.test.js::Offer page > shows the salary": "F" if n >= 36 else "P",
        f"{app}/offer.test.js::Offer page > {EVIL}": "F" if n == 20 else "P",
        f"{app}/table.test.js::{LONG}": "F" if n in (7, 8) else "P",
        "src/__tests__/api/ai/chat.test.js::AI chat > answers within the budget": "K" if n == 39 else "P",
        "src/mail.test.js::mail > has a footer": "S" if n > 30 else "P",
    }
    browser = {
        "referral > sends a mail": "K" if n % 6 == 5 else "P",
        "checkout > pays": "P",
        "old one": "P" if n < 20 else ".",
    }
    shows = RetryEvidence.RECORDED if n > 12 else None
    return a_run(
        n,
        commit=a_commit(n // 2),
        reports=[
            a_report(n, unit, message=MESSAGE, job="unit"),
            a_report(
                n,
                browser,
                file="referral.spec.ts",
                producer="playwright",
                variant="Pixel 7",
                job="e2e",
                shown=shows,
                message=f"TimeoutError: no mail for 0b5c7a5e-2222-4222-8222-1234567890{n:02}\nCall log:\n  - waiting",
            ),
        ],
    )


def team_database(folder: Path) -> str:
    """The path of a database with forty runs of main and one of a pull request."""
    pull = a_run(
        41,
        branch="feat",
        base_branch="main",
        event=Event.PULL_REQUEST,
        reports=[a_report(41, {"src/new.test.js::brand new": "P", "src/mail.test.js::mail > has a footer": "F"})],
    )
    a_store(folder, [*(team_run(n) for n in range(40)), pull]).close()
    return str(folder / "flakelens.db")


Call = Callable[..., tuple[int, str, str]]


def caller(folder: Path, monkeypatch, capsys) -> Call:
    """A function that runs a command in an empty `folder` and gives exit code, standard output and standard error."""
    monkeypatch.chdir(folder)
    for name in ("FLAKELENS_DB", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, width: int = 80) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", str(width))
        code = run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call
