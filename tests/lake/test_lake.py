"""A lake beside the database that it was made from: what lies where, and that commands say the same of both."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import flakelens
from flakelens.lake import open_lake
from flakelens.lake.commits import commits
from flakelens.lake.form import TABLES, schema
from flakelens.lake.keys import bucket_of
from flakelens.model import Event, RetryEvidence
from flakelens.store import Store, open_store
from tests.builders import a_commit, a_report, a_run, started_at
from tests.cli.histories import caller
from tests.lake.lakes import a_batch, a_lake, parts, told
from tests.sync.histories import a_call, a_database

AS_OF = ("--as-of", "2026-10-07T00:00Z")
AREAS = ("src/__tests__/api/ai/chat", "src/components/__tests__/table", "e2e/checkout")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def a_suite(n: int, chance: random.Random) -> dict[str, str]:
    """300 tests: some flaky, one broken in runs 60 to 74, one from run 110 on, one gone, an outage in run 40."""
    said = {}
    for test in range(300):
        letter = "P"
        if test % 60 == 7 and chance.random() < 0.15:
            letter = chance.choice("KF")
        if (test == 20 and 60 <= n < 75) or (test == 21 and n >= 110):
            letter = "F"
        if n == 40 and chance.random() < 0.4:
            letter = "F"
        if test == 30 and n > 90:
            letter = "S"
        if test == 31 and n > 80:
            continue
        said[f"{AREAS[test % 3]}{test // 50}.test.ts::suite {test // 10} > test {test}"] = letter
    return said


@pytest.fixture(scope="module")
def team(tmp_path_factory) -> Store:
    """120 runs of 300 tests in three shards each, every fourth a pull request's, two runs a commit."""
    chance = random.Random(1)
    with open_store(tmp_path_factory.mktemp("team") / "team.db", create=True) as store:
        for n in range(120):
            said = list(a_suite(n, chance).items())
            reports = [
                a_report(n, dict(said[place::3]), job="unit", shard=f"{place + 1}/3", name=f"{place}.xml",
                         producer="playwright", shown=RetryEvidence.RECORDED, message=f"broken in {n % 5}")
                for place in range(3)
            ]  # fmt: skip
            pull = {"branch": "topic", "event": Event.PULL_REQUEST, "commit": a_commit(1000 + n)} if n % 4 == 3 else {}
            run = a_run(n, reports=reports, **({"commit": a_commit(n // 2)} | pull))
            store.write_run(run, ingested_at=started_at(n) + timedelta(minutes=9))
        yield store


def test_gate_and_tests_say_the_same_of_a_lake(team, call):
    code, out, _ = call("--db", str(team.path), "db", "export", "--parquet", "--only", "facts", "lake")
    assert (code, out) == (0, "lake is a lake of 120 runs; new in it: 36,004 results.\n")
    commit = a_commit(59)
    for command in (("gate",), ("gate", "--commit", commit), ("gate", "--plan"), ("tests",), ("tests", "--area", "AI")):
        asked = (*command, "--format", "json", *AS_OF, *(("--no-record",) if command[0] == "gate" else ()))
        of_lake, of_database = call("--db", "lake", *asked), call("--db", str(team.path), *asked)
        assert of_lake == of_database, command
    document = json.loads(call("--db", "lake", "tests", "--format", "json", *AS_OF)[1])
    states = {test["state"] for test in document["tests"]}
    assert states >= {"stable", "flaky", "broken", "gone"}  # or equality would say little


def test_the_library_opens_a_lake(team, call, tmp_path):
    call("--db", str(team.path), "db", "export", "--parquet", "--only", "facts", "lake")
    seen = started_at(125)
    with flakelens.open(tmp_path / "lake", as_of=seen) as lake, flakelens.open(team.path, as_of=seen) as lens:
        for name in ("runs", "tests", "daily"):
            pd.testing.assert_frame_equal(getattr(lake, name), getattr(lens, name))
        assert lake.verdict().verdict == lens.verdict().verdict


def test_a_second_export_adds_only_what_is_new(call, tmp_path):
    asked = ("--db", "a.db", "db", "export", "--parquet", "--only", "facts", "lake", "--format", "json")
    with a_database(tmp_path / "a.db", [a_call(n) for n in range(5)]) as store:
        assert json.loads(call(*asked)[1])["facts"] == {"commits": 2, "runs": 5, "results": 15}
        before = set(parts(tmp_path / "lake"))
        assert json.loads(call(*asked)[1])["facts"] == {"commits": 0, "runs": 5, "results": 0}
        a_call(5).into(store)
        assert json.loads(call(*asked)[1])["facts"] == {"commits": 1, "runs": 6, "results": 3}
        assert before < set(parts(tmp_path / "lake"))
        with open_lake(tmp_path / "lake") as lake:
            assert told(lake.read()) == told(store.read())


def test_what_lies_where(tmp_path):
    folder = a_lake(tmp_path / "lake", [a_call(n, letters="PKFES") for n in (0, 1, 800)])
    assert json.loads((folder / "flakelens-lake.json").read_text()) == {"schema": "flakelens.lake/1", "buckets": 64}
    months = set()
    for path in parts(folder):
        rows = parquet.ParquetFile(path).read()
        bucket, month = path.parent.parent.name, path.parent.name
        months.add(month)
        assert {
            f"bucket={bucket_of(*test):02}"
            for test in zip(*(rows[n].to_pylist() for n in ("file", "name", "variant")), strict=True)
        } == {bucket}
        keys = list(zip(*(rows[n].to_pylist() for n in ("file", "name", "run", "report", "try")), strict=True))
        assert keys == sorted(keys)
    assert months == {"month=2026-10", "month=2026-11"}
    rows = pa.concat_tables(parquet.ParquetFile(path).read() for path in parts(folder)).to_pylist()
    flaky = sorted((row["try"], row["status"], row["outcome"]) for row in rows if row["name"] == "t1")
    assert flaky == [(1, "failed", "flaky")] * 3 + [(2, "passed", "flaky")] * 3
    assert {row["message"] for row in rows if row["status"] == "passed"} == {None}
    assert {row["message"] for row in rows if row["status"] == "errored"} == {
        "t failed in 0",
        "t failed in 1",
        "t failed in 2",
    }


def test_every_table_has_the_columns_that_are_documented(call, tmp_path):
    with a_database(tmp_path / "a.db", [a_call(1, hint="src/x.test.ts", rename="src/o.test.ts", problem="odd")]):
        pass
    call("--db", "a.db", "gate", *AS_OF)
    call("--db", "a.db", "db", "export", "--parquet", "lake", *AS_OF)
    for table in TABLES:
        (path, *_) = parts(tmp_path / "lake", table)
        assert parquet.ParquetFile(path).schema_arrow.remove_metadata() == schema(table), table


def test_a_bucket_follows_from_the_id_alone():
    """Written down, because lakes on disk rest on it."""
    assert bucket_of("src/a.test.ts", "adds", "") == 50
    assert bucket_of("", "日本語 🎉", "chromium") == 23
    assert {bucket_of("f", f"t{n}", "") for n in range(1000)} == set(range(64))


def test_a_verdict_is_kept_in_the_lake_and_without_a_number(team, call, tmp_path):
    call("--db", str(team.path), "db", "export", "--parquet", "--only", "facts", "lake")
    _, out, err = call("--db", "lake", "gate", *AS_OF)
    assert ("Recorded as" in out, err) == (False, "")
    with open_lake(tmp_path / "lake") as lake:
        (verdict,) = lake.verdicts(gate="gate1")
        assert (verdict.state, len(verdict.active)) == (json.loads(verdict.json)["state"], 298)
    before = len(commits(tmp_path / "lake"))
    call("--db", "lake", "gate", *AS_OF, "--no-record")
    assert len(commits(tmp_path / "lake")) == before


def test_parameters_are_fitted_once(team, call, tmp_path, monkeypatch):
    call("--db", str(team.path), "db", "export", "--parquet", "--only", "facts", "lake")
    first = call("--db", "lake", "gate", *AS_OF, "--format", "json")
    assert [path.name[:7] for path in (tmp_path / "lake" / "cache").iterdir()] == ["fitted-"]
    monkeypatch.setattr("flakelens.analyze.fits.fit_to", None)
    assert call("--db", "lake", "gate", *AS_OF, "--format", "json") == first


@pytest.mark.parametrize(
    "command",
    [("show", "t0"), ("triage",), ("slow",), ("doctor",), ("db", "info"), ("db", "check"), ("gate", "--replay", "1")],
    ids=" ".join,
)
def test_what_needs_a_database_says_how_to_have_one(call, tmp_path, command):
    a_lake(tmp_path / "lake", [a_call(n) for n in range(3)])
    code, out, err = call("--db", "lake", *command)
    assert (out, code in (2, 5)) == ("", True), (code, out, err)
    assert "db merge" in err
    code, out, _ = call("--db", "new.db", "db", "merge", "lake")
    assert (code, out) == (0, "Merged 3 runs, 3 reports, 0 verdicts that were not there.\n")


def test_merging_a_lake_leaves_out_what_was_pruned(call, tmp_path):
    a_lake(tmp_path / "lake", [a_call(n) for n in range(3)])
    with a_database(tmp_path / "a.db", [a_call(n) for n in range(3)]) as store:
        store.prune(keep_runs=1)
        code, out, _ = call("--db", "a.db", "db", "merge", "lake")
        assert (code, out.split("\n")[1]) == (0, "Left out 2 runs that this database has pruned.")
        assert len(store.run_keys()) == 1


def test_one_run_goes_into_a_lake_as_it_goes_into_a_database(call, tmp_path):
    """Without workers: what CI knows of the run, the checkout, and known reports are all the same."""
    (tmp_path / "junit.xml").write_text(
        '<testsuites name="jest tests"><testsuite name="a" timestamp="2026-10-01T00:00:00"><testcase classname="a b"'
        ' name="a b" time="0.1"/></testsuite></testsuites>'
    )
    for again in range(2):
        given = ("--branch", "main", "--run", str(7 + again), "--commit", "a" * 40, "junit.xml", "--format", "json")
        assert call("ingest", "--to-parquet", "lake", *given) == call("--db", "a.db", "ingest", *given)
    _, out, _ = call("ingest", "--to-parquet", "the lake", "--branch", "main", "--run", "7", "junit.xml")
    assert "Next: flakelens --db 'the lake' gate (is the gate met?)" in out
    with open_lake(tmp_path / "lake") as lake, open_store(tmp_path / "a.db") as store:
        known = [{r.ingested_at: None for run in s.read().runs for r in run.reports} for s in (lake, store)]
        assert len(known[0]) == len(known[1]) == 2
        assert [run.key for run in lake.read().runs] == [run.key for run in store.read().runs]
        assert lake.read().runs[1].reports[0].earlier_elsewhere


def test_options_that_do_not_fit_together(call, tmp_path):
    code, _, err = call("ingest", "--scheduler", "tcp://x:1", "junit.xml")
    assert (code, "Add --to-parquet FOLDER and --run-per-dir" in err) == (2, True)
    code, _, err = call("--db", "none.db", "gate", "--scheduler", "tcp://x:1")
    assert (code, "--scheduler is for a lake" in err) == (2, True)
    code, _, err = call("--db", "none.db", "db", "export", "out", "--only", "facts")
    assert (code, "Add --parquet" in err) == (2, True)
    code, _, err = call("--db", str(tmp_path), "gate")
    assert (code, "There is no lake at" in err) == (5, True)
    code, _, err = call("db", "merge", str(tmp_path))
    assert (code, "no database or lake at" in err) == (2, True)


def test_a_batch_of_nothing_is_no_commit(tmp_path):
    folder = a_lake(tmp_path / "lake")
    assert not a_batch(folder, []).write(folder)
    with open_lake(folder) as lake:
        assert lake.read().runs == ()
