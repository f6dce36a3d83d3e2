"""Charts, by matplotlib: `report_trends` series in, figures out. The one part of `render` whose product is no text.

figure = rate_chart(series, theme="dark", width=360)
to_svg(figure), to_png(figure), description(figure)
"""

from flakelens.render.charts.paper import THEMES, ThemeName, description, to_png, to_svg
from flakelens.render.charts.rates import rate_chart

__all__ = ["THEMES", "ThemeName", "description", "rate_chart", "to_png", "to_svg"]
