"""How wide words are, and how they are fitted and broken: measured, because charts have no browser to do it."""

from __future__ import annotations

import warnings

from matplotlib.font_manager import findfont, get_font

from flakelens.render.safe import one_line

FONT = "DejaVu Sans"  # comes with matplotlib: the same measures on every machine
POINTS = 0.75  # to a CSS pixel
DPI = 96


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide `text` is at a size, in pixels."""
    font = get_font(findfont(f"{FONT}:bold" if bold else FONT))
    font.set_size(size * POINTS, DPI)
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
