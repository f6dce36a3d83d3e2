"""completeness: what an area's runs are, what is missing in them, and which tests are active or gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.completeness import NEVER, AreaView, make_view
from tests.letters import flags, matrix, numbers


def a_view(*rows: str, commits: str = "", faults: dict[int, str] | None = None) -> AreaView:
    """Of tests in letters; `commits` one letter per run, else all differ."""
    outcomes = matrix(*rows)
    reach = outcomes.shape[1]
    return make_view(
        name="AI",
        tests=np.arange(len(rows), dtype=np.int32),
        runs=np.arange(reach, dtype=np.int32),
        commits=numbers(commits.replace(" ", "")) if commits else np.arange(reach, dtype=np.int32),
        started=np.arange(reach, dtype=np.int64) * 3600,
        outcomes=outcomes,
        faults=tuple((faults or {}).get(run, "") for run in range(reach)),
        shown=np.ones(reach, np.bool_),
    )


# ---- expected, missing, gone


@pytest.mark.parametrize(
    ("row", "commits", "expected"),
    [
        ("P", "a", "-"),
        ("PP", "ab", "-x"),
        ("P.......", "abcdefgh", "-xxxxx--"),
        ("P..P....", "abcdefgh", "-xxxxxxx"),
        ("S.......", "abcdefgh", "-xxxxx--"),  # a skipped test has a result
        (".......P", "abcdefgh", "--------"),
        ("P.......", "abbbbbbb", "-xxxxxxx"),  # five reruns of one commit do not make it gone
        ("P.......", "abbbbbbc", "-xxxxxxx"),
        ("P........", "abbbbbbcd", "-xxxxxxx-"),
        ("P......", "abbcccc", "-xxxxx-"),
    ],
)
def test_a_test_is_expected_for_five_runs_on_two_commits(row: str, commits: str, expected: str) -> None:
    view = a_view(row, "P" * len(row), commits=commits)
    assert flags(view.expected[0]) == expected
    assert flags(view.missing[0]) == "".join(
        "x" if there == "x" and letter == "." else "-" for there, letter in zip(expected, row, strict=True)
    )


@pytest.mark.parametrize(
    ("row", "commits", "gone"),
    [
        ("P....", "abcde", False),
        ("P.....", "abcdef", True),
        ("PPPPP.....P", "abcdefghijk", False),
        ("P.....", "abbbbb", False),  # reruns of one commit
        ("P......", "abbbbbc", True),
        ("P.....", "aaaaaa", False),
        ("......", "abcdef", False),  # never there is not gone
        ("S.....", "abcdef", True),
        ("PS....", "abcdef", False),
    ],
)
def test_a_deleted_test_is_gone_after_five_runs_on_two_commits(row: str, commits: str, gone: bool) -> None:
    assert bool(a_view(row, "P" * len(row), commits=commits).gone()[0]) is gone


@pytest.mark.parametrize(
    ("row", "active"),
    [
        ("P", True),
        ("F", True),
        ("K", True),
        ("S", False),
        (".", False),
        ("PSSSSSSSSS", True),
        ("PSSSSSSSSSS", False),  # skipped in all of the newest ten
        ("P....", True),
        ("P.....", False),  # gone
    ],
)
def test_active_is_executed_in_the_newest_ten_runs_and_not_gone(row: str, active: bool) -> None:
    assert bool(a_view(row, "P" * len(row)).active()[0]) is active


def test_active_before_a_run_does_not_see_that_run() -> None:
    view = a_view("PP....PP", ".....PPP")
    assert flags(view.active(upto=5)) == "x-"
    assert flags(view.active(upto=0)) == "--"
    assert flags(view.active()) == "xx"


# ---- complete and valid


@pytest.mark.parametrize(
    ("tests", "missing", "complete"),
    [(20, 1, True), (20, 2, False), (100, 5, True), (100, 6, False), (19, 1, False), (3, 0, True), (3, 1, False)],
)
def test_a_complete_run_has_95_percent_of_the_expected_tests(tests: int, missing: int, complete: bool) -> None:
    view = a_view(*["P."] * missing, *["PP"] * (tests - missing))
    assert bool(view.complete[1]) is complete


def test_a_fault_or_no_result_at_all_is_never_complete() -> None:
    assert flags(a_view("PPP", "PPP", faults={1: "cut off"}).complete) == "x-x"
    assert flags(a_view("P.", "P.").complete) == "x-"


@pytest.mark.parametrize(
    ("rows", "valid"),
    [
        (["P"] * 5, "x"),
        (["P"] * 4, "x"),  # a small area, its first run
        (["PP"] * 4, "xx"),
        (["PP"] * 3 + ["P."], "x-"),  # one of four expected tests is missing
        (["PPP", "PPP", "SSS"], "xxx"),  # a skipped test has its result; the others decide
        (["S"] * 9, "-"),  # nothing was executed
        (["PPPPP."] * 9 + ["PPPPPP"] * 5, "xxxxxx"),
        (["PP"] * 4 + ["P."] * 4, "x-"),
        (
            ["......PPPPP"] * 3 + ["PPPPP......"] * 5,
            "xxxxx-----x",
        ),  # a new small set of tests in an area that was larger
    ],
)
def test_a_valid_run_has_five_results_or_all_of_a_small_area(rows: list[str], valid: str) -> None:
    assert flags(a_view(*rows).valid) == valid


def test_an_area_whose_tests_are_all_new_is_complete_in_its_first_run() -> None:
    view = a_view(*["...PP"] * 6)
    assert flags(view.complete) == flags(view.valid) == "---xx"
    assert view.first.tolist() == [3] * 6


def test_no_run_and_no_test_is_no_crash() -> None:
    for view in (a_view(""), make_view(**empty())):
        assert not view.complete.any()
        assert not view.valid.any()
        assert not view.active().any()
        assert not view.gone().any()
        assert view.median_interval() == 0
        assert not view.with_clean_runs(2).complete.any()


def empty() -> dict[str, Any]:
    none: dict[str, Any] = {name: np.empty(0, np.int32) for name in ("tests", "runs", "commits")}
    return none | {
        "name": "AI", "started": np.empty(0, np.int64), "outcomes": np.empty((0, 0), np.int8), "faults": (),
        "shown": np.empty(0, np.bool_),
    }  # fmt: skip


# ---- properties

ROWS = st.integers(1, 14).flatmap(
    lambda reach: st.tuples(
        st.lists(st.text(".PPKFS", min_size=reach, max_size=reach), min_size=1, max_size=5),
        st.lists(st.booleans(), min_size=reach, max_size=reach),
    )
)


def plain_expected(row: str, commits: str, until: int) -> str:
    """By the words: a result in one of the previous 5 runs, and in more of them until they span two commits."""
    told = ""
    for run in range(len(row)):
        start = max(0, run - 5)
        while start > 0 and len(set(commits[start:run])) < 2:
            start -= 1
        told += "x" if row[start:run].strip(".") and run < until else "-"
    return told


@given(ROWS, st.lists(st.integers(0, 20), min_size=5, max_size=5))
def test_whole_matrices_expect_what_runs_one_by_one_do(history: tuple[list[str], list[bool]], until: list[int]) -> None:
    rows, new = history
    commits = commits_of(new)
    view = make_view(**columns(rows, commits), until=np.array(until[: len(rows)], np.int64))
    for row, expected, moved in zip(rows, view.expected, until, strict=False):
        assert flags(expected) == plain_expected(row, commits, moved)


@given(ROWS, st.integers(0, 12), st.integers(0, 20))
def test_clean_runs_behind_a_view_are_as_if_they_had_run(
    history: tuple[list[str], list[bool]], count: int, moved: int
) -> None:
    rows, new = history
    until = np.array([NEVER, moved, NEVER, moved, NEVER][: len(rows)], np.int64)
    view = make_view(**columns(rows, commits_of(new)), until=until)
    later = view.with_clean_runs(count)
    own = {field: getattr(later, field) for field in columns(rows, commits_of(new))}
    ran = make_view(**own, until=until)
    for name in ("expected", "missing", "first", "ran", "executed", "failed", "first_failed", "valid", "complete"):
        assert np.array_equal(getattr(later, name), getattr(ran, name)), name
    assert np.array_equal(later.active(), ran.active())
    assert np.array_equal(later.gone(), ran.gone())


def columns(rows: list[str], commits: str) -> dict[str, Any]:
    view = a_view(*rows, commits=commits)
    return {
        field: getattr(view, field)
        for field in ("name", "tests", "runs", "commits", "started", "outcomes", "faults", "shown")
    }


def commits_of(new: list[bool]) -> str:
    return "".join(chr(97 + sum(new[: place + 1])) for place in range(len(new)))


@given(ROWS)
def test_expected_and_gone_as_a_person_would_count_them(drawn: tuple[list[str], list[bool]]) -> None:
    rows, new = drawn
    commits = commits_of(new)
    view = a_view(*rows, commits=commits)

    def without_it_long_enough(row: str, upto: int) -> bool:
        """Walk back from run `upto`: 5 runs on 2 commits without a result."""
        seen: list[str] = []
        for run in range(upto - 1, -1, -1):
            if row[run] != ".":
                return False
            seen.append(commits[run])
            if len(seen) >= 5 and len(set(seen)) >= 2:
                return True
        return True

    for test, row in enumerate(rows):
        for run in range(len(row)):
            expected = "".join(row[:run]).strip(".") != "" and not without_it_long_enough(row, run)
            assert bool(view.expected[test, run]) is expected
            assert bool(view.missing[test, run]) is (expected and row[run] == ".")
        assert bool(view.gone()[test]) is (row.strip(".") != "" and without_it_long_enough(row, len(row)))


@given(ROWS, st.integers(1, 4))
def test_clean_runs_are_complete_and_valid_and_keep_active_tests_active(
    drawn: tuple[list[str], list[bool]], count: int
) -> None:
    rows, new = drawn
    view = a_view(*rows, commits=commits_of(new))
    after = view.with_clean_runs(count)
    active = view.active()
    assert after.outcomes.shape[1] == view.outcomes.shape[1] + count
    if active.any():
        assert after.complete[-count:].all()
        assert after.valid[-count:].all()
        assert (after.failed[-count:] == 0).all()
        assert (after.executed[-count:] == active.sum()).all()
    assert (after.active() == active).all() or (count > 1 and not (after.active() & ~active).any())
    assert len(set(after.commits[-count:])) == count
    assert after.commits[-count] > view.commits.max(initial=-1)


LONG_ROWS = st.integers(15, 32).flatmap(
    lambda reach: st.tuples(
        st.lists(st.text("PPPPPP.S", min_size=reach, max_size=reach), min_size=1, max_size=30),
        st.lists(st.booleans(), min_size=reach, max_size=reach),
    )
)


@settings(deadline=None)
@given(LONG_ROWS, st.integers(0, 9), st.dictionaries(st.integers(0, 31), st.just("cut off"), max_size=3))
def test_the_newest_complete_runs_are_those_of_all_runs(
    drawn: tuple[list[str], list[bool]], clean: int, faults: dict[int, str]
) -> None:
    """Looked at from the newest on, of a view, of one with clean runs behind, and of the beginning of one."""
    rows, new = drawn
    view = a_view(*rows, commits=commits_of(new), faults=faults)
    for each in (view, view.with_clean_runs(clean), view.with_clean_runs(clean + 1), view.before(len(rows[0]) - 3)):
        complete = np.flatnonzero(make_view(**columns_of(each)).complete).tolist()
        for count in (1, 3, 50):
            assert each.newest_complete(count).tolist() == complete[-count:]
        assert [run for run in range(len(each.runs)) if each.is_complete(run)] == complete


def columns_of(view: AreaView) -> dict[str, Any]:
    """The columns that a view is made from."""
    return {field: getattr(view, field) for field in columns(["P"], "a")} | {"until": view.until}


@given(ROWS)
def test_a_look_back_is_what_was_seen_then(drawn: tuple[list[str], list[bool]]) -> None:
    rows, new = drawn
    commits = commits_of(new)
    for upto in range(1, len(rows[0]) + 1):
        then = a_view(*(row[:upto] for row in rows), commits=commits[:upto])
        back = a_view(*rows, commits=commits).before(upto)
        assert (then.expected == back.expected).all()
        assert (then.first == back.first).all()
        assert flags(then.active()) == flags(back.active())
        assert flags(then.complete) == flags(back.complete)
