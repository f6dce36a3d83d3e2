"""Bytes of one report -> ParsedReport: walk the suites, ask the dialect, count, complain."""

from __future__ import annotations

import gc
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from flakelens.cases import Cases
from flakelens.junit.attempts import SKIPPED_STATUSES, outcomes_of
from flakelens.junit.dialect import Dialect, Look, Suite
from flakelens.junit.document import read_document
from flakelens.junit.flavour import Case, of_element
from flakelens.junit.generic import Generic
from flakelens.junit.jest import Jest
from flakelens.junit.limits import Limits
from flakelens.junit.playwright import Playwright
from flakelens.junit.problems import Problems
from flakelens.junit.surefire import Surefire
from flakelens.junit.values import line_of, moment_of, seconds_of, stack_file, tidy_path
from flakelens.model import (
    CaseResult,
    ParsedReport,
    Problem,
    ProblemCode,
    RetryEvidence,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from xml.etree.ElementTree import Element

    from flakelens.junit.document import Document

# First match wins; the generic one takes what is left.
DIALECTS: tuple[Dialect, ...] = (Playwright(), Jest(), Surefire(), Generic())

_SUITES = frozenset({"testsuite", "testsuites"})
_RESULTS = frozenset({"failure", "error"})
_BAD = (Status.FAILED, Status.ERRORED)
_PASSED, _SKIPPED = int(Status.PASSED), int(Status.SKIPPED)
_SECONDS: dict[str | None, float] = {}  # durations by their text, of at most 40 characters: most come again
_MOST_SECONDS = 50_000
_EPOCH_START = "1970-01-01T00:00:00"  # what jest-junit writes for a file that could not be loaded


def read_bytes(name: str, data: bytes, limits: Limits = Limits()) -> ParsedReport:  # noqa: B008 - frozen
    """Read one report. Never raises and never hangs: what is wrong with it is in `problems`.

    `name` is where it came from and is only repeated; `data` are its decompressed bytes.
    """
    sha256, size = hashlib.sha256(data).hexdigest(), len(data)
    if too_much := _too_much(data, limits):
        message = f"The report {too_much} and was not read. Split it into one report per shard."
        problem = Problem(ProblemCode.TOO_LARGE, name, message)
        return ParsedReport(name=name, sha256=sha256, size=size, producer="unknown", damaged=True, problems=(problem,))
    try:
        with _collector_paused():
            reading = _Reading(name, limits, Problems(name))
            reading.read(read_document(data))
    except Exception as error:
        message = f"flakelens failed on this file ({type(error).__name__}): please report it. The file was not read."
        problem = Problem(ProblemCode.UNREADABLE, name, message)
        return ParsedReport(name=name, sha256=sha256, size=size, producer="unknown", damaged=True, problems=(problem,))
    return ParsedReport(
        name=name,
        sha256=sha256,
        size=size,
        producer=reading.producer,
        cases=reading.cases,
        started_at=reading.started_at,
        seconds=reading.seconds,
        retry_evidence=reading.evidence,
        damaged=reading.damaged,
        load_failures=tuple(dict.fromkeys(reading.load_failures)),
        load_failure_cases=tuple(reading.load_failure_cases),
        problems=tuple(reading.problems.found),
    )


def _too_much(data: bytes, limits: Limits) -> str:
    if len(data) > limits.max_bytes:
        return f"is larger than {limits.max_bytes} bytes"
    if data.count(b"<") > limits.max_tags:
        return f"has more than {limits.max_tags} tags"
    return ""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection while a tree of many small objects without cycles is built: a third of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Reading(msgspec.Struct):
    """The state of reading one report."""

    name: str
    limits: Limits
    problems: Problems
    producer: str = "unknown"
    dialect: Dialect = DIALECTS[-1]
    cases: Cases = msgspec.field(default_factory=Cases)
    load_failures: list[str] = msgspec.field(default_factory=list)
    load_failure_cases: list[CaseResult] = msgspec.field(default_factory=list)
    started_at: datetime | None = None
    seconds: float | None = None
    evidence: RetryEvidence | None = None
    damaged: bool = False
    stamps: dict[str, datetime | None] = msgspec.field(default_factory=dict)  # of suites: mostly one in many

    def read(self, document: Document) -> None:
        for fault in document.faults:
            self.problems.add(fault.code, fault.message, line=fault.line)
        self.damaged = document.damaged
        if document.report is None or document.root is None:
            return
        look = _look(document.root)
        for dialect in DIALECTS:
            self.producer = dialect.producer(look)
            if self.producer:
                self.dialect = dialect
                break
        wall = self.dialect.wall_seconds(look)
        self.seconds = seconds_of(wall) if wall else None
        declared = _count(document.root.get("tests"))
        top = document.report._elem
        self._walk(self._suite(top, None))
        self._conclude(look, declared)

    def _walk(self, top: Suite) -> None:  # noqa: PLR0912 - the loop that runs once per result
        """All cases in document order, with a stack of our own: files may nest deeper than Python's."""
        stack: list[tuple[Suite, Iterator[Element]]] = [(top, iter(top.element))]
        cases, identify, known = self.cases, self.dialect.identify, _SECONDS.get
        add_id, add_status, add_seconds = cases.ids.append, cases.statuses.append, cases.seconds.append
        while stack:
            suite, children = stack[-1]
            for child in children:
                tag = child.tag
                if tag == "testcase":
                    if not len(child):
                        get = child.get
                        seconds = known(get("time"))
                        if seconds is None or get("status") or get("line"):
                            self._plain_case(child, suite)
                        else:  # the usual case, once for nearly every result: no further call
                            add_id(identify(child, suite))
                            add_status(_PASSED)
                            add_seconds(seconds)
                        continue
                    self._case(child, suite)
                    if child.find("testcase") is None and child.find("testsuite") is None:
                        continue
                    inner = suite
                elif tag in _SUITES:
                    inner = self._suite(child, suite)
                elif tag in _RESULTS:
                    self.problems.suite_failure(suite.name, child.get("message") or child.text or "")
                    continue
                elif len(child) and tag not in ("properties", "system-out", "system-err"):
                    inner = suite  # a wrapper that some tool invented
                else:
                    continue
                if len(stack) >= self.limits.max_depth:
                    self.damaged = True
                    self.problems.too_deep(self.limits.max_depth)
                    continue
                stack.append((inner, iter(child)))
                break
            else:
                stack.pop()

    def _suite(self, element: Element, parent: Suite | None) -> Suite:
        get = element.get
        file = get("file") or get("filepath")
        suite = Suite(
            element=element,
            parent=parent,
            producer=self.producer,
            name=get("name") or "",
            file=tidy_path(file) if file else (parent.file if parent else ""),
            hostname=get("hostname") or "",
        )
        self.dialect.enter(suite)
        stamp = get("timestamp")
        if stamp and stamp != _EPOCH_START:
            if stamp not in self.stamps:
                self.stamps[stamp] = moment_of(stamp)
            moment = self.stamps[stamp]
            if moment is None:
                self.problems.bad_timestamp(stamp)
            elif self.started_at is None or moment < self.started_at:
                self.started_at = moment
        return suite

    def _plain_case(self, element: Element, suite: Suite) -> None:
        """A case without children, as nearly all are: no parser objects, no attempt."""
        get = element.get
        test = self.dialect.identify(element, suite)
        raw = get("time")
        seconds = self._seconds(raw)
        if raw and seconds is not None:
            if len(_SECONDS) >= _MOST_SECONDS:
                _SECONDS.clear()
            _SECONDS[raw] = seconds
        status = get("status")
        skipped = status and status.lower() in SKIPPED_STATUSES
        line = get("line")
        if line and (at := line_of(line)) is not None:
            self.cases.lines[len(self.cases.ids)] = at + suite.line_base
        self.cases.add_plain(test, _SKIPPED if skipped else _PASSED, seconds)

    def _case(self, element: Element, suite: Suite) -> None:
        dialect = self.dialect
        case = of_element(Case, element)
        details = dialect.details(case, suite, outcomes_of(case), self._seconds(element.get("time")))
        attempts = details.attempts
        bad = next((attempt for attempt in attempts if attempt.status in _BAD), None)
        line = details.line
        if line is None and (attribute := element.get("line")):
            at = line_of(attribute)
            line = None if at is None else at + suite.line_base
        test = dialect.identify(element, suite)
        if attempts[-1].status in _BAD:
            failed_to_load = dialect.is_load_failure(element, suite)
            if failed_to_load:
                if failed_to_load not in self.load_failures:
                    self.problems.load_failure(failed_to_load)
                self.load_failures.append(failed_to_load)
                self.load_failure_cases.append(CaseResult(test, len(self.load_failure_cases) + 1, attempts, line, ""))
                return
        if details.evidence is RetryEvidence.RECORDED or self.evidence is None:
            self.evidence = details.evidence or self.evidence
        self.cases.add(test, attempts, line, stack_file(bad.message) if bad else "")

    def _seconds(self, raw: str | None) -> float | None:
        if not raw:
            return None
        seconds = seconds_of(raw)
        if seconds is None:
            self.problems.bad_time(raw)
        return seconds

    def _conclude(self, look: Look, declared: int | None) -> None:
        self.problems.duplicates(self.cases.number())
        unnamed = sum(not test.name for test in self.cases.ids)
        if unnamed:
            self.problems.no_name(unnamed)
        if not self.cases and not self.load_failures:
            self.damaged = True
            self.problems.no_tests()
        elif self.dialect.counts and not self.damaged and declared is not None and declared != len(self.cases):
            self.problems.counts_disagree(declared, len(self.cases))
        elif self.damaged and declared is not None and declared > len(self.cases):
            self.problems.salvaged(len(self.cases), declared)
        for code, message in self.dialect.remarks(look, self.cases):
            self.problems.add(code, message)
        self.problems.close()


def _look(root: Element) -> Look:
    suite = root if root.tag == "testsuite" else root.find(".//testsuite")
    case = root.find(".//testcase")
    names = () if suite is None else (found.get("name", "") for found in suite.iterfind("properties/property"))
    return Look(root, suite, case, frozenset(names))


def _count(text: str | None) -> int | None:
    return line_of(text)
