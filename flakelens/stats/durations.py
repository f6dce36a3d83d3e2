"""Did a test become slower? Levels of its duration, by change points that ask little of the noise.

Only passing attempts come in here: how long a test takes and whether it can be trusted are two questions, and a test
that waits for its time-out is not slow but failing.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST_RUNS = 8  # a level of fewer runs is not believed
THRESHOLD = 3.2  # of the largest standardised rank sum: exceeded by 1 to 2 % of steady tests at 100 to 300 runs
LEAST_TIMES = 1.2  # smaller changes are real at times, and nobody's business
LEAST_SECONDS = 0.05  # likewise: from 2 ms to 4 ms is no regression
_MAD = 1.4826  # median absolute deviation to standard deviation, for the normal distribution


class Level(NamedTuple):
    """A stretch of runs in which a test took about as long."""

    first: int  # position of its first value
    runs: int
    seconds: float  # median


def find_levels(seconds: Floats) -> tuple[Level, ...]:
    """The levels of a test's durations, oldest first; `seconds` (R,) one per run, >= 0, no NaN. Empty: no levels.

    Binary segmentation: the split with the largest standardised rank sum (the Wilcoxon statistic, so that neither the
    unit nor single slow runs matter) is kept if it exceeds THRESHOLD and if the medians differ by LEAST_TIMES,
    LEAST_SECONDS and the usual spread of one run. Both sides are then searched in turn. A second pass asks for more
    where runs resemble their neighbours within the levels of the first: a slow machine stays slow for a while.
    """
    if not len(seconds):
        return ()
    splits = _splits(seconds, 0, THRESHOLD)
    if splits:
        splits = _splits(seconds, 0, THRESHOLD * _stretch(seconds, splits))
    bounds = [0, *splits, len(seconds)]
    return tuple(
        Level(first, end - first, float(np.median(seconds[first:end]))) for first, end in itertools.pairwise(bounds)
    )


def _splits(seconds: Floats, offset: int, threshold: float) -> list[int]:
    place = _split(seconds, threshold)
    if place is None:
        return []
    before = _splits(seconds[:place], offset, threshold)
    return [*before, offset + place, *_splits(seconds[place:], offset + place, threshold)]


def _split(seconds: Floats, threshold: float) -> int | None:
    """The most telling split, None when it does not tell enough."""
    size = len(seconds)
    if size < 2 * LEAST_RUNS or float(seconds.max() - seconds.min()) < LEAST_SECONDS:
        return None
    ranks = _ranks(seconds)
    place = np.arange(1, size)
    variance = float(ranks @ ranks) / (size - 1)
    z = np.abs(np.cumsum(ranks)[:-1]) / np.sqrt(variance * place * (size - place) / size)
    at = int(place[z.argmax()])
    # What tells most lies too near an end: a few odd runs, which must not be stretched into a level.
    if not LEAST_RUNS <= at <= size - LEAST_RUNS or z.max() <= threshold or not _matters(seconds, at):
        return None
    return at


def _stretch(seconds: Floats, splits: list[int]) -> float:
    """How much more it takes when runs resemble their neighbours: sqrt((1 + r) / (1 - r)), r >= 0."""
    parts = np.split(seconds, splits)
    rest = np.concatenate([_ranks(part) / len(part) for part in parts])
    total = float(rest @ rest)
    r = max(0.0, float(rest[1:] @ rest[:-1]) / total) if total else 0.0
    return math.sqrt((1 + r) / (1 - r)) if r < 1 else math.inf


def _ranks(values: Floats) -> Floats:
    """Ranks around 0, equal values sharing theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    upto = np.cumsum(counts)
    shared: Floats = (upto - (counts - 1) / 2)[inverse] - (len(values) + 1) / 2
    return shared


def _matters(seconds: Floats, at: int) -> bool:
    before, after = float(np.median(seconds[:at])), float(np.median(seconds[at:]))
    low, high = min(before, after), max(before, after)
    if high - low < LEAST_SECONDS or high < LEAST_TIMES * low:
        return False
    if low <= 0:
        return True
    floor = LEAST_SECONDS / 100  # a report that rounds to 0 s must not give a logarithm of nothing
    logs = np.log(np.maximum(seconds, floor))
    rest = np.concatenate([logs[:at] - math.log(before), logs[at:] - math.log(after)])
    return math.log(high / low) > _MAD * float(np.median(np.abs(rest)))
