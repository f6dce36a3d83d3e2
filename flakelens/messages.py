"""What a failure message is about, in one line: what two failures share if they have one cause."""

from __future__ import annotations

import re

from flakelens.masks import mask, mask_values

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
# Where in the code it happened, not what: stack frames, and the lines of source that tools print.
_FRAME = re.compile(r"^(?:at\s\S|>?\s*\d{1,6}\s*\||\|\s*\^|\^+$|- (?:Expected|Received)  )")
_RECEIVED = re.compile(r",? ?received(?: (?:string|value|array|object|message))? (\".*|`.*|\[.*|\{.*|<.*)$")
_NEARLY = 2 / 3  # of its words
_EXPECTED_TEXT = re.compile(r"expected(?: (?:string|substring))? \"([^\"]*)\"")


def lines_said(message: str) -> list[str]:
    """The first lines of a failure message without colours, empty lines, stack frames and printed source."""
    lines = [line.strip() for line in _COLOUR.sub("", message[:_LOOKED_AT]).splitlines()[:_MOST_LINES]]
    return [line for line in lines if line and not _FRAME.match(line)]


def headline(message: str) -> str:
    """The first line of a failure message that says what is wrong, of an assertion with what was expected; else ""."""
    lines = lines_said(message)
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


def cause_line(message: str) -> str:
    """What failures of one cause have in common, across tests and runs: coarser than `signature`.

    The headline with every path, number and time masked, of a failed assertion what was expected but not the text
    received: that is often where the random part stands. `signature` keeps more: use that to ask whether exactly this
    was seen before.
    """
    line = headline(message)
    received = _RECEIVED.search(line)
    if received and line.startswith("expect("):
        line = f"{line[: received.start()]}, received other text"
        line = _EXPECTED_TEXT.sub(lambda found: _without_shared(found, received[1]), line, count=1)
    return " ".join(mask_values(_PORT.sub(":<port>", line)).split())


def _without_shared(expected: re.Match[str], received: str) -> str:
    """The expected text, reduced to what was not received where the two are nearly the same.

    Generated data stands in both: expected "Refer Ada R&D", received "Refer Ada R&amp;D".
    """
    there = received.strip('"`').split()
    words = expected[1].split()
    shared = [word in there for word in words]
    if len(words) != len(there) or all(shared) or sum(shared) < _NEARLY * len(words):
        return expected[0]
    kept = ["…" if both else word for word, both in zip(words, shared, strict=True)]
    folded = [word for place, word in enumerate(kept) if word != "…" or kept[place - 1 : place] != ["…"]]
    return expected[0].replace(expected[1], " ".join(folded))
