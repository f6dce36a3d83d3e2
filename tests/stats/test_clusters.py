"""stats.clusters: tests that fail in the same runs are found together, and outages do not make them so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flakelens.facts import Int8s
from flakelens.stats.clusters import CUTS, common_mode_runs, companions, find_clusters, jaccard_distances
from flakelens.stats.outages import find_outages
from tests.letters import matrix


def groups(*rows: str, outage: str = "", cut: float | None = None) -> list[tuple[list[int], list[int]]]:
    """Tests and runs of every cluster; "x" fails."""
    failing = np.array([[letter == "x" for letter in row] for row in rows], np.bool_)
    left_out = np.array([letter == "o" for letter in outage.ljust(failing.shape[1])], np.bool_)
    return [(c.tests.tolist(), c.runs.tolist()) for c in find_clusters(failing, outage=left_out, cut=cut)]


def test_tests_that_fail_in_the_same_runs_are_one_cluster() -> None:
    assert groups("x..x..x.", ".x..x...", "x..x....", "x..x..x.") == [([0, 2, 3], [0, 3, 6]), ([1], [1, 4])]


def test_a_test_that_failed_once_is_in_no_cluster() -> None:
    assert groups("x...", "x...", "x..x") == [([2], [0, 3])]


def test_tests_that_share_nothing_stay_alone() -> None:
    assert groups("xx....", "..xx..", "....xx") == [([0], [0, 1]), ([1], [2, 3]), ([2], [4, 5])]


def test_no_test_and_one_test() -> None:
    assert groups("....", "....") == []
    assert groups("xx..") == [([0], [0, 1])]


def test_an_outage_makes_no_cluster() -> None:
    rows = ("x...x", ".x..x", "..xxx")
    assert groups(*rows, outage="....o") == [([2], [2, 3])]
    assert groups(*rows, cut=0.7)[0][0] == [0, 1]


@pytest.mark.parametrize(("runs", "together"), [(99, False), (300, True)])
def test_a_longer_history_is_cut_later(runs: int, together: bool) -> None:
    # 3 of 8 runs shared: distance .625
    one, other = "xxxxx...".ljust(runs, "."), "..xxxxxx".replace("xxxxxx", "xxx.xxx").ljust(runs, ".")
    assert (len(groups(one[:runs], other[:runs])) == 1) is together
    assert [cut for _, cut in CUTS] == sorted(cut for _, cut in CUTS)


@given(arrays.arrays(np.bool_, (6, 12)))
def test_jaccard_is_what_sets_say(rows: np.ndarray) -> None:
    found = jaccard_distances(rows)
    sets = [set(np.flatnonzero(row).tolist()) for row in rows]
    expected = [
        1 - (len(a & b) / len(a | b) if a | b else 0) for place, a in enumerate(sets) for b in sets[place + 1 :]
    ]
    assert found == pytest.approx(expected)


@given(arrays.arrays(np.bool_, (8, 20)), st.permutations(range(20)))
def test_the_order_of_runs_does_not_matter(failing: np.ndarray, order: list[int]) -> None:
    none = np.zeros(20, np.bool_)
    plain = {tuple(c.tests.tolist()) for c in find_clusters(failing, outage=none)}
    assert {tuple(c.tests.tolist()) for c in find_clusters(failing[:, order], outage=none)} == plain


def left_out(*rows: tuple[int, str]) -> str:
    outcomes: Int8s = matrix(*[row for count, row in rows for _ in range(count)])
    return "".join("x" if flag else "-" for flag in common_mode_runs(outcomes, find_outages(outcomes)))


CALM = "PPPPPPPP"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(60, "PPPFPPPP"), (40, CALM)], "---x----"),
        # two on end: the first is never confirmed, the run after both shows what it was
        ([(30, "PPPFFPPP"), (30, "PPPFPPPP"), (30, "PPPPFPPP"), (60, CALM)], "---xx---"),
        # a break of many tests stays, and so does a group that dies together
        ([(60, "PPPFFFPP"), (40, CALM)], "--------"),
        ([(9, "PPPFPPPP"), (91, CALM)], "--------"),
        # nothing can say yet what the newest run was, nor by what came before what the first one was
        ([(60, "PPPPPPPF"), (40, CALM)], "-------x"),
        ([(60, "PPPPPPFF"), (40, CALM)], "--------"),
        ([(60, "FPPPPPPP"), (40, CALM)], "x-------"),
        ([(60, "FFPPPPPP"), (40, CALM)], "--------"),
        ([(9, "FPPPPPPP"), (91, CALM)], "--------"),
    ],
)
def test_large_outages_are_left_out_and_breaks_are_not(rows: list[tuple[int, str]], expected: str) -> None:
    assert left_out(*rows) == expected


def test_companions_are_the_tests_that_fail_in_much_the_same_runs() -> None:
    failing = np.zeros((5, 40), np.bool_)
    failing[:3, [3, 9, 20, 31]] = True  # three that die together,
    failing[2, 35] = True  # one of them once more,
    failing[3, [1, 3, 15]] = True  # one that shares a single run with them,
    failing[4, 9] = True  # and one that failed once
    quiet = np.zeros(40, np.bool_)
    assert companions(failing, outage=quiet, test=0).tolist() == [1, 2]
    assert companions(failing, outage=quiet, test=3).tolist() == []
    assert companions(failing, outage=quiet, test=4).tolist() == []
    outage = quiet.copy()
    outage[[3, 9, 20]] = True  # what an outage explains says nothing of a common cause
    assert companions(failing, outage=outage, test=0).tolist() == []


def test_companions_agree_with_the_clusters_where_these_are_clear() -> None:
    rng = np.random.default_rng(5)
    failing = np.zeros((12, 200), np.bool_)
    for group in range(3):
        dies = rng.random(200) < 0.05
        for member in range(3):
            failing[3 * group + member] = dies & (rng.random(200) < 0.9)
    quiet = np.zeros(200, np.bool_)
    of_cluster = {
        int(test): set(cluster.tests.tolist()) - {int(test)}
        for cluster in find_clusters(failing, outage=quiet)
        for test in cluster.tests
    }
    assert len(of_cluster) == 9
    assert {test: set(companions(failing, outage=quiet, test=test).tolist()) for test in of_cluster} == of_cluster
