"""What a command loads is most of what a small one costs: help reads nothing, and a verdict waits for what it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flakelens.cli import COMMANDS
from tests.cli.gate_calls import a_history

HEAVY = {"scipy", "pandas", "matplotlib", "sqlite_utils", "jinja2", "numpy.ma"}
NOT_FOR_HELP = {
    "numpy",
    "msgspec",
    "dataclasses",
    "sqlite3",
    "rich",
    "tomllib",
    "flakelens.model",
    "flakelens.policy",
    "flakelens.decisions",
}
# Other documents, and what only they or a pull request ask for.
NOT_FOR_A_VERDICT = {
    "subprocess",
    "flakelens.policy_diff",
    "flakelens.checkout",
    "flakelens.stats.price",
    "flakelens.stats.forecast",
    "flakelens.report.tests",
    "flakelens.report.forecast",
    "flakelens.report.nightly",
    "flakelens.render.markdown.gate",
    "flakelens.render.text.gate_plan",
}


def loaded(*arguments: str, folder: Path) -> set[str]:
    """The modules that a call of the command line has loaded at its end, in a process that is nobody's CI."""
    source = (
        "import json, sys; from pathlib import Path; from flakelens.cli import run; "
        "run(sys.argv[2:]); Path(sys.argv[1]).write_text(json.dumps(sorted(sys.modules)))"
    )
    told = folder / "modules.json"
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    subprocess.run(
        [sys.executable, "-c", source, str(told), *arguments], cwd=folder, env=environ, check=True, capture_output=True
    )
    return set(json.loads(told.read_text()))


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), *((entry.name, "--help") for entry in COMMANDS)], ids=" ".join
)
def test_help_reads_no_rules_and_opens_nothing(arguments: tuple[str, ...], folder: Path) -> None:
    assert loaded(*arguments, folder=folder) & (HEAVY | NOT_FOR_HELP) == set()


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_verdict_loads_what_it_uses(format_: str, folder: Path) -> None:
    a_history(folder, 60, {"components 3": "F"})
    found = loaded("gate", "--format", format_, folder=folder)
    assert "flakelens.gate.verdict" in found
    assert found & (HEAVY | NOT_FOR_A_VERDICT) == set()


def test_ingest_counts_nothing(folder: Path) -> None:
    def git(*arguments: str) -> None:
        someone = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *someone, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "-q")
    (folder / "old.test.ts").write_text("test('adds', () => {})\n" * 9)
    git("add", ".")
    git("commit", "-qm", "old")
    git("mv", "old.test.ts", "new.test.ts")  # what git saw renamed is stored too
    git("commit", "-qm", "new")
    (folder / "junit.xml").write_text(
        '<testsuites name="jest tests"><testsuite name="a"><testcase name="adds"/></testsuite></testsuites>'
    )
    found = loaded("ingest", "junit.xml", folder=folder)
    assert "flakelens.checkout" in found
    assert found & (HEAVY | {"numpy"}) == set()
