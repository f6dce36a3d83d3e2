"""Outcome codes: how those of one test in one run combine, and what they say, elementwise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flakelens.model import Outcome

_N, _P, _K, _F, _S = (int(outcome) for outcome in Outcome)  # none, passed, flaky, failed, skipped

# [earlier attempt, later attempt]. A pass after a fail is flaky; a later fail stands; a later skip says nothing.
_CHAIN = np.array(
    [
        #  N   P   K   F   S
        [_N, _P, _K, _F, _S],  # none
        [_P, _P, _K, _F, _P],  # passed
        [_K, _K, _K, _F, _K],  # flaky
        [_F, _K, _K, _F, _F],  # failed
        [_S, _P, _K, _F, _S],  # skipped
    ],
    np.int8,
)
# The worse of two that ran side by side: failed, flaky, passed, skipped, none.
_WORST = np.array(
    [
        #  N   P   K   F   S
        [_N, _P, _K, _F, _S],
        [_P, _P, _K, _F, _P],
        [_K, _K, _K, _F, _K],
        [_F, _F, _F, _F, _F],
        [_S, _P, _K, _F, _S],
    ],
    np.int8,
)


def chain(earlier: npt.NDArray[np.int8], later: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Outcome codes of a test after a later attempt of the same job, elementwise."""
    result: npt.NDArray[np.int8] = _CHAIN[earlier, later]
    return result


def worst(one: npt.NDArray[np.int8], other: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Outcome codes of a test that ran in two jobs of one attempt, elementwise."""
    result: npt.NDArray[np.int8] = _WORST[one, other]
    return result


# The codes are stored and never renumbered, and their lowest two bits say much: of FLAKY and FAILED the second is set,
# of PASSED, FLAKY and FAILED one of both (a test holds them to it).
FIRST_FAILED = np.int8(2)
EXECUTED = np.int8(3)


def failed_first(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Where the first attempt failed: what failed for good, and what a retry or rerun healed."""
    result: npt.NDArray[np.bool_] = (codes & FIRST_FAILED) != 0
    return result


def was_executed(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Where the test was executed: it has a result, and was not skipped."""
    result: npt.NDArray[np.bool_] = (codes & EXECUTED) != 0
    return result
