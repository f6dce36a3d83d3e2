"""A line of text with styles, and the codes by which a terminal shows them.

What nearly every command prints. rich could do it, and does where cells must share a line that is too short for them
(`render/tables`), but to load it takes longer than many a command works.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

# Select Graphic Rendition (ECMA-48): what a style may be made of, by words; attributes come before the colour.
_ATTRIBUTES: Final = {"bold": "1", "dim": "2"}
_COLOURS: Final = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bright_black": "90"}
_WORD: Final = re.compile(r"\s*\S+\s*")


class Text:
    """Parts one after the other, each with a style besides that of the whole: "bold", "red", "bold red" or none."""

    __slots__ = ("_parts", "style")

    def __init__(self, text: str = "", style: str = "") -> None:
        self.style = style
        self._parts = [(text, "")] if text else []

    @classmethod
    def assemble(cls, *parts: Text | tuple[str, str] | str) -> Text:
        """One line of parts, each plain or with a style."""
        whole = cls()
        for part in parts:
            whole.append(*part) if isinstance(part, tuple) else whole.append(part)
        return whole

    def append(self, text: Text | str, style: str = "") -> Text:
        """Add a part at the end, and give the whole."""
        if isinstance(text, Text):
            for part, own in text._parts:
                self.append(part, f"{text.style} {own}".strip())
        elif text and not style and self._parts and not self._parts[-1][1]:
            self._parts[-1] = (self._parts[-1][0] + text, "")
        elif text:
            self._parts.append((text, style))
        return self

    @property
    def plain(self) -> str:
        """The text without its styles."""
        return "".join(part for part, _ in self._parts)

    @property
    def cell_len(self) -> int:
        """The columns it takes."""
        return cell_len(self.plain)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def rstripped(self) -> Text:
        """The same without space at its end."""
        return self._cut(0, len(self.plain.rstrip()))

    def folded(self, width: int) -> list[Text]:
        """Lines of at most `width` columns: broken between words, and inside of those that are longer than a line."""
        plain = self.plain
        breaks = [0, *_breaks(plain, width), len(plain)]
        return [self._cut(begin, begin + len(_within(plain[begin:end], width))) for begin, end in pairwise(breaks)]

    def written(self, *, colour: bool) -> str:
        """For a terminal, with its codes for the styles, or as plain text."""
        if not colour:
            return self.plain
        return "".join(_coded(part, f"{self.style} {style}") for part, style in self._parts)

    def _cut(self, begin: int, end: int) -> Text:
        cut, place = Text(style=self.style), 0
        for part, style in self._parts:
            cut.append(part[max(0, begin - place) : max(0, end - place)], style)
            place += len(part)
        return cut


@lru_cache(maxsize=64)
def _codes(style: str) -> str:
    words = style.split()
    colours = [_COLOURS[word] for word in words if word not in _ATTRIBUTES]
    return ";".join([code for word, code in _ATTRIBUTES.items() if word in words] + colours[-1:])


def _coded(text: str, style: str) -> str:
    codes = _codes(style)
    return f"\x1b[{codes}m{text}\x1b[0m" if codes else text


def _breaks(text: str, width: int) -> list[int]:
    """Where new lines begin, as rich breaks them."""
    breaks: list[int] = []
    used = 0
    for found in _WORD.finditer(text):
        begin, word = found.start(), found[0]
        room = cell_len(word.rstrip())
        if room <= width - used:
            used += cell_len(word)
        elif room <= width:
            breaks.append(begin)
            used = cell_len(word)
        else:
            pieces = chop_cells(word, width)
            breaks += [place for place in _starts(begin, pieces) if place]
            used = cell_len(pieces[-1])
    return breaks


def _starts(begin: int, pieces: list[str]) -> list[int]:
    starts = [begin]
    for piece in pieces[:-1]:
        starts.append(starts[-1] + len(piece))
    return starts


def _within(line: str, width: int) -> str:
    """A line without those spaces at its end that it has no room for."""
    over = max(0, len(line) - width)
    line = line[: len(line) - min(over, len(line) - len(line.rstrip()))]
    return line if cell_len(line) <= width else set_cell_size(line, width)
