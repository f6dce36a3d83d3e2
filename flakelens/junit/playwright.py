"""Playwright's own reporter: one suite per project and file, retries recorded only on demand."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from flakelens.junit.attempts import Outcomes, attempts_of, capped
from flakelens.junit.dialect import LONGEST_REMEMBERED, REMEMBERED, Base, Details, Look, Suite
from flakelens.junit.values import line_of, tidy_path
from flakelens.model import Attempt, Outcome, ProblemCode, RetryEvidence, Status, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from flakelens.cases import Cases
    from flakelens.junit.flavour import Case

_ROOT_ATTRIBUTES = frozenset({"id", "name", "tests", "failures", "skipped", "errors", "time"})
_BAD = (Status.FAILED, Status.ERRORED)

_ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|([^\]\n|]{1,1000})\]\]")
_RETRY_FOLDER = re.compile(r"-retry(\d{1,3})[/\\]")
# Written for an attempt that failed, so that a passed test which has one failed before.
_OF_FAILURE = re.compile(r"(?:^|[/\\])(?:test-failed-\d+\.png|error-context\.md)$")
# The heading between the errors of two attempts.
_RETRY_HEADING = re.compile(r"^[ \t]*(?:\x1b?\[\d+m)*Retry #\d{1,3} ?[─ ].*$", re.MULTILINE)


def _identity(name: str, file: str, project: str) -> TestId:
    name = name.strip()
    if project and name.startswith("[") and name.startswith(f"[{project}] "):
        name = name[len(project) + 3 :].lstrip()
    return TestId(file, name, project)


_remembered = lru_cache(REMEMBERED)(_identity)


class Playwright(Base):
    """Reports of Playwright's built-in `junit` reporter."""

    name = "playwright"
    counts = True

    def producer(self, look: Look) -> str:
        """By the root's attributes, which are all there even when empty, and a class that repeats the suite's name."""
        if look.root.tag != "testsuites" or not look.root.attrib.keys() >= _ROOT_ATTRIBUTES:
            return ""
        if look.suite is None:
            return "playwright"
        if look.suite.get("hostname") is None:
            return ""
        if look.case is not None and look.case.get("classname") != look.suite.get("name"):
            return ""
        return "playwright"

    def enter(self, suite: Suite) -> None:
        """The suite's name is the file, its host name the project."""
        suite.file = tidy_path(suite.name)
        suite.variant = suite.hostname

    def identify(self, case: Element, suite: Suite) -> TestId:
        """The name is the full title, with the project in front where includeProjectInTestName is set."""
        name = case.get("name", "")
        return (_remembered if len(name) <= LONGEST_REMEMBERED else _identity)(name, suite.file, suite.variant)

    def details(self, case: Case, suite: Suite, outcomes: Outcomes, seconds: float | None) -> Details:
        """Recorded attempts; else those that attachments and retry headings betray."""
        attempts = attempts_of(case, outcomes, seconds)
        line = _line(outcomes, suite.name)
        if outcomes.flaky or outcomes.rerun:
            return Details(_without_later_errors(attempts), line, RetryEvidence.RECORDED)
        status = attempts[-1].status
        if status in _BAD:
            split = _split_by_headings(attempts[-1], outcomes)
            shown = len(split) > 1 and not _expected_to_fail(case)  # such a pass is never recorded, even on demand
            return Details(split, line, RetryEvidence.HIDDEN if shown else None)
        if status is Status.PASSED and outcomes.output and not _expected_to_fail(case):
            failed = _failed_before(outcomes)
            if failed:
                hidden = (Attempt(Status.FAILED, None, "", ""),) * failed
                return Details((*hidden, attempts[-1]), line, RetryEvidence.HIDDEN)
        return Details(attempts, line)

    def remarks(self, look: Look, cases: Cases) -> Iterable[tuple[ProblemCode, str]]:  # noqa: ARG002
        """A file of failures only may be a filtered one. Nothing in it tells, so that it is said and not decided."""
        recorded = any(len(attempts) > 1 for attempts in cases.attempts.values())
        if recorded and all(case.outcome in (Outcome.FAILED, Outcome.FLAKY) for case in cases):
            message = (
                "No test of this report passed at the first attempt. If the reporter's onlyFailures is on, say so "
                "(partial in run.json, or PLAYWRIGHT_JUNIT_ONLY_FAILURES): the tests left out would count as missing."
            )
            yield ProblemCode.PARTIAL_REPORT, message


def _expected_to_fail(case: Case) -> bool:
    """`test.fail()`: its attachments come from the failure that was wanted."""
    return any(found.name == "fail" for found in case.properties())  # type: ignore[no-untyped-call]


def _attached(outcomes: Outcomes) -> tuple[int, bool]:
    """The highest attempt that attachments name (0: the first), and whether one of its files proves that it failed."""
    seen: dict[int, bool] = {}
    for text in outcomes.output:
        for path in _ATTACHMENT.findall(text):
            folder = _RETRY_FOLDER.search(path)
            attempt = int(folder.group(1)) if folder else 0
            seen[attempt] = seen.get(attempt, False) or _OF_FAILURE.search(path) is not None
    last = max(seen, default=0)
    return last, seen.get(last, False)


def _failed_before(outcomes: Outcomes) -> int:
    """How many attempts must have failed before the pass: all before the highest one named, and it too if proven."""
    last, failed = _attached(outcomes)
    return last + failed


def _split_by_headings(attempt: Attempt, outcomes: Outcomes) -> tuple[Attempt, ...]:
    """A test that failed for good, default mode: its text holds every attempt's error, its time their sum.

    The sum stays with the last attempt; how it was spread is not known.
    """
    parts = _RETRY_HEADING.split(attempt.message) if "Retry #" in attempt.message else [attempt.message]
    known = max(len(parts), _attached(outcomes)[0] + 1)
    if known == 1:
        return (attempt,)
    parts = [part.strip("\r\n").rstrip() for part in parts] + [""] * (known - len(parts))
    status, seconds, kind, _ = attempt
    return (
        *(Attempt(status, None, kind, capped(part)) for part in parts[:-1]),
        Attempt(status, seconds, kind, capped(parts[-1])),
    )


def _without_later_errors(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """With recorded retries the first failure's text still repeats the later ones: keep its own."""
    first = attempts[0]
    if (
        first.status not in _BAD
        or "Retry #" not in first.message
        or not (heading := _RETRY_HEADING.search(first.message))
    ):
        return attempts
    return (first._replace(message=first.message[: heading.start()].strip("\r\n").rstrip()), *attempts[1:])


def _line(outcomes: Outcomes, file: str) -> int | None:
    """The test's own line: failures name it as `file:line:column` before anything else."""
    for result in outcomes.final:
        for text in (result.message, result.text):
            if not text or not file:
                continue
            at = text.find(f"{file}:")
            if at >= 0:
                digits = text[at + len(file) + 1 : at + len(file) + 9].partition(":")[0]
                if (line := line_of(digits)) is not None:
                    return line
    return None
