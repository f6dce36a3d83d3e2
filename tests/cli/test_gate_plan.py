"""`flakelens gate --plan`: the runs that are missing, the day on which they will have come, and how to start them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import a_store, a_suite_run, started_at
from tests.cli.forecast_histories import AS_OF, MONDAY, team_database, team_run, team_runs, trouble
from tests.cli.histories import caller
from tests.goldens import same_as_golden

ROOT = Path(__file__).parents[2]
TESTS_YML = "name: tests\non:\n  push:\n  workflow_dispatch:\njobs:\n  unit:\n    steps:\n      - run: npx jest\n"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("GITHUB_WORKFLOW_REF", raising=False)
    return caller(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory) -> str:
    """The path of a database that lacks clean runs and nothing else."""
    return team_database(tmp_path_factory.mktemp("waiting"))


def planned(call, db, *more, as_of=AS_OF):
    """The gate's exit code and the plan of its document."""
    code, out, err = call("--db", db, "gate", "--plan", "--no-record", "--as-of", as_of, "--format", "json", *more)
    assert err == ""
    return code, json.loads(out)["plan"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_plan_stands_before_the_bridge(waiting, call, width):
    db = waiting
    code, out, err = call("--db", db, "gate", "--plan", "--no-record", "--as-of", AS_OF, width=width)
    assert (code, err) == (11, "")
    same_as_golden(f"gate/plan.{width}.txt", out)
    plain = call("--db", db, "gate", "--no-record", "--as-of", AS_OF, width=width)
    begin = out.index("When can it be met?")
    end = out.index("Your console says")
    assert (plain[0], plain[1]) == (code, out[:begin] + out[end:])  # the verdict itself is the same


def test_what_must_be_repaired_comes_first(tmp_path, call):
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/tests.yml").write_text(TESTS_YML)
    db = team_database(tmp_path, team_runs(bad=[trouble(n) for n in range(200)]))
    _, out, _ = call("-q", "--db", db, "gate", "--plan", "--no-record", "--as-of", AS_OF)
    same_as_golden("gate/plan-repair.80.txt", out)


def test_the_key_is_there_only_when_it_is_asked_for(waiting, call):
    db = waiting
    _, out, _ = call("--db", db, "gate", "--no-record", "--as-of", AS_OF, "--format", "json")
    assert "plan" not in json.loads(out)
    code, plan = planned(call, db)
    assert code == 11
    assert (plan["needs_runs"], plan["repair_first"]) == (23, [])
    # Friday evening, five runs a working day: 20 in the week to come but for the last three of the Friday after.
    assert plan["expected"] == "2026-11-06T12:00:00.000Z"
    assert plan["start"][0]["minutes"] == pytest.approx(23 * 6)


def test_a_recorded_verdict_holds_no_plan_and_replays(tmp_path, call):
    now = datetime.now(UTC)
    db = team_database(tmp_path, [team_run(n, now - timedelta(hours=20 - n), {}) for n in range(19)])
    assert call("--db", db, "gate", "--plan")[0] == 11
    code, _, err = call("--db", db, "gate", "--replay", "1")
    assert code == 0
    assert "replays exactly" in err


def test_a_gate_that_is_met_misses_nothing(tmp_path, call):
    a_store(tmp_path, [a_suite_run(n) for n in range(40)]).close()
    db = str(tmp_path / "flakelens.db")
    moment = started_at(40).isoformat()
    code, plan = planned(call, db, as_of=moment)
    assert (code, plan["needs_runs"], plan["criteria"], plan["start"]) == (0, 0, [], [])
    _, out, _ = call("--db", db, "gate", "--plan", "--no-record", "--as-of", moment)
    assert "It is met: no run is missing." in out


def test_an_empty_history_has_no_plan_but_a_reason(call):
    code, out, _ = call("gate", "--plan")
    assert code == 11
    text = " ".join(out.split())
    assert "all-passing (AI) is not met by 100 clean runs: AI has no active test; no data is never a pass." in text
    assert "29 clean runs are missing besides (pass-rate, all). When these will have come cannot be said" in text


def test_a_nightly_area_has_its_own_pace_and_its_own_runs_to_start(tmp_path, call):
    """The browser tests run once a night by themselves, and every other night three of twenty fail: what they still
    need takes longest and is started apart; these runs count for the pass rate too.
    """
    begun = datetime(2026, 11, 2, tzinfo=UTC)
    runs = []
    for n in range(20 * 6):
        started = begun + timedelta(hours=4 * n)
        whole = team_run(n, started, {f"E2E {number}": "F" for number in (1, 2, 3)} if n % 12 == 0 else {})
        kept = [pair for pair in whole.reports if (pair[0].job == "e2e") == (n % 6 == 0)]
        runs.append(type(whole)(info=whole.info, reports=tuple(kept)))
    midnight = begun + timedelta(days=20)
    as_of = midnight - timedelta(hours=1)
    _, plan = planned(call, team_database(tmp_path, runs), as_of=as_of.isoformat())
    criteria = {each["id"]: each for each in plan["criteria"]}
    assert criteria.keys() >= {"reliable", "pass-rate"}
    assert criteria["pass-rate"]["runs_per_day"] == pytest.approx(6)
    assert criteria["reliable"]["runs_per_day"] == pytest.approx(1)
    missing = criteria["reliable"]["needs_runs"]
    assert 0 < missing < criteria["pass-rate"]["needs_runs"]
    assert datetime.fromisoformat(criteria["reliable"]["expected"]) == midnight + timedelta(days=missing - 1)
    assert plan["expected"] == criteria["reliable"]["expected"]
    nightly, others = plan["start"]
    assert (nightly["areas"], nightly["runs"]) == (["E2E"], missing)
    assert (others["areas"], others["runs"]) == (["AI", "components"], criteria["pass-rate"]["needs_runs"] - missing)
    assert (nightly["minutes"], others["minutes"]) == (
        pytest.approx(nightly["runs"] * 1.5),
        pytest.approx(others["runs"] * 4.5),
    )


def test_gitlab_and_others(tmp_path, call):
    for provider, command in (
        ("gitlab", "do glab ci run --branch main --repo https://git.example.org/acme/shop; done"),
        ("jenkins", None),
    ):
        folder = tmp_path / provider
        folder.mkdir()
        _, plan = planned(call, team_database(folder, team_runs(provider=provider)))
        (start,) = plan["start"]
        if command:
            assert start["commands"][0].endswith(command)
        else:
            assert start["commands"] == []
            assert "jenkins" in start["notes"][0]


def test_the_workflow_is_found_in_the_checkout_or_in_the_job(waiting, tmp_path, call, monkeypatch):
    db = waiting
    assert "WORKFLOW.yml" in planned(call, db)[1]["start"][0]["commands"][0]
    monkeypatch.setenv("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/nightly.yml@refs/heads/main")
    assert "gh workflow run nightly.yml --repo acme/shop --ref main" in planned(call, db)[1]["start"][0]["commands"][0]
    monkeypatch.delenv("GITHUB_WORKFLOW_REF")
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/tests.yml").write_text(TESTS_YML)
    assert "gh workflow run tests.yml " in planned(call, db)[1]["start"][0]["commands"][0]


@pytest.mark.parametrize("more", [("--backtest",), ("--replay", "1"), ("--format", "junit"), ("--format", "markdown")])
def test_a_plan_goes_with_a_verdict_as_text_or_json(call, more):
    code, _, err = call("gate", "--plan", *more)
    assert code == 2
    assert "--plan" in err


def test_a_hostile_branch_and_address_stay_text(tmp_path, call):
    (tmp_path / "flakelens.toml").write_text('branch = "main;touch x"\n')
    runs = team_runs(branch="main;touch x")
    _, plan = planned(call, team_database(tmp_path, runs))
    assert "--ref 'main;touch x'" in plan["start"][0]["commands"][0]


def test_the_plan_waits_for_no_heavy_library(tmp_path):
    db = team_database(tmp_path, team_runs(weeks=2, bad=[{}] * 50))
    source = (
        "import sys; from flakelens.cli import run; run(['--db', sys.argv[1], 'gate', '--plan', '--no-record']); "
        "sys.exit(' '.join({name.split('.')[0] for name in sys.modules} & {'scipy', 'pandas', 'matplotlib'}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", source, db], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_busy_branch_is_read_further_back_than_the_gate_looks(tmp_path, call):
    """Forty runs every working day: 300 runs are eight days, but the weekend is seen."""
    days = [MONDAY + timedelta(days=day) for day in range(19)]
    moments = [day + timedelta(minutes=15 * place) for day in days if day.weekday() < 5 for place in range(40)]
    runs = [team_run(n, when, {"components 1": "F"} if n >= len(moments) - 3 else {}) for n, when in enumerate(moments)]
    friday = days[-1] + timedelta(hours=18)
    _, plan = planned(call, team_database(tmp_path, runs), as_of=friday.isoformat())
    assert {each["pattern_days"] for each in plan["criteria"]} == {14}
    assert datetime.fromisoformat(plan["expected"]).strftime("%a") in ("Mon", "Tue", "Wed")


def test_a_commit_that_was_not_run_needs_its_own_run_and_none_of_the_branch(tmp_path, call):
    a_store(tmp_path, [a_suite_run(n) for n in range(40)]).close()
    asked = ("--commit", "abcdef0123")
    code, plan = planned(call, str(tmp_path / "flakelens.db"), *asked, as_of=started_at(40).isoformat())
    assert (code, plan["needs_runs"], plan["start"]) == (11, 0, [])
    assert plan["repair_first"] == ["run E2E, AI, components on abcdef0123 and ingest the reports"]
