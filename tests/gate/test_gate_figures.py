"""Figures in sentences: never rounded up to what they are not, never the limit that they miss."""

from __future__ import annotations

import pytest

from flakelens.gate.criterion import beside, count_of, looks, named, percent, title
from flakelens.model import TestId


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.0, 1, "0.0 %"),
        (1.0, 1, "100.0 %"),
        (0.9999, 1, "99.9 %"),  # not 100 %
        (0.99994, 2, "99.99 %"),
        (0.999999, 0, "99 %"),
        (0.0001, 1, "0.1 %"),  # not 0 %
        (0.00001, 2, "0.01 %"),
        (0.001, 0, "1 %"),
        (0.01, 1, "1.0 %"),
        (0.964, 1, "96.4 %"),
        (0.5, 0, "50 %"),
    ],
)
def test_percent(share: float, digits: int, text: str) -> None:
    assert percent(share, digits) == text


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (0.97996, 0.98, "97.996 %"),
        (0.98, 0.98, "98.00 %"),
        (0.9799999, 0.98, "97.99999 %"),
        (0.5, 0.98, "50.00 %"),
        (0.98004, 0.98, "98.004 %"),
    ],
)
def test_beside_a_limit(share: float, limit: float, text: str) -> None:
    assert beside(share, limit) == text


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (1, ("run",), "1 run"),
        (0, ("run",), "0 runs"),
        (2, ("run",), "2 runs"),
        (1234, ("try", "tries"), "1,234 tries"),
        (1, ("try", "tries"), "1 try"),
    ],
)
def test_counts(number: int, words: tuple[str, ...], text: str) -> None:
    assert count_of(number, *words) == text


def some(count: int) -> list[TestId]:
    return [TestId("a", f"t{n}", "webkit" if n == 0 else "") for n in range(count)]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, '"t0 [webkit]"'),
        (3, '"t0 [webkit]", "t1", "t2"'),
        (4, '"t0 [webkit]", "t1", "t2" and 1 more'),
        (9, '"t0 [webkit]", "t1", "t2" and 6 more'),
    ],
)
def test_names(count: int, text: str) -> None:
    assert named(some(count)) == text
    assert len(looks(some(count))) == min(3, count)
    assert [title(each) for each in some(2)] == ["t0 [webkit]", "t1"]
