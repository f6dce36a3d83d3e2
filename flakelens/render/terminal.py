"""Styled lines as the text of a terminal, or plain where colours are not wanted."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from flakelens.render.safe import fitting, one_line

# Colours by meaning, from the sixteen that every terminal theme makes readable.
GOOD, BAD, DOUBT, QUIET, STRONG, NAME = "green", "red", "yellow", "bright_black", "bold", "cyan"


def console_into(out: StringIO, *, width: int, colour: bool) -> Console:
    """A console that writes into `out`, knows nothing of the real terminal and takes no text for markup."""
    return Console(
        file=out,
        width=max(width, 20),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )


def to_text(lines: Iterable[Text | str], *, width: int, colour: bool) -> str:
    """The lines one under the other; none is broken here, and no space is left at an end."""
    out = StringIO()
    console = console_into(out, width=width, colour=colour)
    for line in lines:
        text = line.copy() if isinstance(line, Text) else Text(line)
        text.rstrip()
        console.print(text, soft_wrap=True)
    return out.getvalue()


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
