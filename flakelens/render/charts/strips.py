"""One test over its runs: its strip, and what was believed of it after each run."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from flakelens.gate.criterion import count_of, percent
from flakelens.model import Outcome
from flakelens.render.charts.axis import run_axis
from flakelens.render.charts.marks import bars
from flakelens.render.charts.output import describe, settings
from flakelens.render.charts.paper import Key, Sheet, Theme, ThemeName, say_empty, sheet, theme_of, title_of
from flakelens.report.trends import TestSeries

_STRIP, _BELIEF, _DURATION = 44.0, 120.0, 170.0
_COMMITS_FROM = 4.0  # pixels to a run, below which shading by commit would be noise
# How tall a result stands: read by height, not by colour.
_TALL = {Outcome.PASSED: 0.34, Outcome.FLAKY: 0.68, Outcome.FAILED: 1.0, Outcome.SKIPPED: 0.1}


def strip_chart(series: TestSeries, *, theme: ThemeName = "light", width: int = 720) -> Figure:
    """A test's results run by run, newest right, and below them how likely it was flaky or broken, as known then.

    Runs stand side by side, not on a scale of time. `width` in pixels (280 to 3840).
    """
    look = theme_of(theme)
    with settings():
        facts = _strip_facts(series)
        page = sheet(
            title=title_of(series.reported, series.id),
            facts=facts,
            keys=_strip_keys(series, look),
            notes=_strip_notes(series),
            heights=[_STRIP, _BELIEF],
            gap=10.0,
            look=look,
            width=width,
        )
        strip, belief = page.axes
        for axes in (strip, belief):
            axes.set_xlim(-0.5, max(len(series.points), 12) - 0.5)
        _draw_strip(page, strip, series)
        _draw_belief(belief, series, look)
        run_axis(belief, [point.started_at for point in series.points], page.plot_width)
        describe(page.figure, " ".join((f"{title_of(series.reported, series.id)}, run by run.", *facts)))
        return page.figure


def _draw_strip(page: Sheet, axes: Axes, series: TestSeries) -> None:
    look = page.theme
    axes.set_ylim(0, 1.25)
    axes.set_yticks([])
    axes.tick_params(axis="x", labelbottom=False, length=0)
    axes.xaxis.set_major_locator(FixedLocator([]))
    room = axes.get_xlim()[1] - axes.get_xlim()[0]
    if page.plot_width / room >= _COMMITS_FROM:
        _shade_commits(axes, series, look)
    for outcome, colour in _colours(look).items():
        places = [place for place, point in enumerate(series.points) if point.outcome is outcome]
        bars(axes, [(place, _TALL[outcome]) for place in places], colour=colour)
    for place, point in enumerate(series.points):
        if point.outage:
            axes.plot([place], [1.22], clip_on=False, **_outage(look))


def _shade_commits(axes: Axes, series: TestSeries, look: Theme) -> None:
    """Every other commit on a shade: a fail and a pass on one shade disagree on the same code."""
    start, shaded = 0, False
    for place in range(1, len(series.points) + 1):
        ends = place == len(series.points)
        if ends or not series.points[place].commit or series.points[place].commit != series.points[start].commit:
            if shaded:
                axes.axvspan(start - 0.5, place - 0.5, color=look.shade, linewidth=0, zorder=0)
            start, shaded = place, not shaded


def _draw_belief(axes: Axes, series: TestSeries, look: Theme) -> None:
    axes.set_ylim(-0.03, 1.05)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value * 100:.0f} %"))
    axes.axhline(0.5, color=look.quiet, linewidth=1.0, linestyle=(0, (1, 2)))
    known = [place for place, point in enumerate(series.points) if point.p_flaky is not None]
    if not known:
        say_empty(axes, "no result yet", look)
        return
    broken = [series.points[place].p_broken for place in known]
    flaky = [series.points[place].p_flaky for place in known]
    single = {"markersize": 5} if len(known) == 1 else {"marker": "none"}
    axes.plot(known, broken, **{**_broken(look), **single})  # type: ignore[arg-type]
    axes.plot(known, flaky, **{**_flaky(look), **single})  # type: ignore[arg-type]
    if _pulls_tell(series) and series.p_flaky is not None:  # a mark of its own: no run of this strip moved it there
        axes.plot(known[-1:], [series.p_flaky], clip_on=False, **_with_pulls(look))


def _strip_facts(series: TestSeries) -> list[str]:
    counts = {outcome: sum(point.outcome is outcome for point in series.points) for outcome in Outcome}
    ran = counts[Outcome.PASSED] + counts[Outcome.FLAKY] + counts[Outcome.FAILED]
    if not ran:
        return ["It has no result on the gated branch."]
    said = f"Of {count_of(ran, 'run')} it failed in {counts[Outcome.FAILED]:,}"
    if series.hidden < ran:
        said += f" and failed, then passed in {counts[Outcome.FLAKY]:,}"
    if series.p_flaky is None or series.p_broken is None:
        return [f"{said}."]
    return [f"{said}. Now: P(flaky) {_chance(series.p_flaky)}, P(broken) {_chance(series.p_broken)}."]


def _chance(p: float) -> str:
    """A probability for people: what a model is all but sure of is not written as certain."""
    return "under 1 %" if p < 0.01 else "over 99 %" if p > 0.99 else percent(p, 0)


def _strip_keys(series: TestSeries, look: Theme) -> list[Key]:
    said = {
        Outcome.PASSED: "passed",
        Outcome.FLAKY: "failed, then passed",
        Outcome.FAILED: "failed",
        Outcome.SKIPPED: "skipped",
    }
    keys = [
        Key(said[outcome], {"facecolor": colour, "edgecolor": "none"}, _TALL[outcome])
        for outcome, colour in _colours(look).items()
        if any(point.outcome is outcome for point in series.points)
    ]
    if outages := sum(point.outage for point in series.points):
        keys.append(Key(count_of(outages, "outage"), _outage(look)))
    lines = (("P(flaky)", _flaky(look)), ("P(broken)", _broken(look)))
    keys += [Key(name, style | {"marker": "none"}) for name, style in lines]
    return [*keys, Key("P(flaky) with pull requests", _with_pulls(look))] if _pulls_tell(series) else keys


def _strip_notes(series: TestSeries) -> list[str]:
    notes = ["Oldest run left. Each point is what was known after that run."]
    ran = sum(point.outcome is not Outcome.NONE for point in series.points)
    if series.hidden:
        which = "all" if series.hidden == ran else f"{series.hidden:,} of"
        notes.append(f"Reports of {which} {count_of(ran, 'run')} hide retries: passed may be failed, then passed.")
    if _pulls_tell(series):
        notes.append("Now it counts that the test failed and passed on one commit of a pull request.")
    if 0 < ran < 10:
        notes.append(f"{count_of(ran, 'run')}: cannot tell much yet.")
    return notes


def _colours(look: Theme) -> dict[Outcome, str]:
    return {
        Outcome.PASSED: look.rate,
        Outcome.FLAKY: look.first,
        Outcome.FAILED: look.bad,
        Outcome.SKIPPED: look.quiet,
    }


def _flaky(look: Theme) -> dict[str, Any]:
    return {"color": look.first, "linewidth": 2.0, "linestyle": (0, (3, 1.5)), "marker": "D", "zorder": 6}


def _pulls_tell(series: TestSeries) -> bool:
    """Do pull requests make it likelier flaky than the runs of this strip do?"""
    newest = series.points[-1].p_flaky if series.points else None
    if newest is None or series.p_flaky is None or not series.disagreed:
        return False
    return series.p_flaky - newest > 0.01


def _with_pulls(look: Theme) -> dict[str, Any]:
    return {
        "color": look.first, "linestyle": "none", "marker": "D", "markersize": 6, "markerfacecolor": look.paper,
        "zorder": 8,
    }  # fmt: skip


def _broken(look: Theme) -> dict[str, Any]:
    return {"color": look.bad, "linewidth": 1.8, "marker": "s", "zorder": 5}


def _outage(look: Theme) -> dict[str, Any]:
    return {"color": look.bad, "linestyle": "none", "marker": "X", "markersize": 6, "zorder": 7}
