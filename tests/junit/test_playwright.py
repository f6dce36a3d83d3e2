"""Playwright: recorded retries in their order, hidden ones from what they left behind."""

from __future__ import annotations

import pytest

from flakelens.model import Outcome, RetryEvidence, TestId

from .helpers import all_letters, attached, codes, letters, playwright_file, pw_case, read

FAIL_PROPERTY = '<properties><property name="fail" value=""></property></properties>'
HEADING = "    Retry #{} ───────────────────────────────────────"
FAILURE = '<failure message="expect(a).toBe(b)" type="expect.toBe"><![CDATA[{}]]></failure>'


def one(inside: str, **case: str):
    report = read(playwright_file(pw_case("pay › works", inside, **case)))
    assert report.producer == "playwright"
    return report, report.cases[0]


def test_identity():
    report, case = one("")
    assert case.id == TestId("pay/card.spec.ts", "pay › works", "chromium")
    assert report.seconds == 7.25
    assert report.started_at is not None
    assert not report.problems


def test_the_project_in_the_name_is_not_part_of_the_title():
    report = read(playwright_file(pw_case("[chromium] pay › works") + pw_case("[firefox] only a title"), tests=2))
    assert [case.id.name for case in report.cases] == ["pay › works", "[firefox] only a title"]


def test_windows_paths_and_the_unnamed_project():
    file = "..\\pay\\card.spec.ts"
    report = read(playwright_file(pw_case("works", file=file), project="", file=file))
    assert report.cases[0].id == TestId("../pay/card.spec.ts", "works", "")


def interim(kind: str, number: int) -> str:
    return (
        f'<{kind} message="boom {number}" type="TypeError" '
        f'time="0.{number}"><stackTrace><![CDATA[TypeError: boom {number}'
        f"\n    at /home/runner/work/shop/shop/e2e/pay/card.spec.ts:5:1]]></stackTrace></{kind}>"
    )


def test_recorded_flaky_failures_come_before_the_pass():
    report, case = one(interim("flakyFailure", 1) + interim("flakyError", 2))
    assert letters(case) == "FEP"
    assert [attempt.seconds for attempt in case.attempts] == [0.1, 0.2, 2.5]
    assert case.attempts[0].message.startswith("TypeError: boom 1\n")
    assert case.attempts[0].type == "TypeError"
    assert case.outcome is Outcome.FLAKY
    assert case.stack_file == "e2e/pay/card.spec.ts"
    assert report.retry_evidence is RetryEvidence.RECORDED


def test_recorded_reruns_come_after_the_first_failure_although_written_before_it():
    text = f"first\n  at x\n{HEADING.format(1)}\nsecond\n{HEADING.format(2)}\nthird"
    report, case = one(interim("rerunFailure", 1) + interim("rerunError", 2) + FAILURE.format(text))
    assert letters(case) == "FFE"
    assert [attempt.seconds for attempt in case.attempts] == [2.5, 0.1, 0.2]
    assert case.attempts[0].message == "expect(a).toBe(b)\nfirst\n  at x"  # the later errors have attempts of their own
    assert case.outcome is Outcome.FAILED
    assert report.retry_evidence is RetryEvidence.RECORDED


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (attached("../results/a-chromium/test-failed-1.png"), "FP"),
        (attached("../results/a-chromium/error-context.md"), "FP"),
        (attached("../results/a-chromium-retry1/trace.zip"), "FP"),
        (attached("..\\results\\a-chromium-retry1\\trace.zip"), "FP"),
        (attached("../results/a-chromium-retry2/video.webm"), "FFP"),
        # the file of an error proves that this retry failed too
        (attached("../results/a-c/error-context.md", "../results/a-c-retry1/error-context.md"), "FFP"),
        (attached("../results/a-chromium/trace.zip"), "P"),
        (attached("../results/my-error-context.md.txt"), "P"),
        ("<system-out>the file error-context.md was mentioned</system-out>", "P"),
        (FAIL_PROPERTY + attached("../results/a-chromium/error-context.md"), "P"),  # the failure was wanted
        ("<skipped></skipped>" + attached("../results/a-chromium-retry1/trace.zip"), "S"),
    ],
)
def test_hidden_evidence_of_a_passed_test(inside, expected):
    report, case = one(inside)
    assert letters(case) == expected
    assert report.retry_evidence is (RetryEvidence.HIDDEN if len(expected) > 1 else None)
    assert case.attempts[-1].seconds == 2.5


def test_a_test_failed_for_good_is_split_at_its_retry_headings():
    text = f"  [chromium] › pay/card.spec.ts:21:5 › pay › works ───\n\n    one\n{HEADING.format(1)}\n\n    two\n"
    report, case = one(FAILURE.format(text))
    assert letters(case) == "FF"
    assert [attempt.seconds for attempt in case.attempts] == [None, 2.5]  # the sum; how it was spread is not known
    assert "one" in case.attempts[0].message
    assert case.attempts[1].message == "    two"
    assert case.line == 21
    assert report.retry_evidence is RetryEvidence.HIDDEN


def test_attachments_tell_of_retries_that_the_text_does_not_show():
    _, case = one(FAILURE.format("x") + attached("../r/a-retry2/test-failed-1.png"))
    assert letters(case) == "FFF"


def test_one_failure_is_one_attempt():
    report, case = one('<failure message="pay/card.spec.ts:8:3 works" type="FAILURE">text</failure>')
    assert letters(case) == "F"
    assert case.line == 8
    assert report.retry_evidence is None


def test_a_pass_that_was_not_wanted_hides_nothing():
    report, case = one(FAIL_PROPERTY + FAILURE.format(f"a\n{HEADING.format(1)}\nb"))
    assert letters(case) == "FF"
    assert report.retry_evidence is None


def test_an_error_and_tests_that_did_not_run():
    cases = pw_case("a", '<error message="boom" type="TypeError">x</error>') + pw_case(
        "b", "<skipped></skipped>", time=""
    )
    report = read(playwright_file(cases, tests=2))
    assert all_letters(report) == ["E", "S"]
    assert report.cases[1].attempts[0].seconds is None


def test_no_tests_is_a_broken_run():
    report = read('<testsuites id="" name="" tests="0" failures="0" skipped="0" errors="0" time="0.2">\n</testsuites>')
    assert codes(report) == ["no-tests"]
    assert report.damaged
    assert report.producer == "playwright"


def test_repeat_each_numbers_the_repetitions():
    suite = playwright_file(pw_case("a"), tests=2)
    body = suite[suite.index("<testsuite ") : suite.index("</testsuites>")]
    report = read(suite.replace("</testsuites>", body + "</testsuites>"))
    assert [case.ordinal for case in report.cases] == [1, 2]
    assert codes(report) == ["duplicate-title"]


def test_failures_only_is_said_but_never_decided():
    report = read(playwright_file(pw_case("a", interim("flakyFailure", 1))))
    assert codes(report) == ["partial-report"]
    assert not report.partial
    mixed = read(playwright_file(pw_case("a", interim("flakyFailure", 1)) + pw_case("b"), tests=2))
    assert not mixed.problems
