"""`flakelens slow`: what became slower, and nothing about reliability."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
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


# ---- suites


def a_grown_run(n: int, **run):
    """Run n: an area that gets three tests in run 30, a file whose tests slow down in run 40, a job with set-up."""
    tests = {f"src/components/table.test.tsx::row {k}": ("P", 2.0 + n % 3 / 20) for k in range(4)}
    tests |= {f"src/components/table.test.tsx::added {k}": ("P", 3.0) for k in range(3 if n >= 30 else 0)}
    tests |= {f"src/mail.test.ts::mail {k}": ("P", 1.0 + n % 2 / 20 if n < 40 else 1.5) for k in range(8)}
    tests |= {"src/mail.test.ts::breaks": ("P" if n < 25 else "F", 1.0 if n < 25 else 60.0)}
    return a_timed_run(n, tests, **run)


def suites_of(call, folder, *options, runs=None) -> list[dict]:
    a_store(folder, [a_grown_run(n) for n in range(60)] if runs is None else runs).close()
    db = str(folder / "flakelens.db")
    code, out, err = call("--db", db, "slow", "--as-of", AS_OF, "--format", "json", *options)
    assert (code, err) == (0, "")
    return json.loads(out)["suites"]


def told(suite: dict) -> tuple:
    parts = (suite["added_tests"], suite["removed_tests"], suite["same_tests"])
    return suite["kind"], suite["name"], suite["since"]["run"], *(round(part, 1) for part in parts)


def test_a_suite_says_whether_it_is_more_tests_or_slower_ones(tmp_path, call):
    """A break with a time-out of a minute in one of its tests is nobody's slowness."""
    found = suites_of(call, tmp_path)
    assert [told(suite) for suite in found] == [
        ("area", "components", "1030", 9.0, 0.0, 0.0),
        ("file", "src/components/table.test.tsx", "1030", 9.0, 0.0, 0.0),
        ("area", "unassigned", "1040", 0.0, 0.0, 3.8),
        ("file", "src/mail.test.ts", "1040", 0.0, 0.0, 3.8),
    ]
    assert [(suite["tests_before"], suite["tests"], suite["area"]) for suite in found[:2]] == [(4, 7, "components")] * 2


def test_suites_of_one_area_and_a_limit(tmp_path, call):
    assert [told(suite)[:2] for suite in suites_of(call, tmp_path, "--area", "components", "--limit", "1")] == [
        ("area", "components")
    ]


def with_set_up(n: int, *, seconds: float, letter: str = "P", shards: int = 1, present: int | None = None):
    """Run n of one job whose reports say that they took `seconds` together; each test takes one second."""
    reports = []
    for shard in range(1, (shards if present is None else present) + 1):
        info, report = a_report(
            n, {f"a{shard}": letter, f"b{shard}": "P"}, job="unit", shard=f"{shard}/{shards}", name=f"{shard}.xml"
        )
        cases = tuple(
            case._replace(attempts=tuple(attempt._replace(seconds=1.0) for attempt in case.attempts))
            for case in report.cases
        )
        reports.append((info, replace(report, cases=cases, seconds=seconds / shards)))
    return a_run(n, reports=reports)


def test_a_job_that_takes_longer_outside_of_its_tests(tmp_path, call):
    """All shards together; runs with a failure, which wait for time-outs, and with a missing shard say nothing."""
    runs = []
    for n in range(50):
        seconds = 10.0 + n % 3 / 10 if n < 25 else 18.0
        if n % 5 == 1:
            runs.append(with_set_up(n, seconds=90.0, letter="F", shards=2))
        elif n % 5 == 2:
            runs.append(with_set_up(n, seconds=seconds, shards=2, present=1))
        else:
            runs.append(with_set_up(n, seconds=seconds, shards=2))
    (job,) = suites_of(call, tmp_path, runs=runs)
    assert told(job) == ("job", "unit", "1025", 0.0, 0.0, 0.0)
    assert (job["seconds"], job["before"], job["area"]) == (pytest.approx(18), pytest.approx(10.1), None)
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "slow", "--as-of", AS_OF)
    assert "most of it is outside of the tests" in " ".join(out.split())


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_of_suites(tmp_path, call, width):
    a_store(tmp_path, [a_grown_run(n) for n in range(60)]).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "slow", "--as-of", AS_OF, width=width)
    same_as_golden(f"cli/slow-suites.{width}.txt", out)


def test_without_a_database_there_is_nothing_to_time(call):
    assert call("slow") == (0, "No run counts for main yet: there is nothing to time.\n", "")
