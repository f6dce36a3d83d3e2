"""Cases -> JUnit XML as jest-junit and Playwright write it: the way back from `read_bytes`, for histories made up.

What is written here is read back as the same cases, as far as the dialect can say them: jest-junit knows one attempt
and no failure type, Playwright's includeRetries all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.xunit2 import FlakyError, FlakyFailure, InterimResult, RerunError, RerunFailure

from flakelens.model import Attempt, CaseResult, Status, TestId

_BAD = (Status.FAILED, Status.ERRORED)


def jest_bytes(cases: Iterable[CaseResult], *, started_at: datetime) -> bytes:
    """A report of jest-junit with addFileAttribute="true": one suite per file, only the last attempt of each case."""
    suites = []
    for file, members in _by(cases, lambda test: test.file).items():
        last = [case.attempts[-1] for case in members]
        suite = _suite(
            name=members[0].id.name,
            errors=_count(last, Status.ERRORED),
            failures=_count(last, Status.FAILED),
            skipped=_count(last, Status.SKIPPED),
            timestamp=started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            time=_seconds(last),
            tests=str(len(members)),
        )
        for case, attempt in zip(members, last, strict=True):
            element = _case({"classname": case.id.name, "name": case.id.name}, attempt.seconds)
            if file:
                element._elem.set("file", file)
            if attempt.status is Status.SKIPPED:
                _add(element, Skipped())
            elif attempt.status in _BAD:
                result = Failure() if attempt.status is Status.FAILED else Error()
                result.text = attempt.message
                _add(element, result)
            _put(suite, element)
        suites.append(suite)
    return _document({"name": "jest tests"}, suites, ("tests", "failures", "errors", "time"))


def playwright_bytes(cases: Iterable[CaseResult], *, started_at: datetime, seconds: float | None = None) -> bytes:
    """A report of Playwright's reporter with includeRetries: one suite per project and file. `seconds`: wall time.

    A case with a single attempt is written as the reporter writes it with and without that option.
    """
    suites = []
    by_place = {
        (variant, file): members
        for variant, of_variant in _by(cases, lambda test: test.variant).items()
        for file, members in _by(of_variant, lambda test: test.file).items()
    }
    for (variant, file), members in by_place.items():
        last = [case.attempts[-1] for case in members]
        suite = _suite(
            name=file,
            timestamp=started_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            hostname=variant,
            tests=str(len(members)),
            failures=_count(last, Status.FAILED),
            skipped=_count(last, Status.SKIPPED),
            time=_seconds([attempt for case in members for attempt in case.attempts]),
            errors=_count(last, Status.ERRORED),
        )
        for case in members:
            _put(suite, _playwright_case(case))
        suites.append(suite)
    order = ("tests", "failures", "skipped", "errors", "time")
    return _document({"id": "", "name": ""}, suites, order, seconds)


def _playwright_case(case: CaseResult) -> TestCase:
    attempts = case.attempts
    failed = attempts[-1].status in _BAD
    # Its time is that of the first attempt of a test that failed for good, and of the passing one else.
    told, others = (attempts[0], attempts[1:]) if failed else (attempts[-1], attempts[:-1])
    element = _case({"name": case.id.name, "classname": case.id.file}, told.seconds)
    for attempt in others:
        _add(element, _interim(attempt, failed))
    if told.status is Status.SKIPPED:
        _add(element, Skipped())
    elif failed:
        result = Failure() if attempts[-1].status is Status.FAILED else Error()
        _describe(result, told)
        result.text = told.message
        _add(element, result)
    return element


def _interim(attempt: Attempt, failed: bool) -> InterimResult:
    errored = attempt.status is Status.ERRORED
    kind = (RerunError if errored else RerunFailure) if failed else (FlakyError if errored else FlakyFailure)
    result = kind()
    _describe(result, attempt)
    if attempt.seconds is not None:
        result._elem.set("time", _number(attempt.seconds))
    if attempt.message:
        result.stack_trace = attempt.message
    return result


def _describe(result: Failure | Error | InterimResult, attempt: Attempt) -> None:
    if attempt.message:
        result.message = attempt.message.split("\n", 1)[0]
    if attempt.type:
        result.type = attempt.type


def _by(cases: Iterable[CaseResult], key: Callable[[TestId], str]) -> dict[str, list[CaseResult]]:
    """The cases by a part of their id, parts sorted, cases in their order."""
    found: dict[str, list[CaseResult]] = {}
    for case in cases:
        found.setdefault(key(case.id), []).append(case)
    return dict(sorted(found.items()))


def _suite(**attributes: str) -> TestSuite:
    suite = TestSuite()
    suite._elem.attrib.clear()  # this class counts from the start; here the order of attributes is the producer's
    for name, value in attributes.items():
        suite._elem.set(name, value)
    suite._elem.text = "\n"
    return suite


def _case(attributes: dict[str, str], seconds: float | None) -> TestCase:
    case = TestCase()
    for name, value in attributes.items():
        case._elem.set(name, value)
    if seconds is not None:
        case._elem.set("time", _number(seconds))
    return case


def _add(case: TestCase, result: Failure | Error | Skipped | InterimResult) -> None:
    case._elem.append(result._elem)


def _put(suite: TestSuite, case: TestCase) -> None:
    case._elem.tail = "\n"
    suite._elem.append(case._elem)


def _document(
    attributes: dict[str, str], suites: Sequence[TestSuite], order: Sequence[str], seconds: float | None = None
) -> bytes:
    document = JUnitXml()
    root = document._elem
    root.attrib.clear()
    for name, value in attributes.items():
        root.set(name, value)
    for name in order:
        total = sum(float(suite._elem.get(name, "0")) for suite in suites)
        wall = seconds if seconds is not None and name == "time" else total
        root.set(name, _number(wall) if name == "time" else str(int(total)))
    root.text = "\n"
    for suite in suites:
        suite._elem.tail = "\n"
        root.append(suite._elem)
    out = BytesIO()
    document.write(out)
    return out.getvalue() + b"\n"


def _count(attempts: Iterable[Attempt], status: Status) -> str:
    return str(sum(attempt.status is status for attempt in attempts))


def _seconds(attempts: Iterable[Attempt]) -> str:
    return _number(sum(attempt.seconds or 0.0 for attempt in attempts))


def _number(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
