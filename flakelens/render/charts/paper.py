"""The paper that charts are drawn on: themes, and the words around a drawing.

Everything is measured in CSS pixels, so that a chart of width 360 is one for a telephone. matplotlib's global state and
its configuration files change nothing here: pyplot is not used, and all settings are those of `output.settings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from flakelens.model import TestId
from flakelens.render.charts.lettering import DPI, POINTS, fitted, text_width, wrapped

ThemeName = Literal["light", "dark"]

_TITLE, _TEXT, _SMALL = 15.0, 12.0, 11.0
_LEFT, _RIGHT, _EDGE = 58.0, 14.0, 12.0
NARROWEST, WIDEST = 280, 3840


class Theme(msgspec.Struct, frozen=True):
    """Colours by meaning. Words reach a contrast of 4.5 with the paper, lines and marks 3; the tests measure it."""

    name: ThemeName
    paper: str
    ink: str  # words
    quiet: str  # lesser words, axes
    grid: str
    rate: str  # pass rate after retries; stable
    first: str  # first attempts; flaky
    bad: str  # outages, failures, broken
    shade: str  # behind what is set apart


# After Okabe & Ito's palette for colour-blind readers, darkened on white and lightened on black.
LIGHT = Theme("light", "#ffffff", "#1f2328", "#59636e", "#e4e8ec", "#0063a3", "#a85300", "#a3123a", "#eef1f4")
DARK = Theme("dark", "#0d1117", "#e6edf3", "#9aa4af", "#262c34", "#62b6f0", "#f0a13a", "#ff7f96", "#1a2129")
THEMES: Mapping[str, Theme] = {theme.name: theme for theme in (LIGHT, DARK)}


def theme_of(name: str) -> Theme:
    """The theme of that name. Raises ValueError, naming those there are."""
    if name not in THEMES:
        raise ValueError(f"There is no theme {name!r}; there are {', '.join(THEMES)}.")
    return THEMES[name]


class Key(NamedTuple):
    """One entry of the key above a drawing: how the thing is drawn, and what it is."""

    said: str
    style: Mapping[str, Any]  # of a Line2D, or of a Patch where it has a facecolor
    tall: float | None = None  # a Patch as an upright bar of that height, 0 to 1


class Sheet(NamedTuple):
    """A figure with its words in place and room for the drawing."""

    figure: Figure
    axes: tuple[Axes, ...]
    theme: Theme
    width: int  # pixels
    plot_width: float  # pixels between left and right end of the axes


def sheet(
    *,
    title: str,
    facts: Sequence[str] = (),
    keys: Sequence[Key] = (),
    notes: Sequence[str] = (),
    heights: Sequence[float],
    gap: float = 30.0,
    look: Theme,
    width: int,
) -> Sheet:
    """Paper with a title, lines of facts and a key above, notes below, and between them one axes per height (pixels).

    Every text is taken for text, whatever is in it. Call it inside `output.settings`.
    Raises ValueError for a width outside 280 to 3840.
    """
    if not NARROWEST <= width <= WIDEST:
        raise ValueError(f"A chart is {NARROWEST} to {WIDEST} pixels wide, not {width}.")
    room = width - 2 * _EDGE
    above: list[tuple[str, float, str]] = [(fitted(title, room, _TITLE, bold=True), _TITLE, look.ink)]
    above += [(line, _TEXT, look.quiet) for fact in facts for line in wrapped(fact, room, _TEXT)]
    below = [line for note in notes for line in wrapped(note, room, _SMALL)]
    rows = _key_rows(keys, room)
    top = _EDGE + sum(size * 1.45 for _, size, _ in above) + len(rows) * 20.0 + (6.0 if rows else 0.0) + 12.0
    bottom = 26.0 + len(below) * _SMALL * 1.45 + _EDGE
    height = top + sum(heights) + gap * (len(heights) - 1) + bottom
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=look.paper)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1), facecolor="none")
    page.set_axis_off()
    page.set(xlim=(0, width), ylim=(height, 0))
    y = _EDGE
    for place, (line, size, colour) in enumerate(above):
        y += size * 1.45
        weight = "bold" if place == 0 else "normal"
        page.text(_EDGE, y - size * 0.45, line, size=size * POINTS, color=colour, weight=weight, va="baseline")
    y += 6.0 if rows else 0.0
    for row in rows:
        _draw_keys(page, row, y + 10.0, look)
        y += 20.0
    for place, line in enumerate(below):
        at = height - _EDGE - (len(below) - place - 1) * _SMALL * 1.45
        page.text(_EDGE, at - 2, line, size=_SMALL * POINTS, color=look.quiet, va="baseline")
    plot_width = plot_room(width)
    axes = []
    upper = top
    for tall in heights:
        box = (_LEFT / width, 1 - (upper + tall) / height, plot_width / width, tall / height)
        axes.append(_plain_axes(figure.add_axes(box), look))
        upper += tall + gap
    return Sheet(figure, tuple(axes), look, width, plot_width)


def plot_room(width: int) -> float:
    """Pixels between the ends of the axes on paper of that width."""
    return width - _LEFT - _RIGHT


def _plain_axes(axes: Axes, look: Theme) -> Axes:
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set(color=look.quiet, linewidth=0.8)
    axes.tick_params(colors=look.quiet, labelsize=_SMALL * POINTS, length=0, pad=9)
    axes.tick_params(axis="x", length=3, width=0.8, pad=5)
    axes.grid(axis="y", color=look.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _key_rows(keys: Sequence[Key], room: float) -> list[list[tuple[float, Key]]]:
    """The entries with their places from the left, as many to a row as fit."""
    rows: list[list[tuple[float, Key]]] = []
    x = room
    for key in keys:
        taken = 30.0 + text_width(key.said, _TEXT) + 14.0
        if not rows or x + taken - 14.0 > room:
            rows.append([])
            x = 0.0
        rows[-1].append((x, key))
        x += taken
    return rows


def _draw_keys(page: Axes, row: Sequence[tuple[float, Key]], y: float, look: Theme) -> None:
    for x, key in row:
        start = _EDGE + x
        if "facecolor" in key.style:
            left, right = (start, start + 22) if key.tall is None else (start + 7, start + 14)
            upper = y - 5 if key.tall is None else y + 6 - 12 * key.tall
            lower = y + 5 if key.tall is None else y + 6
            page.add_patch(Polygon([(left, upper), (right, upper), (right, lower), (left, lower)], **key.style))
        elif "linestyle" in key.style and key.style["linestyle"] == "none":
            page.add_line(Line2D([start + 11], [y], **key.style))
        else:
            page.add_line(Line2D([start, start + 11, start + 22], [y, y, y], **{"markevery": [1], **key.style}))
        page.text(start + 30, y + 4, key.said, size=_TEXT * POINTS, color=look.ink, va="baseline")


def words(axes: Axes, x: float, y: float, said: str, *, colour: str, size: float = _SMALL, **more: Any) -> None:
    """A short text within a drawing."""
    axes.text(x, y, said, size=size * POINTS, color=colour, **more)


def aside(axes: Axes, x: float, said: str, *, colour: str, left: bool) -> None:
    """A word at the foot of a drawing, right or left of `x`."""
    axes.annotate(
        said, (x, 0), (-4 if left else 4, 3), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
        size=_SMALL * POINTS, color=colour, ha="right" if left else "left", va="bottom",
    )  # fmt: skip


def say_empty(axes: Axes, said: str, look: Theme) -> None:
    """What stands in a drawing in which there is nothing to draw."""
    words(axes, 0.5, 0.5, said, colour=look.quiet, transform=axes.transAxes, ha="center", size=_TEXT)


def title_of(reported: TestId, canonical: TestId) -> str:
    """How a chart names a test: as its newest report did, with its variant."""
    name = reported.name or canonical.name
    return f"{name} [{reported.variant}]" if reported.variant else name
