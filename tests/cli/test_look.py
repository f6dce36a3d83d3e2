"""`flakelens look` as it is called: the text in full, the bare form, and what it must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flakelens.cli import run
from tests.tiny_reports import jest, playwright

GOLDEN = Path(__file__).parent.parent / "golden" / "look"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two reports in a folder that is no checkout."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    unit = {f"price {number}": "P" for number in range(1, 31)} | {"price in EUR": "F", "price in USD": "F"}
    jest(tmp_path / "in" / "unit.xml", unit, file="src/components/price.test.tsx", message="Error: /rates timed out")
    e2e = {"shop › opens": "P", "shop › signs in": "K", "shop › ships": "S", "shop › pays": "E"}
    playwright(tmp_path / "in" / "e2e.xml", e2e, message="TypeError: cart is null")
    playwright(tmp_path / "green.xml", {"shop › opens": "P", "shop › leaves": "P"})
    (tmp_path / "cut.xml").write_bytes((tmp_path / "green.xml").read_bytes()[:-60])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("failures", ["in"]), ("green", ["green.xml"]), ("damaged", ["cut.xml"]), ("quiet", ["in"])],
)
def test_the_text(capsys: pytest.CaptureFixture[str], name: str, arguments: list[str]) -> None:
    assert run([*(["-q"] if name == "quiet" else []), "look", *arguments]) == 0
    assert capsys.readouterr().out == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["look", "in", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((GOLDEN / "failures.json").read_text(encoding="utf-8"))


def test_a_path_without_a_command_is_a_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["in/unit.xml"]) == 0
    assert capsys.readouterr().out.startswith("2 of 32 tests failed; both failures share one cause")


def test_nothing_readable_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["look", "nowhere.xml"]) == 3
    assert "No report was found there" in capsys.readouterr().err


def test_a_bad_policy_is_4(folder: Path) -> None:
    (folder / "flakelens.toml").write_text("colour = 1", encoding="utf-8")
    assert run(["look", "in"]) == 4


def test_hostile_titles_and_messages_stay_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jest(folder / "bad.xml", {"[bold]\u202eevil ::error::x": "F"}, message="##vso[task] \u202e\u200bboom [link=x]")
    assert run(["look", "bad.xml"]) == 0
    out = capsys.readouterr().out
    assert "\u202e" not in out
    assert "\u200b" not in out
    assert "[bold]" in out
    assert "::error" not in out
    assert "##vso" not in out


_HEAVY = ("pandas", "scipy", "matplotlib", "sqlite_utils", "numpy", "flakelens.api")


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], set()),
        (["ingest", "--help"], set()),
        (["look", "in"], set()),
        (["in/unit.xml", "--format", "json"], set()),
        (["ingest", "in"], {"numpy"}),
    ],
)
def test_quick_commands_import_nothing_heavy(folder: Path, arguments: list[str], allowed: set[str]) -> None:
    assert run(["ingest", str(folder / "green.xml"), "--run", "1"]) == 0  # there is a database already
    script = (
        "import sys\nfrom flakelens.cli import run\n"
        f"code = run({arguments!r})\n"
        f"sys.exit(' '.join(name for name in {_HEAVY!r} if name in sys.modules) or code)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert set(done.stderr.split()) <= allowed, done.stderr
