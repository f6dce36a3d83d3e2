"""stats.states: a word is said when the chain holds it for likely and counted evidence agrees; else say unsure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flakelens.facts import Int32s
from flakelens.stats.findings import find_states
from flakelens.stats.markov import DEFAULTS
from flakelens.stats.probabilities import Posterior, find_posterior
from flakelens.stats.states import TestFinding, TestState
from flakelens.stats.verification import clean_runs_to_verify
from tests.letters import matrix, numbers

P30 = "P" * 30
STABLE, FLAKY, BROKEN, UNSURE = TestState.STABLE, TestState.FLAKY, TestState.BROKEN, TestState.UNSURE


def find(
    row: str,
    commits: str = "",
    *,
    outage: set[int] | None = None,
    elsewhere: bool = False,
    gone: bool = False,
    disagreed: bool = False,
    retried: bool = False,
) -> TestFinding:
    """The finding for one test in letters; `commits` one letter per run, else all differ. Default parameters."""
    (finding,) = find_all(
        [row.replace(" ", "")],
        numbers(commits.replace(" ", "")) if commits else None,
        outage=outage,
        elsewhere=elsewhere,
        gone=gone,
        disagreed=disagreed,
        retried=retried,
    )
    return finding


def find_all(
    rows: list[str],
    commits: Int32s | None = None,
    *,
    outage: set[int] | None = None,
    elsewhere: bool = False,
    gone: bool = False,
    disagreed: bool = False,
    retried: bool = False,
) -> tuple[TestFinding, ...]:
    outcomes = matrix(*rows)
    tests, runs = outcomes.shape
    commits = np.arange(runs, dtype=np.int32) if commits is None else commits
    left_out = np.array([run in (outage or ()) for run in range(runs)], np.bool_)
    known = np.full(tests, disagreed)
    posterior = find_posterior(
        outcomes, commits, outage=left_out, disagreed=known, retries_shown=np.full(runs, retried, np.bool_)
    )
    return find_states(
        outcomes,
        commits,
        outage=left_out,
        elsewhere=np.full(tests, elsewhere),
        gone=np.full(tests, gone),
        disagreed=known,
        posterior=posterior,
    )


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
        ("F" + "P" * 18, "", UNSURE),
        ("F" + "P" * 19, "", STABLE),
        ("P" * 30 + "F" + "P", "", UNSURE),
        ("P" * 30 + "F" + "P" * 30, "", STABLE),
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
        ("FF", "", UNSURE),  # flaky from the start or broken from the start: the chain is as unsure as anybody
        ("FFFFF", "", BROKEN),
        ("P" * 20 + "FF FF FF", "abcdefghijklmnopqrst uu vv ww", BROKEN),  # each commit run twice
        ("P" * 20 + "FF FF FP", "abcdefghijklmnopqrst uu vv ww", FLAKY),
        ("P" * 30 + "F.SF", "", BROKEN),  # what was not executed says nothing
        ("P" * 30 + "FFS.", "", BROKEN),
        # a break that was repaired
        ("P" * 20 + "FFF" + "P" * 5, "", STABLE),
        ("FFF" + "P" * 5, "", UNSURE),
        # a known flake that fails twice on end is a flake; so often on end, or a rare one that does so, is broken
        ("PFPPFPFPPPFPPFF", "", FLAKY),
        ("PFPPFPFPPPFPP" + "F" * 9, "", BROKEN),
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
    assert find(P30 + "FPFFFF", outage={30}).since == 32


# ---- spells


@pytest.mark.parametrize(
    ("row", "commits", "spells"),
    [
        (P30 + "FFPPPPPP", "", [(30, 31, 32, 6)]),
        (P30 + "FF", "", [(30, 31, None, 0)]),
        (P30 + "F.SF.PPPP", "", [(30, 33, 35, 4)]),
        (P30 + "FFF" + P30 + "FFFPPPPPPP", "", [(30, 32, 33, 30), (63, 65, 66, 7)]),
        ("PFFP", "", []),  # two of four: a flaky test as likely as a broken one
        (P30 + "FP", "", []),  # one failure is no spell, whatever it was
        (P30 + "FFPPFFPPPP", "", []),  # twice in so short a time: flakes that came on end
        (P30 + "FFFPPP", "a" * 30 + "bcdddd", []),  # on d it failed and passed: so it did not break on b
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


def test_the_interval_of_the_flake_rate_is_that_of_jeffreys() -> None:
    low, high = find("P" * 9 + "K").flake_interval() or (0, 0)
    assert low == pytest.approx(stats.beta.ppf(0.025, 1.5, 9.5), abs=1e-6)
    assert high == pytest.approx(stats.beta.ppf(0.975, 1.5, 9.5), abs=1e-6)
    assert (find("P" * 20).flake_interval() or (1, 1))[0] == 0.0
    assert find("FFFF").flake_interval() is None


# ---- what holds for every history


def test_a_recorded_retry_that_failed_too_speaks_for_a_break() -> None:
    row = P30 + "FF"
    assert find(row, retried=True).p_broken > find(row).p_broken


ROWS = st.lists(st.tuples(st.sampled_from("PPPPFFFK.S"), st.booleans()), min_size=1, max_size=45)


@settings(deadline=None)
@given(ROWS, st.booleans(), st.booleans())
def test_a_word_has_its_probability_and_its_counted_evidence(
    runs: list[tuple[str, bool]], retried: bool, disagreed: bool
) -> None:
    row = "".join(letter for letter, _ in runs)
    commits = np.cumsum([new for _, new in runs]).astype(np.int32)
    (finding,) = find_all([row], commits, retried=retried, disagreed=disagreed)
    assert finding.p_stable + finding.p_flaky + finding.p_broken == pytest.approx(1, abs=1e-5)
    failing = row.count("F")
    divided = disagreed or any(
        {"K"} & here or {"F", "P"} <= here
        for here in ({row[run] for run in np.flatnonzero(commits == commit)} for commit in commits)
    )
    if finding.state is FLAKY:
        assert finding.p_flaky > 0.5
        assert failing >= 2 or divided
    elif finding.state is BROKEN:
        assert finding.p_broken > 0.5
        assert failing >= 2
        assert finding.spells[-1].mended is None
        newest = max(run for run, letter in enumerate(row) if letter in "PKF")
        assert "P" not in {row[run] for run in np.flatnonzero(commits == commits[newest])}
    elif finding.state is STABLE:
        assert finding.p_stable > 0.5
        assert finding.results >= 20
    assert set(finding.evidence) <= {run for run, letter in enumerate(row) if letter in "FK"}
    for spell in finding.spells:
        assert row[spell.first : spell.last + 1].count("F") >= 2
        assert not {run for run in finding.evidence if spell.first <= run <= spell.last}


@settings(deadline=None)
@given(
    st.lists(ROWS.map(lambda runs: "".join(letter for letter, _ in runs).ljust(12, "P")[:12]), min_size=1, max_size=4)
)
def test_no_test_changes_the_finding_of_another(rows: list[str]) -> None:
    alone = [find(row) for row in rows]
    for one, other in zip(find_all(rows), alone, strict=True):
        assert one.state is other.state
        assert one.spells == other.spells
        assert one.p_flaky == pytest.approx(other.p_flaky)


@settings(deadline=None, max_examples=30)
@given(ROWS, st.integers(1, 40))
def test_clean_runs_tried_say_what_clean_runs_would_say(runs: list[tuple[str, bool]], count: int) -> None:
    """`Posterior.after_clean_runs` in one product, beside the chain walked through runs that did happen."""
    row = "".join(letter for letter, _ in runs)
    commits = np.cumsum([new for _, new in runs]).astype(np.int32)

    def posterior(letters: str, numbers_: Int32s) -> Posterior:
        outcomes = matrix(letters)
        none = np.zeros(len(letters), np.bool_)
        return find_posterior(outcomes, numbers_, outage=none, disagreed=np.zeros(1, np.bool_))

    ran = np.array([any(letter in "PKF" for letter in row)])
    tried = posterior(row, commits).after_clean_runs(count, ran, DEFAULTS)
    more = (commits[-1] + 1 + np.arange(count)).astype(np.int32)
    real = posterior(row + "P" * count, np.concatenate([commits, more]))
    if ran[0]:
        assert tried.now == pytest.approx(real.now, abs=1e-9)
