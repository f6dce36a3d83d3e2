"""How long one test took, run by run, and since when."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from flakelens.gate.criterion import count_of
from flakelens.render.charts.axis import run_axis
from flakelens.render.charts.marks import DOT, dots
from flakelens.render.charts.output import describe, settings
from flakelens.render.charts.paper import Key, Theme, ThemeName, say_empty, sheet, theme_of, title_of
from flakelens.render.marks import seconds_text
from flakelens.report.trends import DurationSeries

_DURATION = 170.0


def duration_chart(series: DurationSeries, *, theme: ThemeName = "light", width: int = 720) -> Figure:
    """How long a test took in each run in which it passed, with the levels it kept and the runs where they changed.

    The axis of time taken begins at 0. `width` in pixels (280 to 3840).
    """
    look = theme_of(theme)
    with settings():
        facts = _duration_facts(series)
        page = sheet(
            title=title_of(series.reported, series.id),
            facts=facts,
            keys=[
                Key("one run", DOT | {"color": look.quiet}),
                Key("median of a level", _level(look)),
                *([Key("change", _change(look))] if len(series.levels) > 1 else []),
            ],
            notes=["Oldest run left. Runs in which it passed and its duration is known, without outages."],
            heights=[_DURATION],
            look=look,
            width=width,
        )
        axes = page.axes[0]
        axes.set_xlim(-0.5, max(len(series.points), 12) - 0.5)
        top = max((point.seconds for point in series.points), default=1.0) or 1.0
        axes.set_ylim(0, top * 1.12)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: seconds_text(value) if value else "0"))
        dots(axes, [(place, point.seconds) for place, point in enumerate(series.points)], colour=look.quiet)
        for place, level in enumerate(series.levels):
            start, end = level.first - 0.5, level.first + level.runs - 0.5
            axes.plot([start, end], [level.seconds] * 2, **_level(look))
            if place:
                axes.axvline(start, **_change(look))
        if not series.points:
            say_empty(axes, "no duration known", look)
        run_axis(axes, [point.started_at for point in series.points], page.plot_width)
        describe(page.figure, " ".join((f"How long {title_of(series.reported, series.id)} takes.", *facts)))
        return page.figure


def _duration_facts(series: DurationSeries) -> list[str]:
    if not series.levels:
        return ["No passing attempt whose duration is known."]
    now = series.levels[-1]
    if len(series.levels) == 1:
        return [f"{seconds_text(now.seconds)} in the median of {count_of(now.runs, 'run')}, without a change."]
    since, before = series.points[now.first], series.levels[-2]
    at = f"run {since.run}" + (f" ({since.commit[:7]})" if since.commit else "")
    when = f"{since.started_at:%-d %b %Y}"
    return [f"{seconds_text(now.seconds)} since {at} of {when}; {seconds_text(before.seconds)} before."]


def _level(look: Theme) -> dict[str, Any]:
    return {"color": look.rate, "linewidth": 2.4, "solid_capstyle": "butt", "zorder": 5}


def _change(look: Theme) -> dict[str, Any]:
    return {"color": look.bad, "linewidth": 1.4, "linestyle": (0, (4, 2)), "zorder": 4}
