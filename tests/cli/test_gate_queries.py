"""What `flakelens gate` asks of the database: nothing that grows with the history, and no row of table `result`."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.gate_calls import Flakelens, a_history

KEY = ("report", "test", "try")  # of `result`
DATABASE = ".flakelens/flakelens.db"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that any connection runs, its values filled in."""
    statements: list[str] = []
    connect = sqlite3.connect

    def connecting(*given: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*given, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connecting)
    return statements


def plans(database: Path, statements: list[str]) -> Iterator[tuple[str, str]]:
    """How SQLite goes about each statement: (statement, one step of its plan)."""
    with closing(sqlite3.connect(database)) as connection:
        for statement in dict.fromkeys(statements):
            if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", statement):
                for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                    yield statement, step


def wanders(database: Path, statements: list[str], table: str, key: tuple[str, ...]) -> list[str]:
    """The statements that go through a table, by its name or another one given to it, otherwise than to single rows:
    all of it, or all that some columns of its `key` leave open."""
    found = []
    for statement, step in plans(database, statements):
        names = {table, *re.findall(rf"\b{table}\s+(?:AS\s+)?(\w+)", statement)}
        went = re.match(r"(SCAN|SEARCH) (\w+)", step)
        if went and went[2] in names and (went[1] == "SCAN" or not all(f"{column}=?" in step for column in key)):
            found.append(statement)
    return found


@pytest.mark.parametrize("arguments", [(), ("--commit", "0" * 7), ("--replay", "1"), ("--format", "json", "--plan")])
def test_no_verdict_scans_the_results(
    flakelens: Flakelens, folder: Path, asked: list[str], arguments: tuple[str, ...]
) -> None:
    a_history(folder, 60)
    database = folder / DATABASE
    assert flakelens("gate").code == 0, "what is looked at is a verdict, recorded"
    asked.clear()
    assert flakelens("gate", *arguments).code in (0, 11)
    steps = [step for _, step in plans(database, asked)]
    assert any("packed" in step for step in steps), "the outcomes of the runs were read"
    assert wanders(database, asked, "result", KEY) == []


def test_a_scan_would_be_seen(folder: Path) -> None:
    a_history(folder, 3)
    database = folder / DATABASE
    for statement in (
        "SELECT count(*) FROM result",
        "SELECT r.status FROM result AS r WHERE r.ms > 3",
        "SELECT * FROM report JOIN result ON result.report = report.id WHERE result.status = 1",
    ):
        assert wanders(database, [statement], "result", KEY) == [statement]
    look_up = "SELECT * FROM result WHERE report = 1 AND test = 2 AND try = 1"
    assert wanders(database, [look_up], "result", KEY) == []
