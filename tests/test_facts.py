"""facts: small things over arrays that numpy has too, and pays for by loading its masked arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.facts import columns, distinct, median


@given(st.lists(st.integers(0, 50)))
def test_distinct_is_numpys_unique(numbers: list[int]) -> None:
    keys = np.array(numbers, np.int32)
    assert distinct(keys).tolist() == np.unique(keys).tolist()


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_median_is_numpys(values: list[float]) -> None:
    assert median(np.array(values)) == float(np.median(values))


@pytest.mark.parametrize("runs", [[], [0], [2, 0], [0, 1, 2], [1, 1, 1]])
def test_columns_of_a_matrix_lie_by_test(runs: list[int]) -> None:
    cells = np.arange(12, dtype=np.int8).reshape(4, 3)
    taken = columns(cells, runs)
    assert taken.tolist() == cells[:, runs].tolist() if runs else taken.shape == (4, 0)
    assert taken.flags.c_contiguous


def test_all_columns_are_the_matrix_itself() -> None:
    cells = np.ones((2, 3), np.bool_)
    assert columns(cells, np.arange(3)) is cells
