"""jest-junit: whatever the templates, one identity; load failures are no tests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flakelens.model import TestId

from .helpers import all_letters, codes, jest_file, message, read


@pytest.mark.parametrize(
    ("suite", "attributes", "expected"),
    [
        ("cart", 'classname="cart adds" name="cart adds"', ("", "cart adds")),  # the defaults
        ("undefined", 'classname=" adds" name=" adds"', ("", "adds")),  # no describe
        ("cart", 'classname="cart lines" name="adds"', ("", "cart lines adds")),  # split templates
        ("cart", 'classname="cart › lines" name="cart › lines › adds"', ("", "cart › lines › adds")),  # a separator
        ("cart", 'classname="src/cart.test.ts" name="cart adds"', ("src/cart.test.ts", "cart adds")),  # {filepath}
        ("src/cart.test.ts", 'classname="cart" name="adds"', ("src/cart.test.ts", "cart adds")),  # usePathForSuiteName
        ("src\\cart.test.ts", 'classname="cart" name="adds"', ("src/cart.test.ts", "cart adds")),  # Windows
        ("web|src/cart.test.ts", 'classname="cart" name="adds"', ("src/cart.test.ts", "cart adds")),  # {displayName}
        ("cart", 'classname="cart adds" name="cart adds" file="src\\cart.test.ts"', ("src/cart.test.ts", "cart adds")),
        (
            "utils/sum.js",
            'classname="utils/sum.js adds" name="utils/sum.js adds"',
            ("", "utils/sum.js adds"),
        ),  # a title
    ],
)
def test_identity(suite, attributes, expected):
    report = read(jest_file(f'<testcase {attributes} time="0.01"></testcase>', suite))
    assert report.producer == "jest"
    assert [case.id for case in report.cases] == [TestId(*expected, "")]
    assert not report.problems


def test_a_renamed_root_is_still_jest():
    text = jest_file('<testcase classname="a" name="a" time="0"></testcase>').replace("jest tests", "web unit")
    assert read(text).producer == "jest"


def test_a_suite_with_the_same_attributes_in_another_order_is_not():
    suite = (
        '<testsuite name="T" tests="1" failures="0" errors="0" skipped="0" time="1" timestamp="2026-01-01T00:00:00">'
    )
    report = read(
        f'<testsuites name="Java">{suite}<testcase name="a" classname="b" time="1"/></testsuite></testsuites>'
    )
    assert report.producer == "unknown"


def test_statuses_times_and_the_run():
    report = read(
        jest_file(
            '<testcase classname="a p" name="a p" time="0.25"></testcase>'
            '<testcase classname="a f" name="a f" time="0.5"><failure>Error: one\n  at src/a.test.ts:1:2</failure>'
            "<failure>Error: two</failure></testcase>"
            '<testcase classname="a s" name="a s" time="0"><skipped/></testcase>',
            tests=3,
        )
    )
    assert all_letters(report) == ["P", "F", "S"]
    assert [case.attempts[0].seconds for case in report.cases] == [0.25, 0.5, 0.0]
    assert report.cases[1].attempts[0].message == "Error: one\n  at src/a.test.ts:1:2\n\nError: two"
    assert report.cases[1].stack_file == "src/a.test.ts"
    assert report.started_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert report.seconds == 1.5
    assert report.retry_evidence is None
    assert not report.problems


LOAD_FAILURE = """<testsuites name="jest tests" tests="0" failures="0" errors="1" time="1">
<testsuite name="src/a.test.ts" errors="1" failures="0" skipped="0" timestamp="1970-01-01T00:00:00" time="0" tests="0">
<testcase classname="Test suite failed to run" name="src/a.test.ts" time="0"><error>No module</error></testcase>
<testcase classname="Test suite failed to run" name="src/a.test.ts" time="0"><failure>{"code":"X"}</failure></testcase>
</testsuite></testsuites>"""


def test_a_suite_that_failed_to_load_is_no_test():
    report = read(LOAD_FAILURE)
    assert report.cases == ()
    assert report.load_failures == ("src/a.test.ts",)
    assert [case.attempts[0].message for case in report.load_failure_cases] == ["No module", '{"code":"X"}']
    assert codes(report) == ["load-failure"]
    assert report.started_at is None  # 1970 says nothing
    assert not report.damaged


def test_the_pseudo_case_of_a_failed_hook_stays_a_case():
    name = "Test execution failure: could be caused by test hooks like 'afterAll'."
    report = read(jest_file(f'<testcase classname=" {name}" name=" {name}" time="0"><failure>x</failure></testcase>'))
    assert [case.id.name for case in report.cases] == [name]


def test_more_elements_than_declared_is_a_remark():
    cases = '<testcase classname="a" name="a" time="0"></testcase><testcase classname="b" name="b" time="0"></testcase>'
    report = read(jest_file(cases, tests=1))
    assert codes(report) == ["counts-disagree"]
    assert "declares 1 tests and holds 2" in message(report, "counts-disagree")


def test_duplicates_are_numbered_and_said_at_most_twenty_times():
    twice = "".join(f'<testcase classname="t{i}" name="t{i}" time="0"></testcase>' * 2 for i in range(25))
    report = read(jest_file(twice, tests=50))
    assert [case.ordinal for case in report.cases[:4]] == [1, 2, 1, 2]
    assert codes(report) == ["duplicate-title"] * 21
    assert report.problems[0].where == "t0"
    assert report.problems[-1].message.startswith("5 more titles")


def test_a_title_that_repeats_its_describe_block_is_the_same_under_every_template():
    """describe("score") it("score is high"), describe("pages") it("counts pages"), describe("echo") it("echo")."""
    titles = [("score", "score is high"), ("pages", "counts pages"), ("echo", "echo"), ("cart", "adds")]

    def report(cases):
        body = "".join(f'<testcase classname="{classname}" name="{name}" time="0"/>' for classname, name in cases)
        return f'<testsuites name="jest tests"><testsuite name="s" tests="4">{body}</testsuite></testsuites>'

    default = [(f"{block} {title}", f"{block} {title}") for block, title in titles]
    for cases in (default, titles):
        found = [case.id.name for case in read(report(cases)).cases]
        assert found == ["score score is high", "pages counts pages", "echo echo", "cart adds"]
