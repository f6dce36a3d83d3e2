"""Each format read as its reader reads it; what a reader would obey is a fault."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from markdown_it import MarkdownIt

# As the runners read: GitHub's "::name" begins a line, "##[" and Azure's "##vso[" stand anywhere in it.
COMMAND = re.compile(
    r"(?m)^\s*::(?:error|warning|notice|set-output|stop-commands|add-mask)|##\[|##vso\[", re.IGNORECASE
)
JOINERS = "\n\u3000\u200c\u200d"
_OUR_TAGS = re.compile(r"</?(?:details|summary|b|br|sub)(?: open)?>|<!-- flakelens[^<>]* -->")


def text(said: str) -> Iterator[str]:
    """A terminal and a CI log: no character that moves, colours or hides, no command in the line."""
    odd = {c for c in said if c not in JOINERS and c != " " and unicodedata.category(c)[0] in "CZ"}
    if odd:
        yield f"characters {odd!r}"
    yield from (f"a command: {found!r}" for found in COMMAND.findall(said))


def as_json(said: str) -> Iterator[str]:
    """A program, and whoever prints it into a terminal or a CI log: one document, ASCII, no command."""
    yield from text(said)
    if not said.isascii():
        yield "is not ASCII"
    json.loads(said)


def markdown(said: str) -> Iterator[str]:
    """A page of GitHub: only tags of ours, no picture, no link that a stranger wrote, no heading that says MET."""
    yield from text(said)
    for token in MarkdownIt("gfm-like").parse(said):
        for each in (token, *(token.children or ())):
            if each.type in ("html_block", "html_inline") and "<" in _OUR_TAGS.sub("", each.content):
                yield f"a tag {each.content[:80]!r}"
            if each.type == "image":
                yield f"a picture {each.attrs}"
            if each.type == "link_open" and "evil" in str(each.attrs.get("href")):
                yield f"a link {each.attrs}"
        if token.type == "inline" and token.content.strip() == "MET" and token.level == 1:
            yield "a forged line"


def github(said: str) -> Iterator[str]:
    """GitHub's runner: one command of ours a line, and no more in it."""
    for line in said.splitlines():
        found = re.fullmatch(r"::(?:error|warning|notice)(?: [a-z]+=[^:,]*(?:,[a-zA-Z]+=[^:,]*)*)?::(.*)", line)
        if found is None:
            yield f"a line {line[:80]!r}"
        elif COMMAND.search(found[1]):
            yield f"a command in {line[:80]!r}"
    yield from (fault for fault in text(said) if fault.startswith("characters"))


def junit(said: str) -> Iterator[str]:
    """A CI system that reads JUnit XML: well-formed, no elements but those of the format."""
    known = {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
        "properties",
        "property",
    }
    found = {element.tag for element in ElementTree.fromstring(said).iter()}
    if found - known or "<!" in re.sub(r"<!\[CDATA\[.*?\]\]>", "", said, flags=re.DOTALL):
        yield f"elements {found - known}"


def table(said: str) -> Iterator[str]:
    """A spreadsheet: no cell is a formula. Numbers may have a sign."""
    for row in csv.reader(io.StringIO(said)):
        for cell in row:
            if cell[:1] in "=+-@\t\r\n" and cell and not re.fullmatch(r"[+-]?[\d.]+(?:e[+-]?\d+)?", cell):
                yield f"a formula {cell[:60]!r}"


class _Page(HTMLParser):
    """Collects what a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            where = value or ""
            if name.startswith("on"):
                self.faults.append(f"a handler {name}={where!r}")
            if name in ("href", "src", "action", "xlink:href") and not re.match(
                r"#|data:image|https?://ci|\.?\.?/?\w", where
            ):
                self.faults.append(f"an address {where[:60]!r}")
            if name in ("href", "src") and re.match(r"\s*(javascript|vbscript|data:text)", where, re.IGNORECASE):
                self.faults.append(f"an address {where[:60]!r}")
        if tag in ("iframe", "object", "embed", "base", "h1") and self.inside == "main" and tag != "h1":
            self.faults.append(f"an element {tag}")
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside == "script" and "owned()" in data and not data.lstrip().startswith(("{", "[")):
            self.faults.append("a script of a stranger's")


def page(said: str) -> Iterator[str]:
    """A browser: no handler, no script, no address of a stranger's."""
    reader = _Page()
    reader.feed(said)
    reader.close()
    yield from reader.faults


READERS = {"text": text, "json": as_json, "markdown": markdown, "github": github, "junit": junit}
FILES = {".html": page, ".svg": page, ".md": markdown, ".json": as_json, ".csv": table, ".xml": junit}


def of_folder(folder: Path) -> Iterator[str]:
    """Faults of all files below `folder`, each read by what its name says."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in FILES:
            yield from (f"{path.name}: {fault}" for fault in FILES[path.suffix](path.read_text(encoding="utf-8")))
