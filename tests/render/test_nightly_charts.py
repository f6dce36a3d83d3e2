"""The charts of a night: drawn once, in both themes."""

from __future__ import annotations

import re

from flakelens.render.charts import THEMES, rate_chart, to_svg
from flakelens.render.nightly_charts import darkened
from tests.render.series import rate_series

COLOUR = re.compile(r"#[0-9a-f]{6}")


def test_a_darkened_chart_is_the_dark_one_on_the_paper_of_the_page():
    series = rate_series(90, outages=(40,), hidden_until=30, policy=60)
    light, dark = (to_svg(rate_chart(series, theme=theme)) for theme in ("light", "dark"))
    shape = [COLOUR.sub("#", svg) for svg in (light, dark)]
    assert shape[0].count("#") == shape[1].count("#")
    paper = THEMES["dark"].paper
    assert COLOUR.findall(darkened(light)) == [colour for colour in COLOUR.findall(dark) if colour != paper]


def test_no_colour_of_the_light_theme_is_left():
    svg = darkened(to_svg(rate_chart(rate_series(30), theme="light")))
    assert not set(COLOUR.findall(svg)) & {THEMES["light"].ink, THEMES["light"].paper, THEMES["light"].rate}
