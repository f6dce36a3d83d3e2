"""stats.triage: the cause of one failure from what the test had shown before."""

from __future__ import annotations

import numpy as np
import pytest

from flakelens.model import Outcome
from flakelens.stats.chain import Step, at_run, walk
from flakelens.stats.markov import BROKEN, DEFAULTS, GATED, LEVELS, STATES, Floats, emissions, series
from flakelens.stats.triage import (
    CAUSES,
    TriageVerdict,
    causes,
    dismissed,
    flaky_levels,
    reruns_to_settle,
    usual,
    verdict,
    with_later_of_request,
)
from tests.letters import matrix, numbers


def weigh(
    row: str, commits: str = "", *, pull: bool = False, outage: float = 0.0, later: Floats | None = None
) -> Floats:
    """The causes of the newest result of a test in letters."""
    outcomes = matrix(row)
    runs = outcomes.shape[1]
    pulls = np.full(runs, GATED, np.int32)
    if pull:
        pulls[-1] = 1
    at = numbers(commits) if commits else np.arange(runs, dtype=np.int32)
    seen = series(outcomes, at, retries_shown=np.ones(runs, np.bool_), pulls=pulls)
    step = list(walk(seen, DEFAULTS))[-1]
    codes = outcomes[:, -1]
    failed, healed = codes == Outcome.FAILED, codes == Outcome.FLAKY
    (found,) = causes(step, DEFAULTS, outage=outage, failed_again=failed, healed=healed, later=later)
    assert found.sum() == pytest.approx(1)
    return found


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("P" * 100 + "F", "new_break"),
        ("P" * 100 + "FFF", "ongoing_break"),
        ("PPFPPPKPPPPFPPPPKPPKPPPPF", "flake"),
        ("P" * 40 + "K", "flake"),
    ],
)
def test_most_likely_cause(row: str, cause: str) -> None:
    assert CAUSES[int(np.argmax(weigh(row)))] == cause


def test_an_outage_takes_the_blame_of_healthy_tests_but_not_of_broken_ones() -> None:
    assert weigh("P" * 60 + "F", outage=0.3)[CAUSES.index("outage")] > 0.95
    assert weigh("P" * 60 + "FFFF", outage=0.3)[CAUSES.index("ongoing_break")] > 0.9


def test_a_pull_request_can_be_to_blame_and_the_branch_cannot() -> None:
    where = CAUSES.index("pr_only")
    assert weigh("P" * 60 + "F")[where] == 0
    assert weigh("P" * 60 + "F", pull=True)[where] > 0.3


def test_a_break_cannot_be_new_on_a_commit_that_passed() -> None:
    found = weigh("P" * 10 + "PF", "abcdefghij kk".replace(" ", ""))
    assert found[CAUSES.index("new_break")] == 0
    assert CAUSES[int(np.argmax(found))] == "flake"


def test_what_came_later_speaks() -> None:
    passed_next = np.ones((1, STATES))
    passed_next[0, -1] = 0.1
    now, then = weigh("P" * 30 + "F"), weigh("P" * 30 + "F", later=passed_next)
    assert then[CAUSES.index("new_break")] < now[CAUSES.index("new_break")]


def test_a_result_that_nothing_explains_has_no_cause_rather_than_not_a_number() -> None:
    step = next(iter(walk(series(matrix("F"), np.zeros(1, np.int32)), DEFAULTS)))
    nobody = np.zeros(1, np.bool_)
    found = causes(step, DEFAULTS, outage=0.0, failed_again=nobody, healed=nobody, later=np.zeros((1, STATES)))
    assert (found == 0).all()


FLAKE = np.array([0.97, 0.0, 0.02, 0.01, 0.0])
OUTAGE = np.array([0.02, 0.96, 0.02, 0.0, 0.0])


@pytest.mark.parametrize(
    ("probabilities", "earlier", "suspected", "newly", "word"),
    [
        (FLAKE, 100, False, True, "flake"),
        (OUTAGE, 100, False, True, "outage"),
        (np.array([0, 0, 0.9, 0.1, 0]), 100, False, True, "new"),
        (np.array([0, 0, 0.1, 0, 0.9]), 100, False, True, "new"),
        (np.array([0, 0, 0.1, 0.9, 0]), 100, False, False, "ongoing"),
        (FLAKE, 4, False, True, "no-history"),
        (FLAKE, 5, False, True, "flake"),
        (OUTAGE, 100, True, True, "suspected-outage"),
        (OUTAGE, 0, True, True, "suspected-outage"),
        # It failed in the run before too: no victim by its history, but as unconfirmed as the outage that took it.
        (OUTAGE, 100, True, False, "suspected-outage"),
        (OUTAGE, 4, True, False, "no-history"),
        (FLAKE, 100, True, False, "flake"),
        (np.array([0, 0.1, 0.1, 0.8, 0]), 100, True, False, "ongoing"),
    ],
)
def test_verdict(probabilities: Floats, earlier: int, suspected: bool, newly: bool, word: str) -> None:
    found = verdict(probabilities, earlier_results=earlier, suspected_outage=suspected, newly_failed=newly)
    assert found == word


@pytest.mark.parametrize(
    ("same", "earlier", "expected"),
    [(1, 1, True), (1, 5, True), (1, 6, False), (4, 20, True), (3, 20, False), (0, 0, False), (0, 9, False)],
)
def test_a_usual_signature_is_one_in_five_or_more(same: int, earlier: int, expected: bool) -> None:
    assert usual(same, earlier) is expected


@pytest.mark.parametrize(
    ("probabilities", "word", "confirmed", "ai", "known", "expected"),
    [
        (FLAKE, "flake", False, False, True, True),
        (FLAKE, "flake", False, True, True, False),  # the AI area is never waved through
        (FLAKE, "flake", False, False, False, False),  # a new signature needs eyes
        (FLAKE, "no-history", False, False, True, False),
        (FLAKE, "suspected-outage", False, False, True, False),
        (OUTAGE, "outage", True, False, True, True),
        (OUTAGE, "outage", False, False, True, False),  # an outage that nothing confirmed
        (np.array([0.95, 0.0, 0.05, 0.0, 0.0]), "flake", False, False, True, False),  # not above .95
    ],
)
def test_dismissal(probabilities: Floats, word: str, confirmed: bool, ai: bool, known: bool, expected: bool) -> None:
    found = dismissed(probabilities, word=TriageVerdict(word), confirmed_outage=confirmed, ai=ai, signature_known=known)
    assert found is expected


# --- what is known later, and what a rerun would tell ---


def at_a_request() -> tuple[Step, Floats]:
    """A run of a pull request after sixty passes on the gated branch, and nothing known after it."""
    outcomes = matrix("P" * 60 + "F")
    pulls = np.full(61, GATED, np.int32)
    pulls[-1] = 1
    seen = series(outcomes, np.arange(61, dtype=np.int32), pulls=pulls)
    return at_run(seen, DEFAULTS, 60)


def test_a_pass_in_a_rerun_clears_a_pull_request_and_a_failure_accuses_it() -> None:
    step, later = at_a_request()
    for outcome, less in ((Outcome.PASSED, True), (Outcome.FAILED, False)):
        table = emissions(DEFAULTS, 0.0)[int(outcome)]
        after = with_later_of_request(step, later, plain=np.tile(table, (1, 1)), broken=np.array([table[BROKEN]]))
        assert after.pull_break is not None
        assert step.pull_break is not None
        assert bool(after.pull_break[0] < step.pull_break[0]) is less
    same = with_later_of_request(step, later, plain=np.ones((1, STATES)), broken=np.ones(1))
    assert same.pull_break == pytest.approx(step.pull_break)


def test_a_run_of_the_gated_branch_has_no_break_of_its_own() -> None:
    (step,) = walk(series(matrix("P"), np.zeros(1, np.int32)), DEFAULTS)
    with pytest.raises(ValueError, match="gated branch"):
        with_later_of_request(step, np.ones((1, STATES)), plain=np.ones((1, STATES)), broken=np.ones(1))


def test_the_levels_of_a_flake_sum_to_one_and_follow_the_history() -> None:
    often, seldom = (
        flaky_levels(list(walk(series(matrix(row), np.arange(41, dtype=np.int32)), DEFAULTS))[-1])[0]
        for row in ("PF" * 20 + "F", "P" * 40 + "F")
    )
    assert often.sum() == pytest.approx(1)
    assert seldom.sum() == pytest.approx(1)
    rates = np.array(LEVELS)
    assert often @ rates > seldom @ rates


@pytest.mark.parametrize(
    ("flake", "level", "reruns"),
    [
        (0.04, 0.10, 0),  # a break for all practical purposes
        (0.50, 0.003, 1),  # .5 * .003 : .5 * .99
        (0.50, 0.10, 2),  # after one: .05 : .495 = 9 %; after two .005 : .49 = 1 %
        (0.90, 0.10, 3),  # .0009 : .097 after three; .009 : .098 = 8 % after two
        (0.50, 0.65, 7),  # .0245 : .4660 = 4.995 % after seven; .0377 : .4707 = 7.4 % after six
        (1.00, 0.65, None),
    ],
)
def test_reruns_until_a_failure_is_settled(flake: float, level: float, reruns: int | None) -> None:
    probabilities = np.array([flake, 0.0, 1.0 - flake, 0.0, 0.0])
    levels = (np.array(LEVELS) == level).astype(np.float64)
    assert reruns_to_settle(probabilities, levels) == reruns


def test_an_outage_that_lasts_needs_more_reruns_than_a_rare_flake() -> None:
    levels = np.eye(6)[0]
    assert reruns_to_settle(np.array([0.0, 0.5, 0.5, 0.0, 0.0]), levels) is None
    assert reruns_to_settle(np.array([0.0, 0.05, 0.95, 0.0, 0.0]), levels) == 1
