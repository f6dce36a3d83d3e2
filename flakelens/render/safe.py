"""Titles and messages for a terminal of some width: colours taken out, the rest made harmless, fitted to columns."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len

from flakelens.render.escape import plain

# Escape sequences that colour or move (CSI), that set titles and links (OSC), and other two-character ones.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_a-z=>78]")
# What a report's producer leaves of a colour after it removed the escape character (Playwright's junit reporter).
_ANSI_TAIL = re.compile(r"\[(?:\d{1,3};?)+m")
_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST = 1_000  # characters of one line


def one_line(text: str) -> str:
    """`text` on one line: colours removed, white space folded, everything invisible written out (\\x1b, \\u202e)."""
    return plain(_without_colour(text), _LONGEST)


def lines(text: str) -> list[str]:
    """The lines of `text`, each as `one_line` but with its indentation; a tab is four spaces."""
    out = []
    for line in _LINE_END.split(_without_colour(text)):
        wide = line.replace("\t", "    ")
        indent = len(wide) - len(wide.lstrip(" "))
        out.append(" " * min(indent, 40) + plain(wide, _LONGEST) if wide.strip() else "")
    return out


def shorten_middle(text: str, width: int) -> str:
    """`text` in at most `width` columns, the middle left out where it is longer: both ends of a title tell most."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    room = width - 1
    head = fitting(text, (room + 1) // 2)
    tail = fitting(text[::-1], room - cell_len(head))[::-1]
    while tail and _clings(tail[0]):
        tail = tail[1:]
    return f"{head.rstrip()}…{tail.lstrip()}"


def shorten_end(text: str, width: int) -> str:
    """`text` in at most `width` columns, its end left out where it is longer."""
    return text if cell_len(text) <= width else f"{fitting(text, max(0, width - 1)).rstrip()}…"


def fitting(text: str, width: int) -> str:
    """The longest beginning of `text` that takes at most `width` columns."""
    taken = 0
    used = 0
    for char in text:
        used += cell_len(char)
        if used > width:
            break
        taken += 1
    # A mark or joiner that belongs to the last letter comes along; it takes no column of its own.
    while taken < len(text) and unicodedata.combining(text[taken]):
        taken += 1
    return text[:taken]


def _clings(char: str) -> bool:
    return bool(unicodedata.combining(char)) or char in "\u200c\u200d\ufe0e\ufe0f"


def _without_colour(text: str) -> str:
    return _ANSI_TAIL.sub("", _ANSI.sub("", text))
