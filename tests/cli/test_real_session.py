"""`flakelens run` on a commit with a new break, a known flake and an outage, as `make real-session` recorded it.

Real Jest and Playwright wrote the reports in fixtures/session; here a command hands them over.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from flakelens.cli import run
from tests.cli.run_commands import ROOT, copying, script

SESSION = ROOT / "fixtures" / "session"
COMMIT = "5e55109" + "0" * 33
BROKEN, FLAKE = "format several of a thing", "referral card shows the name of a generated candidate"
FIRST, AGAIN = ("session", "2026-11-20T12:00:00Z"), ("session-again", "2026-11-20T13:00:00Z")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """job(run, name, report, code=..) runs one job in a folder whose database holds the recorded history; exit code."""
    monkeypatch.chdir(tmp_path)
    assert run(["-q", "ingest", "--run-per-dir", str(ROOT / "fixtures" / "recorded" / "runs")]) == 6

    def one(
        of: tuple[str, str], name: str, report: str, *, code: int, attempt: int = 1, extra: tuple[str, ...] = ()
    ) -> int:
        given = ["--provider", "github", "--run", of[0], "--started-at", of[1], "--attempt", str(attempt)]
        given += ["--commit", COMMIT, "--branch", "main", "--event", "push", "--job", name, *extra]
        kept = tmp_path.parent / f"{report}.xml"  # not where `run` looks for what the command wrote
        kept.write_bytes(gzip.decompress((SESSION / f"{report}.xml.gz").read_bytes()))
        return run(["run", *given, "--", *script(tmp_path, copying(kept, f"{report}.xml", code=code))])

    return one


def said(capsys: pytest.CaptureFixture[str], of: tuple[str, str]) -> tuple[int, dict[str, str]]:
    """The exit code of triage, and its verdict on each failure."""
    capsys.readouterr()
    code = run(["triage", of[0], "--format", "json"])
    told = json.loads(capsys.readouterr().out)["failures"]
    return code, {f"{one['name']} {one['variant']}".strip(): one["verdict"] for one in told}


def test_a_break_a_flake_and_an_outage_are_each_named(job, capsys):
    assert job(FIRST, "unit", "unit", code=1) == 1  # the command's own code
    code, verdicts = said(capsys, FIRST)
    assert (code, verdicts) == (10, {BROKEN: "new", FLAKE: "flake"})
    job(FIRST, "e2e", "e2e", code=0)

    job(AGAIN, "unit", "unit-again", code=1)
    assert job(AGAIN, "e2e", "e2e-down", code=1) == 1
    code, down = said(capsys, AGAIN)
    assert code == 10
    assert down[BROKEN] == "ongoing"
    victims = [name for name, verdict in down.items() if verdict == "suspected-outage"]
    assert len(victims) >= 25
    assert set(down) - set(victims) <= {BROKEN, FLAKE}

    job(AGAIN, "e2e", "e2e-up", code=0, attempt=2)
    _, up = said(capsys, AGAIN)
    assert up[BROKEN] == "ongoing"
    assert not set(victims) & set(up)  # they passed when the job ran again


def test_the_exit_code_can_be_that_of_triage(job):
    triage = ("--exit-from", "triage")
    assert job(FIRST, "unit", "unit", code=1, extra=triage) == 10  # a break is new
    assert job(("other", FIRST[1]), "e2e", "e2e", code=0, extra=triage) == 0
