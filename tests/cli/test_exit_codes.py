"""Bad policy, bad database, no input, newer schema, read-only folder: the documented code, one clear sentence each."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flakelens.cli import run
from tests.builders import a_store, a_suite_run

JUNIT = """<testsuites name="jest tests"><testsuite name="a" tests="1">
<testcase classname="a" name="a works" time="0.1"/></testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def bare_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no CI."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "CI", "GITLAB_", "FLAKELENS_", "PLAYWRIGHT_")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("CI", raising=False)


def healthy(folder: Path) -> None:
    a_store(folder / ".flakelens", [a_suite_run(n) for n in range(3)]).close()


def nothing(_: Path) -> None:
    """An empty folder."""


def text(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")


def somebody_elses_database(folder: Path) -> None:
    (folder / ".flakelens").mkdir()
    with sqlite3.connect(folder / ".flakelens" / "flakelens.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def damaged_database(folder: Path) -> None:
    healthy(folder)
    path = folder / ".flakelens" / "flakelens.db"
    data = bytearray(path.read_bytes())
    data[:40] = b"\xff" * 40
    path.write_bytes(data)


def newer_database(folder: Path) -> None:
    healthy(folder)
    connection = sqlite3.connect(folder / ".flakelens" / "flakelens.db")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.close()


@pytest.mark.parametrize(
    ("prepare", "arguments", "code", "says"),
    [
        pytest.param(healthy, ["gate", "--no-record"], 11, "", id="three runs are too few: INCONCLUSIVE"),
        pytest.param(nothing, ["gate"], 11, "", id="a missing database is an empty history"),
        pytest.param(healthy, ["gate", "gate9"], 2, "no gate 'gate9'", id="unknown gate"),
        pytest.param(healthy, ["nonsense"], 2, "No such command", id="unknown command"),
        pytest.param(healthy, ["gate", "--as-of", "yesterday"], 2, "'yesterday' is not a time", id="bad time"),
        pytest.param(
            lambda folder: text(folder, "flakelens.toml", "branch = 3"), ["gate"], 4, "branch", id="bad policy"
        ),
        pytest.param(
            lambda folder: text(folder, "flakelens.toml", "x = ["), ["gate"], 4, "not valid TOML", id="no TOML"
        ),
        pytest.param(nothing, ["--policy", "no.toml", "gate"], 4, "no.toml", id="no such policy"),
        pytest.param(
            lambda folder: text(folder, "flakelens-decisions.toml", "[[waivers]]\ngate = 1"),
            ["gate"],
            4,
            "flakelens-decisions.toml: waivers[0]",
            id="bad decisions",
        ),
        pytest.param(somebody_elses_database, ["gate"], 5, "", id="somebody else's database"),
        pytest.param(damaged_database, ["gate"], 5, "", id="a damaged database"),
        pytest.param(newer_database, ["gate"], 5, "newer", id="a database of a newer flakelens"),
        pytest.param(newer_database, ["tests"], 5, "newer", id="the same for tests"),
        pytest.param(nothing, ["ingest", "no/such.xml"], 3, "", id="nothing to read"),
        pytest.param(
            lambda folder: text(folder, "a.xml", "not xml"), ["ingest", "a.xml"], 3, "", id="nothing readable"
        ),
        pytest.param(
            lambda folder: text(folder, "a.xml", "not xml"), ["look", "a.xml"], 3, "", id="nothing to look at"
        ),
        pytest.param(lambda folder: text(folder, "a.xml", JUNIT), ["ingest", "a.xml"], 0, "", id="a good report"),
        pytest.param(
            lambda folder: text(folder, "a.xml", JUNIT), ["ingest", "a.xml", "b.xml"], 6, "", id="one is missing"
        ),
        pytest.param(lambda folder: text(folder, "a.xml", JUNIT), ["a.xml"], 0, "", id="a bare path means look"),
        pytest.param(lambda folder: text(folder, "a.xml", JUNIT[:-30]), ["ingest", "a.xml"], 6, "", id="cut off"),
    ],
)
def test_code_and_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Path], None],
    arguments: list[str],
    code: int,
    says: str,
) -> None:
    prepare(tmp_path)
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    if code in (2, 3, 4, 5):
        assert says in err
        assert out == ""
        assert 0 < len(err.strip().splitlines()) <= 6
        assert str(tmp_path) not in err.splitlines()[0] or code in (4, 5)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An open folder, and a user who is not root: root may write everywhere."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        healthy(folder)
        text(folder, "a.xml", JUNIT)
        monkeypatch.chdir(folder)
        # Everything is imported while it can be: the checkout may lie where only root may look.
        for arguments in (["tests"], ["gate", "--no-record"], ["ingest", "a.xml"]):
            run(["--db", "elsewhere.db", *arguments])
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(was)
        (folder / ".flakelens").chmod(0o755)


def test_a_read_only_folder_can_be_read_but_not_ingested_into(nobody: Path, capsys: pytest.CaptureFixture[str]) -> None:
    was = os.geteuid()
    if was == 65534:
        os.seteuid(0)
    (nobody / ".flakelens" / "flakelens.db").chmod(0o444)
    (nobody / ".flakelens").chmod(0o555)
    os.seteuid(was)
    capsys.readouterr()
    assert run(["tests"]) == 0
    assert run(["gate"]) == 11
    out, err = capsys.readouterr()
    assert "Gate 1" in out
    assert "could not be recorded" in err
    assert run(["ingest", "a.xml"]) == 5
    assert "written" in capsys.readouterr().err
