"""`flakelens show` and `look` of what is rare: many names or runs beside the branch, long messages, nothing known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flakelens.cli import run as flakelens
from flakelens.model import Event, RunReports
from tests.builders import a_commit, a_report, a_run, a_store

NOW = ("--as-of", "2026-10-09T00:00Z")


def shown(
    folder: Path, capsys: pytest.CaptureFixture[str], runs: list[RunReports], *options: str, test: str = "it"
) -> str:
    a_store(folder, runs).close()
    assert flakelens(["--db", str(folder / "flakelens.db"), *options, "show", test, *NOW]) == 0
    return " ".join(capsys.readouterr().out.split())


def letters(text: str, **given: Any) -> list[RunReports]:
    return [a_run(n, outcomes={"it": letter}, **given) for n, letter in enumerate(text) if letter != " "]


def test_every_name_that_reports_gave_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [a_run(n, outcomes={"page > it" if n < 3 else "page › it": "P"}) for n in range(6)]
    said = shown(tmp_path, capsys, runs, "-v", test="page it")
    assert "Its names in reports, newest last" in said
    assert "src/a.test.ts > page > it src/a.test.ts > page › it" in said


def test_many_runs_beside_the_branch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pulls = [
        a_run(n, outcomes={"it": "P"}, branch=f"feat-{n}", base_branch="main", event=Event.PULL_REQUEST)
        for n in range(30, 70)
    ]
    said = shown(tmp_path, capsys, [*letters("P" * 5), *pulls])
    assert "Beside the branch, 40 runs (newest " in said
    assert "run 1069" in said or "1069" in said
    assert "1031" not in said


def test_a_long_message_is_cut_and_whole_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = "Error: it broke\n" + "\n".join(f"    at line {n}" for n in range(80))
    runs = [*letters("P" * 5), a_run(9, reports=[a_report(9, {"it": "F"}, message=message)])]
    said = shown(tmp_path, capsys, runs)
    assert "more lines; -v shows them" in said
    assert "at line 79" not in said
    assert flakelens(["--db", str(tmp_path / "flakelens.db"), "-v", "show", "it", *NOW]) == 0
    assert "at line 79" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ("P" * 30 + "F" * 6 + "P", "1 of"),  # repaired just now: so many results would verify it
        ("SSSS", "never executed: skipped in every run"),
        ("P" * 6, "6 results only, all passed"),
        ("PPPF", "failed in its newest run only"),
        ("PFPP", "failed once, in run 1001"),
        ("F" * 5, "failed in the last 5 runs since run 1000"),
    ],
)
def test_because(tmp_path: Path, capsys: pytest.CaptureFixture[str], history: str, said: str) -> None:
    assert said in shown(tmp_path, capsys, letters(history))


def test_runs_without_a_commit_are_named_by_their_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(tmp_path, capsys, letters("PPPPFFF", commit=""))
    assert "failed in the last 3 runs since run 1004" in said
    assert "what broke it lies in" not in said


def test_a_test_of_outages_alone_has_no_result_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It came with the outage, and the run after it had nothing of it: nothing is known of the test itself."""
    many = [f"t {n}" for n in range(60)]
    runs = [a_run(n, outcomes=dict.fromkeys(many, "P")) for n in range(30)]
    runs.append(a_run(30, outcomes=dict.fromkeys([*many, "it"], "F"), commit=a_commit(30)))
    runs += [a_run(n, outcomes=dict.fromkeys(many, "P")) for n in range(31, 33)]
    assert "no result outside of confirmed outages yet" in shown(tmp_path, capsys, runs)


def test_look_says_how_many_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon"
    cases = "".join(
        f'<testcase name="t{n}" classname="a"><failure message="Error: {word} is wrong">x</failure></testcase>'
        for n, word in enumerate(words.split())
    )
    path = tmp_path / "junit.xml"
    path.write_text(f'<testsuites name="jest tests"><testsuite name="a">{cases}</testsuite></testsuites>')
    flakelens(["look", str(path)])
    said = capsys.readouterr().out
    assert "more causes of" in said
    assert "(-v shows all)" in said
    flakelens(["-v", "look", str(path)])
    assert "(-v shows all)" not in capsys.readouterr().out
