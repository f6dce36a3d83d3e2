"""Charts: the same bytes every time, words that stay words, themes that can be read, drawings that do not mislead."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from flakelens.render.charts import THEMES, description, rate_chart, to_png, to_svg
from tests.render.series import HOSTILE, rate_series

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    """Everything that a reader of the picture can read, in document order."""
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def numbers_of(figure) -> list[tuple[float, float]]:
    """The points of the line of rates after retries."""
    (line,) = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


@pytest.mark.parametrize("write", [to_svg, to_png])
def test_the_same_chart_gives_the_same_bytes(write):
    first, again = (rate_chart(rate_series(60, outages=(7,))) for _ in range(2))
    assert write(first) == write(again)
    assert write(first) == write(first)  # and writing it as one thing does not spoil it for the other
    to_svg(first)
    assert write(first) == write(again)


def test_a_chart_in_another_process_under_another_configuration_is_the_same(tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.color: r\nsvg.fonttype: path\ntext.usetex: True\n")
    source = (
        "import sys; from tests.render.series import rate_series; from flakelens.render.charts import *\n"
        "sys.stdout.write(to_svg(rate_chart(rate_series(60))))\n"
        "sys.exit('pyplot' if 'matplotlib.pyplot' in sys.modules else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == to_svg(rate_chart(rate_series(60)))


def test_drawing_leaves_the_settings_of_the_user_as_they_are():
    before = dict(mpl.rcParams)
    to_png(rate_chart(rate_series(30)))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("theme", THEMES)
def test_hostile_titles_are_words_and_nothing_else(theme):
    figure = rate_chart(rate_series(40, name=HOSTILE), theme=theme, width=1200)
    svg = to_svg(figure)
    root = ET.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "defs", "style", "g", "path", "use", "text", "clipPath", "rect"
    }  # fmt: skip
    (title,) = [said for said in words(svg) if said.startswith("Pass rate: $")]
    assert "$\\frac{1}{2}$ <script>alert(1)</script> &" in title  # no formula, no markup, whole
    assert "\\u202e" in title  # what turns the direction is written out
    assert "\x1b" not in svg
    assert "<script>" in description(figure)
    assert to_png(figure)  # no script that the font lacks stops it


def test_an_svg_refers_to_nothing_outside_and_names_its_fonts_by_family():
    svg = to_svg(rate_chart(rate_series(40, name="'DejaVu Sans'")))
    assert "Pass rate: 'DejaVu Sans'" in words(svg)  # a title is not taken for a font
    assert "Verdana" in svg
    assert "sans-serif" in svg
    assert [part for part in svg.split('"') if "//" in part] == [
        "http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"
    ]  # fmt: skip
    assert all(use.startswith("#") for use in (part.split('"')[0] for part in svg.split('href="')[1:]))
    assert "<g id=" not in svg  # two charts in one page do not share a name by number


def test_a_chart_says_what_it_shows_to_who_cannot_see_it():
    figure = rate_chart(rate_series(30, name="payments"))
    root = ET.fromstring(to_svg(figure))
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == description(figure)
    assert description(figure).startswith("Pass rate of payments over time. Newest day (2 Sep 2026): ")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_words_and_lines_stand_out_from_the_paper(theme):
    for colour in (theme.ink, theme.quiet, theme.rate, theme.first, theme.bad):
        assert contrast(colour, theme.paper) >= 4.5, colour
        assert contrast(colour, theme.shade) >= 4.5, colour


@pytest.mark.parametrize("width", [280, 360, 720, 2400])
def test_a_chart_is_as_wide_as_asked_and_its_words_stay_on_it(width):
    figure = rate_chart(rate_series(300, outages=(50,), hidden_until=90, policy=296), width=width)
    svg = ET.fromstring(to_svg(figure))
    assert svg.attrib["width"] == f"{width * 0.75:g}pt"  # CSS counts 96 pixels and 72 points to an inch
    png = to_png(figure)
    assert struct.unpack(">I", png[16:20]) == (2 * width,)
    picture = imread(io.BytesIO(png))[..., :3]
    assert (picture[:, :6] == picture[0, 0]).all()  # nothing is cut off at the left and the right
    assert (picture[:, -6:] == picture[0, 0]).all()


def test_widths_and_themes_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="no theme 'blue'"):
        rate_chart(rate_series(3), theme="blue")
    with pytest.raises(ValueError, match="280 to 3840"):
        rate_chart(rate_series(3), width=100)


def test_no_line_is_drawn_over_days_without_a_run():
    figure = rate_chart(rate_series(150, gap=(4, 9)))
    lines = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in lines] == [4, 6]


def test_hidden_first_attempts_are_absent_and_said():
    svg = to_svg(rate_chart(rate_series(60, hidden_until=60)))
    assert "first attempts" not in words(svg)  # neither a line nor a key
    assert "First attempts are hidden by the reporter in all 60 runs, and so left out." in words(svg)
    assert any("first attempts hidden by the reporter" in said for said in words(svg))
    some = words(to_svg(rate_chart(rate_series(60, hidden_until=20))))
    assert "first attempts" in some
    assert "First attempts are hidden by the reporter in 20 of 60 runs, and so left out." in some


def test_an_axis_that_does_not_begin_at_nothing_says_so_and_hides_no_run():
    many = words(to_svg(rate_chart(rate_series(150, failing=0.004))))
    assert any(said.startswith("The axis begins at 90 %, not at 0") for said in many)
    low = rate_series(150, failing=0.002, flaking=0)
    floor = rate_chart(low).axes[1].get_ylim()[0]
    below = sum(run.passed / run.executed < floor for run in low.runs)
    assert (f"{below} runs below the axis" in words(to_svg(rate_chart(low)))) == (below > 1)
    bad = rate_chart(rate_series(60, failing=0.9))
    assert bad.axes[1].get_ylim()[0] == 0.0
    assert not any("The axis begins" in said for said in words(to_svg(bad)))


def test_every_point_is_within_the_drawing():
    """A day's point stands at noon, which may be later than its newest run."""
    figure = rate_chart(rate_series(5, a_day=2))
    first, last = figure.axes[1].get_xlim()
    assert all(first <= x <= last for x, _ in numbers_of(figure))
    assert [round(y, 4) for _, y in numbers_of(figure)] == [0.9625, 0.9875, 1.0]


def test_outages_and_changes_of_policy_are_marked():
    said = words(to_svg(rate_chart(rate_series(90, outages=(20, 61), policy=45))))
    assert "2 outages, left out" in said
    assert "policy" in [one.strip() for one in said]
    assert any(one.startswith("Policy changed on 4 Sep 2026: tighter: pass-rate threshold 95") for one in said)


def test_no_run_at_all_is_said():
    said = words(to_svg(rate_chart(rate_series(0))))
    assert "no runs yet" in said
    assert "No run has results that can enter a rate." in said


def test_a_long_history_stays_a_small_file():
    assert len(to_svg(rate_chart(rate_series(300, outages=(40, 90))))) < 60_000
