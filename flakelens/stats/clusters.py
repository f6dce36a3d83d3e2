"""Co-failure clusters: tests that fail in the same runs have one cause, whatever their titles say.

Average linkage over the Jaccard distance between sets of failing runs (compare Parry et al., "Systemic flakiness",
EASE 2025, arXiv 2504.16777, who choose the cut by silhouette). scipy is imported when clusters are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.outages import RECOVERED_SHARE, Outages, outage_at_start

if TYPE_CHECKING:
    from numpy.typing import NDArray

MINIMUM_FAILURES = 2  # a test that failed once shares its only run with whatever else failed in it
LARGE_OUTAGE, LARGE_SHARE = 10, 0.03  # tests, and share of the executed tests, that an outage to leave out strikes
# Runs from which on a cut holds. The longer the history, the fewer pairs agree by chance, and the more do the failures
# that a test has besides those of its cluster push it away from the others.
CUTS = ((0, 0.6), (100, 0.65), (150, 0.7), (300, 0.75), (600, 0.8))


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Tests with one cause, or one test alone. Positions are those of the arrays given."""

    tests: Int32s  # ascending
    runs: Int32s  # runs without an outage in which at least one of them failed, ascending


def find_clusters(
    failing: Bools, *, outage: Bools, cut: float | None = None, minimum: int = MINIMUM_FAILURES
) -> tuple[Cluster, ...]:
    """Tests grouped by the runs they fail in, the group that hits the most runs first; groups of one included.

    `failing` (N, R): failed or flaky; `outage` (R,): confirmed outages, which are left out, because a test that dies
    with everything else says nothing about its own cause. Tests that fail in fewer than `minimum` runs are in no
    group. `cut` is the distance 1 - |A and B| / |A or B| at which average linkage stops; None: by the number of runs
    (`CUTS`; measured: `benchmarks causes`).
    """
    kept = np.flatnonzero(~outage)
    counts = failing[:, kept].sum(axis=1)
    tests = np.flatnonzero(counts >= max(1, minimum)).astype(np.int32)
    rows = failing[np.ix_(tests, kept)]
    if cut is None:
        cut = _cut(len(outage))
    groups = _linked(rows, cut)
    clusters = [
        Cluster(
            tests=np.sort(tests[members]).astype(np.int32),
            runs=kept[rows[members].any(axis=0)].astype(np.int32),
        )
        for members in groups
    ]
    return tuple(sorted(clusters, key=lambda cluster: (-len(cluster.runs), -len(cluster.tests), cluster.tests[0])))


def companions(failing: Bools, *, outage: Bools, test: int) -> Int32s:
    """The other tests that fail in much the same runs as `test`, ascending: the cluster it is in, as it sees it.

    The tests nearer to it than the cut of `find_clusters`. Not the linkage itself: that costs scipy and all pairs,
    where one row is asked for. Arrays as for `find_clusters`; none where the test failed in fewer than two runs.
    """
    kept = failing[:, ~outage]
    own = kept[test]
    times = int(own.sum())
    if times < MINIMUM_FAILURES:
        return np.empty(0, np.int32)
    counts = kept.sum(axis=1)
    both = kept[:, own].sum(axis=1)
    near = both / np.maximum(counts + times - both, 1) >= 1.0 - _cut(len(outage))
    near &= counts >= MINIMUM_FAILURES
    near[test] = False
    return np.flatnonzero(near).astype(np.int32)


def _cut(runs: int) -> float:
    return next(cut for least, cut in reversed(CUTS) if runs >= least)


def common_mode_runs(outcomes: Int8s, outages: Outages) -> Bools:
    """Runs to leave out when causes are sought: outages large enough to make tests look alike that are not.

    `outcomes` (N, R) as given to `find_outages`. Of the suspected runs those with at least max(10, 3 %) of the executed
    tests among their victims, unless more than a third of these still fail in the next run that is not itself
    suspected: that is a break of many tests. Of two outages on end the first is never confirmed; of the newest run
    nothing can be known; and the first run is read backwards (`outage_at_start`): one run left in would make a cluster
    of all that died in it and in another. A smaller group that dies together is a cause to name.
    """
    left_out = np.zeros(outcomes.shape[1], np.bool_)
    calm = np.flatnonzero(~outages.suspected)
    for run, victims in outages.newly.items():
        if _is_large(outcomes, run, len(victims)):
            after = calm[calm > run]
            recovered = not len(after) or (
                np.count_nonzero(outcomes[victims, after[0]] != Outcome.FAILED) >= RECOVERED_SHARE * len(victims)
            )
            left_out[run] = outages.confirmed[run] or recovered
    if len(left_out) and outage_at_start(outcomes):
        left_out[0] = _is_large(outcomes, 0, int(np.count_nonzero(failed_first(outcomes[:, 0]))))
    return left_out


def _is_large(outcomes: Int8s, run: int, victims: int) -> bool:
    executed = np.count_nonzero(was_executed(outcomes[:, run]))
    return victims >= max(LARGE_OUTAGE, LARGE_SHARE * executed)


def jaccard_distances(rows: Bools) -> NDArray[np.float32]:
    """1 - |A and B| / |A or B| for every two rows, condensed as scipy wants it: shape (N (N - 1) / 2,).

    One dense product: 4,500 tests x 1,000 runs take about a second, and a sparse one takes longer.
    """
    sets = rows.astype(np.float32)
    shared = sets @ sets.T
    sizes = shared.diagonal().copy()
    first, second = np.triu_indices(len(rows), 1)
    both = shared[first, second]
    either = sizes[first] + sizes[second] - both
    distances: NDArray[np.float32] = 1.0 - np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return distances


def _linked(rows: Bools, cut: float) -> list[NDArray[np.intp]]:
    """Positions of the members of every group."""
    if len(rows) == 0:
        return []
    if len(rows) == 1:
        return [np.array([0])]
    from scipy.cluster.hierarchy import fcluster, linkage

    labels = fcluster(linkage(jaccard_distances(rows), method="average"), cut, criterion="distance")
    order = np.argsort(labels, kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(labels[order])) + 1))
