"""Cells in columns: what fits into the line is set here, and rich shares out the room where it does not.

rich also does it where there are colours: a terminal is read by somebody who can wait for it to be loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Literal, NamedTuple

from rich.cells import cell_len

from flakelens.render.styled import Text

_GAP = 2  # columns behind each cell


class Column(NamedTuple):
    """How the cells of a column stand, and what becomes of them where the line has no room."""

    name: str = ""
    right: bool = False
    width: int | None = None  # None: as wide as the widest cell
    narrow: Literal["fold", "wrap", "cut"] = "fold"  # wrap: between words only


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], *, width: int, colour: bool, heads: bool = True
) -> list[str]:
    """Lines of at most `width` columns, with the names of the columns above them if `heads`."""
    cells = [[cell.plain for cell in row] for row in rows]
    cells = [[column.name for column in columns], *cells] if heads else cells
    needed = [max((cell_len(row[place]) for row in cells), default=0) for place in range(len(columns))]
    widths = [need if column.width is None else column.width for column, need in zip(columns, needed, strict=True)]
    fits = sum(widths) + _GAP * len(widths) <= width and all(map(int.__le__, needed, widths))
    if colour or not fits:
        return _by_rich(columns, rows, width, colour, heads)
    rights = [column.right for column in columns]
    return [_line(row, widths, rights) for row in cells]


def _line(cells: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    line = ""
    for cell, width, right in zip(cells, widths, rights, strict=True):
        room = " " * (width - cell_len(cell))
        line += f"{room}{cell}" if right else f"{cell}{room}"
        line += " " * _GAP
    return line.rstrip()


def _by_rich(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int, colour: bool, heads: bool
) -> list[str]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Cell

    out = StringIO()
    console = Console(  # knows nothing of the real terminal and takes no text for markup
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    made = Table(
        box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_edge=False, show_header=heads, header_style="dim"
    )
    for column in columns:
        made.add_column(
            column.name,
            width=column.width,
            justify="right" if column.right else "left",
            overflow="fold" if column.narrow == "fold" else "ellipsis",
            no_wrap=column.narrow == "cut",
        )
    for row in rows:
        made.add_row(*(Cell(cell.plain, style=cell.style) for cell in row))
    console.print(made)
    return out.getvalue().split("\n")[:-1]
