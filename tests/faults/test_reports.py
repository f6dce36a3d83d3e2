"""Reports cut and changed at random, and files that were made to hurt: bounded, and said what is wrong with them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.cli.histories import caller
from tests.faults import reports
from tests.faults.calls import SEED, faults
from tests.faults.hostile import DECISIONS, FILES, POLICIES, RUN_JSONS
from tests.tiny_reports import jest


def test_our_own_reports_cut_and_changed_at_random() -> None:
    paths = random.Random(SEED).sample(reports.own(), 25)
    assert reports.mutated(paths, 3, SEED)["files"] == 25


@pytest.mark.skipif(not reports.corpus(), reason=f"the corpus of real reports is not at {reports.CORPUS}")
def test_real_reports_cut_and_changed_at_random() -> None:
    paths = random.Random(SEED).sample(reports.corpus(), 150)
    assert reports.mutated(paths, 2, SEED)["files"] == 150


def test_every_hostile_file_ends_in_bounded_time_and_memory() -> None:
    said = faults("hostile", 2)
    assert all(hostile.name in said for hostile in FILES)
    assert int(re.search(r"(\d+)  states of a growing report", said)[1]) > 1  # type: ignore[index]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    jest(tmp_path / "in" / "junit.xml", {"adds": "P"})
    return caller(tmp_path, monkeypatch, capsys)


def named(table: Iterable[tuple[str, bytes]]) -> list[ParameterSet]:
    return [pytest.param(data, id=name) for name, data in table]


def clear(err: str) -> bool:
    """One error of ours: it names the file and the mend, and is not longer than a screen."""
    return "Traceback" not in err and err.count("\n") < 12 and len(err) < 3000


@pytest.mark.parametrize("data", named(POLICIES))
def test_hostile_policies_end_with_4(call, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "flakelens.toml").write_bytes(data)
    code, _, err = call("look", "in")
    assert code == 4, err
    assert "flakelens.toml" in err
    assert clear(err)


@pytest.mark.parametrize("data", named(DECISIONS))
def test_hostile_decisions_end_with_4(call, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "flakelens-decisions.toml").write_bytes(data)
    code, _, err = call("quarantine", "list")
    assert code == 4, err
    assert "flakelens-decisions.toml" in err
    assert clear(err)


@pytest.mark.parametrize("data", named(RUN_JSONS))
def test_hostile_run_files_are_a_problem_and_the_report_is_stored(call, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in" / "run.json").write_bytes(data)
    code, out, err = call("ingest", "in", "--format", "json")
    assert (code, err) == (6, ""), err
    (run,) = json.loads(out)["runs"]
    assert run["tests"] == 1
    assert "bad-run-json" in {problem["code"] for problem in run["problems"]}
