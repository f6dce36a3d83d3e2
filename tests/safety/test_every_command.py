"""Every command in every format on a history of strangers' texts: nothing but text comes out.

The commands are those of the program itself: a new one, or a new format, is asked for here.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from flakelens import cli
from flakelens.cli import cli as program
from tests.builders import a_commit
from tests.safety import readers
from tests.safety.hostile_team import AS_OF, ATTACKS, MESSAGE, RUNS, hostile_checkout, hostile_database

Call = Callable[..., tuple[int, str, str]]
ANY_CODE = {0, 2, 5, 6, 10, 11}  # what a command may say of such a history; 1 would be an error of ours
ON_STANDARD_ERROR = ("attest", "alias", "run")  # the first two say no; standard output of `run` is the command's
TEST = f"{ATTACKS['shell']} broke"
NOW = ("--as-of", AS_OF)
CAUSE = "the id of a cause"

# How each command is called; of those with --format every format is asked for. None: and why not here.
CALLS: dict[str, list[tuple[str, ...]] | None] = {
    "look": [("junit.xml",), (".",)],
    "run": [("--reports", "*.xml", "--job", MESSAGE, "--", sys.executable, "-c", "import pathlib as p; a = p.Path('junit.xml'); a.write_bytes(a.read_bytes())")],
    "ingest": [("junit.xml", "--run", MESSAGE, "--branch", MESSAGE, "--job", MESSAGE, "--url", f"https://{MESSAGE}"), ("*.xml",)],
    "triage": [NOW, (f"{1000 + RUNS} {ATTACKS['shell']}", *NOW), (f"{1000 + RUNS} {list(ATTACKS.values())[RUNS % len(ATTACKS)]}", *NOW)],
    "gate": [NOW, ("--plan", *NOW), ("--backtest", *NOW), ("--commit", a_commit(20), *NOW)],
    "plan": [NOW, ("--by", "runs", *NOW)],
    "report": [("--sheet", *NOW)],
    "tests": [NOW, ("--limit", "200", *NOW), ("--owner", f"@{ATTACKS['sql']}", *NOW), ("--area", ATTACKS["sql"], *NOW)],
    "show": [*((f"{text} broke", *NOW) for text in ATTACKS.values()), (f"{ATTACKS['terminal']} pays", *NOW), (ATTACKS["sql"], *NOW)],
    "brief": [*((f"{text} broke", *NOW) for text in ATTACKS.values()), (f"{ATTACKS['html']} pays", *NOW), (CAUSE, *NOW)],
    "doctor": [NOW],
    "demo": None,  # brings its own recorded runs
    "causes": [NOW, ("--limit", "50", *NOW)],
    "events": [NOW, ("--limit", "500", *NOW), ("--since", ATTACKS["sql"], *NOW)],
    "init": [("--force",)],
    "waive": [("gate1", "--criterion", "pass-rate", "--commit", a_commit(20), "--by", MESSAGE, "--reason", MESSAGE, "--expires", "24h"), (MESSAGE, "--criterion", MESSAGE, "--commit", MESSAGE, "--by", "x", "--reason", "x", "--expires", "24h")],
    "attest": [("gate1", "--criterion", MESSAGE, "--by", MESSAGE, "--evidence", MESSAGE, "--expires", "3d")],
    "acknowledge": [(f"{ATTACKS['html']} is gone", "--by", MESSAGE, "--reason", MESSAGE)],
    "verify": [(TEST, "--since", a_commit(20), *NOW), (f"{ATTACKS['terminal']} was broken", "--since", a_commit(8), *NOW), (f"{ATTACKS['terminal']} pays", "--since", a_commit(20), *NOW)],
    "forecast": [NOW],
    "slow": [NOW],
    "quarantine add": [(*(f"{text} pays" for text in ATTACKS.values()), "--owner", MESSAGE, "--reason", MESSAGE, "--issue", MESSAGE, "--expires", "10d")],
    "quarantine check": [NOW],
    "quarantine export": [NOW],
    "quarantine list": [NOW],
    "quarantine remove": [(f"{ATTACKS['sql']} pays",)],
    "quarantine suggest": [NOW],
    "alias": [(f"{ATTACKS['html']} is gone", f"{ATTACKS['html']} is good")],
    "sync push": [("--remote", "dir:history")],
    "sync pull": [("--remote", "dir:history")],
    "backfill github": None,  # asks GitHub; tests/cli/test_backfill.py has a hostile one
    "db backup": [("copy.db",)],
    "db check": [()],
    "db export": [("out",)],
    "db info": [()],
    "db merge": [("other.db",)],
    "db prune": [("--keep-runs", "44")],
    "db rebuild": [()],
    "simulate": None,  # reads nothing that is anybody's
}  # fmt: skip


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(leaves(program))


def formats(command: click.Command) -> list[str]:
    return [
        str(choice)
        for option in command.params
        if "--format" in option.opts
        for choice in (option.type.choices if isinstance(option.type, click.Choice) else ())
    ] or [""]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("team")
    hostile_database(folder)
    hostile_checkout(folder)
    shutil.copy(folder / "flakelens.db", folder / "other.db")
    return folder


@pytest.fixture
def call(team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Calls a command in a copy of the team's folder."""
    place = Path(shutil.copytree(team, tmp_path / "copy"))
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "CI", "GITLAB_", "FLAKELENS_", "PLAYWRIGHT_", "NO_COLOR", "FORCE_COLOR")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(place)
    monkeypatch.setenv("FLAKELENS_DB", str(place / "flakelens.db"))
    monkeypatch.setenv("COLUMNS", "120")

    def called(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(list(arguments))
        said = capfd.readouterr()
        return code, said.out, said.err

    return called


def test_every_command_is_here() -> None:
    assert CALLS.keys() == COMMANDS.keys()


SHOWN = [
    pytest.param(name, form, id=f"{name} {form}".strip())
    for name in COMMANDS
    if CALLS[name] is not None
    for form in formats(COMMANDS[name])
]


@pytest.mark.parametrize(("name", "form"), SHOWN)
def test_a_reader_finds_text_and_nothing_else(call: Call, name: str, form: str) -> None:
    read = readers.READERS.get(form or "text", readers.text)
    said_something = 0
    if name.startswith("quarantine") and name != "quarantine add":
        assert call("quarantine", "add", *CALLS["quarantine add"][0])[0] == 0  # type: ignore[index]
    if name == "brief":
        causes = json.loads(call("causes", "--format", "json", *NOW)[1])["causes"]
    for arguments in CALLS[name] or ():
        given = (causes[0]["id"], *arguments[1:]) if CAUSE in arguments else arguments
        for verbose in ([], ["-v"]):
            code, out, err = call(*verbose, *name.split(), *given, *(["--format", form] if form else []))
            assert code in ANY_CODE, err
            assert "Traceback" not in err
            assert list(readers.text(err)) == []
            if out:
                said_something += 1
                if code != 2 or form != "json":
                    assert list(read(out)) == [], out[:2000]
    assert said_something or name in ON_STANDARD_ERROR
    assert not list(Path.cwd().rglob("owned"))
    assert list(readers.of_folder(Path("reports"))) == []
    assert list(readers.of_folder(Path("out"))) == []
    decisions = Path("flakelens-decisions.toml")
    if decisions.exists():
        tomllib.loads(decisions.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_bisect_script_runs_no_word_of_a_title(call: Call, text: str, tmp_path: Path) -> None:
    for script, test in (("b.sh", f"{text} broke"), ("c.sh", f"{text} pays")):
        code, _, err = call("brief", test, "--bisect", script, *NOW)
        if code:
            assert code == 2, err
            assert not Path(script).exists()
            continue
        stubs = tmp_path / f"bin of {script}"
        stubs.mkdir()
        for name in ("npm", "npx", "git", "node", "grep", "test"):
            (stubs / name).write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
            (stubs / name).chmod(0o755)
        empty = tmp_path / f"run of {script}"
        empty.mkdir()
        done = subprocess.run(
            ["/bin/sh", str(Path(script).resolve())], cwd=empty, env={"PATH": f"{stubs}:/usr/bin:/bin", "REPEATS": "1"},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode in (0, 1, 125), done.stderr
        assert list(empty.iterdir()) == []
        assert list(readers.text(Path(script).read_text(encoding="utf-8"))) == []


def test_titles_come_back_as_they_were_and_the_tables_stand(call: Call) -> None:
    """What looks like SQL is stored and found again as a title; the tables are all there."""
    code, out, _ = call("tests", "--format", "json", "--limit", "1000", *NOW)
    assert code == 0
    names = {test["name"] for test in json.loads(out)["tests"]}
    assert f"{ATTACKS['sql']} broke" in names
    assert f"{ATTACKS['formula']} broke" in names
    assert call("db", "check")[0] == 0
    with sqlite3.connect("flakelens.db") as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (RUNS + 1,)
    connection.close()
