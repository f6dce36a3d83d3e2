"""Texts of a report -> values: times, time stamps, file paths. Shared by all dialects; nothing here knows one."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUPS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_COMMA = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),[0-9]+")
_EPOCH = re.compile(r"[0-9]{10}(?:[0-9]{3})?")
_LONGEST_TIME = 40

_CODE = (
    "js|jsx|ts|tsx|mjs|cjs|mts|cts|vue|svelte|coffee|py|rb|php|phpt|go|rs|java|kt|kts|groovy|scala|cs|fs|vb|c|cc|cpp|cxx"
    "|swift|m|mm|dart|ex|exs|erl|lua|pl|t|sh|bats|feature|robot|html"
)
_PATH = re.compile(rf"[^\n]*[^\n/\\]\.(?:{_CODE})", re.IGNORECASE)
_TEST_PATH = re.compile(r"[^\n]*[^\n/\\]\.(?:test|tests|spec|e2e|cy|setup)\.[cm]?[jt]sx?", re.IGNORECASE)

# Where a stack trace names a test file. Only the recognisable part is searched, so that the search stays linear; the
# path is then widened by hand.
_STACK_MARK = re.compile(
    r"\.(?:test|spec|e2e|cy)\.[cm]?[jt]sx?\b|__tests__[/\\][^\s:'\"()<>]{1,200}?\.[cm]?[jt]sx?\b|\btest_\w{1,100}\.py\b"
)
_STACK_WORDS = (".test.", ".spec.", ".e2e.", ".cy.", "__tests__", "test_")  # each match begins with one
_NOT_IN_PATH = frozenset(" \t\r\n:'\"()<>|,;=[]{}`*?\x1b")
_LONGEST_PATH = 400
_MOST_MARKS = 50
_MODULES = "/node_modules/"

# Working directories of CI providers and images: what a path is relative to.
_WORKING_DIRECTORY = re.compile(
    r"/(?:home/runner/work/[^/]+/[^/]+|__w/[^/]+/[^/]+|github/workspace|builds/[^/]+/[^/]+|usr/src/app|workspaces/[^/]+"
    r"|home/circleci/[^/]+|opt/atlassian/pipelines/agent/build|var/lib/buildkite-agent/builds/[^/]+/[^/]+/[^/]+"
    r"|home/vsts/work/\d+/s|workspace|app)/"
)
_ROOT_MARK = re.compile(r"/(?=(?:packages|apps|libs|src|__tests__|e2e|tests?|specs?|cypress)/)")
_DRIVE = re.compile(r"[A-Za-z]:/")


def seconds_of(text: str) -> float | None:
    """A duration: `1.5`, `1e-3`, `1,234.5` (grouped), `0,123` and `1.234,5` (decimal comma). None if it is none."""
    if len(text) > _LONGEST_TIME:
        return None
    try:
        value = float(text)
    except ValueError:
        text = text.strip()
        # One comma without a point is a decimal comma: a test of 1.234 s is likelier than one of 20 minutes.
        if _COMMA.fullmatch(text):
            value = float(text.replace(".", "").replace(",", "."))
        elif _GROUPS.fullmatch(text):
            value = float(text.replace(",", ""))
        else:
            return None
    return value if 0 <= value < math.inf else None


def moment_of(text: str) -> datetime | None:
    """A time stamp in UTC: ISO 8601 (no zone: UTC), epoch milliseconds or seconds, RFC 1123. None if it is none."""
    text = text.strip()
    if not text or len(text) > _LONGEST_TIME:
        return None
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text) / (1000 if len(text) > 10 else 1), UTC)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def is_path(text: str) -> bool:
    """Whether a suite or class name is a source file's path, not a title or a dotted class."""
    if "." not in text or len(text) > _LONGEST_PATH:
        return False
    if _TEST_PATH.fullmatch(text):
        return True
    return ("/" in text or "\\" in text) and _PATH.fullmatch(text) is not None


def tidy_path(text: str) -> str:
    """A path with "/" separators, without "./", and relative as far as its working directory can be told."""
    path = text.strip()
    if "\\" in path:
        path = path.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    if path.startswith("/") or _DRIVE.match(path):
        return _relative(path)
    return path


def _relative(path: str) -> str:
    """An absolute path cut at a CI working directory, else at the first folder that projects begin with."""
    path = _DRIVE.sub("/", path, count=1) if _DRIVE.match(path) else path
    directory = _WORKING_DIRECTORY.match(path)
    if directory:
        return path[directory.end() :]
    mark = _ROOT_MARK.search(path)
    return path[mark.end() :] if mark else path


def stack_file(text: str) -> str:
    """The first test file that a stack trace names, relative as far as can be told; "" for none.

    Frames inside node_modules give the project's folder away; else the rules of `tidy_path` hold.
    """
    project = None
    for mark in islice(_stack_marks(text), _MOST_MARKS):
        path = _widened(text, mark.start()) + mark.group()
        if "node_modules" in path:
            continue
        if path.startswith("/"):
            if project is None:
                at = text.find(_MODULES)
                project = _widened(text, at) + "/" if at >= 0 else ""
            if len(project) > 1 and path.startswith(project):
                return path[len(project) :]
        return tidy_path(path)
    return ""


def _stack_marks(text: str) -> Iterator[re.Match[str]]:
    """What `_STACK_MARK.finditer` finds, in a tenth of the time: a search for plain words leads to each match."""
    at = 0
    following = {word: text.find(word) for word in _STACK_WORDS}
    while following := {word: place for word, place in following.items() if place >= 0}:
        start = min(following.values())
        found = _STACK_MARK.match(text, start)
        if found:
            yield found
        at = found.end() if found else start + 1
        for word, place in following.items():
            if place < at:
                following[word] = text.find(word, at)


def _widened(text: str, end: int) -> str:
    """The part of a path that ends at `end`, back to what cannot be part of one."""
    start = end
    lowest = max(0, end - _LONGEST_PATH)
    while start > lowest and text[start - 1] not in _NOT_IN_PATH:
        start -= 1
    path = text[start:end]
    if path.startswith("//"):  # the rest of file:/// or webpack:///
        path = path.lstrip("/")
        return path if path.startswith("./") else "/" + path
    return path


def line_of(text: str | None) -> int | None:
    """A line number from an attribute; None for what is none."""
    if not text or len(text) > 9 or not text.isascii() or not text.isdigit():
        return None
    return int(text)
