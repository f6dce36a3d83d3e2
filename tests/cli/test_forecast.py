"""`flakelens forecast`: the page, the document, and what it will not say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from tests.builders import a_store
from tests.cli.forecast_histories import AS_OF, HOURS, MONDAY, team_database, team_run, team_runs, trouble
from tests.cli.histories import EVIL, caller
from tests.goldens import same_as_golden


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> str:
    return team_database(tmp_path_factory.mktemp("troubled"), team_runs(bad=[trouble(n) for n in range(200)]))


@pytest.fixture(scope="module")
def waiting(tmp_path_factory) -> str:
    return team_database(tmp_path_factory.mktemp("waiting"))


def document_of(call, db, *more):
    code, out, err = call("--db", db, "forecast", "--as-of", AS_OF, "--format", "json", *more)
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_of_a_team_with_much_to_do(troubled, call, width):
    code, out, err = call("--db", troubled, "forecast", "--as-of", AS_OF, width=width)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/forecast.{width}.txt", out)


def test_the_page_of_a_team_that_only_waits(waiting, call):
    _, out, _ = call("--db", waiting, "forecast", "--as-of", AS_OF)
    same_as_golden("cli/forecast-waiting.80.txt", out)


def test_the_document(troubled, call):
    document = document_of(call, troubled)
    assert document["schema"] == "flakelens.forecast/1"
    assert (document["branch"], document["runs"], document["history_days"]) == ("main", 200, 53)
    assert [area["area"] for area in document["areas"]] == ["all", "E2E", "AI", "components"]
    everything = document["areas"][0]
    green = everything["p_green"]
    assert green["value"] == (green["green_runs"] + 0.5) / (green["runs"] + 1)
    assert green["low"] < green["value"] < green["high"]
    assert everything["pass_rate"]["mean_error"] < 0.05
    assert [(line["rate"], line["days"]) for line in everything["trends"]] == [
        ("after-retries", 7),
        ("after-retries", 28),
        ("first-attempts", 7),
        ("first-attempts", 28),
    ]
    gate = document["gate"]
    assert [[test["name"] for test in cause["tests"]] for cause in gate["causes"]] == [
        ["AI 3", "AI 4", "AI 5", "AI 6"],
        ["E2E 1"],
    ]
    assert [cause["criteria"] for cause in gate["causes"]] == [["pass-rate", "all-passing"], ["reliable"]]
    assert gate["turnover"]["days"] == 28
    assert gate["clean_runs_alone"]["repair_first"] == ['repair "E2E 1", broken now']


def test_breaks_and_repairs_are_counted_once_each(troubled, call):
    """Of the last 28 days: E2E 8 to 10 (one cause) and components 16 healed, components 7 broke and was mended, E2E 1
    broke and E2E 4 began to flake; components 3 healed within them too, after 27 clean runs.
    """
    flow = document_of(call, troubled)["gate"]["turnover"]
    assert flow == {"days": 28, "repaired": 4, "arrived": 3}


def test_clean_runs_give_pace_times_runs_missing(tmp_path, call):
    """A young, clean team with a run every two hours: what is missing for the first MET comes two hours apart."""
    now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    runs = [team_run(n, now - timedelta(hours=2 * (19 - n)), {}) for n in range(20)]
    document = json.loads(
        call("--db", team_database(tmp_path, runs), "forecast", "--as-of", now.isoformat(), "--format", "json")[1]
    )
    alone = document["gate"]["clean_runs_alone"]
    assert alone["needs_runs"] == 29 - 20  # large losses are ruled out by 29 runs
    expected = datetime.fromisoformat(alone["expected"])
    assert expected == now + alone["needs_runs"] * timedelta(hours=2)
    assert document["gate"]["turnover"] is None  # 38 hours say nothing of weeks
    assert document["gate"]["expected"] is None
    text = " ".join(call("--db", str(tmp_path / "flakelens.db"), "forecast", "--as-of", now.isoformat())[1].split())
    assert "How fast causes are repaired cannot be said after 1 day of history; it takes 14." in text


def test_where_as_much_comes_as_goes_there_is_no_date(tmp_path, call):
    """A test breaks every week for a day and is mended; another is broken now, and nobody repaired anything else."""
    bad = [{"AI 1": "F"} if n % 25 in (3, 4, 5) else {} for n in range(200)]
    for n in (198, 199):
        bad[n] = {"components 2": "F"}
    db = team_database(tmp_path, team_runs(bad=bad))
    gate = document_of(call, db)["gate"]
    assert gate["turnover"]["repaired"] <= gate["turnover"]["arrived"]
    assert gate["repaired_by"] is None
    assert gate["expected"] is None
    assert "At this rate the gate is not met" in " ".join(call("--db", db, "forecast", "--as-of", AS_OF)[1].split())


def test_a_rising_rate_is_said_in_words(tmp_path, call):
    """Ten components fail in every other run until the last week."""
    bad = [{f"components {number}": "F" for number in range(1, 11)} if n % 2 and n < 175 else {} for n in range(200)]
    _, out, _ = call("--db", team_database(tmp_path, team_runs(bad=bad)), "forecast", "--as-of", AS_OF)
    line = next(line for line in out.splitlines() if line.startswith("  components  ") and "points" in line)
    assert "up 2" in line


def test_one_area(troubled, call):
    document = document_of(call, troubled, "--area", "AI")
    assert [area["area"] for area in document["areas"]] == ["AI"]
    assert document["gate"] is None
    _, out, _ = call("--db", troubled, "forecast", "--as-of", AS_OF, "--area", "AI")
    assert "When is gate1 met?" not in out
    code, _, err = call("--db", troubled, "forecast", "--area", "nowhere")
    assert code == 2
    assert "There is no area 'nowhere'." in err
    assert call("--db", troubled, "forecast", "nothing")[0] == 2


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_title_steers_it(tmp_path, call, width):
    runs = team_runs(weeks=4, bad=[{f"AI {EVIL}": "F"} if n % 3 == 1 or n > 97 else {} for n in range(100)])
    as_of = (MONDAY + timedelta(days=26)).isoformat()
    _, out, _ = call("--db", team_database(tmp_path, runs), "forecast", "--as-of", as_of, width=width)
    assert max(cell_len(line) for line in out.splitlines() if "gh workflow run" not in line) <= width
    assert "hides the" in out
    for hostile in ("\x1b", "\u202e", "##[error]"):
        assert hostile not in out


def test_without_runs_there_is_a_next_step(call, tmp_path):
    code, out, err = call("forecast")
    assert (code, err) == (0, "")
    assert "flakelens ingest PATH" in out
    a_store(tmp_path, [team_run(0, MONDAY + timedelta(hours=HOURS[0]), {})]).close()
    code, out, _ = call("--db", str(tmp_path / "flakelens.db"), "forecast", "--as-of", "2026-10-06")
    assert code == 0
    assert "too few runs" in out
    assert "cannot be said" in out


def test_the_same_moment_gives_the_same_bytes(troubled, call):
    asked = ("--db", troubled, "forecast", "--as-of", AS_OF)
    assert call(*asked) == call(*asked)
