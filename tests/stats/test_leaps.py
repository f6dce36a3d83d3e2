"""stats.leaps: from event to event it says what the chain says run by run."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.facts import Bools
from flakelens.model import Outcome
from flakelens.stats.chain import smooth
from flakelens.stats.leaps import leap
from flakelens.stats.markov import BROKEN, DEFAULTS, Parameters, Series, series
from tests.letters import flags, matrix, numbers

LIVELY = Parameters(breaks=0.05, mends=0.4, prior_broken=0.08)


def seen(*rows: str, commits: str = "", down: str = "", shown: bool = True) -> Series:
    """Rows of letters; `commits` one letter a run, else all differ; `down` an x for each run that is an outage."""
    outcomes = matrix(*rows)
    runs = outcomes.shape[1]
    return series(
        outcomes,
        numbers(commits) if commits else np.arange(runs, dtype=np.int32),
        outage=np.array([0.3 * (flag == "x") for flag in down.ljust(runs, "-")]),
        retries_shown=np.full(runs, shown),
    )


def failing_together(broken: Bools, series_: Series, test: int) -> list[list[int]]:
    """The runs with a failure in each stretch of results held for broken: what a spell is made from."""
    ran = np.flatnonzero(series_.ran[test]).tolist()
    stretches = [list(stretch) for held, stretch in groupby(ran, lambda run: bool(broken[run])) if held]
    failed = [[run for run in stretch if series_.outcomes[test, run] == Outcome.FAILED] for stretch in stretches]
    return [runs for runs in failed if runs]


def the_same(series_: Series, parameters: Parameters) -> None:
    slow, quick = smooth(series_, parameters), leap(series_, parameters)
    assert quick.now == pytest.approx(slow.steps[-1].filtered, abs=1e-12)
    chance = slow.states[:, :, BROKEN].T
    for test, row in enumerate(chance):
        # Where only rounding decides, either may be right.
        if (np.abs(row - 0.5) > 1e-9).all():
            told = failing_together(quick.broken[test], series_, test)
            assert told == failing_together(row > 0.5, series_, test), test
    assert not (quick.broken & (chance < 0.5 - 1e-9)).any(), "never broken where the chain says not"


RUNS = st.integers(1, 40).flatmap(
    lambda runs: st.tuples(
        st.lists(st.text("PPPPPPKFFFS..", min_size=runs, max_size=runs), min_size=1, max_size=4),
        st.lists(st.booleans(), min_size=runs, max_size=runs),
        st.text("------x", min_size=runs, max_size=runs),
    )
)


@settings(max_examples=150, deadline=None)
@given(RUNS, st.booleans(), st.booleans(), st.sampled_from([DEFAULTS, LIVELY]))
def test_it_says_what_the_chain_says_run_by_run(
    drawn: tuple[list[str], list[bool], str], reruns: bool, shown: bool, parameters: Parameters
) -> None:
    """Missing results, skipped ones, outages, recorded and hidden retries, several runs of a commit."""
    rows, new, down = drawn
    commits = "".join(chr(ord("a") + number) for number in np.cumsum(new).tolist()) if reruns else ""
    the_same(seen(*rows, commits=commits, down=down, shown=shown), parameters)


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        ("PPPPPPPPFFFFPPPPPPPP", "--------xxxx--------"),
        (
            "PPPPPPPPFFFFPFFFPPPP",
            "--------xxxxxxxx----",
        ),  # once in a hundred a broken test passes: looked at between two
        ("PPPPKPPPPPPPKPPPPPPP", "--------------------"),
        ("PPPPFPPPPPPPPPPPFFFF", "----------------xxxx"),
        ("FFFFFFFFFFFFFFFFFFFF", "xxxxxxxxxxxxxxxxxxxx"),
        ("PPPPPPPPPPPPPPPPPPPP", "--------------------"),
        ("....................", "--------------------"),
    ],
)
def test_broken(row: str, broken: str) -> None:
    assert flags(leap(seen(row), DEFAULTS).broken[0]) == broken


def test_tests_of_very_different_lengths_do_not_mix() -> None:
    rows = ["P" * 300, "F" * 300, "P" * 150 + "F" * 3 + "P" * 147, "." * 299 + "F", "PK" * 150, "." * 300]
    the_same(seen(*rows), DEFAULTS)
    alone = np.array([leap(seen(row), DEFAULTS).now[0] for row in rows])
    assert leap(seen(*rows), DEFAULTS).now == pytest.approx(alone, abs=1e-12)
