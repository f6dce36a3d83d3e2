"""stats.message_odds: what a failure says speaks for a break or against it, and never alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.stats.chain import smooth, walk
from flakelens.stats.fitting import fit
from flakelens.stats.markov import BROKEN, DEFAULTS, GATED, Floats, Series, series
from flakelens.stats.message_odds import MOST, UNKNOWN, if_broken, message_odds
from flakelens.stats.triage import CAUSES, causes
from tests.filtered import filter_states
from tests.letters import matrix


def odds(row: str, says: str, outage: str = "") -> Floats:
    """One test in letters; `says` the message of each failure in a letter, "?" unknown; "o" an outage."""
    outcomes = matrix(row)
    signatures = np.array([[UNKNOWN if letter in "? " else ord(letter) for letter in says.ljust(len(row))]], np.int32)
    share = np.array([0.3 if letter == "o" else 0.0 for letter in outage.ljust(len(row))])
    failed, ran = (outcomes == 3) | (outcomes == 2), (outcomes != 0) & (outcomes != 4)
    return message_odds(signatures, failed, ran, share)[0].astype(np.float64)


def told(row: str, says: str) -> Series:
    shown = np.zeros(len(row), np.bool_)
    found = odds(row, says)[None].astype(np.float32)
    return series(matrix(row), np.arange(len(row), dtype=np.int32), retries_shown=shown, message_odds=found)


FLAKY = "PPFPPPFPPFPPPPPFPPPFPPPPFPPPP"
SAYS_A = FLAKY.replace("F", "a").replace("P", " ")


@pytest.mark.parametrize(
    ("row", "says", "speaks"),
    [
        ("PPFPPP", "  a", "nothing"),  # the first failure has nothing to be compared with
        (FLAKY + "F", SAYS_A + "a", "flake"),  # what it always says
        (FLAKY + "F", SAYS_A + "n", "break"),  # what it never said
        (FLAKY + "FF", SAYS_A + "nn", "break"),  # and says again
        (FLAKY + "F", SAYS_A + "?", "nothing"),
        ("PPFPPKPPF", "  a  a  a", "flake"),  # a healed failure has a message too
        ("P.FPFP..SF", "  a a    a", "flake"),  # what did not run is no result
    ],
)
def test_what_the_newest_failure_speaks_for(row: str, says: str, speaks: str) -> None:
    newest = odds(row, says)[-1] if row[-1] == "F" else odds(row, says)[2]
    assert {"flake": newest < 0.5, "break": newest > 2, "nothing": newest == 1}[speaks]


@given(st.lists(st.tuples(st.sampled_from("PKFS."), st.sampled_from("abc?")), min_size=1, max_size=30))
def test_odds_are_bounded_and_only_of_failures(results: list[tuple[str, str]]) -> None:
    row, says = ("".join(column) for column in zip(*results, strict=True))
    found = odds(row, says)
    assert (found >= np.float32(1 / MOST)).all()
    assert (found <= MOST).all()
    for letter, message, value in zip(row, says, found, strict=True):
        assert value == 1 or (letter in "KF" and message != "?")


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_the_shares_of_messages_of_a_break_add_up(said: list[int]) -> None:
    counts = Counter(said)
    new = 99
    assert sum(if_broken(one, UNKNOWN, counts) for one in [*counts, new]) == pytest.approx(1)
    if len(counts) > 1:  # else nothing but the same again or a new one is possible
        assert sum(if_broken(one, said[-1], counts) for one in [*counts, new]) == pytest.approx(1)


def test_failures_in_outages_say_nothing_of_the_test() -> None:
    assert (odds("PFPFPF", " o o a", outage=" o o  ") == 1).all()


def test_a_break_of_a_flaky_test_is_seen_by_its_new_message() -> None:
    calm = "P" * 60
    row = calm + FLAKY + "FFF"
    says = " " * 60 + SAYS_A
    quiet = filter_states(series(matrix(row), np.arange(len(row), dtype=np.int32)), DEFAULTS)[0, BROKEN]
    same = filter_states(told(row, says + "aaa"), DEFAULTS)[0, BROKEN]
    new = filter_states(told(row, says + "nnn"), DEFAULTS)[0, BROKEN]
    assert same < quiet < 0.5 < new


def test_triage_hears_it_too() -> None:
    def flake(says: str) -> float:
        seen = told(FLAKY + "F", SAYS_A + says)
        step = list(walk(seen, DEFAULTS))[-1]
        no = np.zeros(1, np.bool_)
        return float(causes(step, DEFAULTS, outage=0.0, failed_again=no, healed=no)[0, CAUSES.index("flake")])

    assert flake("n") < flake("?") < flake("a")


def test_messages_reach_pull_requests_rows_and_the_fit() -> None:
    row = FLAKY + "FFF"
    pulls = np.array([GATED] * (len(row) - 2) + [5, 5], np.int32)
    found = odds(row, SAYS_A + "nnn")[None].astype(np.float32)
    at = np.arange(len(row), dtype=np.int32)
    seen = series(np.repeat(matrix(row), 3, axis=0), at, pulls=pulls, message_odds=np.repeat(found, 3, axis=0))
    beliefs = [step.pull_break for step in walk(seen, DEFAULTS) if step.pull_break is not None]
    plain = series(seen.outcomes, at, pulls=pulls)
    without = [step.pull_break for step in walk(plain, DEFAULTS) if step.pull_break is not None]
    assert (beliefs[1] > without[1]).all()
    one = smooth(seen.rows(np.array([1])), DEFAULTS).states
    assert one[:, 0] == pytest.approx(smooth(seen, DEFAULTS).states[:, 1], abs=1e-12)
    assert fit(seen) != fit(plain)
