"""What a failure says, as evidence: a flaky test says again what it said before, a break says something new.

The odds go into the emissions of `chain`, so that they are counted once: a failure whose message is new speaks for a
break, and the next failure is judged from there. The shares are set by hand after what soft counts of a simulated suite
showed (new break: new .71; ongoing: the same again .58, seen .35), moved towards one half, for no real history with
known causes was at hand. Signatures as `signatures.signature_of` makes them.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from flakelens.facts import Bools, Int32s
from flakelens.stats.markov import Floats

NEW_AT_ONSET = 0.7
SAME_AGAIN = 0.6
MOST = 10.0  # no message decides alone
UNKNOWN = -1  # nothing was said, or it is not stored


def message_odds(signatures: Int32s, failed: Bools, ran: Bools, outage: Floats) -> npt.NDArray[np.float32]:
    """P(message | broken) / P(message | not broken) of every failure, 1 elsewhere, (N, R), within [1/10, 10].

    `signatures` (N, R) equal numbers for equal messages, `UNKNOWN` allowed; `failed`, `ran` (N, R) of the first
    attempts; `outage` (R,) their shares. Failures in outages say nothing about the test and are left out. With n
    earlier failures of the test, c of them with this message, and d different messages among them:

        not broken                             max(c, 1) / (n + 1)      (one place is kept for a new message)
        broken, the result before passed       .3 c / n if it was seen, else .7
        broken, the result before failed       the same message again: .6; a new one: m = .1 + .3 / d;
                                               another that was seen: (.4 - m) c / (n - failures like the one before)
    """
    odds = np.ones(signatures.shape, np.float32)
    quiet = outage == 0
    for test in np.flatnonzero((failed & quiet).sum(axis=1) > 1):
        runs = np.flatnonzero(ran[test] & quiet)
        said = signatures[test, runs].tolist()
        for place, value in _of_one(said, failed[test, runs].tolist()):
            odds[test, runs[place]] = min(max(value, 1.0 / MOST), MOST)
    return odds


def _of_one(said: list[int], failed: list[bool]) -> list[tuple[int, float]]:
    found = []
    counts: Counter[int] = Counter()
    before = UNKNOWN
    for place, message in enumerate(said):
        if not failed[place] or message == UNKNOWN:
            before = UNKNOWN
            continue
        n, c = counts.total(), counts[message]
        if n:
            found.append((place, if_broken(message, before, counts) / (max(c, 1) / (n + 1))))
        counts[message] += 1
        before = message
    return found


def if_broken(message: int, before: int, counts: Counter[int]) -> float:
    """P(message | broken); `before` that of the failure in the result before, or UNKNOWN; `counts` of those earlier."""
    n, c = counts.total(), counts[message]
    if before == UNKNOWN:
        return (1.0 - NEW_AT_ONSET) * c / n if c else NEW_AT_ONSET
    if message == before:
        return SAME_AGAIN
    rest = 1.0 - SAME_AGAIN
    new = 0.25 * rest + 0.75 * rest / len(counts)
    return (rest - new) * c / (n - counts[before]) if c else new
