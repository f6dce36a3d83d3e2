"""The strip of `show`: signs, gaps between commits, marks under them, and what is left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.facts import RunKey
from flakelens.model import Outcome, TestId
from flakelens.render.terminal import to_text
from flakelens.render.text.strip import history_strip
from flakelens.report import RunCell, RunPoint
from flakelens.report.events import TestEvent
from flakelens.stats.changes import ChangeKind

T0 = datetime(2026, 10, 1, tzinfo=UTC)
LETTERS = {"P": Outcome.PASSED, "K": Outcome.FLAKY, "F": Outcome.FAILED, "S": Outcome.SKIPPED, ".": Outcome.NONE}


def a_cell(n: int, letter: str, commit: str, *, counts: bool = True) -> RunCell:
    """Run n; a small letter is a run with a confirmed outage."""
    return RunCell(
        run=RunKey("github", str(100 + n)),
        commit=commit,
        started_at=T0 + timedelta(hours=n),
        counts=counts,
        why_not="" if counts else "pull request",
        outcome=LETTERS[letter.upper()],
        outage=letter.islower(),
        partial=False,
        evidence=None,
    )


def cells_of(letters: str) -> list[RunCell]:
    """ "PP F" is two runs of one commit and one of the next."""
    cells = []
    for commit, runs in enumerate(letters.split(" ")):
        for letter in runs:
            cells.append(a_cell(len(cells), letter, f"{commit:07x}"))
    return cells


def events_of(**places: int) -> list[TestEvent]:
    """regressed=3: an event of that kind in run 103."""
    points = {
        kind: RunPoint(run=RunKey("github", str(100 + run)), commit="", started_at=T0) for kind, run in places.items()
    }
    return [
        TestEvent(
            kind=ChangeKind(kind),
            id=TestId("", "it", ""),
            area="AI",
            focuses=(),
            at=point,
            known=point,
            before=None,
            range=None,
            until=None,
            lasting=False,
            size=1,
        )
        for kind, point in points.items()
    ]


def drawn(letters: str, *, width: int = 80, everything: bool = False, colour: bool = False, **places: int) -> list[str]:
    lines = history_strip(cells_of(letters), events_of(**places), width, everything=everything)
    return to_text(lines, width=width, colour=colour).splitlines()


def test_a_space_begins_a_commit_and_a_mark_stands_under_its_run() -> None:
    assert drawn("PP PF FF PP K", regressed=3, fixed=6, flaky=8) == [
        "History, 9 runs, oldest first; a space begins a new commit",
        "  run 100  .. .X XX .. ~",
        "               ↓    ↑  f",
        "  . passed, ~ failed then passed, X failed",
        "  below: ↓ regressed, ↑ fixed, f became flaky",
    ]


def test_where_every_run_has_its_own_commit_no_space_is_lost() -> None:
    assert drawn("P P o F F".replace("o", "f"), regressed=3) == [
        "History, 5 runs, oldest first; each of its own commit",
        "  run 100  ..oXX",
        "              ↓",
        "  . passed, X failed, o outage (left out)",
        "  below: ↓ regressed",
    ]


def test_unknown_commits_are_commits_of_their_own() -> None:
    cells = [a_cell(n, "P", commit) for n, commit in enumerate(["", "", "a", "a"])]
    lines = to_text(history_strip(cells, [], 80), width=80, colour=False).splitlines()
    assert lines[1] == "  run 100  . . .."


def test_of_two_things_in_one_run_the_weightier_is_marked() -> None:
    assert drawn("PP FF", new=2, regressed=2)[2] == "              ↓"


def test_a_single_failure_needs_no_mark() -> None:
    assert drawn("PP FP", failed=2) == [
        "History, 4 runs, oldest first; a space begins a new commit",
        "  run 100  .. X.",
        "  . passed, X failed",
    ]


def test_old_rows_are_left_out_with_a_word_about_how_many() -> None:
    letters = " ".join(["PP"] * 200)
    lines = drawn(letters, width=60)
    (said,) = [line for line in lines if "left out" in line]
    rows = [line for line in lines if line.startswith("  run ")]
    shown = sum(line.count(".") for line in rows)
    assert len(rows) == 6
    assert said == f"  {400 - shown} older runs left out; -v shows all"
    assert sum(line.count(".") for line in drawn(letters, width=60, everything=True) if "  run " in line) == 400


def test_the_legend_leaves_out_what_only_older_runs_had() -> None:
    lines = drawn(" ".join(["KK", "FF", *["PP"] * 200]), width=60, regressed=2)
    assert lines[-1] == "  . passed"


def test_a_test_without_a_run_of_the_branch_says_so() -> None:
    lines = history_strip([a_cell(1, "P", "a", counts=False)], [], 80)
    assert to_text(lines, width=80, colour=False) == "History\n  the gated branch has no run of it\n"


def test_colours_add_nothing_that_the_signs_do_not_say() -> None:
    plain = drawn("PP PF FF PP K", regressed=3, fixed=6)
    coloured = drawn("PP PF FF PP K", regressed=3, fixed=6, colour=True)
    assert coloured != plain
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain


@given(st.lists(st.text(alphabet="PKFS.pf", min_size=1, max_size=9), min_size=1, max_size=90), st.data())
def test_it_fits_and_loses_no_run_at_any_width(commits: list[str], data: st.DataObject) -> None:
    letters = " ".join(commits)
    runs = len(letters.replace(" ", ""))
    at = data.draw(st.integers(0, runs - 1))
    for width in (60, 80, 120, 200):
        lines = drawn(letters, width=width, everything=True, regressed=at)
        assert max(map(len, lines)) <= width
        rows = [place for place, line in enumerate(lines) if line.startswith("  run ")]
        signs = [re.sub(r"^  run \S+ +", "", lines[row]) for row in rows]
        assert sum(len(row.replace(" ", "")) for row in signs) == runs
        # The mark stands under the sign of its run.
        (marked,) = [place for place, line in enumerate(lines) if line.strip() == "↓"]
        column = lines[marked].index("↓")
        before = sum(len(row.replace(" ", "")) for row, place in zip(signs, rows, strict=True) if place < marked - 1)
        begin = len(lines[marked - 1]) - len(signs[rows.index(marked - 1)])
        within = len(lines[marked - 1][begin : column + 1].replace(" ", ""))
        assert before + within - 1 == at


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_long_run_ids_leave_room_for_the_strip(width: int) -> None:
    cells = [a_cell(n, "P", "a") for n in range(3)]
    long = [
        RunCell(
            run=RunKey("x", "9" * 90), commit=cell.commit, started_at=cell.started_at, counts=True, why_not="",
            outcome=cell.outcome, outage=False, partial=False, evidence=None,
        )
        for cell in cells
    ]  # fmt: skip
    lines = to_text(history_strip(long, [], width), width=width, colour=False).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[1].endswith("...")
