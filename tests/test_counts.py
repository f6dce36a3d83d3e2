"""counts: what a matrix comes to, block by block, is what it comes to at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.counts import by_run, counted, ever_failed, ever_seen, executed_runs, passed_runs, tally
from flakelens.facts import Int8s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from tests.letters import flags, matrix

# Blocks are of 255 tests: suites around one, two and three of them.
SIZES = st.sampled_from([0, 1, 254, 255, 256, 509, 510, 511, 700])


@pytest.mark.parametrize(
    ("outcome", "executed", "first_failed"),
    [
        (Outcome.NONE, False, False),
        (Outcome.PASSED, True, False),
        (Outcome.FLAKY, True, True),
        (Outcome.FAILED, True, True),
        (Outcome.SKIPPED, False, False),
    ],
)
def test_what_the_bits_of_a_code_say(outcome: Outcome, executed: bool, first_failed: bool) -> None:
    code = np.array([outcome], np.int8)
    assert (bool(was_executed(code)[0]), bool(failed_first(code)[0])) == (executed, first_failed)


def test_a_suite_in_letters() -> None:
    suite = matrix("PPKF.", "PFFFS", "SSSSS", ".....", "..P..")
    found = tally(suite)
    assert found.executed.tolist() == [2, 2, 3, 2, 0]
    assert found.failed.tolist() == [0, 1, 1, 2, 0]
    assert found.flaky.tolist() == [0, 0, 1, 0, 0]
    assert passed_runs(suite).tolist() == [2, 1, 0, 0, 1]
    assert executed_runs(suite, np.array([1, 1, 0, 1, 1], np.bool_)).tolist() == [3, 3, 0, 0, 0]
    assert flags(ever_failed(suite, np.array([1, 1, 0, 0, 1], np.bool_))) == "-x---"
    assert flags(ever_seen(suite)) == "xxx-x"


@settings(deadline=None)
@given(SIZES, st.sampled_from([0, 1, 9]), st.integers(0, 2**32))
def test_in_blocks_it_is_the_same_as_at_once(tests: int, runs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes: Int8s = rng.choice(list(Outcome), (tests, runs), p=[0.1, 0.6, 0.1, 0.1, 0.1]).astype(np.int8)
    asked = rng.random(runs) < 0.7
    found = tally(codes)
    assert found.executed.tolist() == was_executed(codes).sum(axis=0).tolist()
    assert found.failed.tolist() == (codes == Outcome.FAILED).sum(axis=0).tolist()
    assert found.flaky.tolist() == (codes == Outcome.FLAKY).sum(axis=0).tolist()
    assert counted(codes == Outcome.PASSED).tolist() == (codes == Outcome.PASSED).sum(axis=0).tolist()
    assert passed_runs(codes).tolist() == (codes == Outcome.PASSED).sum(axis=1).tolist()
    assert executed_runs(codes, asked).tolist() == was_executed(codes[:, asked]).sum(axis=1).tolist()
    assert ever_failed(codes, asked).tolist() == failed_first(codes[:, asked]).any(axis=1).tolist()
    assert ever_seen(codes).tolist() == (codes != Outcome.NONE).any(axis=1).tolist()
    assert np.array_equal(by_run(codes), codes.T)
    assert by_run(codes).flags.c_contiguous


def test_more_tests_than_a_byte_can_count_fail_in_one_run() -> None:
    codes = np.full((1000, 2), Outcome.FAILED, np.int8)
    assert tally(codes).failed.tolist() == [1000, 1000]
    assert executed_runs(np.full((1, 70_000), Outcome.PASSED, np.int8), np.ones(70_000, np.bool_)).tolist() == [70_000]
