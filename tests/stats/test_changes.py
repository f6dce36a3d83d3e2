"""What happened to a test, from its row of letters.

P passed, K flaky, F failed, B failed and held for broken, S skipped, "." no result.
Which failures are a break and what state a test is in is said by hand (B, `state`), so that these stories do not change
with the model behind the states; tests/test_recorded_events.py holds both together against a known design.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.expected import EXPECTED_RUNS, window_start
from flakelens.facts import Bools, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.changes import Change, ChangeKind, Surroundings, find_changes
from flakelens.stats.states import Spell, TestFinding, TestState
from tests.letters import matrix, numbers


def a_finding(row: str, outage: Bools, state: TestState | None = None) -> TestFinding:
    """What `find_states` would hand over: breaks where B stands, and the most plausible state unless one is given."""
    (codes,) = matrix(row.replace("B", "F"))
    usable = was_executed(codes) & ~outage
    spells = []
    inside = np.zeros(len(row), np.bool_)
    for first, last in _breaks(row):
        inside[first : last + 1] = True
        passes = [at for at in range(last + 1, len(row)) if usable[at] and codes[at] != Outcome.FAILED]
        spells.append(Spell(first=first, last=last, mended=passes[0] if passes else None, clean=1, failures=2))
    evidence = np.flatnonzero(usable & failed_first(codes) & ~inside).tolist()
    if state is None and spells and spells[-1].mended is None:
        state = TestState.BROKEN
    elif state is None and len(evidence) >= 2:
        state = TestState.FLAKY
    state = state or (TestState.UNSURE if evidence else TestState.STABLE)
    seen = results = None
    if evidence and state is TestState.FLAKY:
        results = int(np.count_nonzero(usable[: evidence[-1] + 1] & ~inside[: evidence[-1] + 1]))
        seen = int(np.count_nonzero(usable[evidence[-1] + 1 :]))
    return TestFinding(
        state=state,
        p_stable=1.0,
        p_flaky=0.0,
        p_broken=0.0,
        evidence=tuple(evidence),
        spells=tuple(spells),
        tried=results,
        clean_seen=seen,
    )


def _breaks(row: str) -> list[tuple[int, int]]:
    """First and last B of each stretch that no P or K interrupts."""
    found: list[list[int]] = []
    open_ = False
    for at, letter in enumerate(row):
        if letter == "B" and open_:
            found[-1][1] = at
        elif letter == "B":
            found.append([at, at])
            open_ = True
        elif letter in "PK":
            open_ = False
    return [(first, last) for first, last in found]


def changes_of(
    *rows: str,
    commits: str = "",
    cut: bool = False,
    outage: str = "",
    moved: int = -1,
    heir: int = -1,
    state: TestState | None = None,
) -> list[list[Change]]:
    """The changes of each row. Every run has a commit of its own unless `commits` has a letter for each."""
    outcomes = matrix(*(row.replace("B", "F") for row in rows))
    tests, reach = outcomes.shape
    numbered: Int32s = numbers(commits) if commits else np.arange(reach, dtype=np.int32)
    down = np.array([letter == "o" for letter in outage.ljust(reach)], np.bool_)
    around = Surroundings(
        commits=numbered,
        outage=down,
        complete=np.ones(reach, np.bool_),
        starts=np.array([window_start(numbered, run) for run in range(reach + 1)]),
        cut=cut,
        moved=np.arange(tests) == moved,
        heirs=np.arange(tests) == heir,
    )
    findings = [a_finding(row, down, state) for row in rows]
    found: list[list[Change]] = [[] for _ in rows]
    for test, change in find_changes(outcomes, findings, around):
        found[test].append(change)
    return [sorted(own, key=lambda change: (change.at, list(ChangeKind).index(change.kind))) for own in found]


def told(change: Change) -> str:
    """ "regressed 3 (4) after 2 until 6": where, known when if later, the last run of the other kind, its end."""
    known = f" ({change.known})" if change.known != change.at else ""
    before = f" after {change.before}" if change.before is not None else ""
    until = f" until {change.until}" if change.until is not None else ""
    return f"{change.kind} {change.at}{known}{before}{until}"


def story(row: str, **around: object) -> list[str]:
    """What happened to the one test, beside another that always passes."""
    return [told(change) for change in changes_of(row, "P" * len(row.replace(" ", "")), **around)[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "happened"),
    [
        ("PPPPPP", []),
        ("PPPBBB", ["regressed 3 (4) after 2"]),
        ("PPPBBBPP", ["regressed 3 (4) after 2 until 6", "fixed 6 after 5"]),
        ("PPBBPPBBPP", [
            "regressed 2 (3) after 1 until 4", "fixed 4 after 3", "regressed 6 (7) after 5 until 8", "fixed 8 after 7",
        ]),
        ("PPPF", ["failed 3 after 2"]),  # one failure: nobody knows yet
        ("PBPPF", ["regressed 1 after 0 until 2", "fixed 2 after 1", "failed 4 after 3"]),
        ("PPPFP", ["failed 3 after 2 until 4"]),
        ("PSB.B", ["regressed 2 (4) after 0"]),  # neither a skip nor a missing result is a pass
        ("BBBB", []),  # broken before the first run read: it did not break there
        ("BBPP", ["fixed 2 after 1"]),
        ("..BB", ["regressed 2 (3)", "new 2"]),  # came broken: there is no pass before
        ("PPBBKBBPP", ["regressed 2 (3) after 1 until 7", "flaky 4", "fixed 7 after 6"]),  # a lucky retry mends nothing
        ("PPKPP", ["flaky 2"]),  # a retry is proof at once
        ("PFPPFP", ["flaky 1 (4)"]),  # without retries the second failure is
        ("P" * 10 + "K" + "P" * 70, ["flaky 10 until 75", "healed 75 after 10"]),
        ("PPK" + "P" * 30 + "K", ["flaky 2 until 19", "healed 19 after 2", "flaky 33"]),
        ("PPK" + "P" * 15 + "K", ["flaky 2"]),  # too short a calm to speak of two times
        ("PPKPPBBBB", ["flaky 2", "regressed 5 (6) after 4"]),
    ],
)  # fmt: skip
def test_breaks_repairs_and_flakes(row: str, happened: list[str]) -> None:
    assert story(row) == happened


@pytest.mark.parametrize(
    ("row", "commits", "happened"),
    [
        ("PPFPP", "aabbc", ["flaky 2 (3)"]),  # a fail and a pass on one commit
        ("PPPFP", "aabbc", ["flaky 3"]),
        ("PPBBPP", "aabbcc", ["regressed 2 (3) after 1 until 4", "fixed 4 after 3"]),
    ],
)
def test_disagreement_on_one_commit_is_known_with_its_second_run(row: str, commits: str, happened: list[str]) -> None:
    assert story(row, commits=commits) == happened


@pytest.mark.parametrize("state", [TestState.UNSURE, TestState.STABLE, TestState.GONE])
@pytest.mark.parametrize(
    ("row", "happened"),
    [
        ("PPFFPP", ["failed 2 after 1 until 4"]),  # on end: one event, whatever it was
        ("PPFPPFP", ["failed 2 after 1 until 3", "failed 5 after 4 until 6"]),
        ("PPFPPFPPFP", ["flaky 2 (5)"]),  # three times apart is no coincidence
        ("PPKPP", ["flaky 2"]),  # and a retry that passed is proof
    ],
)
def test_what_a_state_has_not_taken_for_flaky_is_told_as_it_was(
    row: str, happened: list[str], state: TestState
) -> None:
    assert story(row, state=state) == happened


def test_a_state_that_forgives_old_flakes_does_not_erase_them() -> None:
    row = "PPK" + "P" * 40
    assert story(row, state=TestState.STABLE) == ["flaky 2 until 19", "healed 19 after 2"]
    assert story(row, state=TestState.UNSURE) == ["flaky 2 until 19", "healed 19 after 2"]
    assert story("PPF" + "P" * 40, state=TestState.STABLE) == ["failed 2 after 1 until 3"]


def test_an_outage_is_nobodys_break_and_no_pass() -> None:
    assert story("PPPFPP", outage="   o  ") == []
    assert story("PPPFBB", outage="   o  ") == ["regressed 4 (5) after 2"]


@pytest.mark.parametrize(
    ("row", "happened"),
    [
        ("PPP....", []),  # four runs without it: not yet
        ("PPP.....", ["gone 3 (7) after 2"]),
        ("PPP.....PP", ["gone 3 (7) after 2 until 8", "back 8 after 2"]),
        ("P......P......P......P......", []),  # once a week, and it is not late
        ("P..P..P..P" + "." * 8, []),
        ("P..P..P..P" + "." * 9, ["gone 10 (18) after 9"]),  # for a test of every third run it takes longer
        ("..PP", ["new 2"]),
    ],
)
def test_tests_come_and_go(row: str, happened: list[str]) -> None:
    assert story(row) == happened


def test_reruns_of_one_commit_do_not_make_a_test_gone() -> None:
    assert story("PP......", commits="aabbbbbb") == []
    assert story("PP.......", commits="aabbbbbbc") == ["gone 2 (8) after 1"]


def test_what_moved_is_neither_gone_nor_new() -> None:
    rows = ("PPPP......", "....PPPPPP", "PPPPPPPPPP")
    assert [[told(change) for change in own] for own in changes_of(*rows, moved=0, heir=1)] == [[], [], []]
    assert [[told(change) for change in own] for own in changes_of(*rows)] == [["gone 4 (8) after 3"], ["new 4"], []]


@pytest.mark.parametrize(
    ("row", "happened"),
    [
        ("PPPSSSS", []),
        ("PPPSSSSS", ["skipped 3 (7) after 2"]),
        ("PPPSSSSSPP", ["skipped 3 (7) after 2 until 8", "unskipped 8 after 7"]),
        ("SSSSSS", ["skipped 0 (4)"]),
        ("PS.S.SSS", ["skipped 1 (7) after 0"]),
    ],
)
def test_skipped_for_good(row: str, happened: list[str]) -> None:
    assert story(row) == happened


def test_the_oldest_runs_of_a_cut_history_are_no_beginning() -> None:
    """A rare flake and a rare test seen first near the edge may be old; so far in they are not."""
    assert story("PPK" + "P" * 20 + "K", cut=True) == ["healed 19 after 2", "flaky 23"]
    assert story("..PPPP", cut=True) == []
    assert story("......PP", cut=True) == ["new 6"]


def test_nothing_happens_in_no_run() -> None:
    assert changes_of("", "") == [[], []]


# ---- properties

ROWS = st.lists(st.text(alphabet="PPPPKFBS.", min_size=12, max_size=12), min_size=1, max_size=4)
COMMITS = st.lists(st.booleans(), min_size=12, max_size=12).map(
    lambda begins: "".join(chr(ord("a") + sum(begins[: place + 1])) for place in range(12))
)


@given(ROWS, COMMITS)
def test_every_change_is_known_after_it_happened_and_ends_after_it_is_known(rows: list[str], commits: str) -> None:
    for own in changes_of(*rows, commits=commits):
        for change in own:
            assert 0 <= change.at <= change.known < 12
            assert change.before is None or change.before < change.at
            assert change.until is None or change.until > change.at


@given(ROWS, COMMITS)
def test_the_changes_agree_with_the_breaks_and_the_results(rows: list[str], commits: str) -> None:
    """A repair for each break that ended, a break for each repair unless it was broken from the first run on."""
    outcomes = matrix(*(row.replace("B", "F") for row in rows))
    for row, own in zip(outcomes, changes_of(*rows, commits=commits), strict=True):
        kinds = [change.kind for change in own if change.until is None]
        fixed = [change for change in own if change.kind is ChangeKind.FIXED]
        regressed = [change for change in own if change.kind is ChangeKind.REGRESSED]
        assert kinds.count(ChangeKind.REGRESSED) <= 1
        assert 0 <= len(fixed) - sum(change.until is not None for change in regressed) <= 1
        if ChangeKind.GONE in kinds:
            assert (row[-EXPECTED_RUNS:] == Outcome.NONE).all()
        for change in own:
            if change.kind in (ChangeKind.REGRESSED, ChangeKind.FAILED):
                assert row[change.at] in (Outcome.FAILED, Outcome.FLAKY)
            if change.kind is ChangeKind.FIXED:
                assert row[change.at] in (Outcome.PASSED, Outcome.FLAKY)
                assert row[change.before] == Outcome.FAILED


@given(ROWS)
def test_later_runs_do_not_move_what_was_known_of_comings_and_goings(rows: list[str]) -> None:
    """What could be said of new, gone and skipped tests after ten runs is said after twelve."""
    settled = (ChangeKind.NEW, ChangeKind.SKIPPED)
    short = changes_of(*(row[:10] for row in rows))
    for before, after in zip(short, changes_of(*rows), strict=True):
        said = {(change.kind, change.at, change.known) for change in before if change.kind in settled}
        assert said <= {(change.kind, change.at, change.known) for change in after}
