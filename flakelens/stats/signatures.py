"""Signatures: one cause has one, whatever test, run or machine it struck; and a guess at what kind of cause it is.

The guess is a table of patterns that anybody can read and correct. It is shown as a guess and decides nothing.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from flakelens.messages import cause_line, lines_said


class Category(StrEnum):
    """What to look at first. The words are those that people read."""

    LOAD = "load failure"
    SNAPSHOT = "snapshot"
    ENVIRONMENT = "environment"
    NETWORK = "network or mock"
    TYPE_ERROR = "error in the test's code"
    TIMEOUT = "timeout or async wait"
    TEXT = "assertion on text"
    VALUE = "assertion on a value"
    UNCLEAR = "unclear"


class Signature(NamedTuple):
    """What failures of one cause share."""

    hash: str  # 12 hex digits, equal on every machine
    line: str  # readable, masked; "" where nothing was said
    category: Category  # a guess


# The first pattern that is found decides; the order is from the special to the general. Upper and lower case count.
_PATTERNS: tuple[tuple[Category, str], ...] = (
    (Category.LOAD, r"Test suite failed to run|Cannot find module|Failed to (?:load|resolve) (?:url|import|module)"),
    (Category.LOAD, r"Your test suite must contain at least one test|Jest encountered an unexpected token"),
    (Category.LOAD, r"\bSyntaxError:(?!.*\bJSON\b)|No tests found"),
    (Category.LOAD, r"does not provide an export named|ERR_MODULE_NOT_FOUND"),
    (Category.SNAPSHOT, r"toMatch(?:Inline|Aria)?Snapshot|toHaveScreenshot|obsolete snapshot|[Ss]napshot .*mismatch"),
    (Category.SNAPSHOT, r"pixels \(ratio .*\) are different|A snapshot doesn't exist"),
    (Category.ENVIRONMENT, r"\b(?:ENOSPC|EMFILE|ENOMEM|EACCES|EPERM|EADDRINUSE|ENOENT)\b|no space left on device"),
    (Category.ENVIRONMENT, r"heap out of memory|JavaScript heap|SIGKILL"),
    (Category.ENVIRONMENT, r"SIGSEGV|worker process .*(?:crashed|exited|terminated)"),
    (Category.ENVIRONMENT, r"Executable doesn't exist|browser(?:Type\.launch| has been closed)"),
    (Category.ENVIRONMENT, r"Target (?:page|closed|crashed)"),
    (Category.ENVIRONMENT, r"[Mm]issing (?:required )?env(?:ironment)?\b"),
    (Category.ENVIRONMENT, r"env(?:ironment)? variable .*(?:not set|missing)"),
    (Category.NETWORK, r"\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|ENETUNREACH)\b"),
    (Category.NETWORK, r"socket hang up"),
    (Category.NETWORK, r"net::ERR_|NS_ERROR_|[Ff]etch(?:ing)? failed"),
    (Category.NETWORK, r"[Ff]ailed to fetch|[Nn]etwork ?(?:[Ee]rror|request failed)"),
    (Category.NETWORK, r"\bdid not answer\b|[Nn]o response|[Rr]ate limit"),
    (Category.NETWORK, r"[Bb]ad [Gg]ateway|[Ss]ervice [Uu]navailable"),
    (Category.NETWORK, r"status code [45]\d\d|\b(?:answered|responded with|returned|HTTP) (?:a )?[45]\d\d\b"),
    (Category.NETWORK, r"expected 2\d\d, received (?:4\d\d|5\d\d)|received 5\d\d\b|\bmsw\b|nock: No match"),
    (Category.NETWORK, r"mock(?:Resolved|Rejected|Implementation)|toHaveBeenCalled"),
    (Category.NETWORK, r"toHaveBeen(?:Nth|Last)Called|toHaveReturned"),
    (Category.TIMEOUT, r"Exceeded timeout|[Tt]imeout (?:of )?(?:\d+ ?ms|<time>)? ?exceeded"),
    (Category.TIMEOUT, r"TimeoutError|[Tt]imed out"),
    (Category.TIMEOUT, r"Test timeout of|waitFor"),
    (Category.TIMEOUT, r"not wrapped in act\(|Async callback was not invoked|did not finish in time"),
    (Category.TIMEOUT, r"\.(?:not\.)?to(?:BeVisible|BeHidden|BeEnabled|BeAttached|BeInViewport|HaveCount|HaveURL)\b"),
    (Category.TYPE_ERROR, r"\b(?:TypeError|ReferenceError|RangeError)\b|is not a function"),
    (Category.TYPE_ERROR, r"Cannot read propert|is not defined\b"),
    (Category.TYPE_ERROR, r"Cannot destructure|strict mode violation|Unexpected token .* in JSON|is not iterable"),
    (Category.TEXT, r"\.(?:not\.)?to(?:HaveText|ContainText|HaveTextContent|HaveValue|HaveTitle|HaveDisplayValue)\b"),
    (Category.TEXT, r"Unable to find an? (?:accessible )?element|Found multiple elements|TestingLibraryElementError"),
    (Category.TEXT, r"\bexpected(?: string| substring| pattern)? [\"/`]"),
    (Category.VALUE, r"\bexpect\(|AssertionError|expected .* (?:to|received) "),
)  # fmt: skip
_TABLE = tuple((category, re.compile(pattern)) for category, pattern in _PATTERNS)


@lru_cache(maxsize=2048)  # an outage says the same in every test, and a report asks of a message several times
def signature_of(message: str, type_: str = "") -> Signature:
    """The signature of what a failed attempt said; `type_` is the failure's type, for a message without words."""
    cause = cause_line(message)
    line = cause or type_.strip()
    return Signature(
        hash=hashlib.sha256(line.encode()).hexdigest()[:12],
        line=line,
        category=_category(message, type_, cause),
    )


def category_of(message: str, type_: str = "") -> Category:
    """What kind of cause a message speaks of, from its first lines that are no stack trace. A guess."""
    return _category(message, type_, cause_line(message))


def _category(message: str, type_: str, cause: str) -> Category:
    lines = lines_said(message)
    # The headline first: what a log says further down is often only what followed.
    for text in (f"{cause}\n{type_}", "\n".join(lines[:12])):
        for category, pattern in _TABLE:
            if pattern.search(text) and category is not Category.VALUE:
                return category
    values = _TABLE[-1][1]
    return Category.VALUE if any(values.search(line) for line in (cause, *lines)) else Category.UNCLEAR
