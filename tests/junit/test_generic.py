"""Every other producer: title, file and variant by common rules."""

from __future__ import annotations

import pytest

from flakelens.model import TestId

from .helpers import all_letters, codes, names, read


@pytest.mark.parametrize(
    ("document", "producer", "expected"),
    [
        (
            (
                '<testsuites name="vitest tests"><testsuite name="src/a.test.ts" hostname="ci"><testcase '
                'classname="src/a.test.ts" name="a &gt; b" time="0.1"/></testsuite></testsuites>'
            ),
            "vitest",
            ("src/a.test.ts", "a > b", ""),
        ),
        (
            (
                '<testsuites><testsuite name="pytest" hostname="ci"><testcase classname="tests.test_a.TestB" '
                'name="test_c[1]" '
                'time="0.1"/></testsuite></testsuites>'
            ),
            "pytest",
            ("", "tests.test_a.TestB test_c[1]", ""),
        ),
        (
            (
                '<testsuites name="pytest tests"><testsuite name="pytest"><testcase classname="tests.test_a" '
                'name="test_c" '
                'file="tests\\test_a.py" line="3" time="0.1"/></testsuite></testsuites>'
            ),
            "pytest",
            ("tests/test_a.py", "tests.test_a test_c", ""),
        ),
        (
            (
                '<testsuites name="Mocha Tests"><testsuite name="Root Suite" file="/builds/team/shop/test/a.js" '
                'tests="0"/>'
                '<testsuite name="cart" timestamp="2026-01-01T00:00:00"><testcase name="cart adds" classname="adds"/>'
                "</testsuite></testsuites>"
            ),
            "mocha",
            ("test/a.js", "cart adds", ""),
        ),
        (
            (
                '<testsuites name="Mocha Tests"><testsuite name="Root Suite" file="cypress/e2e/a.cy.ts" tests="0"/>'
                '<testsuite name="cart"><testcase name="cart adds" classname="adds"/></testsuite></testsuites>'
            ),
            "cypress",
            ("cypress/e2e/a.cy.ts", "cart adds", ""),
        ),
        (
            (
                '<testsuites><testsuite name="outer" disabled="0"><testsuite name="inner" disabled="0"><testcase '
                'name="adds" classname="test" time="0.1"/></testsuite></testsuite></testsuites>'
            ),
            "node",
            ("", "outer > inner > adds", ""),
        ),
        (
            '<testsuites><testcase name="adds" classname="test" file="/srv/shop/test/a.test.js"/></testsuites>',
            "node",
            ("test/a.test.js", "adds", ""),
        ),
        (
            (
                '<testsuites name="bun test"><testsuite name="src/a.test.ts" file="src/a.test.ts"><testsuite '
                'name="cart" '
                'file="src/a.test.ts"><testcase name="adds" classname="cart" file="src/a.test.ts" '
                'line="7"/></testsuite>'
                "</testsuite></testsuites>"
            ),
            "bun",
            ("src/a.test.ts", "cart > adds", ""),
        ),
        (
            (
                '<testsuite name="Chrome Headless 120.0.1 (Linux x86_64)" package="" id="0" hostname="ci"><properties>'
                '<property name="browser.fullName" value="x"/></properties><testcase name="cart adds" '
                'classname="Chrome_Headless_120_0_1_(Linux_x86_64).cart"/></testsuite>'
            ),
            "karma",
            ("", "cart adds", "Chrome Headless"),
        ),
        (
            (
                '<testsuites><testsuite name="example.com/shop/cart"><properties><property name="go.version" '
                'value="go1.24"/>'
                '</properties><testcase classname="example.com/shop/cart" '
                'name="TestAdds/two"/></testsuite></testsuites>'
            ),
            "go",
            ("", "example.com/shop/cart TestAdds/two", ""),
        ),
        (
            (
                '<testsuites name="nextest-run"><testsuite name="shop::cart"><testcase name="adds" '
                'classname="shop::cart"/>'
                "</testsuite></testsuites>"
            ),
            "nextest",
            ("", "shop::cart adds", ""),
        ),
        (
            (
                '<testsuites><testsuite name="all" assertions="1"><testsuite name="CartTest" '
                'file="/srv/shop/tests/CartTest.php"'
                ' assertions="1"><testcase name="testAdds" class="CartTest" classname="Shop.CartTest" '
                'line="9"/></testsuite>'
                "</testsuite></testsuites>"
            ),
            "phpunit",
            ("tests/CartTest.php", "Shop.CartTest testAdds", ""),
        ),
        (
            '<testsuite name="anything"><testcase name="adds"/></testsuite>',
            "unknown",
            ("", "adds", ""),
        ),
        (
            '<t:testsuites xmlns:t="urn:x"><t:testsuite><t:testcase name="adds"/></t:testsuite></t:testsuites>',
            "unknown",
            ("", "adds", ""),
        ),
    ],
)
def test_identity(document, producer, expected):
    report = read(document)
    assert report.producer == producer
    assert [case.id for case in report.cases] == [TestId(*expected)]
    assert not report.problems


def test_lines_count_from_one():
    pytest_case = '<testsuite name="pytest"><testcase classname="a" name="b" line="3"/></testsuite>'
    assert read(pytest_case).cases[0].line == 4  # pytest counts from 0
    assert read(pytest_case.replace('"pytest"', '"other"')).cases[0].line == 3


def test_a_module_that_pytest_could_not_collect_is_no_test():
    report = read(
        '<testsuite name="pytest"><testcase classname="" name="tests.test_a"><error message="collection failure">'
        "ModuleNotFoundError</error></testcase></testsuite>"
    )
    assert report.load_failures == ("tests.test_a",)
    assert not report.cases


def test_a_file_that_vitest_could_not_load_is_no_test():
    name = "src/a.test.ts"
    report = read(
        f'<testsuites name="vitest tests"><testsuite name="{name}"><testcase classname="{name}" name="{name}"><failure '
        'message="no module"/></testcase></testsuite></testsuites>'
    )
    assert report.load_failures == (name,)
    assert not report.cases


@pytest.mark.parametrize("status", ["notrun", "disabled", "DISABLED", "skipped"])
def test_a_status_that_only_an_attribute_tells(status):
    report = read(
        f'<testsuites name="AllTests"><testsuite><testcase name="a" status="{status}"/></testsuite></testsuites>'
    )
    assert all_letters(report) == ["S"]


def test_cases_wherever_they_stand():
    report = read(
        '<testsuites><testcase name="top"/><testsuite name="s"><testsuite name="t"><testcase name="deep"/></testsuite>'
        '<testcase name="s1"><testcase name="inner"/></testcase><group><testcase name="grouped"/></group></testsuite>'
        "</testsuites>"
    )
    assert names(report) == ["top", "deep", "s1", "inner", "grouped"]


def test_a_suite_that_fails_as_a_whole():
    report = read('<testsuite name="db"><error message="no connection"/><testcase name="a"/></testsuite>')
    assert codes(report) == ["suite-failure"]
    assert report.problems[0].where == "db"


def test_karma_lost_its_browser():
    report = read(
        '<testsuite name="Firefox 120.0" package="" errors="1"><properties><property '
        'name="browser.fullName" value="x"/>'
        '</properties><testcase name="a"/></testsuite>'
    )
    assert codes(report) == ["suite-failure"]


def test_cases_without_a_name_are_counted():
    report = read("<testsuite><testcase/><testcase/></testsuite>")
    assert [case.ordinal for case in report.cases] == [1, 2]
    assert codes(report) == ["no-name"]


def test_the_earliest_stamp_starts_the_run():
    report = read(
        '<testsuites><testsuite timestamp="2026-01-01T10:00:00"/><testsuite timestamp="2026-01-01T09:00:00Z"><testcase '
        'name="a"/></testsuite></testsuites>'
    )
    assert str(report.started_at) == "2026-01-01 09:00:00+00:00"


def test_the_case_of_pytest_with_two_ends_is_two_cases():
    report = read(
        '<testsuite name="pytest"><testcase classname="m" name="t"><failure/></testcase><testcase '
        'classname="m" name="t">'
        "<error/></testcase></testsuite>"
    )
    assert all_letters(report) == ["F", "E"]
    assert [case.ordinal for case in report.cases] == [1, 2]
