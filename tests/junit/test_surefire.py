"""Surefire's elements record retries, and several tools write them."""

from __future__ import annotations

import pytest

from flakelens.model import Outcome, RetryEvidence

from .helpers import codes, letters, message, read

SUITE = (
    '<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://maven.apache'
    '.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd" name="shop.BasketTest" time="2,120.5" tests="1">'
    "{}</testsuite>"
)
CASE = '<testcase name="total" classname="shop.BasketTest" time="0.5">{}</testcase>'


@pytest.mark.parametrize(
    ("inside", "expected", "outcome"),
    [
        ("", "P", Outcome.PASSED),
        ("<failure/>", "F", Outcome.FAILED),
        ("<error/>", "E", Outcome.FAILED),
        ("<skipped/>", "S", Outcome.SKIPPED),
        ("<flakyFailure/>", "FP", Outcome.FLAKY),
        ("<flakyError/><flakyFailure/>", "EFP", Outcome.FLAKY),
        ("<failure/><rerunFailure/><rerunError/>", "FFE", Outcome.FAILED),
        ("<rerunFailure/><failure/>", "FF", Outcome.FAILED),
        ("<rerunFailure/>", "FP", Outcome.FLAKY),  # no final failure: it passed in the end
        ("<flakyFailure/><skipped/>", "FS", Outcome.SKIPPED),
        ("<flakyFailure/><failure/>", "FF", Outcome.FAILED),
        ('<failure type="flaky failure"/><flakyFailure/>', "FP", Outcome.FLAKY),  # nextest, flaky-result = fail
        ("<failure/><error/>", "E", Outcome.FAILED),
        ("<failure/><failure/>", "F", Outcome.FAILED),
        ("<skipped/><failure/>", "F", Outcome.FAILED),
        ("<skipped/><error/>", "E", Outcome.FAILED),
        ('<skipped type="todo"/><failure/>', "S", Outcome.SKIPPED),  # node --test: a failing todo
    ],
)
def test_attempts(inside, expected, outcome):
    report = read(SUITE.format(CASE.format(inside)))
    assert report.producer == "surefire"
    (case,) = report.cases
    assert letters(case) == expected
    assert case.outcome is outcome
    recorded = "flaky" in inside.replace("flaky failure", "") or "rerun" in inside
    assert report.retry_evidence is (RetryEvidence.RECORDED if recorded else None)


def test_the_message_is_said_once():
    def said(failure):
        return read(SUITE.format(CASE.format(failure))).cases[0].attempts[0].message

    assert said('<failure message="a &lt; b"/>') == "a < b"
    assert said('<failure message="boom">java: boom\n  at x</failure>') == "java: boom\n  at x"
    assert said('<failure message="boom">\n  at x\n</failure>') == "boom\n  at x"
    assert said('<flakyFailure message="m">text<stackTrace>trace</stackTrace></flakyFailure>') == "m\ntext\ntrace"
    assert said("<failure>red \x1b[31m</failure>".replace("\x1b", "")) == "red [31m"


def test_long_messages_are_cut_with_a_mark():
    attempt = read(SUITE.format(CASE.format(f"<failure>{'x' * 70_000}</failure>"))).cases[0].attempts[0]
    assert len(attempt.message) < 66_000
    assert attempt.message.endswith("[... 4464 more characters]")


def test_a_class_that_passed_on_a_rerun_has_no_name():
    report = read(SUITE.format('<testcase name="" classname="shop.BasketTest"><flakyError/></testcase>'))
    assert report.cases[0].id.name == "shop.BasketTest"
    assert not report.problems


def test_times_and_stamps_that_make_no_sense_are_said_once():
    cases = "".join(f'<testcase name="t{i}" classname="c" time="soon"/>' for i in range(5))
    report = read(SUITE.format(cases).replace('time="2,120.5"', 'timestamp="yesterday"'))
    assert [case.attempts[0].seconds for case in report.cases] == [None] * 5
    assert codes(report) == ["bad-time", "bad-timestamp"]
    assert message(report, "bad-time").startswith("5 durations")


def test_grouped_thousands():
    assert read(SUITE.format(CASE)).seconds == 2120.5
