"""stats.triage: the cause of one failure from what the test had shown before."""

from __future__ import annotations

import numpy as np
import pytest

from flakelens.model import Outcome
from flakelens.stats.chain import walk
from flakelens.stats.markov import DEFAULTS, GATED, STATES, Floats, series
from flakelens.stats.triage import CAUSES, TriageVerdict, causes, dismissed, usual, verdict
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
    ("probabilities", "earlier", "suspected", "word"),
    [
        (FLAKE, 100, False, "flake"),
        (OUTAGE, 100, False, "outage"),
        (np.array([0, 0, 0.9, 0.1, 0]), 100, False, "new"),
        (np.array([0, 0, 0.1, 0, 0.9]), 100, False, "new"),
        (np.array([0, 0, 0.1, 0.9, 0]), 100, False, "ongoing"),
        (FLAKE, 4, False, "no-history"),
        (FLAKE, 5, False, "flake"),
        (OUTAGE, 100, True, "suspected-outage"),
        (OUTAGE, 0, True, "suspected-outage"),
    ],
)
def test_verdict(probabilities: Floats, earlier: int, suspected: bool, word: str) -> None:
    assert verdict(probabilities, earlier_results=earlier, suspected_outage=suspected) == word


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
