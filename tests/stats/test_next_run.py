"""stats.next_run: the share of tests that will fail, by what the runs before show."""

from __future__ import annotations

import numpy as np
import pytest

from flakelens.model import Outcome
from flakelens.stats.next_run import CHECKED, next_run
from tests.letters import matrix


def expected(*rows: str, first_attempts: bool = False):
    outcomes = matrix(*rows)
    return next_run(outcomes, np.arange(outcomes.shape[1], dtype=np.int32), first_attempts=first_attempts)


CALM = ["P" * 60] * 19


def test_calm_tests_are_expected_to_pass():
    found = expected(*CALM)
    assert found.failing < 0.003
    assert found.error < 0.003
    assert found.checked == CHECKED


def test_one_broken_test_of_twenty_is_a_twentieth():
    found = expected(*CALM, "P" * 50 + "F" * 10)
    assert found.failing == pytest.approx(0.05, abs=0.012)


def test_a_repaired_test_is_nearly_no_loss():
    assert expected(*CALM, "P" * 30 + "F" * 10 + "P" * 20).failing < 0.01


def test_a_retry_that_passed_is_a_failure_of_the_first_attempt_alone():
    rows = [*CALM, "PPKPPPPPPKPPPKPPPPPKPPPPPPKKPPPPPPPPPPKPPPPPPPPKPPKPPKPPPPPP"]  # 10 of 60
    assert expected(*rows).failing < 0.005
    assert expected(*rows, first_attempts=True).failing == pytest.approx(10 / 60 / 20, abs=0.004)


def test_the_share_follows_from_many_flaky_tests():
    rng = np.random.default_rng(1)
    outcomes = np.where(rng.random((100, 80)) < 0.05, Outcome.FAILED, Outcome.PASSED).astype(np.int8)
    found = next_run(outcomes, np.arange(80, dtype=np.int32))
    assert found is not None
    assert found.failing == pytest.approx(0.05, abs=0.01)
    # 100 tests at 5 %: a run is off by .8 standard deviations, .022, on average.
    assert found.error == pytest.approx(0.0175, abs=0.006)


def test_too_few_runs_and_no_tests_say_nothing():
    assert expected("P" * 9) is None
    assert next_run(np.empty((0, 40), np.int8), np.arange(40, dtype=np.int32)) is None
    assert expected("." * 40) is None
