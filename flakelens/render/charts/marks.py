"""Dots, bands and whiskers: many of a kind as one path, so that an SVG of a long history stays small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

# How the key draws them.
DOT: dict[str, Any] = {"linestyle": "none", "marker": ".", "markersize": 4.0, "alpha": 0.6}
WHISKER: dict[str, Any] = {
    "linestyle": "none",
    "marker": "|",
    "markersize": 12,
    "markeredgewidth": 1.3,
    "alpha": 0.75,
}


class Box(NamedTuple):
    """What an interval speaks of, and the interval: a rectangle in the units of the axes."""

    start: float
    end: float
    low: float
    high: float


def dots(axes: Axes, points: Sequence[tuple[float, float]], *, colour: str) -> None:
    """A small round dot at each point, behind everything; of those on one pixel one. The axes have their limits."""
    if not points:
        return
    pixels = np.unique(np.round(axes.transData.transform(np.array(points)), 0), axis=0)
    places = axes.transData.inverted().transform(pixels)
    hair = axes.transData.inverted().transform(pixels + np.array([0.2, 0.0]))  # a line of no length would not be drawn
    ends = np.stack([places, hair], axis=1).reshape(-1, 2)
    _path(
        axes, ends, [Path.MOVETO, Path.LINETO] * len(places), edgecolor=colour, linewidth=2.4, capstyle="round",
        alpha=DOT["alpha"], zorder=1,
    )  # fmt: skip


def bands(axes: Axes, boxes: Sequence[Box], *, colour: str) -> None:
    """A tinted box each, as wide as what it speaks of: between two of them nothing is known."""
    _path(axes, *_rectangles(boxes), facecolor=colour, alpha=0.16, linewidth=0, zorder=3)
    edges = [
        corner for start, end, low, high in boxes for corner in ((start, low), (end, low), (start, high), (end, high))
    ]
    stroke = [Path.MOVETO, Path.LINETO]
    _path(axes, edges, stroke * 2 * len(boxes), edgecolor=colour, linewidth=0.9, alpha=0.8, zorder=3)


def _rectangles(boxes: Sequence[Box]) -> tuple[list[tuple[float, float]], list[Any]]:
    corners = [
        corner
        for start, end, low, high in boxes
        for corner in ((start, low), (end, low), (end, high), (start, high), (start, low))
    ]
    return corners, [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes)


def whiskers(axes: Axes, boxes: Sequence[Box], *, colour: str) -> None:
    """A line each from low to high in the middle of what it speaks of."""
    ends = [((box.start + box.end) / 2, bound) for box in boxes for bound in (box.low, box.high)]
    _path(axes, ends, [Path.MOVETO, Path.LINETO] * len(boxes), edgecolor=colour, linewidth=1.3, alpha=0.75, zorder=4)


def _path(axes: Axes, points: Any, codes: Sequence[Any], **style: Any) -> None:
    if len(points):
        path = Path(np.asarray(points), codes)
        path.should_simplify = False
        # Dots are strokes of next to no length: moved to whole pixels they would have none.
        axes.add_patch(PathPatch(path, **{"facecolor": "none", "edgecolor": "none", "snap": False, **style}))


def bars(axes: Axes, tall: Sequence[tuple[float, float]], *, colour: str) -> None:
    """An upright bar at each (place, height), a place being one unit wide."""
    boxes = [Box(place - 0.4, place + 0.4, 0.0, height) for place, height in tall]
    _path(axes, *_rectangles(boxes), facecolor=colour, linewidth=0, zorder=3)
