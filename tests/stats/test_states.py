"""stats.states: flaky is a test that disagrees with itself, broken one that stopped passing; else say unsure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flakelens.stats.states import (
    BREAK_CHANCE,
    TestFinding,
    TestState,
    find_states,
)
from flakelens.stats.verification import clean_runs_to_verify
from tests.letters import matrix, numbers

STABLE, FLAKY, BROKEN, UNSURE = TestState.STABLE, TestState.FLAKY, TestState.BROKEN, TestState.UNSURE


def find(
    row: str,
    commits: str = "",
    *,
    outage: set[int] | None = None,
    elsewhere: bool = False,
    gone: bool = False,
    disagreed: bool = False,
) -> TestFinding:
    """The finding for one test in letters; `commits` one letter per run, else all differ."""
    row, commits = row.replace(" ", ""), commits.replace(" ", "")
    (finding,) = find_states(
        matrix(row),
        numbers(commits) if commits else np.arange(len(row), dtype=np.int32),
        outage=np.array([run in (outage or ()) for run in range(len(row))], np.bool_),
        elsewhere=np.array([elsewhere]),
        gone=np.array([gone]),
        disagreed=np.array([disagreed]),
    )
    return finding


@pytest.mark.parametrize(
    ("row", "commits", "state"),
    [
        # stable and unsure
        ("", "", UNSURE),
        ("." * 30, "", UNSURE),
        ("S" * 30, "", UNSURE),
        ("P" * 19, "", UNSURE),
        ("P" * 20, "", STABLE),
        ("P" * 19 + "S" * 9 + "...", "", UNSURE),  # skipped and absent are no results
        # one failure that nothing explains
        ("P" * 40 + "F", "", UNSURE),
        ("F" + "P" * 19, "", UNSURE),
        ("F" + "P" * 20, "", STABLE),
        # flaky: it disagrees with itself on one commit
        ("P" * 30 + "K", "", FLAKY),
        ("P" * 30 + "FP", "a" * 30 + "bb", FLAKY),
        ("P" * 30 + "PF", "a" * 30 + "bb", FLAKY),
        ("K", "", FLAKY),
        # flaky: two failures, each alone
        ("P" * 10 + "F" + "P" * 10 + "F" + "P", "", FLAKY),
        # broken: two failing runs, and no pass on their commits
        ("P" * 30 + "FF", "", BROKEN),
        ("P" * 30 + "F", "", UNSURE),
        ("P" * 30 + "FF", "a" * 30 + "bb", BROKEN),
        ("FF", "", BROKEN),
        ("P" * 20 + "FF FF FF", "abcdefghijklmnopqrst uu vv ww", BROKEN),  # each commit run twice
        ("P" * 20 + "FF FF FP", "abcdefghijklmnopqrst uu vv ww", FLAKY),
        ("P" * 30 + "F.SF", "", BROKEN),  # what was not executed says nothing
        ("P" * 30 + "FFS.", "", BROKEN),
        # a break that was repaired
        ("P" * 20 + "FFF" + "P" * 5, "", STABLE),
        ("FFF" + "P" * 5, "", UNSURE),
        # a known flake that fails twice on end is a flake; a rare one that does so is broken
        ("PFPPFPFPPPFPPFF", "", FLAKY),
        ("PFPPFPFPPPFPPFFFFFF", "", BROKEN),
        ("P" * 50 + "F" + "P" * 50 + "F" + "P" * 50 + "FF", "", BROKEN),
    ],
)
def test_states(row: str, commits: str, state: TestState) -> None:
    assert find(row, commits).state is state


def test_a_test_that_only_branches_know() -> None:
    assert find("....", elsewhere=True).state is TestState.BRANCH_ONLY
    assert find("P...", elsewhere=True).state is UNSURE


def test_gone_keeps_its_evidence() -> None:
    finding = find("PK....", gone=True)
    assert finding.state is TestState.GONE
    assert finding.evidence == (1,)


def test_a_disagreement_on_a_pull_request_is_evidence_for_flaky_and_never_for_broken() -> None:
    assert find("P" * 30, disagreed=True).state is FLAKY
    assert find("", disagreed=True).state is UNSURE


@pytest.mark.parametrize(
    ("row", "commits", "outage", "state"),
    [
        ("P" * 30 + "F", "", {30}, STABLE),
        ("P" * 30 + "FP", "a" * 30 + "bb", {30}, STABLE),  # a disagreement across an outage
        ("P" * 30 + "FPFP", "", {30, 32}, STABLE),  # a group that dies with a service
        ("P" * 30 + "FFF", "", {31}, BROKEN),  # the break goes on beside it
        ("P" * 30 + "FF", "", {31}, UNSURE),
        ("F" * 3, "", {0, 1, 2}, UNSURE),
    ],
)
def test_confirmed_outages_are_no_evidence(row: str, commits: str, outage: set[int], state: TestState) -> None:
    assert find(row, commits, outage=outage).state is state


def test_positions_are_those_of_the_history_with_its_outages() -> None:
    finding = find("PFPKPPP", outage={1})
    assert finding.evidence == (3,)
    assert finding.since == 3
    assert find("PFPFFFF", outage={1}).since == 3


# ---- spells


@pytest.mark.parametrize(
    ("row", "commits", "spells"),
    [
        ("PFFP", "", [(1, 2, 3, 1)]),
        ("PFFPPPF", "", [(1, 2, 3, 3)]),
        ("PFF", "", [(1, 2, None, 0)]),
        ("PF.SF.P", "", [(1, 4, 6, 1)]),
        # the failing run on the commit that passed is no pass
        ("P" * 60 + "FFFPPP", "a" * 60 + "bcdddd", [(60, 61, 63, 3)]),
        ("PFFFPPP", "abcdddd", []),  # so few results, and one of them a flake: the stretch may be flakes too
        ("PFFPPFFP", "", [(1, 2, 3, 2), (5, 6, 7, 1)]),
        ("PFP", "", []),
    ],
)
def test_a_spell_goes_from_the_first_failure_to_the_first_pass(
    row: str, commits: str, spells: list[tuple[int, int, int | None, int]]
) -> None:
    found = find(row, commits).spells
    assert [(spell.first, spell.last, spell.mended, spell.clean) for spell in found] == spells


def test_a_retry_that_passes_inside_a_break_ends_it_for_that_run() -> None:
    finding = find("P" * 30 + "FFFFKFFFF")
    assert finding.state is BROKEN
    assert [(spell.first, spell.last) for spell in finding.spells] == [(30, 33), (35, 38)]
    assert finding.evidence == (34,)
    assert finding.since == 35


def test_a_repair_is_verified_after_as_many_clean_runs_as_verify_asks() -> None:
    (spell,) = find("P" * 20 + "FFF" + "P" * 9).spells
    assert spell.needed == clean_runs_to_verify(3, 3)
    assert spell.clean == 9


# ---- healing


@pytest.mark.parametrize(("failures", "results"), [(1, 1), (3, 3), (1, 20), (5, 100), (1, 300), (300, 300)])
def test_clean_runs_to_verify_are_those_of_the_formula(failures: int, results: int) -> None:
    p = stats.beta.ppf(0.2, failures + 0.5, results - failures + 0.5)
    assert clean_runs_to_verify(failures, results) == max(1, math.ceil(math.log(0.05) / math.log1p(-p)))


def test_a_rarer_flake_needs_more_clean_runs() -> None:
    needed = [clean_runs_to_verify(1, results) for results in (1, 3, 10, 30, 100, 300)]
    assert needed == sorted(set(needed))


def test_a_flaky_test_heals_with_as_many_clean_runs_as_verify_asks() -> None:
    flaky = "PKPPKPPPKP"[:9]
    needed = clean_runs_to_verify(3, 9)
    assert not find(flaky + "P" * (needed - 1)).healing
    healed = find(flaky + "P" * needed)
    assert healed.state is FLAKY
    assert healed.healing
    assert (healed.clean_needed, healed.clean_seen) == (needed, needed)
    assert not find(flaky + "P" * needed + "K").healing


def test_the_flake_rate_leaves_broken_spells_out() -> None:
    assert find("P" * 9 + "K").flake_rate == 0.1
    assert find("P" * 9 + "K" + "F" * 9 + "P" * 10).flake_rate == 0.05
    assert find("FFFF").flake_rate is None
    assert find("P" * 20).flake_rate == 0.0


# ---- the same again, slowly


def slowly(row: str, commits: str) -> tuple[set[int], list[tuple[int, int]], TestState]:
    """Evidence, spells and state as a person would find them with a pencil."""
    ran = [run for run, letter in enumerate(row) if letter in "PKF"]

    def divided(run: int) -> bool:
        here = [row[other] for other in ran if commits[other] == commits[run]]
        return "K" in here or ("F" in here and "P" in here)

    def stretches(keep: list[list[int]] | None = None) -> list[list[int]]:
        found: list[list[int]] = [[]]
        for run in ran:
            if row[run] == "F" and not divided(run):
                found[-1].append(run)
            elif found[-1]:
                found.append([])
        return [stretch for stretch in found if len(stretch) >= 2 and (keep is None or stretch in keep)]

    def in_any(run: int, spells: list[list[int]]) -> bool:
        return any(run in spell for spell in spells)

    def lone(spells: list[list[int]]) -> list[int]:
        return [run for run in ran if row[run] == "F" and not in_any(run, spells)]

    spells = stretches()
    known_flaky = any(divided(run) for run in ran) or len(lone(spells)) >= 2
    if known_flaky:
        outside = [run for run in ran if not in_any(run, spells)]
        rate = (sum(row[run] in "FK" for run in outside) + 0.5) / (len(outside) + 1)
        spells = [spell for spell in spells if rate ** len(spell) < BREAK_CHANCE]
    evidence = {run for run in ran if row[run] == "K"} | set(lone(spells))
    if spells and not any(row[run] in "PK" for run in ran if run > spells[-1][-1]):
        state = BROKEN
    elif any(divided(run) for run in ran) or len(lone(spells)) >= 2:
        state = FLAKY
    else:
        calm = [run for run in ran if not evidence or run > max(evidence)]
        state = STABLE if len(ran) >= 20 and len(calm) >= 20 else UNSURE
    return evidence, [(spell[0], spell[-1]) for spell in spells], state


ROWS = st.lists(st.tuples(st.sampled_from("PPPPFFFK.S"), st.booleans()), max_size=45)


@given(ROWS)
def test_random_histories_say_the_same_as_a_slow_reading(runs: list[tuple[str, bool]]) -> None:
    row = "".join(letter for letter, _ in runs)
    commit, commits = 0, []
    for _, new in runs:
        commit += new
        commits.append(commit)
    (finding,) = find_states(
        matrix(row),
        np.array(commits, np.int32),
        outage=np.zeros(len(row), np.bool_),
        elsewhere=np.array([False]),
        gone=np.array([False]),
        disagreed=np.array([False]),
    )
    evidence, spells, state = slowly(row, "".join(map(chr, commits)))
    assert set(finding.evidence) == evidence
    assert [(spell.first, spell.last) for spell in finding.spells] == spells
    assert finding.state is state


@given(
    st.lists(ROWS.map(lambda runs: "".join(letter for letter, _ in runs).ljust(12, "P")[:12]), min_size=1, max_size=4)
)
def test_no_test_changes_the_finding_of_another(rows: list[str]) -> None:
    together = find_states(
        matrix(*rows),
        np.arange(12, dtype=np.int32),
        outage=np.zeros(12, np.bool_),
        elsewhere=np.zeros(len(rows), np.bool_),
        gone=np.zeros(len(rows), np.bool_),
        disagreed=np.zeros(len(rows), np.bool_),
    )
    assert list(together) == [find(row) for row in rows]
