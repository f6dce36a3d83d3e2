"""stats.disagreement: what pull requests may say of a test, as rows of letters; lower-case runs are the request's."""

from __future__ import annotations

import numpy as np
import pytest

from flakelens.stats.disagreement import disagreed
from tests.letters import matrix


def told(*rows: str, commits: str) -> list[bool]:
    """Per row, did it disagree? `commits` has one letter per run, "." for the gated branch, "-" for a stranger's."""
    gated = np.array([commit == "." for commit in commits])
    names = ["" if commit in ".-" else commit for commit in commits]
    return [bool(one) for one in disagreed(matrix(*rows), gated, names)]


@pytest.mark.parametrize(
    ("row", "commits", "said"),
    [
        ("PPFPPP", "..aa..", True),
        ("PPKPPP", "..a...", True),  # a recorded retry
        ("PPFPPP", "..ab..", False),  # two commits: the second may have repaired it
        ("PPFFPP", "..aa..", False),
        ("PPFPPP", "..--..", False),  # a fork's or a laptop's runs
        ("PFFPPP", "..aa..", False),  # the branch was broken before,
        ("PPFPFP", "..aa..", False),  # or broke right then
        ("PFPPFP", "....aa", True),
        ("..FP..", "..aa..", True),  # the branch has not said a thing
        (".FSP.P", "..aa..", False),
    ],
)
def test_a_fail_and_a_pass_on_one_commit_beside_a_sound_branch(row: str, commits: str, said: bool) -> None:
    assert told(row, commits=commits) == [said]


def test_the_victims_of_an_outage_of_a_request_say_nothing() -> None:
    rows = ["P" * 20 + "FP" + "P"] * 12 + ["P" * 23] * 12
    assert told(*rows, commits="." * 20 + "aa" + ".") == [False] * 24
    assert told(*rows[:1], *rows[12:], commits="." * 20 + "aa" + ".")[0]
