"""The paper that charts are drawn on: themes, the words around a drawing, and what is written as SVG and PNG.

Everything is measured in CSS pixels, so that a chart of width 360 is one for a telephone. matplotlib's global state and
its configuration files change nothing here: pyplot is not used, and all settings are those of `_settings`.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from flakelens.render.safe import one_line

ThemeName = Literal["light", "dark"]

_POINTS = 0.75  # per CSS pixel
_DPI = 96
_FONT = "DejaVu Sans"  # comes with matplotlib: the same measures on every machine
# Readers without it see the next of these; all are no wider, so that nothing runs into anything.
_FAMILIES = "'DejaVu Sans', Verdana, 'Helvetica Neue', Arial, sans-serif"
_TITLE, _TEXT, _SMALL = 15.0, 12.0, 11.0
_LEFT, _RIGHT, _EDGE = 54.0, 14.0, 12.0
NARROWEST, WIDEST = 280, 3840


@dataclass(frozen=True, slots=True)
class Theme:
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


class Sheet(NamedTuple):
    """A figure with its words in place and room for the drawing."""

    figure: Figure
    axes: tuple[Axes, ...]
    theme: Theme
    width: int  # pixels
    plot_width: float  # pixels between left and right end of the axes


@contextmanager
def settings() -> Iterator[None]:
    """matplotlib as it comes, whatever a matplotlibrc says, with reproducible SVG and no formulas in titles."""
    kept: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith(("backend", "interactive"))
    }
    ours = {
        "font.family": [_FONT],
        "svg.fonttype": "none",
        "svg.hashsalt": "flakelens",
        "text.parse_math": False,
        "axes.formatter.use_mathtext": False,
        "axes.unicode_minus": True,
        "timezone": "UTC",
    }
    with mpl.rc_context(kept | ours), warnings.catch_warnings():
        # Titles may be in any script: readers of an SVG have the font, a PNG shows a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


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
    left: float = _LEFT,
) -> Sheet:
    """Paper with a title, lines of facts and a key above, notes below, and between them one axes per height (pixels).

    Every text is taken for text, whatever is in it. Call it inside `settings`.
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
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=look.paper)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1), facecolor="none")
    page.set_axis_off()
    page.set(xlim=(0, width), ylim=(height, 0))
    y = _EDGE
    for place, (line, size, colour) in enumerate(above):
        y += size * 1.45
        weight = "bold" if place == 0 else "normal"
        page.text(_EDGE, y - size * 0.45, line, size=size * _POINTS, color=colour, weight=weight, va="baseline")
    y += 6.0 if rows else 0.0
    for row in rows:
        _draw_keys(page, row, y + 10.0, look)
        y += 20.0
    for place, line in enumerate(below):
        at = height - _EDGE - (len(below) - place - 1) * _SMALL * 1.45
        page.text(_EDGE, at - 2, line, size=_SMALL * _POINTS, color=look.quiet, va="baseline")
    plot_width = width - left - _RIGHT
    axes = []
    upper = top
    for tall in heights:
        box = (left / width, 1 - (upper + tall) / height, plot_width / width, tall / height)
        axes.append(_plain_axes(figure.add_axes(box), look))
        upper += tall + gap
    return Sheet(figure, tuple(axes), look, width, plot_width)


def _plain_axes(axes: Axes, look: Theme) -> Axes:
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set(color=look.quiet, linewidth=0.8)
    axes.tick_params(colors=look.quiet, labelsize=_SMALL * _POINTS, length=0, pad=9)
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
            corners = ((start, y - 5), (start + 22, y - 5), (start + 22, y + 5), (start, y + 5))
            page.add_patch(_polygon(corners, key.style))
        elif "linestyle" in key.style and key.style["linestyle"] == "none":
            page.add_line(Line2D([start + 11], [y], **key.style))
        else:
            page.add_line(Line2D([start, start + 11, start + 22], [y, y, y], **{"markevery": [1], **key.style}))
        page.text(start + 30, y + 4, key.said, size=_TEXT * _POINTS, color=look.ink, va="baseline")


def _polygon(corners: Sequence[tuple[float, float]], style: Mapping[str, Any]) -> Patch:
    from matplotlib.patches import Polygon

    return Polygon(corners, closed=True, **style)


def words(axes: Axes, x: float, y: float, said: str, *, colour: str, size: float = _SMALL, **more: Any) -> None:
    """A short text within a drawing."""
    axes.text(x, y, said, size=size * _POINTS, color=colour, **more)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide `text` is at a size, in pixels."""
    font = get_font(findfont(f"{_FONT}:bold" if bold else _FONT))
    font.set_size(size * _POINTS, _DPI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64


def fitted(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """`text` on one line, made harmless; its middle left out where it is wider than `room` pixels."""
    text = one_line(text)
    if text_width(text, size, bold=bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:  # the most characters that fit
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _cut_width(text, middle, size, bold) <= room else (low, middle - 1)
    return _cut(text, low)


def _cut(text: str, keep: int) -> str:
    head = (keep + 1) // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (keep - head) :].lstrip() if keep > head else ''}"


def _cut_width(text: str, keep: int, size: float, bold: bool) -> float:
    return text_width(_cut(text, keep), size, bold=bold)


def wrapped(text: str, room: float, size: float) -> list[str]:
    """`text` made harmless, in lines of at most `room` pixels."""
    lines: list[str] = []
    for word in one_line(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(fitted(word, room, size))
    return lines


def describe(figure: Figure, said: str) -> None:
    """What somebody who cannot see the chart is told; it becomes the title element of its SVG."""
    figure.set_label(one_line(said))


def description(figure: Figure) -> str:
    """The same, for the `alt` of an image."""
    return str(figure.get_label())


def to_svg(figure: Figure) -> str:
    """The chart as an SVG element: the same bytes for the same chart, without a date, its words as text.

    It can stand in a page or be a file. It refers to nothing outside itself.
    """
    out = io.StringIO()
    dpi = figure.dpi
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with settings():
        FigureCanvasSVG(figure).print_svg(out, metadata=nothing)
    figure.set_dpi(dpi)
    FigureCanvasAgg(figure)
    svg = out.getvalue()
    svg = svg[svg.index("<svg ") :]
    svg = _STYLED_FONT.sub(lambda found: found[0].replace(f"'{_FONT}'", _FAMILIES), svg)
    svg = _NAMED_GROUP.sub("<g", svg)
    start = svg.index(">") + 1
    # A screen reader takes the whole for one picture with this name.
    opening = svg[: start - 1].replace("<svg ", '<svg role="img" ', 1)
    return f"{opening}>\n <title>{escape(description(figure))}</title>{svg[start:]}"


# matplotlib writes the font into each text's style attribute; a title's own characters never stand in a tag.
_STYLED_FONT = re.compile(r'<text style="[^"]*"')
# Numbered names of groups: nothing refers to them, and two charts in one page would share them.
_NAMED_GROUP = re.compile(r'<g id="[^"]*"')


def to_png(figure: Figure) -> bytes:
    """The chart as PNG, two pixels for each of CSS; the same bytes for the same chart and version of matplotlib."""
    out = io.BytesIO()
    with settings():
        FigureCanvasAgg(figure)
        figure.savefig(out, format="png", dpi=2 * _DPI, metadata={"Software": None})
    return out.getvalue()
