"""junit.write: what is written is read back as the same cases."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from flakelens.junit import read_bytes
from flakelens.junit.write import jest_bytes, playwright_bytes
from flakelens.model import Attempt, CaseResult, RetryEvidence, Status, TestId
from tests.goldens import same_as_golden

NOW = datetime(2026, 11, 20, 6, 30, 1, 250_000, tzinfo=UTC)
P, F, E, S = Status.PASSED, Status.FAILED, Status.ERRORED, Status.SKIPPED

letters = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
words = (
    st.text(st.one_of(letters, st.sampled_from("<>&\"' ›")), min_size=1, max_size=30)
    .map(lambda text: "t " + " ".join(text.split()))
    .map(str.strip)
)
messages = st.text(st.one_of(letters, st.sampled_from("<>&\"' \n]")), max_size=60).map(
    lambda text: f"Error: {text.strip()}".strip()
)
seconds = st.one_of(st.none(), st.integers(0, 100_000).map(lambda ms: ms / 1000))
files = st.sampled_from(["src/a.test.ts", "src/__tests__/app/b.test.tsx", "e2e/c.spec.ts"])


@st.composite
def attempt(draw, status: Status, types: bool) -> Attempt:
    if status in (P, S):
        return Attempt(status, draw(seconds), "", "")
    kind = draw(st.sampled_from(["", "expect.toBe", "TimeoutError"])) if types else ""
    return Attempt(status, draw(seconds), kind, draw(messages))


@st.composite
def one_attempt(draw) -> tuple[Attempt, ...]:
    return (draw(attempt(draw(st.sampled_from([P, F, E, S])), types=False)),)


@st.composite
def several_attempts(draw) -> tuple[Attempt, ...]:
    statuses = draw(st.sampled_from([[P], [S], [F], [E], [F, P], [E, F, P], [F, F], [F, F, F], [E, E]]))
    return tuple(draw(attempt(status, types=True)) for status in statuses)


@st.composite
def suites(draw, attempts, variants) -> list[CaseResult]:
    ids = draw(st.sets(st.builds(TestId, files, words, st.sampled_from(variants)), min_size=1, max_size=6))
    return [CaseResult(test, 1, draw(attempts)) for test in sorted(ids)]


def essence(cases) -> dict[TestId, tuple[Attempt, ...]]:
    return {case.id: case.attempts for case in cases}


@given(suites(one_attempt(), [""]))
def test_jest_reads_back_what_was_written(cases):
    report = read_bytes("jest.xml", jest_bytes(cases, started_at=NOW))
    assert (report.producer, report.problems) == ("jest", ())
    assert report.started_at == NOW.replace(microsecond=0)
    assert essence(report.cases) == essence(cases)


@given(suites(several_attempts(), ["", "chromium", "Pixel 7"]))
def test_playwright_reads_back_what_was_written(cases):
    report = read_bytes("e2e.xml", playwright_bytes(cases, started_at=NOW, seconds=12.5))
    assert report.producer == "playwright"
    assert {problem.code for problem in report.problems} <= {"partial-report"}
    assert (report.started_at, report.seconds) == (NOW, 12.5)
    assert essence(report.cases) == essence(cases)
    recorded = any(len(case.attempts) > 1 for case in cases)
    assert report.retry_evidence is (RetryEvidence.RECORDED if recorded else None)


def test_jest_shows_the_last_attempt_alone():
    case = CaseResult(TestId("a.test.ts", "adds", ""), 1, (Attempt(F, 0.1, "", "Error: no"), Attempt(P, 0.2, "", "")))
    (read,) = read_bytes("jest.xml", jest_bytes([case], started_at=NOW)).cases
    assert read.attempts == (Attempt(P, 0.2, "", ""),)


def test_an_empty_report_is_still_a_report():
    assert b"<testsuites" in jest_bytes([], started_at=NOW)


def test_it_looks_like_what_the_reporters_write():
    case = CaseResult(
        TestId("e2e/a.spec.ts", "pays", "chromium"), 1, (Attempt(F, 0.4, "T", "boom\n at x"), Attempt(P, 1, "", ""))
    )
    same_as_golden("junit/written-playwright.xml", playwright_bytes([case], started_at=NOW).decode())
    same_as_golden("junit/written-jest.xml", jest_bytes([case], started_at=NOW).decode())
