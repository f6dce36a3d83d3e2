"""Durations, time stamps and paths as real tools write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.junit.dialect import full_title
from flakelens.junit.values import (
    _STACK_MARK,
    _stack_marks,
    is_path,
    line_of,
    moment_of,
    seconds_of,
    stack_file,
    tidy_path,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("0", 0.0),
        ("1e-3", 0.001),
        ("5.0E-4", 0.0005),
        (" 2.25 ", 2.25),
        ("2,120.532", 2120.532),  # Surefire's grouping
        ("1,234,567", 1234567.0),
        ("0,123", 0.123),  # decimal comma
        ("12,5", 12.5),
        ("1.234,5", 1234.5),
        ("-1", None),
        ("NaN", None),
        ("inf", None),
        ("", None),
        ("0.5s", None),
        ("brrr", None),
        ("1.2.3", None),
        ("9" * 400, None),
    ],
)
def test_seconds(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T08:00:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T08:00:00.250Z", datetime(2026, 3, 1, 8, 0, 0, 250000, tzinfo=UTC)),
        ("2026-03-01T08:00:00+02:00", datetime(2026, 3, 1, 6, tzinfo=UTC)),
        ("1677657600500", datetime(2023, 3, 1, 8, 0, 0, 500000, tzinfo=UTC)),
        ("1677657600", datetime(2023, 3, 1, 8, tzinfo=UTC)),
        ("Wed, 01 Mar 2023 08:00:00 GMT", datetime(2023, 3, 1, 8, tzinfo=UTC)),
        ("Wed, 01 Mar 2023 08:00:00 -0500", datetime(2023, 3, 1, 13, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        ("2026-13-01T00:00:00", None),
        ("1" * 50, None),
    ],
)
def test_moments(text, moment):
    assert moment_of(text) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/a.test.ts", True),
        ("a.spec.tsx", True),
        ("..\\auth.setup.ts", True),
        ("lib/price.py", True),
        ("price.ts", False),  # a title may be a bare file name
        ("GET /api/users", False),
        ("shop.basket.Total", False),
        ("github.com/shop/basket", False),
        ("and/or", False),
        ("", False),
    ],
)
def test_is_path(text, expected):
    assert is_path(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./src/a.test.ts", "src/a.test.ts"),
        ("src\\a.test.ts", "src/a.test.ts"),
        ("..\\auth.setup.ts", "../auth.setup.ts"),
        ("/home/runner/work/shop/shop/web/a.test.ts", "web/a.test.ts"),
        ("C:\\Users\\me\\shop\\src\\a.test.ts", "src/a.test.ts"),
        ("/builds/team/shop/e2e/a.spec.ts", "e2e/a.spec.ts"),
        ("/srv/me/shop/packages/web/src/a.test.ts", "packages/web/src/a.test.ts"),
        ("/srv/me/a.test.ts", "/srv/me/a.test.ts"),
    ],
)
def test_tidy_path(text, expected):
    assert tidy_path(text) == expected


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("    at Object.toBe (/home/runner/work/shop/shop/src/a.test.ts:1:2)", "src/a.test.ts"),
        ("at x (node_modules/lib/z.test.js:1:1)\nat y (src/__tests__/helper.ts:1:1)", "src/__tests__/helper.ts"),
        ("at f (/srv/me/shop/unit/a.test.js:1:1)\nat g (/srv/me/shop/node_modules/jest/x.js:1:1)", "unit/a.test.js"),
        ("at f (C:\\ci\\shop\\src\\a.spec.js:1:1)", "src/a.spec.js"),
        ("at file:///home/runner/work/shop/shop/e2e/a.spec.ts:3:4", "e2e/a.spec.ts"),
        ("at webpack:///./src/a.test.ts:3:4", "src/a.test.ts"),
        ("test_price.py:4: AssertionError", "test_price.py"),
        ("at f (src/price.ts:1:1)", ""),
        ("", ""),
    ],
)
def test_stack_file(trace, expected):
    assert stack_file(trace) == expected


@pytest.mark.parametrize(
    ("name", "classname", "title"),
    [
        ("a b c", "a b c", "a b c"),
        ("c", "a b", "a b c"),
        ("a b > c", "a b", "a b > c"),
        (" top", " top", "top"),
        ("a  b c", "a b", "a  b c"),  # folded for the comparison, kept as reported
        ("counts pages", "pages", "pages counts pages"),  # a title may end like its describe block
        ("Carts are empty", "Cart", "Cart Carts are empty"),
        ("total", "shop.BasketTest", "shop.BasketTest total"),
        ("total", "", "total"),
        ("", "shop.BasketTest", "shop.BasketTest"),
    ],
)
def test_full_title(name, classname, title):
    assert full_title(name, classname) == title


@pytest.mark.parametrize(("text", "line"), [("12", 12), ("0", 0), ("-1", None), ("x", None), (None, None), ("²", None)])
def test_line(text, line):
    assert line_of(text) == line


@given(
    st.lists(
        st.sampled_from(
            [".test.", ".spec.", ".e2e.", ".cy.", "__tests__", "test_", "ts", "tsx", "cjs", "/", ".", "_", "a", " "]
        ),
        max_size=12,
    )
)
def test_words_lead_to_what_the_pattern_finds(parts):
    text = "".join(parts)
    assert [mark.span() for mark in _stack_marks(text)] == [mark.span() for mark in _STACK_MARK.finditer(text)]


@pytest.mark.parametrize("word", [".test.", "__tests__", "test_", "test_.test.", ".cy.__tests__/"])
def test_many_words_that_are_no_marks_cost_no_time(word):
    started = time.process_time()
    assert stack_file(word * (300_000 // len(word)) + " ") in ("", word)
    assert time.process_time() - started < 5
