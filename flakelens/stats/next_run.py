"""The share of tests that will fail in the next run, and how far off such forecasts were lately."""

from __future__ import annotations

import msgspec
import numpy as np

from flakelens.facts import Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.stats.fitting import STEP_RUNS, fit
from flakelens.stats.forecast import mix, predictions
from flakelens.stats.markov import DEFAULTS, series

WINDOW = 100  # newest runs that are looked at: 32 bytes a test and run
CHECKED = 30  # newest runs that the forecast is held against
MINIMUM_RUNS = 10


class NextRun(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of the next run. Shares of the tests, from 0 to 1."""

    failing: float
    error: float  # mean |expected - seen| over the newest `checked` runs, each forecast from the runs before it
    checked: int


def next_run(outcomes: Int8s, commits: Int32s, *, first_attempts: bool = False) -> NextRun | None:
    """The mixture of forecasters (`forecast.mix`) of every test, averaged over the tests.

    `outcomes` (N, R) of active tests in the runs to learn from, oldest first, outages left out; `commits` (R,).
    `first_attempts` False: a test that failed and then passed has passed; True: it failed, and the runs given must show
    first attempts. None below 10 runs, and without tests. Rates of breaking and mending are fitted (from 50 runs on),
    and priors made, from the runs before those that the forecast is held against.
    """
    outcomes, commits = outcomes[:, -WINDOW:], commits[-WINDOW:]
    tests, runs = outcomes.shape
    if runs < MINIMUM_RUNS or not tests:
        return None
    bad = failed_first(outcomes) if first_attempts else outcomes == Outcome.FAILED
    ran = failed_first(outcomes) | (outcomes == Outcome.PASSED)
    told = np.where(bad, Outcome.FAILED, np.where(ran, Outcome.PASSED, Outcome.NONE)).astype(np.int8)
    train = max(runs // 2, runs - CHECKED)
    learnt = series(told[:, :train], commits[:train])
    seen = series(told, commits)
    parameters = fit(learnt) if train >= STEP_RUNS else DEFAULTS
    expected, _ = mix(predictions(seen, parameters, train=train), seen)
    errors = [
        abs(float(expected[ran[:, run], run].mean()) - float(bad[ran[:, run], run].mean()))
        for run in range(train, runs)
        if ran[:, run].any()
    ]
    if not errors:
        return None
    return NextRun(failing=float(expected[:, -1].mean()), error=float(np.mean(errors)), checked=len(errors))
