"""The charts of a night: one for all tests, each area and each focus, in both themes for the page and as files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from flakelens.report.nightly import Group, Nightly

WIDTH = 460  # CSS pixels: what a card of the page has room for
_FOLDER = "charts"


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One chart: as SVG for light and for dark, as PNG for light, and in words."""

    group: str  # "area E2E", see `name_of`
    file: str  # below the night's folder, without ending
    light: str
    dark: str
    png: bytes  # b"" for a focus: what goes into a chat are areas
    said: str


def name_of(group: Group) -> str:
    """What a group is called where all, areas and focuses stand together."""
    return group.kind if group.kind == "all" else f"{group.kind} {group.name}"


def draw(report: Nightly) -> tuple[Drawn, ...]:
    """The charts in the order of the report's groups; none of a group without a run."""
    from flakelens.render.charts import description, rate_chart, to_png, to_svg

    drawn = []
    for group, file in zip(report.groups, _files(report), strict=True):
        if not group.trend.runs:
            continue
        light = rate_chart(group.trend, theme="light", width=WIDTH)
        svg = to_svg(light)
        drawn.append(
            Drawn(
                group=name_of(group),
                file=file,
                light=svg,
                dark=darkened(svg),
                png=b"" if group.kind == "focus" else to_png(light),
                said=description(light),
            )
        )
    return tuple(drawn)


def darkened(svg: str) -> str:
    """A light chart in the colours of the dark theme, on whatever is below it: the same drawing, so drawn once."""
    from flakelens.render.charts import THEMES

    light, dark = THEMES["light"], THEMES["dark"]
    fields = [field for field in light.__struct_fields__ if field != "name"]
    colours = {getattr(light, field): getattr(dark, field) for field in fields} | {light.paper: "none"}
    return re.sub("|".join(colours), lambda found: colours[found[0]], svg)


def chart_files(drawn: tuple[Drawn, ...]) -> Mapping[str, bytes]:
    """The charts as files, by their names below the night's folder."""
    return {
        name: data
        for chart in drawn
        for name, data in ((f"{chart.file}.svg", chart.light.encode()), (f"{chart.file}.png", chart.png))
        if data
    }


def _files(report: Nightly) -> Iterator[str]:
    """Names that any file system takes: the group's, letters and digits only, numbered where two would be equal."""
    taken: set[str] = set()
    for group in report.groups:
        base = re.sub(r"[^a-z0-9]+", "-", name_of(group).lower()).strip("-")[:60] or group.kind
        name = next(name for name in (base, *(f"{base}-{n}" for n in range(2, 999))) if name not in taken)
        taken.add(name)
        yield f"{_FOLDER}/{name}"
