"""The inputs of the speed benchmarks are what they say: so many results, real reports, one suite that grows."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks.cost_curves import Point, slope_of
from benchmarks.inputs import END, history, large_report, real_reports
from flakelens.ingest import ingest
from flakelens.junit import read_bytes
from flakelens.model import Status
from flakelens.simulate import BETWEEN
from flakelens.store import open_store


def statuses(folder: Path) -> Counter[Status]:
    return Counter(
        case.status for file in folder.rglob("*.xml") for case in read_bytes(file.name, file.read_bytes()).cases
    )


def test_a_history_has_every_test_in_every_run_and_ends_at_a_known_moment(tmp_path):
    places = history(tmp_path / "made", tests=12, runs=11)
    assert [place.name for place in places] == [f"{number:04}" for number in range(1, 12)]
    assert statuses(tmp_path).total() == 12 * 11
    starts = [datetime.fromisoformat(json.loads((place / "run.json").read_text())["started_at"]) for place in places]
    assert starts == [END - back * BETWEEN for back in reversed(range(11))]


def test_a_history_is_ingested_without_a_problem(tmp_path):
    history(tmp_path / "made", tests=12, runs=3)
    with open_store(tmp_path / "db", create=True) as store:
        done = ingest([str(tmp_path / "made" / "runs")], store=store, run_per_dir=True, ingested_at=END)
    assert [run.tests for run in done] == [12, 12, 12]
    assert not [problem for run in done for problem in run.problems]


def test_a_large_report_has_so_many_cases_of_which_the_share_fails_with_two_kilobytes(tmp_path):
    size = large_report(tmp_path / "big.xml", 2_000)
    data = (tmp_path / "big.xml").read_bytes()
    report = read_bytes("big.xml", data)
    assert size == len(data)
    assert len({case.id for case in report.cases}) == len(report.cases) == 2_000
    failed = [case for case in report.cases if case.status is Status.FAILED]
    assert len(failed) == pytest.approx(0.03 * 2_000, rel=0.3)
    assert len({case.attempts[0].message for case in failed}) == len(failed)
    assert all(1_500 < len(case.attempts[0].message) < 2_500 for case in failed)


def test_another_seed_is_another_report_of_the_same_tests(tmp_path):
    large_report(tmp_path / "1.xml", 300)
    large_report(tmp_path / "2.xml", 300, seed=2)
    one, two = (read_bytes(name, (tmp_path / name).read_bytes()) for name in ("1.xml", "2.xml"))
    assert {case.id for case in one.cases} == {case.id for case in two.cases}
    assert one.sha256 != two.sha256


def test_real_reports_without_a_corpus_are_the_recorded_ones_and_these_again(tmp_path):
    kinds = real_reports(tmp_path, 230, None)
    assert kinds["recorded"] > 150
    assert kinds["corpus"] == 0
    files = list(tmp_path.rglob("*.xml"))
    assert len(files) == sum(kinds.values()) == 230
    assert not list(tmp_path.rglob("*.gz"))
    with open_store(tmp_path / "db", create=True) as store:
        done = ingest([str(tmp_path)], store=store, run_per_dir=True, ingested_at=END)
        assert not [problem for run in done for problem in run.problems if problem.code == "repeated-report"]


def test_real_reports_of_a_corpus_are_runs_of_their_own_in_the_words_of_both_tools(tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    for number in range(5):
        large_report(corpus / f"{number}.xml", 3, seed=number)
    kinds = real_reports(out, 200, corpus)
    assert kinds["corpus"] == 200 - kinds["recorded"]
    assert kinds["recorded again"] == 0
    foreign = sorted(place for place in out.iterdir() if place.name.startswith("corpus-"))
    for place in foreign:
        run, meta = (json.loads((place / name).read_text()) for name in ("run.json", "meta.json"))
        assert (run["commit"], run["branch"], run["started_at"]) == (meta["commit"], meta["branch"], meta["timestamp"])
    assert len({json.loads((place / "run.json").read_text())["commit"] for place in foreign}) == len(foreign)


@pytest.mark.parametrize(("seconds", "slope"), [(10.0, 1.0), (1.0, 0.0), (100.0, 2.0), (3.1622776602, 0.5)])
def test_the_slope_of_ten_times_the_results(seconds, slope):
    before, after = Point(1_000, (1.0,), 0.0), Point(10_000, (seconds,), 0.0)
    assert slope_of(before, after) == pytest.approx(slope)
