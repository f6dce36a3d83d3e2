"""Which lines of the test file, and of the sources, a failure message points at."""

from __future__ import annotations

import re

from flakelens.report.brief import Line

_LOOKED_AT = 50_000  # characters of a message
_MOST = 10
# "at f (path/to/x.test.js:17:52)", "at /home/x.spec.ts:9:32": the line and column end it, or a bracket.
_FRAME = re.compile(r"(?P<path>[^\s()'\"<>›]{1,500}):(?P<line>\d{1,6}):\d{1,6}(?=[\s)]|$)(?! ›)")
# A code frame marks the failing line: "> 9 | await expect(..)".
_MARKED = re.compile(r"^\s*>\s*(?P<line>\d{1,6})\s*\|(?P<source>.*)$", re.MULTILINE)
_NOT_OURS = ("node_modules/", "node:", "<anonymous>", "/deps/")
_KEPT = 3  # parts of a path that nothing is known of
_TEST_FILE = re.compile(r"(?:\.|-|_)(?:test|spec)\.[cm]?[jt]sx?$|(?:^|/)__tests__/")


def failing_lines(message: str, file: str) -> tuple[Line, ...]:
    """The lines of `file` that the stack trace of `message` names, innermost first, each once; without a file those
    of what looks like a test file.
    """
    text = message[:_LOOKED_AT]
    sources = {int(found["line"]): " ".join(found["source"].split()) for found in _MARKED.finditer(text)}
    lines: dict[int, Line] = {}
    for found in _FRAME.finditer(text):
        path = found["path"].replace("\\", "/").removeprefix("file://")
        if "node_modules/" not in path and _same(path, file) and len(lines) < _MOST:
            number = int(found["line"])
            lines.setdefault(number, Line(file=file or path, line=number, source=sources.get(number, "")))
    return tuple(lines.values())


def path_in_trace(message: str, file: str) -> str:
    """`file` as the stack trace of `message` writes it, folders and all; "" where no frame names it."""
    for found in _FRAME.finditer(message[:_LOOKED_AT]):
        path = found["path"].replace("\\", "/").removeprefix("file://")
        if file and "node_modules/" not in path and path.endswith(f"/{file.removeprefix('./')}"):
            return path
    return ""


def source_lines(message: str, file: str) -> tuple[Line, ...]:
    """The lines outside of the test file `file` (and of any test file) that the stack trace of `message` names,
    innermost first, each once. Paths are cut to what is beside the test file's own; of others the last parts stay.
    """
    text = message[:_LOOKED_AT]
    frames = [(found["path"].replace("\\", "/").removeprefix("file://"), int(found["line"]))
              for found in _FRAME.finditer(text)]  # fmt: skip
    root = next((path.removesuffix(file) for path, _ in frames if file and path.endswith(f"/{file}")), "")
    lines: dict[tuple[str, int], Line] = {}
    for path, number in frames:
        if any(part in path for part in _NOT_OURS) or _same(path, file) or _TEST_FILE.search(path):
            continue
        near = path.removeprefix(root) if root and path.startswith(root) else "/".join(path.split("/")[-_KEPT:])
        if len(lines) < _MOST:
            lines.setdefault((near, number), Line(file=near, line=number, source=""))
    return tuple(lines.values())


def _same(path: str, file: str) -> bool:
    """Is the path of a frame this file? Either may be relative to a folder that the other names."""
    if not file:
        return bool(_TEST_FILE.search(path))
    return path == file or path.endswith(f"/{file.removeprefix('./')}") or file.endswith(f"/{path.removeprefix('./')}")
