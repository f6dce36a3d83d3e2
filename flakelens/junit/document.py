"""Bytes -> an XML tree that is safe to walk, or the reason why there is none.

The parser is always the strict one of the standard library, given UTF-8 that was checked or made here. What it refuses
is repaired only where nothing has to be guessed (forbidden characters, encodings, text around the document); all else
keeps what the parser had accepted before the fault and says so.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import msgspec

from flakelens.junit.encoding import as_utf8, without_forbidden
from flakelens.junit.flavour import Report
from flakelens.model import ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the root element of a file that is no JUnit report usually comes from.
LOOKS_LIKE = {
    "assemblies": "an xUnit.net report",
    "assembly": "an xUnit.net report",
    "checkstyle": "a Checkstyle report",
    "coverage": "a coverage report",
    "gtester": "a GLib gtester log",
    "html": "a web page",
    "plist": "an Apple property list",
    "project": "a Maven project file",
    "report": "a JaCoCo coverage report",
    "robot": "a Robot Framework report",
    "Site": "a CTest report",
    "test-results": "an NUnit 2 report",
    "test-run": "an NUnit 3 report",
    "testcase": "a single test case without its suite",
    "testExecutions": "a SonarQube report",
    "testng-results": "a TestNG report",
    "testrun": "an Eclipse JUnit export",
    "TestRun": "a Visual Studio TRX report",
    "unitTest": "a SonarQube report",
}

_ROOTS = ("testsuites", "testsuite")
_CHUNK = 1 << 16
# A line that begins a report, for reports that tools print between other output.
_MARKUP = re.compile(rb"<[?!A-Za-z_]")
_REPORT = re.compile(r"<testsuites?[\s>/]")
_MARK = re.compile(rb"^[ \t]*(?=<(?:\?xml[ \t]|testsuites?[\s>/]))", re.MULTILINE)
_DECLARATION = re.compile(rb"<\?xml\s[^>]*?\?>")
# The prolog: white space, comments and processing instructions. Each alternative ends at the first possible place or,
# where its end is missing, takes the rest: the match is linear.
_PROLOG = re.compile(rb"(?:\s+|<!--(?:.*?-->|.*\Z)|<\?(?:.*?\?>|.*\Z))*+", re.DOTALL)
# expat: no element found, unclosed token, partial character, unclosed CDATA section
_ENDS_TOO_EARLY = frozenset({3, 5, 6, 20})
_JUNK_AFTER_ROOT = 9


class Fault(msgspec.Struct):
    """One thing found wrong with a document: its code, one sentence, and the line where it is known."""

    code: ProblemCode
    message: str
    line: int = 0


class Document(msgspec.Struct):
    """A parsed document. `report` is None where nothing could be read; `damaged` where something may be missing."""

    report: Report | None = None
    root: ET.Element | None = None  # as in the file; the report wraps a bare <testsuite>
    damaged: bool = False
    faults: list[Fault] = msgspec.field(default_factory=list)


def read_document(data: bytes) -> Document:
    """Parse the bytes of one report. Never raises for what the bytes contain; time and memory are linear in them."""
    document = Document()
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"):
        _refuse(document, ProblemCode.EMPTY_FILE, "The file is empty: the test tool ended before it wrote its report.")
        return document
    data, complaint = as_utf8(data)
    if complaint:
        document.faults.append(Fault(ProblemCode.WRONG_ENCODING, complaint))
    first = len(data) - len(data.lstrip())
    if _MARKUP.match(data, first):
        well_formed = _parse(document, data, first)
        if document.report is not None or well_formed:
            return document
    mark = _MARK.search(data, first)
    if mark and mark.end() > first:
        document.faults = document.faults[: 1 if complaint else 0]
        document.damaged = False
        _extra_text(document, "before")
        _parse(document, data, mark.end())
    elif not document.faults[bool(complaint) :]:
        what = "The file is not XML: check that the path names the JUnit report and not a log."
        _refuse(document, ProblemCode.NOT_XML, what)
    return document


def _refuse(document: Document, code: ProblemCode, message: str, line: int = 0) -> None:
    document.damaged = True
    document.faults.append(Fault(code, message, line))


def _extra_text(document: Document, where: str) -> None:
    message = (
        f"Text stands {where} the report; it was left out. Let the reporter write to a file of its own "
        "(Playwright: outputFile) so that console output cannot mix with it."
    )
    document.faults.append(Fault(ProblemCode.EXTRA_TEXT, message))


def _parse(document: Document, data: bytes, start: int) -> bool:
    """Fill the document from the XML that begins at `start`; whether it was well-formed, or is refused for good."""
    body = data[start:] if start else data
    if _has_doctype(body):
        message = (
            "The file declares a DOCTYPE, which no test tool writes and which can hide an attack; it was not read. "
            "Remove the declaration if the file is trusted."
        )
        _refuse(document, ProblemCode.DOCTYPE, message)
        return True
    root = _strict(body)
    well_formed = root is not None
    if root is None:
        cleaned, removed = without_forbidden(body)
        if removed:
            message = (
                f"{removed} characters that XML forbids were removed, usually colour codes in a title or message. "
                "Strip them where the tool writes them (Playwright: stripANSIControlSequences)."
            )
            document.faults.append(Fault(ProblemCode.ILLEGAL_CHARACTERS, message))
            root = _strict(cleaned)
        if root is None:
            root = _salvage(document, cleaned, body_line=data.count(b"\n", 0, start))
    if root is not None:
        _wrap(document, root)
    return well_formed


def _has_doctype(body: bytes) -> bool:
    """Only the prolog can hold a DOCTYPE; the same letters in a message are harmless."""
    prolog = _PROLOG.match(body)
    return body[prolog.end() : prolog.end() + 9].upper() == b"<!DOCTYPE" if prolog else False


def _strict(body: bytes) -> ET.Element | None:
    # The encoding is given, so that a declaration which says otherwise changes nothing.
    parser = ET.XMLParser(encoding="utf-8")
    try:
        parser.feed(body)
        return parser.close()
    except ET.ParseError:
        return None


def _salvage(document: Document, body: bytes, *, body_line: int) -> ET.Element | None:
    """What the strict parser accepted before its error: complete test cases, in the suites they were met in."""
    declaration = _DECLARATION.match(body)
    if declaration:
        body = body[declaration.end() :]
        body_line += declaration.group().count(b"\n")
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
    open_elements: list[ET.Element] = []
    root: ET.Element | None = None
    try:
        for event, element in _events(parser, body):
            if event == "start":
                root = element if root is None else root
                open_elements.append(element)
            else:
                open_elements.pop()
    except ET.ParseError as error:
        error.__traceback__ = None  # its frames refer to it: a cycle that would keep the tree alive
        if root is not None and not open_elements and error.code == _JUNK_AFTER_ROOT:
            _after_root(document, body, error)
            return root
        line = error.position[0] + body_line
        if error.code in _ENDS_TOO_EARLY:
            message = "The file ends in the middle: the test tool was stopped while it wrote. Complete tests were kept."
            _refuse(document, ProblemCode.TRUNCATED, message, line)
        elif root is None:
            _refuse(document, ProblemCode.NOT_XML, "The file is not XML: no element could be read.", line)
        else:
            what = str(error).partition(":")[0]
            message = f"The XML is broken here ({what}); the tests before it were kept, what follows is lost."
            _refuse(document, ProblemCode.MALFORMED, message, line)
    _drop_incomplete_case(open_elements)
    return root


def _events(parser: ET.XMLPullParser[ET.Element], body: bytes) -> Iterator[tuple[str, ET.Element]]:
    for at in range(0, len(body), _CHUNK):
        parser.feed(body[at : at + _CHUNK])
        yield from parser.read_events()  # type: ignore[misc]
    error: ET.ParseError | None = None
    try:
        parser.close()
    except ET.ParseError as raised:
        error = raised  # newer expats hold tokens back until the end: first what came before the fault
    yield from parser.read_events()  # type: ignore[misc]
    if error:
        raise error


def _drop_incomplete_case(open_elements: list[ET.Element]) -> None:
    for parent, child in pairwise(open_elements):
        if _local(child.tag) == "testcase":
            parent.remove(child)
            return


def _after_root(document: Document, body: bytes, error: ET.ParseError) -> None:
    line, column = error.position
    rest = body.split(b"\n", line - 1)[-1].decode("utf-8", "replace")[column:]
    if _REPORT.search(rest):
        message = "A second report follows the first in one file; only the first was read. Write one file per report."
        _refuse(document, ProblemCode.MALFORMED, message, line)
    else:
        _extra_text(document, "after")


def _wrap(document: Document, root: ET.Element) -> None:
    if root.tag.startswith("{"):
        for element in root.iter():
            if isinstance(element.tag, str):
                element.tag = _local(element.tag)
    if root.tag not in _ROOTS:
        name = root.tag[:60]
        like = LOOKS_LIKE.get(root.tag)
        guess = f" It looks like {like}." if like else ""
        message = (
            f"The root element is <{name}>, not <testsuites> or <testsuite>.{guess} "
            "Point flakelens at the JUnit report, or let the tool write one."
        )
        _refuse(document, ProblemCode.NOT_JUNIT, message)
        return
    document.root = root
    document.report = cast("Report", Report.fromroot(root))  # type: ignore[arg-type]  # its own name for it


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
