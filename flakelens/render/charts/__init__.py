"""Charts, by matplotlib: `report.trends` series in, figures out. The one part of `render` whose product is no text.

figure = rate_chart(series, theme="dark", width=360)
to_svg(figure), to_png(figure), description(figure)
"""

from flakelens.render.charts.durations import duration_chart
from flakelens.render.charts.output import description, to_png, to_svg
from flakelens.render.charts.paper import THEMES, ThemeName
from flakelens.render.charts.rates import rate_chart
from flakelens.render.charts.strips import strip_chart
from flakelens.render.charts.verdicts import verdict_chart

__all__ = [
    "THEMES",
    "ThemeName",
    "description",
    "duration_chart",
    "rate_chart",
    "strip_chart",
    "to_png",
    "to_svg",
    "verdict_chart",
]
