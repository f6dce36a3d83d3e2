"""Secrets on their way through the commands: not in the output, not in the database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flakelens.store import open_store
from tests.cli.histories import caller
from tests.tiny_reports import jest

TOKEN = "gh" + "p_" + "A7bQ2xZ9kLm4Nc8Rt1Vw5Yp3Hs6Jd0FgA7bQ"  # in two pieces: no scanner takes it for a leak
PASSWORD = "correct-horse-7"
MESSAGE = f"Error: 401 for {TOKEN} and {PASSWORD}\n  at a.js:1:2"
RUN = ["--run", "7", "--branch", "main", "--commit", "a" * 40]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APP_PASSWORD", PASSWORD)
    jest(tmp_path / "in" / "one" / "junit.xml", {"asks": "F"}, message=MESSAGE)
    return caller(tmp_path, monkeypatch, capsys)


def stored(folder: Path) -> Iterator[str]:
    with open_store(folder / ".flakelens" / "flakelens.db") as store:
        for test in store.read().tests:
            yield from (message.text for message in store.messages_of_test(test.key))


def test_look_shows_none(call) -> None:
    for format_ in ("text", "json"):
        _, out, _ = call("look", "in", "--format", format_, width=200)
        assert "401 for [redacted github-token] and [redacted $APP_PASSWORD]" in out
        assert TOKEN not in out
        assert PASSWORD not in out


@pytest.mark.parametrize("arguments", [["in/one", *RUN], ["in", "--run-per-dir"]])
def test_ingest_stores_none(call, tmp_path: Path, arguments: list[str]) -> None:
    assert call("ingest", *arguments)[0] == 0
    assert [text.splitlines()[0] for text in stored(tmp_path)] == [
        "Error: 401 for [redacted github-token] and [redacted $APP_PASSWORD]"
    ]


def test_the_policy_decides(call, tmp_path: Path) -> None:
    (tmp_path / "flakelens.toml").write_text("[redact]\nenvironment = false\n")
    assert call("ingest", "in/one", *RUN)[0] == 0
    assert [text.splitlines()[0] for text in stored(tmp_path)] == [
        f"Error: 401 for [redacted github-token] and {PASSWORD}"
    ]


def test_a_policy_that_cannot_be_read_stores_nothing(call, tmp_path: Path) -> None:
    """What it wanted masked is not known: better an error than a secret in the history."""
    (tmp_path / "flakelens.toml").write_text("[redact]\nenviron = true\n")
    code, _, err = call("ingest", "in/one", *RUN)
    assert code == 4
    assert "redact" in err
    assert not os.path.lexists(tmp_path / ".flakelens")


def test_the_address_of_a_run_is_masked(call, tmp_path: Path) -> None:
    url = f"https://ci:{TOKEN}@ci.example.org/7"
    assert call("ingest", "in/one", *RUN, "--url", url)[0] == 0
    with open_store(tmp_path / ".flakelens" / "flakelens.db") as store:
        (run,) = store.read().runs
        assert [json.dumps(info.url) for info in run.infos] == ['"https://ci:[redacted github-token]@ci.example.org/7"']
