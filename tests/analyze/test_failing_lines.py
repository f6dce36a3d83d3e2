"""Which lines a stack trace points at: in the test file, and outside of all test files."""

from __future__ import annotations

import pytest

from flakelens.analyze.failing_lines import failing_lines, source_lines
from flakelens.report.brief import Line

TEST = "src/cart.test.ts"


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        # Where the test file itself is in the trace, paths stand beside it.
        ("at total (/ci/1/app/src/price/total.ts:9:2)\n at /ci/1/app/src/cart.test.ts:3:1", ("src/price/total.ts", 9)),
        # Where it is not, the last parts of a path are all that says something.
        ("at total (/home/runner/work/app/app/src/price/total.ts:9:2)", ("src/price/total.ts", 9)),
        ("at file:///ci/app/src/total.mjs:1:1", ("app/src/total.mjs", 1)),
        (r"at total (C:\ci\app\src\total.ts:4:1)", ("app/src/total.ts", 4)),
        ("at /ci/1/app/src/cart.test.ts:3:1", None),
        ("at help (/ci/app/src/other.spec.ts:3:1)", None),
        ("at run (/ci/app/node_modules/jest/index.js:3:1)", None),
        ("at emit (node:events:524:28)", None),
    ],
)
def test_a_source_line_is_one_of_ours_outside_of_test_files(frame, line):
    found = source_lines(f"Error: no\n    {frame}", TEST)
    assert found == (() if line is None else (Line(file=line[0], line=line[1], source=""),))


def test_each_line_is_named_once_innermost_first():
    frames = "\n".join(f"    at f (/ci/app/src/{name}.ts:{line}:1)" for name, line in (("b", 2), ("a", 1), ("b", 2)))
    assert [(each.file, each.line) for each in source_lines(frames, TEST)] == [("app/src/b.ts", 2), ("app/src/a.ts", 1)]


def test_a_test_line_is_no_source_line():
    message = "at /ci/app/src/cart.test.ts:3:1\n    at x (/ci/app/src/x.ts:7:1)"
    assert [each.line for each in failing_lines(message, TEST)] == [3]
    assert [each.line for each in source_lines(message, TEST)] == [7]
