"""The quick look: its first sentence, its groups, and what it says of blind reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from flakelens.checkout import Checkout
from flakelens.errors import NothingReadError
from flakelens.look import look
from flakelens.messages import headline, signature
from flakelens.policy_text import parse
from flakelens.report import LookReport
from tests.tiny_reports import jest, playwright

REFUSED = "Error: connect ECONNREFUSED 127.0.0.1:35275"


def at(*paths: Path, policy: str = "", checkout: Checkout | None = None) -> LookReport:
    return look([str(path) for path in paths], policy=parse(policy), checkout=checkout)


@pytest.mark.parametrize(
    ("tests", "sentence"),
    [
        ({"a": "P", "b": "F", "c": "F"}, "2 of 3 tests failed; both failures share one cause: Error: down"),
        (
            {"a": "K", "b": "F", "c": "E", "d": "F", "e": "S"},
            "3 of 4 tests failed, 1 flaked; all 3 failures share one cause: Error: down",
        ),
        ({"a": "P", "signs in": "F"}, "1 of 2 tests failed; signs in: Error: down"),
        ({"a": "P", "signs in": "K"}, "1 of 2 tests flaked (failed, then passed); none failed for good. signs in: "),
        ({"a": "P", "b": "P"}, "All 2 tests passed; the reports do not show whether any needed a retry."),
        ({"a": "S", "b": "S"}, "No test ran: all 2 were skipped."),
    ],
)
def test_the_first_sentence_says_what_matters_most(tmp_path: Path, tests: Mapping[str, str], sentence: str) -> None:
    assert at(playwright(tmp_path / "e2e.xml", tests, message="Error: down")).headline.startswith(sentence)


def test_different_causes_are_counted_and_the_largest_comes_first(tmp_path: Path) -> None:
    first = jest(tmp_path / "a.xml", {"one": "F"}, message="TypeError: x is not a function")
    second = jest(tmp_path / "b.xml", {"two": "F", "three": "F"}, message=REFUSED)
    report = at(first, second)
    assert report.headline == f"3 of 3 tests failed; 2 of the failures share one cause: {REFUSED}"
    assert [(len(cause.tests), cause.message[:10]) for cause in report.causes] == [(2, "Error: con"), (1, "TypeError:")]


def test_files_that_failed_to_load_are_in_the_first_sentence(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(
        '<testsuites name="jest tests"><testsuite name="c.test.js" errors="1" failures="0" tests="0" skipped="0"'
        ' time="1" timestamp="1970-01-01T00:00:00"><testcase classname="Test suite failed to run" name="c.test.js"'
        ' time="0"><error>Cannot find module</error></testcase></testsuite></testsuites>',
        encoding="utf-8",
    )
    assert at(tmp_path / "junit.xml").headline == "1 file could not be loaded, and no test ran."
    good = jest(tmp_path / "good.xml", {"a": "P", "b": "P"})
    assert at(tmp_path / "junit.xml", good).headline.startswith("All 2 tests passed, 1 file could not be loaded")


def test_half_a_report_is_never_told_as_a_pass(tmp_path: Path) -> None:
    whole = playwright(tmp_path / "e2e.xml", {"a": "P", "b": "P"}).read_bytes()
    (tmp_path / "e2e.xml").write_bytes(whole[:-60])
    said = "could not be read whole. Of what is left: "
    assert at(tmp_path / "e2e.xml").headline.startswith(f"The report {said}the only test passed")
    good = jest(tmp_path / "good.xml", {"c": "P"})
    assert at(good, tmp_path / "none.xml").headline.startswith(f"1 of 2 reports {said}")
    bad = jest(tmp_path / "bad.xml", {"c": "F"})
    assert at(bad, tmp_path / "e2e.xml").headline.endswith("5432 (1 of 2 reports could not be read whole)")


def test_a_report_of_no_tests_is_not_green(tmp_path: Path) -> None:
    """What Playwright writes when a spec has a syntax error."""
    path = playwright(tmp_path / "e2e.xml", {})
    path.write_text('<testsuites id="" name="" tests="0" failures="0" skipped="0" errors="0" time="0"></testsuites>')
    good = jest(tmp_path / "good.xml", {"c": "P", "d": "P"})
    assert at(good, path).headline.startswith("1 of 2 reports could not be read whole")


def test_counts_go_to_the_areas_of_the_policy(tmp_path: Path) -> None:
    ai = jest(tmp_path / "ai.xml", {"a": "P", "b": "F"}, file="src/api/ai/match.test.ts")
    other = jest(tmp_path / "x.xml", {"c": "P"}, file="src/x.test.ts")
    e2e = playwright(tmp_path / "e2e.xml", {"d": "K", "e": "S"})
    rows = {row.area: (row.tests, row.passed, row.flaky, row.failed, row.skipped) for row in at(ai, other, e2e).areas}
    assert rows == {"E2E": (2, 0, 1, 0, 1), "AI": (2, 1, 0, 1, 0), "unassigned": (1, 1, 0, 0, 0)}


def test_a_checkout_names_the_area_of_a_report_without_files(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    source = tmp_path / "src" / "api" / "ai" / "match.test.ts"
    source.parent.mkdir(parents=True)
    source.write_text("describe('matching', () => { it('finds one', () => {}) })", encoding="utf-8")
    report = jest(tmp_path / "junit.xml", {"matching finds one": "P"})
    assert [row.area for row in at(report).areas] == ["unassigned"]
    assert [row.area for row in at(report, checkout=Checkout(tmp_path)).areas] == ["AI"]


def test_what_the_reports_cannot_show_comes_with_the_line_that_changes_it(tmp_path: Path) -> None:
    blind = at(playwright(tmp_path / "e2e.xml", {"a": "P"}), jest(tmp_path / "unit.xml", {"b": "P"}))
    lines = " ".join(line for spot in blind.cannot_show for line in spot.lines)
    assert "includeRetries: true" in lines
    assert 'addFileAttribute: "true"' in lines


def test_reports_that_show_everything_are_not_blamed(tmp_path: Path) -> None:
    """Retries recorded by Playwright; of Jest only what no option can change is left."""
    assert at(playwright(tmp_path / "e2e.xml", {"a": "K", "b": "P"})).cannot_show == ()
    (spot,) = at(jest(tmp_path / "unit.xml", {"b": "P"}, file="src/b.test.ts")).cannot_show
    assert spot.lines == ()


def test_the_next_step_can_be_pasted(tmp_path: Path) -> None:
    path = jest(tmp_path / "my reports" / "junit.xml", {"a": "P"}, file="src/api/ai/x.test.ts")
    assert at(path).next_steps[-1].endswith(f"flakelens ingest '{path}'")


def test_nothing_readable_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_bytes(b"")
    with pytest.raises(NothingReadError, match="The file is empty"):
        at(tmp_path / "junit.xml")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Error: boom\n    at x (a.js:1:2)", "Error: boom"),
        ("\x1b[31mError:\x1b[39m boom", "Error: boom"),
        ("[31mError:[39m boom", "Error: boom"),
        ("  [Pixel 7] › a.spec.js:10:3 › jobs › opens ──\n\n    TimeoutError: click", "TimeoutError: click"),
        ("a.spec.js:10:3 opens\n  a.spec.js:10:3 › jobs › opens ──\n\n Error: boom", "Error: boom"),
        (
            "Error: expect(received).toBe(expected) // Object.is equality\n\nExpected: 200\nReceived: 502\n",
            "expect(..).toBe: expected 200, received 502",
        ),
        (
            "Error: expect(locator).not.toHaveText(expected) failed\n\nLocator:  getByRole('h1')\nExpected: \"A\"\n",
            "expect(..).not.toHaveText: locator getByRole('h1'), expected \"A\"",
        ),
        ("expect(received).toHaveLength(expected)\n\nExpected length: 3\nReceived length: 2",
         "expect(..).toHaveLength: expected length 3, received length 2"),
        ("Error: expect(page).toBeFine() failed", "Error: expect(page).toBeFine() failed"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_line_that_says_what_is_wrong(message: str, line: str) -> None:
    assert headline(message) == line


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Error: connect ECONNREFUSED 127.0.0.1:35275", "Error: connect ECONNREFUSED 127.0.0.1:41001", True),
        ("no user 0b5e8a2e-1f0c-4a53-9f0e-5a1d7f1f2c3d", "no user 1c5e8a2e-1f0c-4a53-9f0e-5a1d7f1f2c3d", True),
        ("expect(a).toBe(b)\nExpected: 200\nReceived: 502", "expect(a).toBe(b)\nExpected: 1\nReceived: 2", False),
        ("Error: a", "Error: b", False),
    ],
)  # fmt: skip
def test_failures_share_a_cause_when_only_ids_and_ports_differ(one: str, other: str, same: bool) -> None:
    assert (signature(one) == signature(other)) is same
