"""What a failure message is about, in one line: what two failures share if they have one cause."""

from __future__ import annotations

import re

from flakelens.masks import mask

_LOOKED_AT = 8_000  # characters of a message; the cause stands at its beginning
_MOST_LINES = 40
_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\[(?:\d{1,3};?)+m")
# Lines that name the test instead of the fault: Playwright's heading, and "file:line:column title" before 1.59.
_HEADING = re.compile(r"^(?:\[[^\]\n]{1,80}\] › |\S{1,200}:\d{1,6}:\d{1,6} |[^\n]{0,200}:\d{1,6}:\d{1,6} › )")
# An assertion's first line says which matcher failed, not on what: without these lines every toBe were one cause.
_ASSERTION = re.compile(r"\bexpect\(.{0,200}?\)((?:\.\w{1,40}){0,3}\.\w{1,40})\(")
_DETAIL = re.compile(r"^(Locator|Expected|Received)((?: [\w ]{1,30})?:\s.*)")
_DETAILS = 3
_PORT = re.compile(r"(?<=[\w\]]):\d{4,5}\b")


def headline(message: str) -> str:
    """The first line of a failure message that says what is wrong, of an assertion with what was expected; else ""."""
    lines = [line.strip() for line in _COLOUR.sub("", message[:_LOOKED_AT]).splitlines()[:_MOST_LINES]]
    lines = [line for line in lines if line]
    first = next((place for place, line in enumerate(lines) if not _HEADING.match(line)), None)
    if first is None:
        return ""
    found = _ASSERTION.search(lines[first])
    if not found:
        return lines[first]
    details = [detail for line in lines[first + 1 : first + 12] if (detail := _DETAIL.match(line))][:_DETAILS]
    if not details:
        return lines[first]
    said = ", ".join(" ".join(f"{each[1].lower()}{each[2].replace(':', '', 1)}".split()) for each in details)
    return f"expect(..){found[1]}: {said}"


def signature(message: str) -> str:
    """`headline` with all that changes from run to run masked: equal for two failures of one cause."""
    return _PORT.sub(":<port>", mask(headline(message)))
