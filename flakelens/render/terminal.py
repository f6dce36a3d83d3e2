"""Styled lines as the text of a terminal, or plain where colours are not wanted."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from flakelens.render.safe import fitting, one_line
from flakelens.render.styled import Text

# Colours by meaning, from the sixteen that every terminal theme makes readable.
GOOD, BAD, DOUBT, QUIET, STRONG, NAME = "green", "red", "yellow", "bright_black", "bold", "cyan"


def to_text(lines: Iterable[Text | str], *, colour: bool) -> str:
    """The lines one under the other; none is broken here, and no space is left at an end."""
    written = (line.rstripped().written(colour=colour) if isinstance(line, Text) else line.rstrip() for line in lines)
    return "".join(f"{line}\n" for line in written)


def row(*parts: tuple[str, str] | str) -> Text:
    """One line of parts, each plain or with a style."""
    return Text.assemble(*parts)


def fill(text: str, width: int) -> str:
    """`text` padded with spaces to `width` columns, counting wide letters as two."""
    return text + " " * max(0, width - cell_len(text))


def paragraph(text: str, *, width: int, first: str = "", rest: str | None = None, style: str = "") -> list[Text]:
    """A sentence wrapped between words into `width` columns, with an indent for the first and the other lines."""
    rest = " " * cell_len(first) if rest is None else rest
    room = max(20, width - cell_len(first))
    return [
        Text.assemble(first if place == 0 else rest, (piece, style))
        for place, piece in enumerate(wrapped(one_line(text), room))
    ]


def wrapped(text: str, room: int) -> list[str]:
    """`text` in pieces of at most `room` columns, broken between words where words allow it. Wide letters count two."""
    pieces = [""]
    for word in text.split(" "):
        longer = f"{pieces[-1]} {word}" if pieces[-1] else word
        if cell_len(longer) <= room:
            pieces[-1] = longer
            continue
        rest = word
        while cell_len(rest) > room:  # a path or an address without a space
            begun = f"{pieces[-1]} " if pieces[-1] else ""
            part = fitting(rest, room - cell_len(begun))
            pieces[-1] = f"{begun}{part}".rstrip()
            pieces.append("")
            rest = rest[len(part) :]
        if pieces[-1]:
            pieces.append(rest)
        else:
            pieces[-1] = rest
    return pieces


def heading(text: str) -> Text:
    """The heading of a section."""
    return Text(text, style=STRONG)
