"""stats.forecast: every forecaster looks back only, and the mixture leans on whoever was right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.real_histories import log_loss, read
from flakelens.stats.forecast import EXPERTS, forecast, mix, predictions
from flakelens.stats.markov import Series, series
from tests.letters import matrix


def observed(*rows: str) -> Series:
    outcomes = matrix(*rows)
    return series(outcomes, np.arange(outcomes.shape[1], dtype=np.int32))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("P.KFS", min_size=7, max_size=7), min_size=1, max_size=5))
def test_forecasts_are_chances_and_look_back_only(rows: list[str]) -> None:
    found = predictions(observed(*rows), train=4)
    assert found.shape == (len(EXPERTS), len(rows), 8)
    assert ((found > 0) & (found < 1)).all()
    changed = predictions(observed(*[row[:5] + "FP" for row in rows]), train=4)
    assert found[:, :, :6] == pytest.approx(changed[:, :, :6])
    mixed, weights = mix(found, observed(*rows))
    assert ((found.min(axis=0) - 1e-12 <= mixed) & (mixed <= found.max(axis=0) + 1e-12)).all()
    assert weights.sum(axis=1) == pytest.approx(np.ones(8))
    assert (weights >= 0.02 / len(EXPERTS) - 1e-12).all()


def test_a_broken_test_is_expected_to_stay_broken_and_a_calm_one_calm() -> None:
    broken, calm = forecast(observed("P" * 40 + "F" * 8, "P" * 48))
    assert broken > 0.6
    assert calm < 0.05


def test_the_mixture_follows_the_forecaster_that_is_right() -> None:
    seen = observed(*["F" * 30] * 10)
    forecasts = np.empty((2, 10, 31))
    forecasts[0], forecasts[1] = 0.9, 0.1
    mixed, weights = mix(forecasts, seen)
    assert weights[0] == pytest.approx([0.5, 0.5])
    assert weights[-1, 0] == pytest.approx(0.99, abs=0.001)
    assert mixed[0, -1] == pytest.approx(0.9, abs=0.01)


def test_log_loss_by_hand() -> None:
    seen = observed("PFP", "PPP")
    p = np.full((2, 4), 0.2)
    assert log_loss(p, seen, 1) == pytest.approx(-(np.log(0.2) + np.log(0.8)) / 2)  # tests that ever failed alone
    assert log_loss(p, seen, 1, after_failure=True) == pytest.approx(-np.log(0.8))


def test_reading_a_history(tmp_path: object) -> None:
    path = tmp_path / "x.csv"  # type: ignore[operator]
    path.write_text("Id;Name;Cycle;Verdict\n1;b;3;0\n2;a;3;1\n3;a;7;0\n4;a;3;0\n", encoding="utf-8")
    assert read(path).outcomes.tolist() == [[3, 1], [1, 0]]
