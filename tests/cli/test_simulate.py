"""`flakelens simulate` on the command line, and the commands that it proposes."""

from __future__ import annotations

import json

import pytest

from tests.cli.histories import caller
from tests.goldens import same_as_golden


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def test_the_page_and_the_commands_it_proposes(call):
    code, out, err = call("simulate", "out", "--tests", "40", "--runs", "12", "--outages", "0.1")
    assert (code, err) == (0, "")
    same_as_golden("cli/simulate.80.txt", out)
    proposed = [line.split() for line in out.splitlines() if line.startswith("  flakelens ")]
    assert [call(*command[1:])[0] for command in proposed] == [0, 10, 0]


def test_the_document(call):
    code, out, _ = call("simulate", "out", "--tests", "20", "--runs", "3", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert (document["schema"], document["tests"], document["runs"], document["results"]) == (
        "flakelens.simulate/1", 20, 3, 60,
    )  # fmt: skip
    assert document["newest"] == "2026-01-05T10:00:00.000Z"


def test_a_folder_with_something_in_it_is_a_usage_error(call, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("")
    code, out, err = call("simulate", "out")
    assert (code, out) == (2, "")
    assert "out is not an empty folder" in err


def test_pull_requests_and_shards_are_said_and_the_proposed_commands_hold(call):
    code, out, err = call(
        *("simulate", "out", "--tests", "60", "--runs", "40", "--pull-requests", "0.4", "--shards", "2", "--seed", "6")
    )
    assert (code, err) == (0, "")
    same_as_golden("cli/simulate-pulls.80.txt", out)
    assert max(map(len, out.splitlines())) <= 80
    proposed = [line.split() for line in out.splitlines() if line.startswith("  flakelens ")]
    assert [call(*command[1:])[0] for command in proposed] == [0, 11, 0]
