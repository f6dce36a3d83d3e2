"""`flakelens slow`: what became slower, and nothing about reliability."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from flakelens.model import Event
from tests.builders import a_report, a_run, a_store
from tests.cli.histories import EVIL, caller
from tests.goldens import same_as_golden

AS_OF = "2026-11-01"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def a_timed_run(n: int, tests: dict[str, tuple[str, float]], **run):
    """Run n with the letter and the seconds of each test."""
    info, report = a_report(n, {title: letter for title, (letter, _) in tests.items()})
    seconds = {title.rpartition("::")[2]: value for title, (_, value) in tests.items()}
    cases = tuple(
        case._replace(attempts=tuple(attempt._replace(seconds=seconds[case.id.name]) for attempt in case.attempts))
        for case in report.cases
    )
    return a_run(n, reports=[(info, replace(report, cases=cases))], **run)


def database(folder) -> str:
    """Sixty runs: one test slower for good, one by little, one faster, one steady, one that waits for its time-out."""
    app = "src/components/table.test.tsx"
    runs = [
        a_timed_run(
            n,
            {
                f"{app}::table > sorts": ("P", 1.1 + n % 3 / 100 if n < 40 else 1.8),
                f"{app}::table > {EVIL}": ("P", 4.0 + n % 2 / 10 if n < 30 else 6.5 + n % 2 / 10),
                f"{app}::table > pages": ("P", 1.1 if n < 40 else 1.2),
                "src/mail.test.ts::mail > is sent": ("P", 2.0 if n < 40 else 1.0),
                "src/mail.test.ts::mail > is read": ("P", 2.0 + n % 7 / 10),
                "src/mail.test.ts::mail > waits": ("P", 1.0) if n < 40 else ("F", 30.0),
            },
        )
        for n in range(60)
    ]
    # A pull request in which everything is slow is no news of the branch.
    pull = a_timed_run(61, {"src/mail.test.ts::mail > is read": ("P", 90.0)}, event=Event.PULL_REQUEST, branch="feat")
    a_store(folder, [*runs, pull]).close()
    return str(folder / "flakelens.db")


@pytest.mark.parametrize("width", [80, 140])
def test_the_page(tmp_path, call, width):
    code, out, err = call("--db", database(tmp_path), "slow", "--as-of", AS_OF, width=width)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/slow.{width}.txt", out)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_line_is_wider_than_the_terminal(tmp_path, call, width):
    _, out, _ = call("--db", database(tmp_path), "slow", "--as-of", AS_OF, width=width)
    assert max(cell_len(line) for line in out.splitlines()) <= width
    assert not set("\x1b\u202e") & set(out)


def test_the_document_lists_what_adds_most_first(tmp_path, call):
    _, out, _ = call("--db", database(tmp_path), "slow", "--as-of", AS_OF, "--format", "json")
    document = json.loads(out)
    assert (document["schema"], document["branch"], document["runs"]) == ("flakelens.slow/1", "main", 60)
    found = [
        (test["since"]["run"], test["runs"], round(test["before"], 2), test["seconds"]) for test in document["tests"]
    ]
    assert found == [("1030", 30, 4.05, 6.55), ("1040", 20, 1.11, 1.8)]
    assert [round(test["added"], 2) for test in document["tests"]] == [2.5, 0.69]


def test_an_area_and_a_limit(tmp_path, call):
    db = database(tmp_path)
    _, out, _ = call("--db", db, "slow", "--as-of", AS_OF, "--area", "AI")
    assert out == "No test of 0 became slower over 60 runs of main.\n"
    _, out, _ = call("--db", db, "slow", "--as-of", AS_OF, "--area", "components", "--limit", "1")
    assert "The first 1 of 2 tests of 3 that became slower, over 60 runs of main; --limit 0 shows all." in " ".join(
        out.split()
    )
    code, _, err = call("--db", db, "slow", "--area", "nonsense")
    assert code == 2
    assert "There is no area 'nonsense'." in err


def test_without_a_database_there_is_nothing_to_time(call):
    assert call("slow") == (0, "No run counts for main yet: there is nothing to time.\n", "")
