"""A hand-made history that a model without an outage or a commit lock gets wrong, judged from end to end.

400 tests in 120 runs of 60 commits, every commit run twice. 50 tests flake at 2 to 30 %. Three tests are broken through
the commits 30 to 34, in both runs of each; the second run of commit 29 is an outage that fails 40 % of all tests, the
broken three among them, and so is the first run of commit 35, where they are mended.
"""

from __future__ import annotations

import numpy as np
import pytest

from flakelens.model import Outcome
from flakelens.stats.chain import smooth
from flakelens.stats.fitting import fit
from flakelens.stats.markov import BROKEN, DEFAULTS, FLAKY, HEALTHY, Parameters, Series, outage_shares, series
from flakelens.stats.outages import find_outages

TESTS, COMMITS = 400, 60
FLAKES = np.arange(50)
WINDOW = np.array([100, 200, 300])
OUTAGES = (59, 70)
BROKEN_RUNS = slice(60, 70)


def history(seed: int, *, retries: bool) -> Series:
    rng = np.random.default_rng(seed)
    runs = 2 * COMMITS
    failed = np.zeros((TESTS, runs), np.bool_)
    failed[FLAKES] = rng.random((50, runs)) < np.geomspace(0.02, 0.3, 50)[:, None]
    healed = failed & retries & (rng.random(failed.shape) < 0.7)
    for run in OUTAGES:
        struck = rng.random(TESTS) < 0.4
        struck[WINDOW] = True
        failed[struck, run] = True
        healed[:, run] = False
    failed[WINDOW, BROKEN_RUNS] = True
    outcomes = np.where(failed, np.where(healed, Outcome.FLAKY, Outcome.FAILED), Outcome.PASSED).astype(np.int8)
    outages = find_outages(outcomes).confirmed
    assert np.flatnonzero(outages).tolist() == list(OUTAGES)
    commits = np.repeat(np.arange(COMMITS, dtype=np.int32), 2)
    shown = np.full(runs, retries)
    return series(outcomes, commits, outage=outage_shares(outcomes, outages), retries_shown=shown)


@pytest.mark.parametrize("retries", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fitted", [False, True])
def test_each_test_is_what_it_is(seed: int, retries: bool, fitted: bool) -> None:
    seen = history(seed, retries=retries)
    parameters: Parameters = fit(seen) if fitted else DEFAULTS
    smoothed = smooth(seen, parameters)
    now = smoothed.steps[-1].filtered
    ever = (smoothed.states[:, :, FLAKY].sum(axis=2).T * (seen.failed & (seen.outage == 0))).max(axis=1)
    # The broken three: broken through the window and healthy after it, never a flake.
    assert (smoothed.states[BROKEN_RUNS][:, WINDOW, BROKEN] > 0.9).all()
    assert (ever[WINDOW] < 0.1).all()
    assert (now[WINDOW, HEALTHY] > 0.5).all()
    # The flaky fifty, and nobody whom the outages alone struck.
    others = np.setdiff1d(np.arange(TESTS), np.concatenate([FLAKES, WINDOW]))
    assert (now[others, HEALTHY] > 0.8).all()
    twice = FLAKES[seen.failed[FLAKES][:, seen.outage == 0].sum(axis=1) >= 2]
    assert len(twice) >= 45
    assert (ever[twice] > 0.5).mean() > 0.95
