"""Rates over time: after retries and of first attempts, each with its interval, beside what the gate asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from matplotlib.dates import date2num
from matplotlib.figure import Figure

from flakelens.gate.criterion import count_of, percent
from flakelens.render.charts.axis import floor_of, percent_axis, time_axis
from flakelens.render.charts.marks import DOT, WHISKER, Box, bands, dots, whiskers
from flakelens.render.charts.output import describe, settings
from flakelens.render.charts.paper import Key, Sheet, Theme, ThemeName, aside, say_empty, sheet, theme_of
from flakelens.render.figures import threshold
from flakelens.report import Rate
from flakelens.report.trends import Bucket, Limit, RateSeries

_HEIGHT = 190.0
_HEAD = 0.06  # of the axis: above 100 %, for whole marks and signs of outages
_BREAK = timedelta(days=1)


def rate_chart(series: RateSeries, *, theme: ThemeName = "light", width: int = 720) -> Figure:
    """The chart of one area or focus, `width` pixels wide (280 to 3840).

    Each bucket is a point with its interval over runs, each run a dot behind. There is no line across days without a
    run, no point where first attempts are hidden, and the axis says where it begins.
    """
    look = theme_of(theme)
    with settings():
        floor = _floor(series)
        below = sum(1 for run in series.runs if not run.outage and run.passed / run.executed < floor)
        page = sheet(
            title=f"Pass rate: {'all tests' if series.name == 'all' else series.name}",
            facts=_facts(series),
            keys=_keys(series, look, below),
            notes=_notes(series, floor),
            heights=[_HEIGHT],
            look=look,
            width=width,
        )
        _draw(page, series, floor)
        describe(page.figure, " ".join((f"Pass rate of {series.name} over time.", *_facts(series))))
        return page.figure


def _draw(page: Sheet, series: RateSeries, floor: float) -> None:
    axes, look = page.axes[0], page.theme
    head = 1 + (1 - floor) * _HEAD
    axes.set_ylim(floor, head)
    percent_axis(axes, floor)
    if not series.runs:
        axes.set_xticks([])
        say_empty(axes, "no runs yet", look)
        return
    whole_days = series.per == "day"
    time_axis(axes, *_reach(series, whole_days), page.plot_width)
    seen = [(_day(run.started_at), run.passed / run.executed) for run in series.runs if not run.outage]
    dots(axes, [point for point in seen if point[1] >= floor], colour=look.quiet)
    under = [day for day, rate in seen if rate < floor]
    axes.plot(under, [floor] * len(under), **_under_style(look.quiet))
    for run in series.runs:
        if run.outage:
            axes.axvline(_day(run.started_at), color=look.bad, linewidth=1.0, linestyle=(0, (1, 2)), zorder=2)
            axes.plot([_day(run.started_at)], [head], clip_on=False, **_outage_style(look.bad))
    for change in series.policy_changes:
        at = _day(change.at)
        axes.axvline(at, color=look.ink, linewidth=1.0, linestyle=(0, (6, 3)), zorder=2)
        left, right = axes.get_xlim()
        late = (at - left) / (right - left) > 0.85  # no room to its right
        aside(axes, at, "policy", colour=look.ink, left=late)
    for limit in series.limits:
        axes.axhline(limit.value, **_limit_style(look, limit))
    narrow = page.plot_width / max(1, len(series.buckets)) < 9
    for field, draw, colour, style in (
        ("first_attempts", whiskers, look.first, _first_style),
        ("pass_rate", bands, look.rate, _rate_style),
    ):
        draw(axes, list(_intervals(series.buckets, field, whole_days)), colour=colour)
        for stretch in _stretches(series.buckets, field):
            x = [sum(_extent(bucket, whole_days)) / 2 for bucket in stretch]
            axes.plot(x, [getattr(bucket, field).value for bucket in stretch], **style(colour, narrow))


def _intervals(buckets: Sequence[Bucket], field: str, whole_days: bool) -> Iterator[Box]:
    """Where the buckets reach that have an interval, and the interval."""
    for bucket in buckets:
        rate: Rate | None = getattr(bucket, field)
        if rate is not None and rate.low is not None and rate.high is not None:
            yield Box(*_extent(bucket, whole_days), rate.low, rate.high)


def _stretches(buckets: Sequence[Bucket], field: str) -> Iterator[list[Bucket]]:
    """Buckets with a rate, parted where one has none and where more than a day passed without a run."""
    stretch: list[Bucket] = []
    for bucket in buckets:
        known = getattr(bucket, field) is not None
        if stretch and (not known or _apart(stretch[-1], bucket)):
            yield stretch
            stretch = []
        if known:
            stretch.append(bucket)
    if stretch:
        yield stretch


def _apart(one: Bucket, other: Bucket) -> bool:
    """Lies a whole day without a run between them?"""
    return other.first.date() - one.last.date() > _BREAK


def _floor(series: RateSeries) -> float:
    """Where the axis begins: with room below every bucket and limit. Intervals may go on below it."""
    rates = [rate for bucket in series.buckets for rate in (bucket.pass_rate, bucket.first_attempts) if rate]
    return floor_of([*(rate.value for rate in rates), *(limit.value for limit in series.limits)])


def _reach(series: RateSeries, whole_days: bool) -> tuple[float, float]:
    """From where to where the time axis goes: all that is drawn, and some air."""
    ends = [_day(run.started_at) for run in series.runs]
    ends += [end for bucket in series.buckets for end in _extent(bucket, whole_days)]
    first, last = min(ends), max(ends)
    # One run, or all of them within an hour, must not fill the width with minutes.
    air = 0.25 if last - first < 0.25 else (last - first) * (0.005 if whole_days else 0.02)
    return first - air, last + air


def _facts(series: RateSeries) -> list[str]:
    """What the newest bucket says, in words: the point of the chart without looking at it."""
    if not series.buckets:
        return []
    newest = series.buckets[-1]
    of = series.per if series.per in ("day", "week", "run") else f"{newest.runs} runs"
    one_day = newest.first.date() == newest.last.date()
    when = f"{newest.last:%-d %b %Y}" if one_day else f"{newest.first:%-d %b} – {newest.last:%-d %b %Y}"
    said = f"Newest {of} ({when}): {_said(newest.pass_rate)} after retries"
    if newest.first_attempts:
        return [f"{said}, {_said(newest.first_attempts)} at the first attempt."]
    return [f"{said}; first attempts hidden by the reporter."]


def _said(rate: Rate | None) -> str:
    return f"{percent(rate.value)} ({rate.passed:,}/{rate.executed:,})" if rate else "no results"


def _keys(series: RateSeries, look: Theme, below: int) -> list[Key]:
    keys = [Key("after retries", _rate_style(look.rate, False))]
    if any(bucket.pass_rate and bucket.pass_rate.low is not None for bucket in series.buckets):
        keys.append(Key("its 95 % interval", {"facecolor": look.rate, "alpha": 0.25, "edgecolor": "none"}))
    if any(bucket.first_attempts for bucket in series.buckets):
        keys.append(Key("first attempts", _first_style(look.first, False)))
    if any(bucket.first_attempts and bucket.first_attempts.low is not None for bucket in series.buckets):
        keys.append(Key("its 95 % interval", WHISKER | {"color": look.first}))
    if series.per != "run" and series.runs:
        keys.append(Key("one run", DOT | {"color": look.quiet}))
    for limit in series.limits:
        of = " of first attempts" if limit.first_attempts else ""
        keys.append(Key(f"the gate asks {threshold(limit.value)}{of}", _limit_style(look, limit)))
    if below:
        keys.append(Key(f"{count_of(below, 'run')} below the axis", _under_style(look.quiet)))
    if outages := sum(run.outage for run in series.runs):
        keys.append(Key(f"{count_of(outages, 'outage')}, left out", _outage_style(look.bad)))
    return keys


def _notes(series: RateSeries, floor: float) -> list[str]:
    """What a reader must know in order not to be misled."""
    notes = []
    if not series.buckets:
        return ["No run has results that can enter a rate."]
    if series.per != "run":
        notes.append(f"One point per {series.per}; no line over days without a run.")
    if floor > 0:
        cut = [
            bucket.pass_rate.low for bucket in series.buckets if bucket.pass_rate and bucket.pass_rate.low is not None
        ]
        deeper = f"; intervals reach down to {percent(min(cut), 0)}" if cut and min(cut) < floor else ""
        notes.append(f"The axis begins at {threshold(floor)}, not at 0{deeper}.")
    if not any(bucket.pass_rate and bucket.pass_rate.low is not None for bucket in series.buckets):
        notes.append("No interval: it takes 10 runs to a point.")
    elif any(bucket.runs < 10 for bucket in series.buckets):
        notes.append("Points of fewer than 10 runs have no interval.")
    runs, hidden = sum(bucket.runs for bucket in series.buckets), sum(bucket.hidden for bucket in series.buckets)
    if hidden:
        which = "all" if hidden == runs else f"{hidden:,} of"
        notes.append(f"First attempts are hidden by the reporter in {which} {count_of(runs, 'run')}, and so left out.")
    notes += (f"Policy changed on {change.at:%-d %b %Y}: {'; '.join(change.said)}." for change in series.policy_changes)
    return notes


def _rate_style(colour: str, narrow: bool) -> dict[str, Any]:
    return {"color": colour, "linewidth": 2.0, "marker": "o", "markersize": 3.0 if narrow else 5.0, "zorder": 6}


def _first_style(colour: str, narrow: bool) -> dict[str, Any]:
    return {
        "color": colour, "linewidth": 1.6, "linestyle": (0, (3, 1.5)), "marker": "D",
        "markersize": 2.6 if narrow else 4.2, "zorder": 5,
    }  # fmt: skip


def _limit_style(look: Theme, limit: Limit) -> dict[str, Any]:
    dashes = (0, (1, 1.2)) if limit.first_attempts else (0, (6, 2))
    return {
        "color": look.first if limit.first_attempts else look.ink,
        "linewidth": 1.4,
        "linestyle": dashes,
        "zorder": 4,
    }


def _under_style(colour: str) -> dict[str, Any]:
    return {"color": colour, "linestyle": "none", "marker": "v", "markersize": 5, "clip_on": False, "zorder": 2}


def _outage_style(colour: str) -> dict[str, Any]:
    return {"color": colour, "linestyle": "none", "marker": "X", "markersize": 6.5, "zorder": 7}


def _day(moment: datetime) -> float:
    """A moment on matplotlib's time axis."""
    return float(date2num(moment))


def _days(moments: Iterator[datetime]) -> list[float]:
    return [_day(moment) for moment in moments]


def _extent(bucket: Bucket, whole_days: bool) -> tuple[float, float]:
    """From where to where a bucket reaches on the time axis."""
    if whole_days:
        day = float(int(_day(bucket.first)))
        return day, day + 1.0
    return _day(bucket.first), _day(bucket.last)
