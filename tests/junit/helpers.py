"""Short words for tests: read a text, see attempts as letters."""

from __future__ import annotations

from flakelens.junit import Limits, read_bytes
from flakelens.model import CaseResult, ParsedReport, Status

LETTERS = {Status.PASSED: "P", Status.FAILED: "F", Status.ERRORED: "E", Status.SKIPPED: "S"}


def read(document: str | bytes, **limits: int) -> ParsedReport:
    data = document if isinstance(document, bytes) else document.encode()
    return read_bytes("report.xml", data, Limits(**limits))


def letters(case: CaseResult) -> str:
    """`FP`: failed, then passed."""
    return "".join(LETTERS[attempt.status] for attempt in case.attempts)


def all_letters(report: ParsedReport) -> list[str]:
    return [letters(case) for case in report.cases]


def codes(report: ParsedReport) -> list[str]:
    return [problem.code.value for problem in report.problems]


def message(report: ParsedReport, code: str) -> str:
    return next(problem.message for problem in report.problems if problem.code.value == code)


def names(report: ParsedReport) -> list[str]:
    return [case.id.name for case in report.cases]


def jest_file(cases: str, suite: str = "cart", tests: int = 1) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="jest tests" tests="{tests}" failures="0" '
        f'errors="0" time="1.5">\n  <testsuite name="{suite}" errors="0" failures="0" skipped="0" '
        f'timestamp="2026-03-01T08:00:00" '
        f'time="1.2" tests="{tests}">\n{cases}\n  </testsuite>\n</testsuites>'
    )


def playwright_file(cases: str, tests: int = 1, project: str = "chromium", file: str = "pay/card.spec.ts") -> str:
    return (
        f'<testsuites id="" name="" tests="{tests}" failures="0" skipped="0" errors="0" time="7.25">\n'
        f'<testsuite name="{file}" timestamp="2026-03-01T08:00:00.500Z" hostname="{project}" tests="{tests}" '
        f'failures="0" skipped="0" time="3" errors="0">\n{cases}\n</testsuite>\n</testsuites>'
    )


def pw_case(name: str, inside: str = "", file: str = "pay/card.spec.ts", time: str = 'time="2.5"') -> str:
    return f'<testcase name="{name}" classname="{file}" {time}>\n{inside}\n</testcase>'


def attached(*paths: str) -> str:
    lines = "\n\n".join(f"[[ATTACHMENT|{path}]]" for path in paths)
    return f"<system-out>\n<![CDATA[\n{lines}\n]]>\n</system-out>"
