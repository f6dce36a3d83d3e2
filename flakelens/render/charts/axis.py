"""Axes of shares, which say where they begin, and axes of runs and of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter

FLOORS = (0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2, 0.0)  # where an axis may begin
_ROOM = 0.15  # of the axis: free below the lowest point
_BROKEN = Path([(-1, -0.8), (1, 0.2), (-1, -0.2), (1, 0.8)], [Path.MOVETO, Path.LINETO, Path.MOVETO, Path.LINETO])


def floor_of(values: Iterable[float]) -> float:
    """The highest beginning of an axis up to 1 that leaves room below the lowest of `values`; 0 for none."""
    lowest = min(values, default=0.0)
    return next((floor for floor in FLOORS if lowest - floor >= _ROOM * (1 - floor)), 0.0)


def percent_axis(axes: Axes, floor: float) -> None:
    """Ticks at round figures from `floor` to 100 %, and a broken corner where it is not 0."""
    step = next(step for step in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if (1 - floor) / step <= 5.01)
    count = round((1 - floor) / step)
    axes.yaxis.set_major_locator(FixedLocator([1 - step * place for place in range(count + 1)]))
    digits = 1 if step < 0.01 else 0
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value * 100:.{digits}f} %"))
    if floor > 0:
        axes.plot(
            [0], [0], transform=axes.transAxes, clip_on=False, linestyle="none", marker=_BROKEN, markersize=10,
            color=axes.spines["bottom"].get_edgecolor(), markeredgewidth=1.2,
        )  # fmt: skip


def run_axis(axes: Axes, starts: Sequence[datetime], room: float) -> None:
    """Dates below some of the runs, which stand side by side on `room` pixels; none over the edge."""
    left, right = axes.get_xlim()
    a_run = room / (right - left)
    step = max(1, round(90 / a_run))
    last = right - 24 / a_run
    # A date is said once: where it changes.
    ticks = [place for place in range(0, len(starts), step) if place <= last]
    labels: list[str] = []
    for place in ticks:
        label = f"{starts[place]:%-d %b}" + (f" {starts[place].year}" if not labels else "")
        labels.append("" if label in labels or (labels and labels[0].startswith(f"{label} ")) else label)
    axes.set_xticks(ticks, labels)


def time_axis(axes: Axes, first: float, last: float, room: float) -> None:
    """Dates below an axis of days that is `room` pixels long, none of them over the edge."""
    axes.set_xlim(first, last)
    locator = AutoDateLocator(minticks=2, maxticks=max(3, int(room // 80)))
    locator.set_axis(axes.xaxis)
    edge = last - (last - first) * 22 / room
    ticks = [tick for tick in locator() if first <= tick <= edge]
    axes.set_xticks(ticks, _dates(ticks))


def _dates(ticks: Sequence[float]) -> list[str]:
    """Moments as briefly as they can be told apart, the first of a year with the year."""
    moments = [num2date(tick) for tick in ticks]
    by_month = all(moment.day == 1 for moment in moments)
    by_day = all(moment.hour == moment.minute == 0 for moment in moments)
    labels = []
    before = None
    for moment in moments:
        label = f"{moment:%b}" if by_month and by_day else f"{moment:%-d %b}"
        if before is None or before.year != moment.year:
            label += f" {moment.year}"
        if not by_day:
            label = f"{moment:%H:%M}" if before and before.date() == moment.date() else f"{moment:%-d %b %H:%M}"
        labels.append(label)
        before = moment
    return labels
