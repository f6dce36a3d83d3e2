"""The verdicts of a gate as a calendar, a tile a day, and below it what they saw beside what they ask."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from flakelens.gate.criterion import count_of, percent
from flakelens.model import GateState
from flakelens.render.charts.axis import floor_of, percent_axis, time_axis
from flakelens.render.charts.output import describe, settings
from flakelens.render.charts.paper import Key, Theme, ThemeName, plot_room, sheet, theme_of, words
from flakelens.render.figures import SYMBOLS, WORDS, threshold
from flakelens.report.trends import VerdictPoint, VerdictSeries

_TILE = 18.0  # pixels
_TREND = 110.0
_DAYS = ("Mon", "", "Wed", "", "Fri", "", "Sun")
_LEAST_WEEKS = 4
_MARKED = 60  # points that still have room for marks


def verdict_chart(series: VerdictSeries, *, theme: ThemeName = "light", width: int = 720) -> Figure:
    """A calendar of the newest weeks that fit, one tile a day with the sign of the day's newest verdict.

    Where verdicts have a pass rate, it is drawn below beside what was required then. A day without a
    verdict has an empty tile, and no line leads over it. Days are those of UTC; `width` in pixels (280 to 3840).
    """
    look = theme_of(theme)
    with settings():
        days = {point.as_of.date(): point for point in series.verdicts}
        weeks = _weeks(days, int(plot_room(width) // _TILE))
        shown = {day: point for day, point in days.items() if weeks and day >= weeks[0]}
        rated = any(point.observed is not None for point in shown.values())
        facts = _facts(series)
        page = sheet(
            title=f"Verdicts: {series.gate}",
            facts=facts,
            keys=_keys(shown, look, rated),
            notes=_notes(series, days, shown, rated),
            heights=[7 * _TILE, *([_TREND] if rated else [])],
            gap=34.0,
            look=look,
            width=width,
        )
        _calendar(page.axes[0], weeks, shown, look, page.plot_width)
        if rated:
            _trend(page.axes[1], shown, look, page.plot_width)
        describe(page.figure, " ".join((f"Verdicts of {series.gate} by day.", *facts)))
        return page.figure


def _weeks(days: dict[date, VerdictPoint], most: int) -> list[date]:
    """The Mondays of the newest weeks, at least a few, so that one verdict does not stand in the void."""
    if not days:
        return []
    last = _monday(max(days))
    first = min(_monday(min(days)), last - timedelta(weeks=_LEAST_WEEKS - 1))
    count = min(most, (last - first).days // 7 + 1)
    return [last - timedelta(weeks=back) for back in reversed(range(count))]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _calendar(axes: Axes, weeks: list[date], days: dict[date, VerdictPoint], look: Theme, room: float) -> None:
    axes.set_xlim(0, room / _TILE)
    axes.set_ylim(7, 0)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.yaxis.set_major_locator(FixedLocator([place + 0.5 for place in range(7)]))
    axes.set_yticklabels(_DAYS)
    _month_ticks(axes, weeks)
    newest = max(days, default=None)
    for column, monday in enumerate(weeks):
        for row in range(7):
            day = monday + timedelta(days=row)
            if newest is None or day > newest:
                continue
            point = days.get(day)
            style = _tile(point, look) if point else {"facecolor": look.shade, "edgecolor": "none"}
            axes.add_patch(Rectangle((column + 0.07, row + 0.07), 0.86, 0.86, **style))
            if point:
                colour = look.ink if point.state is GateState.INCONCLUSIVE else look.paper
                sign = "w" if point.waived else SYMBOLS[point.state]
                words(axes, column + 0.5, row + 0.53, sign, colour=colour, ha="center", va="center", weight="bold")
    if not weeks:
        words(
            axes, 0.5, 0.5, "no verdict recorded yet", colour=look.quiet, transform=axes.transAxes, ha="center", size=12
        )


def _month_ticks(axes: Axes, weeks: list[date]) -> None:
    """The month below the week in which it begins; of two without room for both the later."""
    months: dict[int, date] = {}
    for column, monday in enumerate(weeks):
        sunday = monday + timedelta(days=6)
        if column == 0 or sunday.day <= 7:
            if months and column - max(months) < 4:
                del months[max(months)]
            months[column] = sunday
    labels = [
        f"{day:%b %Y}" if not place or day.month == 1 else f"{day:%b}" for place, day in enumerate(months.values())
    ]
    axes.set_xticks([column + 0.1 for column in months], labels, ha="left")
    axes.tick_params(axis="x", length=0)


def _trend(axes: Axes, days: dict[date, VerdictPoint], look: Theme, room: float) -> None:
    seen = sorted(day for day, point in days.items() if point.observed is not None)
    values = [days[day].observed or 0.0 for day in seen]
    required = [days[day].required for day in seen]
    floor = floor_of([*values, *(value for value in required if value is not None)])
    axes.set_ylim(floor, 1 + (1 - floor) * 0.06)
    percent_axis(axes, floor)
    x = [float(date2num(day)) for day in seen]
    air = max(1.0, (x[-1] - x[0]) * 0.02)
    time_axis(axes, x[0] - air, x[-1] + air, room)
    for stretch in _stretches(seen):
        places = [x[place] for place in stretch]
        alone = {} if len(stretch) == 1 or len(seen) < _MARKED else {"marker": "none"}
        axes.plot(places, [values[place] for place in stretch], **_observed(look) | alone)
        alone = {"marker": "_"} if len(stretch) == 1 else {}
        axes.plot(places, [required[place] for place in stretch], **_required(look) | alone)  # type: ignore[arg-type]


def _stretches(seen: list[date]) -> list[list[int]]:
    """Places of days, parted where a day between them has no verdict."""
    parts: list[list[int]] = []
    for place, day in enumerate(seen):
        if not place or day - seen[place - 1] > timedelta(days=1):
            parts.append([])
        parts[-1].append(place)
    return parts


def _facts(series: VerdictSeries) -> list[str]:
    if not series.verdicts:
        return []
    newest = series.verdicts[-1]
    said = f"Newest ({newest.as_of:%-d %b %Y %H:%M} UTC): {WORDS[newest.state]}"
    said += ", waived" if newest.waived else ""
    if newest.observed is not None and newest.required is not None:
        said += f"; pass rate {percent(newest.observed)}, asked {threshold(newest.required)}"
    return [f"{said}."]


def _keys(days: dict[date, VerdictPoint], look: Theme, rated: bool) -> list[Key]:
    keys = []
    for state in GateState:
        count = sum(point.state is state and not point.waived for point in days.values())
        sample = next((point for point in days.values() if point.state is state), None)
        if count and sample:
            keys.append(Key(f"{SYMBOLS[state]} {WORDS[state]} ({count})", _tile(sample, look)))
    if waived := sum(point.waived for point in days.values()):
        sample = next(point for point in days.values() if point.waived)
        keys.append(Key(f"w waived ({waived})", _tile(sample, look)))
    if rated:
        keys += [Key("pass rate observed", _observed(look)), Key("asked", _required(look))]
    return keys


def _notes(
    series: VerdictSeries, days: dict[date, VerdictPoint], shown: dict[date, VerdictPoint], rated: bool
) -> list[str]:
    if not days:
        return ["flakelens gate records one each time it is asked."]
    notes = ["A day's tile is its newest verdict; empty: none on that day. Days in UTC."]
    if len(shown) < len(days):
        notes.append(f"{count_of(len(days) - len(shown), 'earlier day')} left out for want of room.")
    if len(series.verdicts) > len(days):
        notes.append(f"{count_of(len(series.verdicts), 'verdict')} on {count_of(len(days), 'day')}.")
    if rated and (floor := floor_of([v for p in shown.values() for v in (p.observed, p.required) if v is not None])):
        notes.append(f"The axis begins at {threshold(floor)}, not at 0.")
    return notes


def _tile(point: VerdictPoint, look: Theme) -> dict[str, Any]:
    if point.state is GateState.INCONCLUSIVE:
        return {"facecolor": look.paper, "edgecolor": look.quiet, "linewidth": 1.0}
    colour = look.rate if point.state is GateState.MET else look.bad
    return {"facecolor": colour, "edgecolor": "none"}


def _observed(look: Theme) -> dict[str, Any]:
    return {"color": look.rate, "linewidth": 1.8, "marker": "o", "markersize": 4, "zorder": 6}


def _required(look: Theme) -> dict[str, Any]:
    return {"color": look.ink, "linewidth": 1.4, "linestyle": (0, (6, 2)), "zorder": 4}
