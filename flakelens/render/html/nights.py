"""The overview of all nights, worked out for its template: the trend as a drawing, the calendar by months."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import groupby

import msgspec

from flakelens.gate.criterion import count_of, percent
from flakelens.model import GateState
from flakelens.render.figures import WORDS, share_beside, threshold
from flakelens.render.html.writing import MONTHS
from flakelens.report.nightly import NightLine

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 240, 62, 18, 14, 26


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A word on an axis."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One night on the trend."""

    x: float
    y: float
    state: str
    text: str


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """The pass rate that the gate saw each night, and what it asked, as lines; parted where a night has no rate."""

    said: str
    ticks: tuple[Label, ...]
    days: tuple[Label, ...]
    lines: tuple[str, ...]
    limits: tuple[str, ...]
    dots: tuple[Dot, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One day of a calendar; day 0 is outside of the month."""

    day: int
    night: NightLine | None


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """One month, weeks from Monday."""

    name: str
    weeks: tuple[tuple[Cell, ...], ...]


def tally(nights: Sequence[NightLine]) -> str:
    """ "30 nights: 12 MET, 10 NOT MET, 8 INCONCLUSIVE. MET for the last 5 nights."."""
    counts = Counter(night.state for night in nights)
    said = ", ".join(f"{counts[state]} {WORDS[state]}" for state in GateState if counts[state])
    same = next((place for place, night in enumerate(reversed(nights)) if night.state is not nights[-1].state), None)
    if same is None or same < 2:
        return f"{count_of(len(nights), 'night')}: {said}."
    return f"{count_of(len(nights), 'night')}: {said}. {WORDS[nights[-1].state]} on the last {same}."


def trend(nights: Sequence[NightLine]) -> Trend | None:
    """The trend of nights, oldest first; None where fewer than two have a rate."""
    known = [night for night in nights if night.pass_rate is not None]
    if len(known) < 2:
        return None
    asked = [night.required for night in known if night.required is not None]
    floor = _floor(min([night.pass_rate or 0.0 for night in known] + asked))
    first, last = nights[0].as_of.toordinal(), nights[-1].as_of.toordinal()

    def x(night: NightLine) -> float:
        share = (night.as_of.toordinal() - first) / max(1, last - first)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(share: float) -> float:
        return round(_TOP + (1 - share) / (1 - floor) * (_HEIGHT - _TOP - _BOTTOM), 1)

    rates = [[(x(night), y(night.pass_rate or 0.0)) for night in part] for part in _parts(nights, "pass_rate")]
    limits = [[(x(night), y(night.required or 0.0)) for night in part] for part in _parts(nights, "required")]
    newest = known[-1]
    return Trend(
        said=f"Pass rate by night, {nights[0].day} to {nights[-1].day}; the newest is "
        f"{percent(newest.pass_rate or 0.0)}, {WORDS[newest.state]}.",
        ticks=tuple(
            Label(x=0, y=y(floor + (1 - floor) * step / 4), text=threshold(round(floor + (1 - floor) * step / 4, 6)))
            for step in range(5)
        ),
        days=tuple(
            Label(x=x(night), y=0, text=night.day, anchor=anchor)
            for night, anchor in ((nights[0], "start"), (nights[-1], "end"))
        ),
        lines=tuple(_points(part) for part in rates if len(part) > 1),
        limits=tuple(_points(part) for part in limits if len(part) > 1),
        dots=tuple(
            Dot(
                x=x(night),
                y=y(night.pass_rate or 0.0),
                state=night.state.value.lower(),
                text=f"{night.day}: {_seen(night)}, {WORDS[night.state]}",
            )
            for night in known
        ),
    )


def months(nights: Sequence[NightLine]) -> tuple[Month, ...]:
    """The months from the newest to the oldest night."""
    if not nights:
        return ()
    by_day = {night.day: night for night in nights}
    found = []
    for key, _ in groupby(sorted(by_day, reverse=True), key=lambda day: day[:7]):
        year, month = int(key[:4]), int(key[5:])
        weeks = calendar.Calendar().monthdayscalendar(year, month)
        found.append(
            Month(
                name=f"{MONTHS[month - 1]} {year}",
                weeks=tuple(
                    tuple(
                        Cell(day=day, night=by_day.get(date(year, month, day).isoformat()) if day else None)
                        for day in week
                    )
                    for week in weeks
                ),
            )
        )
    return tuple(found)


def _floor(least: float) -> float:
    """Where the axis begins: a round figure below all that is drawn."""
    step = 0.01 if least >= 0.96 else 0.05 if least >= 0.8 else 0.2
    return max(0.0, round(int(least / step - 0.25) * step, 6)) if least < 1 else 0.96


def _seen(night: NightLine) -> str:
    return share_beside(night.pass_rate or 0.0, night.required or 0.0)


def _parts(nights: Sequence[NightLine], field: str) -> list[list[NightLine]]:
    """Stretches of nights that have a value."""
    known = groupby(nights, key=lambda night: getattr(night, field) is not None)
    return [list(part) for there, part in known if there]


def _points(part: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in part)
