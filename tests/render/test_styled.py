"""What is printed is what rich would print: the same breaks, the same codes, the same columns."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text as RichText

from flakelens.render.styled import Text
from flakelens.render.tables import Column, table

STYLES = ("", "bold", "dim", "red", "bold red", "bright_black", "cyan", "yellow", "green")
# Letters of one and of two columns, marks of none, spaces, and long words.
WORDS = st.text(st.sampled_from("ab9-./ é✓日本\u0301"), max_size=30)
PARTS = st.lists(st.tuples(WORDS, st.sampled_from(STYLES)), max_size=5)


def rich_console(width: int, colour: bool) -> Console:
    return Console(
        file=StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None,
        no_color=not colour, highlight=False, markup=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@given(parts=PARTS, style=st.sampled_from(STYLES), width=st.integers(4, 40), colour=st.booleans())
def test_lines_break_and_are_coded_as_by_rich(
    parts: list[tuple[str, str]], style: str, width: int, colour: bool
) -> None:
    ours, rich = Text("", style), RichText("", style)
    for part in parts:
        ours.append(*part)
        rich.append(*part)
    console = rich_console(width, colour)
    console.print(rich, overflow="fold")
    assert "".join(f"{line.written(colour=colour)}\n" for line in ours.folded(width)) == printed(console)


@given(parts=PARTS, style=st.sampled_from(STYLES), colour=st.booleans())
def test_a_line_that_is_not_to_be_broken_is_coded_as_by_rich(
    parts: list[tuple[str, str]], style: str, colour: bool
) -> None:
    rich = RichText.assemble("  ", *parts, style=style)
    rich.rstrip()
    console = rich_console(20, colour)
    console.print(rich, soft_wrap=True)
    ours = Text.assemble("  ", *parts)
    ours.style = style
    assert f"{ours.rstripped().written(colour=colour)}\n" == printed(console)


@given(st.lists(st.tuples(PARTS, st.sampled_from(STYLES)), max_size=3))
def test_texts_are_joined_as_by_rich(lines: list[tuple[list[tuple[str, str]], str]]) -> None:
    ours, rich = Text(), RichText()
    for parts, style in lines:
        ours.append(whole := Text.assemble(*parts), "")
        assert whole.plain == "".join(part for part, _ in parts)
        rich.append_text(RichText.assemble(*parts))
        ours.append(" ", style)
        rich.append(" ", style)
    console = rich_console(2_000, colour=True)
    console.print(rich, soft_wrap=True)
    assert f"{ours.written(colour=True)}\n" == printed(console)
    assert bool(ours) is bool(rich)
    assert ours.cell_len == rich.cell_len


COLUMNS = (Column("Area"), Column("Tests", right=True, narrow="cut"), Column("Pass rate", narrow="wrap"))
CELLS = st.text(st.sampled_from("ab 9日✓"), max_size=14).map(str.strip)  # as `plain` leaves them
ROWS = st.lists(st.tuples(*(CELLS for _ in COLUMNS)), max_size=4)


@given(rows=ROWS, width=st.integers(20, 60), heads=st.booleans())
def test_cells_that_fit_stand_where_rich_sets_them(rows: list[tuple[str, ...]], width: int, heads: bool) -> None:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, show_header=heads)
    for column in COLUMNS:
        made.add_column(
            column.name,
            justify="right" if column.right else "left",
            overflow="fold" if column.narrow == "fold" else "ellipsis",
            no_wrap=column.narrow == "cut",
        )
    for row in rows:
        made.add_row(*map(RichText, row))
    console = rich_console(width, colour=False)
    console.print(made)
    lines = table(COLUMNS, [[Text(cell) for cell in row] for row in rows], width=width, colour=False, heads=heads)
    assert [line.rstrip() for line in lines] == [line.rstrip() for line in printed(console).splitlines()]


@pytest.mark.parametrize("width", [60, 30])
def test_columns_of_a_given_width_are_as_wide_whatever_they_hold(width: int) -> None:
    columns = [Column(width=3), Column(width=8, right=True)]
    (line,) = table(columns, [[Text("a"), Text("b")]], width=width, colour=False, heads=False)
    assert line.rstrip() == "a           b"


def test_a_style_that_no_terminal_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        Text("a", "blink").written(colour=True)
