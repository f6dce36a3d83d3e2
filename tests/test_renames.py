"""When a test changed its name: by a renamed file, by an alias, to and fro, and when nothing says so."""

from __future__ import annotations

import pytest

from flakelens.history import build
from flakelens.identity import Alias
from flakelens.model import Event, Rename, TestId
from flakelens.policy_text import parse
from tests.letters import Told


def renames(*runs: str, moves: str = "", aliases: str = "") -> list[str]:
    """What happened to the test `t` whose file (or "file::name") in each run is given; "-f" is a pull request's run."""
    told = Told()
    for run in runs:
        form = run.removeprefix("-")
        title = form if "::" in form else f"{form}.ts::t"
        of_pull = {"event": Event.PULL_REQUEST, "branch": "feat"} if run.startswith("-") else {}
        told.run(told.report({title: "P", "beside.ts::b": "P"}), **of_pull)
    told.renames = [Rename(f"{old}.ts", f"{new}.ts", "c") for old, new in (move.split(">") for move in moves.split())]
    known = [
        Alias(TestId("", old, ""), TestId("", new, "")) for old, new in (alias.split(">") for alias in aliases.split())
    ]
    history = build(told.facts(), parse(), branch="main", aliases=known)
    return [
        f"{entry.old.file.removesuffix('.ts')} {entry.old.name} > "
        f"{entry.new.file.removesuffix('.ts')} {entry.new.name} in {entry.run.run}"
        for entry in history.renames
    ]


@pytest.mark.parametrize(
    ("runs", "moves", "found"),
    [
        ("a a a", "", []),
        ("a a b b", "a>b", ["a t > b t in 3"]),
        ("a b c", "a>b b>c", ["a t > b t in 2", "b t > c t in 3"]),
        ("a a b b a a", "a>b b>a", ["b t > a t in 5"]),  # to and fro: it bears its first name again
        ("a a -b", "a>b", []),  # only a pull request knows the new name yet
        ("a a -b b", "a>b", ["a t > b t in 4"]),
        ("a a b b", "", []),  # nobody says that these are one test
        ("b b", "a>b", []),  # the rename lies before these runs
    ],
)
def test_a_renamed_file(runs: str, moves: str, found: list[str]) -> None:
    assert renames(*runs.split(), moves=moves) == found


@pytest.mark.parametrize(
    ("runs", "aliases", "found"),
    [
        ("f.ts::old f.ts::old f.ts::new", "old>new", ["f old > f new in 3"]),
        ("f.ts::old f.ts::mid f.ts::new", "old>mid mid>new", ["f mid > f new in 3", "f old > f mid in 2"]),
        ("f.ts::old f.ts::old", "old>new", []),  # said in advance
        ("f.ts::old f.ts::new", "", []),
    ],
)
def test_an_alias(runs: str, aliases: str, found: list[str]) -> None:
    assert renames(*runs.split(), aliases=aliases) == found


def test_a_reporter_that_begins_to_write_paths_renames_nothing() -> None:
    assert renames("::t", "::t", "a.ts::t", "a.ts::t") == []
