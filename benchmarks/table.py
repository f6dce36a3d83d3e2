"""What every benchmark returns: rows of figure, target and verdict, and one way to print them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. Without a target it is there to be read, not judged."""

    name: str
    figure: str
    target: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Section:
    """Rows under one heading, which says what was counted and how often."""

    title: str
    rows: tuple[Row, ...]


def judged(figure: float, target: float, error: float, *, at_least: bool = False, moonshot: bool = False) -> str:
    """ "met" or "MISSED" for a figure with its standard error; a moonshot is "not reached" until it is.

    The verdict compares the figure as it is. "(2 se)" marks one that two standard errors could turn.
    """
    holds = figure >= target if at_least else figure <= target
    verdict = "met" if holds else "not reached" if moonshot else "MISSED"
    return verdict + (" (2 se)" if error > 0 and abs(figure - target) <= 2 * error else "")


def show(sections: list[Section]) -> str:
    """The sections as one aligned plain table."""
    rows = [row for section in sections for row in section.rows]
    columns = [max(len(getattr(row, field)) for row in rows) for field in ("name", "figure", "target")]
    lines = []
    for section in sections:
        lines += ["", section.title]
        for row in section.rows:
            cells = (row.name, row.figure, row.target)
            line = "  ".join(cell.ljust(width) for cell, width in zip(cells, columns, strict=True))
            lines.append(f"  {line}  {row.verdict}".rstrip())
    return "\n".join(lines[1:])
