"""What is written of a chart: SVG and PNG, the same bytes every time, under settings of its own."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from flakelens.render.charts.lettering import DPI, FONT
from flakelens.render.safe import one_line

# Readers without our font see the next of these; all are no wider, so that nothing runs into anything.
_FAMILIES = "'DejaVu Sans', Verdana, 'Helvetica Neue', Arial, sans-serif"


@contextmanager
def settings() -> Iterator[None]:
    """matplotlib as it comes, whatever a matplotlibrc says, with reproducible SVG and no formulas in titles."""
    kept: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith(("backend", "interactive"))
    }
    ours = {
        "font.family": [FONT],
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
    svg = _STYLEDFONT.sub(lambda found: found[0].replace(f"font-family: '{FONT}'; ", ""), svg)
    svg = _BROKEN_LINE.sub(" ", _BETWEEN_TAGS.sub("><", _NAMED_GROUP.sub("<g", svg)))
    start = svg.index(">") + 1
    # A screen reader takes the whole for one picture with this name.
    opening = svg[: start - 1].replace("<svg ", f'<svg role="img" font-family="{_FAMILIES}" ', 1)
    return f"{opening}>\n <title>{escape(description(figure))}</title>{svg[start:]}"


# matplotlib writes the font into each text's style attribute; a title's own characters never stand in a tag.
_STYLEDFONT = re.compile(r'<text style="[^"]*"')
# Numbered names of groups: nothing refers to them, and two charts in one page would share them.
_NAMED_GROUP = re.compile(r'<g id="[^"]*"')
# Indentation and line ends mean nothing here, and a page carries many charts.
_BETWEEN_TAGS = re.compile(r">\s*\n\s*<")
_BROKEN_LINE = re.compile(r"\s*\n\s*")
_COLOURS = 48  # of a PNG: lines and words in a few colours, and the shades at their edges


def to_png(figure: Figure) -> bytes:
    """The chart as PNG, two pixels for each of CSS; the same bytes for the same chart and version of matplotlib."""
    out = io.BytesIO()
    with settings():
        FigureCanvasAgg(figure)
        figure.savefig(out, format="rgba", dpi=2 * DPI)  # not as PNG, only to be unpacked again
    width, height = (int(inches * 2 * DPI) for inches in figure.get_size_inches())
    image = Image.frombuffer("RGBA", (width, height), out.getvalue(), "raw", "RGBA", 0, 1)
    few = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, "PNG", optimize=True, dpi=(2 * DPI, 2 * DPI))
    return small.getvalue()
