"""flakelens as a library: what it opens, what it refuses, and that its numbers are those of the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import flakelens
from flakelens.cli import run
from flakelens.demo import ingest_recorded
from flakelens.errors import DatabaseError, DecisionsError, PolicyError, UsageError
from flakelens.frames import FRAMES, OUTCOMES
from flakelens.gate.verdict import Verdict
from flakelens.model import Event, GateState, RetryEvidence
from flakelens.store import open_store
from tests.builders import a_report, a_run, a_store, a_suite_run, started_at

RECORDED = Path(__file__).parents[1] / "fixtures" / "recorded"
LATER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("recorded") / "recorded.db"
    with open_store(path, create=True) as store:
        ingest_recorded(RECORDED, store, ingested_at=LATER)
    return str(path)


@pytest.fixture(scope="module")
def lens(recorded):
    with flakelens.open(recorded, as_of=LATER) as opened:
        yield opened


def said(capsys, db: str, *arguments: str) -> dict:
    """The JSON of a command on the recorded runs, where no policy file is near."""
    run(["--db", db, *arguments, "--format", "json", "--as-of", LATER.isoformat()])
    return json.loads(capsys.readouterr().out)


def value(entry: object) -> object:
    return None if entry is pd.NA or (isinstance(entry, float) and pd.isna(entry)) else entry


def test_the_frame_of_tests_is_what_the_command_lists(lens, recorded, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = said(capsys, recorded, "tests")["tests"]
    frame = lens.tests
    assert len(frame) == len(listed) > 150
    for row, test in zip(frame.to_dict("records"), listed, strict=True):
        rate, first = test["pass_rate"] or {}, test["first_attempt_pass_rate"] or {}
        assert (value(row["file"]) or "", row["name"], value(row["variant"]) or "") == (
            test["file"], test["name"], test["variant"]
        )  # fmt: skip
        assert list(row["focus"]) == test["focus"]
        assert [value(row[key]) for key in ("pass_rate", "low", "high")] == [
            rate.get(key) for key in ("value", "low", "high")
        ]
        assert [value(row[key]) for key in ("first_attempt_rate", "first_low", "first_high")] == [
            first.get(key) for key in ("value", "low", "high")
        ]
        for key in (
            "area", "state", "healing", "quarantined", "flake_rate", "flake_low", "flake_high", "runs", "failures",
            "flaky_runs", "p_stable", "p_flaky", "p_broken", "cluster", "owner",
        ):  # fmt: skip
            assert value(row[key]) == test[key], (key, test["name"])
        assert value(row["last_outcome"]) == test["last_run_outcome"]
        assert value(row["since_run"]) == (test["since"] or {}).get("run")
    assert frame["first_attempt_rate"].isna().any()  # jest hides first attempts: null, not 0
    assert not (frame["first_attempt_rate"] == 0).any()


def test_the_newest_days_add_up_to_the_rates_below_the_verdict(lens, recorded, capsys, tmp_path, monkeypatch):
    """The newest 30 runs of an area lie within its newest days; the rest of the oldest day is looked up in results."""
    monkeypatch.chdir(tmp_path)
    areas = said(capsys, recorded, "gate", "--no-record")["areas"]
    results = lens.results
    counting = results[results["counts"] & ~results["outage"].fillna(False) & (results["outcome"] != "skipped")]
    for area in areas:
        mine = counting[counting["area"] == area["area"]]
        newest = mine["started_at"].drop_duplicates().sort_values().iloc[-30:]
        ran = mine[mine["started_at"].isin(newest)]
        assert len(ran) == area["pass_rate"]["executed"]
        assert int((ran["outcome"] != "failed").sum()) == area["pass_rate"]["passed"]
        days = lens.daily[(lens.daily["area"] == area["area"]) & (lens.daily["day"] > newest.min())]
        whole = ran[ran["started_at"] >= days["day"].min()]
        assert int(days["executed"].sum()) == len(whole) > 0
        assert int(days["failed"].sum()) == int((whole["outcome"] == "failed").sum())
        if area["first_attempt_pass_rate"] is None:
            assert days["first_attempt_rate"].isna().all()
            assert days["flaky"].isna().all()
            assert ran["first_attempt"].isna().all()
        else:
            assert int(ran["first_attempt"].sum()) == area["first_attempt_pass_rate"]["passed"]


def test_every_frame_has_its_documented_columns_and_dtypes(lens):
    for name, dtypes in FRAMES.items():
        frame = getattr(lens, name)
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dict(dtypes), name
        assert isinstance(frame.index, pd.RangeIndex)


def test_runs_add_up(lens):
    runs = lens.runs
    assert len(runs) == 90
    assert (runs["passed"] + runs["failed"] == runs["executed"]).all()
    assert int(runs["executed"].sum() + runs["skipped"].sum()) == len(lens.results)
    assert runs.loc[~runs["counts"], "why_not"].unique().tolist() == ["pull request"]
    assert runs.loc[~runs["counts"], "outage"].isna().all()  # nobody looked for outages among these
    assert int(runs["outage"].sum()) == 1
    assert runs["first_attempt_rate"].isna().sum() == (runs["retry_evidence"].isin(["hidden", "unknown"])).sum() > 0


def test_results_say_how_long_and_how_it_began(lens):
    results = lens.results
    assert set(results["outcome"].cat.categories) == set(OUTCOMES)
    flaky = results[(results["outcome"] == "flaky") & results["first_attempt"].notna()]
    assert len(flaky) > 10
    assert not flaky["first_attempt"].any()
    assert results.loc[results["outcome"] == "failed", "seconds"].isna().all()  # of passing attempts alone
    assert results.loc[results["outcome"] == "passed", "seconds"].notna().mean() > 0.95
    assert results["seconds"].dropna().between(0, 60).all()


def test_statistics_are_those_of_the_commands(lens, recorded, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verdict = lens.verdict().verdict
    assert isinstance(verdict, Verdict)
    assert str(verdict.state) == said(capsys, recorded, "gate", "--no-record")["state"]
    assert [line.area for line in lens.rates()] == [line.area for line in lens.verdict().areas]
    assert len(lens.states(state=["flaky"]).tests) == int((lens.tests["state"] == "flaky").sum()) > 0
    assert lens.show("sends the invitation before it times out [desktop]").line.area == "E2E"
    assert lens.causes().clusters
    events = said(capsys, recorded, "events")
    assert len(lens.events().groups) == len(events["groups"]) > 0
    assert lens.plan().gate == "gate1"
    with pytest.raises(UsageError, match="no gate 'gate9'"):
        lens.verdict("gate9")


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_charts_can_be_saved_and_show_themselves(lens, tmp_path, ending):
    flaky = "sends the invitation before it times out [desktop]"
    for place, chart in enumerate(
        (lens.rate_chart(), lens.rate_chart(area="E2E"), lens.verdict_chart(), lens.strip_chart(flaky),
         lens.duration_chart(flaky))
    ):  # fmt: skip
        chart.save(tmp_path / f"{place}.{ending}")
        assert (tmp_path / f"{place}.{ending}").read_bytes() == (
            chart.svg().encode() if ending == "svg" else chart.png()
        )
        assert chart._repr_svg_().startswith("<svg ")
        assert chart.description in chart.svg()


def test_charts_of_what_does_not_exist_are_refused(lens, tmp_path):
    with pytest.raises(UsageError, match="no area 'Ai'"):
        lens.rate_chart(area="Ai")
    with pytest.raises(UsageError, match="no focus 'x'"):
        lens.rate_chart(focus="x")
    with pytest.raises(UsageError, match="No test matches"):
        lens.strip_chart("no such test")
    with pytest.raises(UsageError, match=r"cannot be written as \.pdf"):
        lens.rate_chart().save(tmp_path / "chart.pdf")


def test_an_empty_database_gives_empty_frames_of_the_same_shape(tmp_path):
    a_store(tmp_path).close()
    with flakelens.open(tmp_path / "flakelens.db") as lens:
        for name, dtypes in FRAMES.items():
            frame = getattr(lens, name)
            assert len(frame) == 0
            assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dict(dtypes), name
        assert lens.verdict().verdict.state is GateState.INCONCLUSIVE
        assert "no runs yet" in lens.rate_chart().svg()
        assert "no verdict recorded yet" in lens.verdict_chart().svg()


def test_what_is_not_known_is_missing(tmp_path):
    """A run whose tests were all skipped has no rate; a Jest report hides how its tests began."""
    made = [
        a_run(0, outcomes={"a": "S", "b": "S"}, commit=""),
        a_run(1, outcomes={"a": "P", "b": "K"}),
        a_run(2, reports=[a_report(2, {"c": "K", "d": "F"}, producer="playwright", retries=RetryEvidence.RECORDED)]),
    ]
    a_store(tmp_path, made).close()
    with flakelens.open(tmp_path / "flakelens.db", as_of=started_at(9)) as lens:
        runs, results, daily = lens.runs, lens.results, lens.daily
        assert runs["pass_rate"].isna().tolist() == [True, False, False]
        assert runs["commit"].isna().tolist() == [True, False, False]
        assert [value(entry) for entry in runs["first_attempt_rate"]] == [None, None, 0.0]
        assert [value(entry) for entry in runs["flaky"]] == [None, None, 1]
        first = dict(zip(zip(results["run"], results["name"], strict=True), results["first_attempt"], strict=True))
        assert [value(first[key]) for key in (("1000", "a"), ("1001", "b"), ("1002", "c"))] == [None, None, False]
        assert daily["low"].isna().all()  # fewer than 10 runs: no interval
        assert len(daily) > 0


def test_pull_requests_older_than_the_branch_are_in_the_frames_and_in_no_rate(tmp_path):
    pull = a_suite_run(0, branch="feat", base_branch="main", event=Event.PULL_REQUEST)
    a_store(tmp_path, [pull, *(a_suite_run(n) for n in range(1, 4))]).close()
    with flakelens.open(tmp_path / "flakelens.db", as_of=started_at(9)) as lens:
        assert lens.runs["counts"].tolist() == [False, True, True, True]
        assert lens.daily["runs"].tolist() == [3, 3, 3]


def test_as_of_hides_what_came_later(tmp_path):
    a_store(tmp_path, [a_suite_run(n) for n in range(30)]).close()
    for moment in (started_at(9), started_at(9).replace(tzinfo=None)):
        with flakelens.open(tmp_path / "flakelens.db", as_of=moment) as lens:
            assert len(lens.runs) == 10
            assert lens.daily["day"].max() < pd.Timestamp(started_at(9)) + timedelta(days=1)


def test_policy_and_decisions_come_from_files(tmp_path):
    a_store(tmp_path, [a_suite_run(n) for n in range(12)]).close()
    db = tmp_path / "flakelens.db"
    areas = '[[{}areas]]\nname = "{}"\nfiles = ["{}"]\n'
    usual = (("shop", "e2e/**"), ("AI", "**/ai/**"), ("components", "**/components/**"), ("E2E", "**/none/**"))
    (tmp_path / "p.toml").write_text("".join(areas.format("", *area) for area in usual))
    (tmp_path / "pyproject.toml").write_text("".join(areas.format("tool.flakelens.", *area) for area in usual))
    (tmp_path / "d.toml").write_text("[[waivers]]\n")
    with flakelens.open(db, policy=tmp_path / "p.toml", as_of=started_at(20)) as lens:
        assert "shop" in set(lens.tests["area"])
    with flakelens.open(db, policy=str(tmp_path / "pyproject.toml"), as_of=started_at(20)) as lens:
        assert "shop" in set(lens.daily["area"])
    with pytest.raises(DecisionsError, match=r"d\.toml"):
        flakelens.open(db, decisions=tmp_path / "d.toml")
    with pytest.raises(PolicyError, match=r"none\.toml"):
        flakelens.open(db, policy=tmp_path / "none.toml")


def test_a_missing_database_is_an_error_here(tmp_path):
    with pytest.raises(DatabaseError, match=r"There is no database at .*none\.db") as caught:
        flakelens.open(tmp_path / "none.db")
    assert "flakelens ingest" in caught.value.mend
    assert not (tmp_path / "none.db").exists()


def test_a_closed_database_says_so(tmp_path):
    a_store(tmp_path, [a_suite_run(1)]).close()
    with flakelens.open(tmp_path / "flakelens.db", as_of=started_at(9)) as lens:
        kept = lens.runs
    assert len(kept) == 1
    with pytest.raises(UsageError, match="was closed"):
        _ = lens.tests
    lens.close()  # twice does no harm


def test_importing_flakelens_costs_next_to_nothing():
    source = (
        "import sys, flakelens\n"
        "heavy = {name.split('.')[0] for name in sys.modules} & {'numpy', 'pandas', 'scipy', 'matplotlib', 'sqlite3'}\n"
        "assert callable(flakelens.open) and flakelens.Lens.__name__ == 'Lens'\n"
        "later = {name.split('.')[0] for name in sys.modules} & {'numpy', 'pandas', 'scipy', 'matplotlib'}\n"
        "sys.exit(' '.join(heavy | later) or 0)"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # coverage imports sqlite3
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, env=bare)
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = flakelens.nothing


def test_pyarrow_is_not_needed(tmp_path):
    """pandas stores texts otherwise where pyarrow is installed; the frames are the same without it."""
    a_store(tmp_path, [a_suite_run(n) for n in range(3)]).close()
    source = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import flakelens\nfrom flakelens.frames import FRAMES\n"
        "with flakelens.open(sys.argv[1]) as lens:\n"
        "    for name, dtypes in FRAMES.items():\n"
        "        frame = getattr(lens, name)\n"
        "        assert {c: str(d) for c, d in frame.dtypes.items()} == dict(dtypes) and len(frame), name\n"
    )
    command = [sys.executable, "-c", source, str(tmp_path / "flakelens.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_owners_come_from_a_checkout(tmp_path):
    a_store(tmp_path, [a_suite_run(n) for n in range(3)]).close()
    (tmp_path / ".git").mkdir()
    (tmp_path / "CODEOWNERS").write_text("e2e/ @web\n")
    for checkout, owners in ((None, {None}), (tmp_path, {None, "@web"})):
        with flakelens.open(tmp_path / "flakelens.db", as_of=started_at(9), checkout=checkout) as lens:
            assert {value(owner) for owner in lens.tests["owner"]} == owners
