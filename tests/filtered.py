"""Where the filter of `stats.chain` stands after the last run."""

from __future__ import annotations

import numpy as np

from flakelens.stats.chain import walk
from flakelens.stats.markov import Floats, Parameters, Series


def filter_states(series: Series, parameters: Parameters) -> Floats:
    """The state of each test after the last run, given all runs, (N, S); the prior without runs."""
    state: Floats = np.tile(parameters.prior(), (len(series.outcomes), 1))
    for step in walk(series, parameters):
        state = step.filtered
    return state
