"""The charts of a gate's verdicts, of one test and of its durations: what they draw and what they say."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from flakelens.model import GateState
from flakelens.render.charts import description, duration_chart, strip_chart, to_png, to_svg, verdict_chart
from flakelens.report.trends import VerdictSeries
from tests.render.series import HOSTILE, a_verdict, duration_series, strip_series

SVG = "{http://www.w3.org/2000/svg}"


def words(figure) -> list[str]:
    """Everything that a reader of the picture can read, in document order."""
    return ["".join(element.itertext()) for element in ET.fromstring(to_svg(figure)).iter(f"{SVG}text")]


def verdicts(*points) -> VerdictSeries:
    return VerdictSeries(gate="gate1", verdicts=points)


MET, NOT_MET, UNSURE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE


def test_a_day_has_the_sign_of_its_newest_verdict():
    said = words(
        verdict_chart(
            verdicts(
                a_verdict(0, UNSURE),
                a_verdict(1, NOT_MET, hour=5),
                a_verdict(1, MET, hour=22, observed=0.99),
                a_verdict(3, NOT_MET, waived=True, observed=0.97),
            )
        )
    )
    assert [one for one in said if one in "✓✗?w"] == ["?", "✓", "w"]
    assert {"✓ MET (1)", "? INCONCLUSIVE (1)", "w waived (1)"} <= set(said)
    assert "✗ NOT MET (0)" not in said
    assert "Newest (4 Sep 2026 06:00 UTC): NOT MET, waived; pass rate 97.0 %, asked 98 %." in said
    assert "4 verdicts on 3 days." in said


def test_days_without_a_verdict_part_the_trend():
    figure = verdict_chart(verdicts(*(a_verdict(day, MET, observed=0.99) for day in (0, 1, 2, 5, 6))))
    lines = [line for line in figure.axes[2].lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 1]
    assert [len(line.get_xdata()) for line in lines] == [3, 2]


def test_verdicts_without_a_rate_have_no_trend_and_none_at_all_is_said():
    assert len(verdict_chart(verdicts(a_verdict(0, UNSURE))).axes) == 2  # the paper and the calendar
    assert "no verdict recorded yet" in words(verdict_chart(verdicts()))


@pytest.mark.parametrize(("width", "left_out"), [(360, 293), (1400, 0)])
def test_what_has_no_room_is_counted(width, left_out):
    said = words(verdict_chart(verdicts(*(a_verdict(day, MET) for day in range(400))), width=width))
    shown = sum(one == "✓" for one in said)
    assert shown == 400 - left_out
    assert any(one.startswith(f"{left_out} earlier days") for one in said) == bool(left_out)


def test_a_strip_counts_its_runs_and_says_what_is_likely():
    said = words(strip_chart(strip_series("PPKPF.PPS", outages=(4,))))
    assert "Of 7 runs it failed in 1 and failed, then passed in 1. Now: P(flaky) 80 %, P(broken) under 1 %." in said
    assert {"passed", "failed, then passed", "failed", "skipped", "1 outage", "P(flaky)", "P(broken)"} <= set(said)
    assert "8 runs: cannot tell much yet." in said


def test_what_is_all_but_sure_is_not_called_certain():
    (said,) = [one for one in words(strip_chart(strip_series("PK" * 8))) if one.startswith("Of 16")]
    assert "P(flaky) 99 %" in said
    assert "100 %" not in said


def test_a_strip_stands_higher_the_worse_a_result_is():
    """Height, not colour, tells passed, flaky and failed apart."""
    figure = strip_chart(strip_series("PPKFPP"))
    tops = sorted(patch.get_path().vertices[:, 1].max() for patch in figure.axes[1].patches if patch.get_zorder() == 3)
    assert tops == [0.34, 0.68, 1.0]


def test_what_pull_requests_showed_is_a_mark_of_its_own():
    series = strip_series("PPP", now=0.75)
    figure = strip_chart(series)
    said = words(figure)
    assert any("Now: P(flaky) 75 %" in one for one in said)
    assert "Now it counts that the test failed and passed on one commit of a pull request." in said
    (mark,) = [line for line in figure.axes[2].lines if line.get_marker() == "D"]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([2], [0.75])
    assert not any("pull request" in one for one in words(strip_chart(strip_series("PPP"))))


def test_hidden_retries_are_said_and_not_counted():
    said = words(strip_chart(strip_series("PPFPPPPPPPPP", hidden=12)))
    assert any(one.startswith("Of 12 runs it failed in 1. Now") for one in said)
    assert "Reports of all 12 runs hide retries: passed may be failed, then passed." in said


@pytest.mark.parametrize("letters", ["", "....", "P", "F", "PFKS." * 60])
def test_strips_of_any_length_can_be_drawn(letters):
    figure = strip_chart(strip_series(letters), width=280, theme="dark")
    assert to_png(figure)
    assert ("It has no result on the gated branch." in words(figure)) == (not letters.strip("."))


def test_belief_begins_with_the_first_result():
    figure = strip_chart(strip_series("....PPP"))
    flaky = next(line for line in figure.axes[2].lines if line.get_marker() == "none" and line.get_zorder() == 6)
    assert list(flaky.get_xdata()) == [4, 5, 6]


def test_a_change_of_duration_is_marked_at_its_run():
    figure = duration_chart(duration_series((10, 0.5), (12, 1.25)))
    said = words(figure)
    assert "1.2 s since run 1010 (000000a) of 3 Sep 2026; 500 ms before." in said
    assert "change" in said
    (change,) = [line for line in figure.axes[1].lines if len(set(line.get_xdata())) == 1]
    assert change.get_xdata()[0] == 9.5  # between the runs
    assert figure.axes[1].get_ylim()[0] == 0.0


def test_durations_without_a_change_and_without_any():
    said = words(duration_chart(duration_series((9, 0.5))))
    assert "500 ms in the median of 9 runs, without a change." in said
    assert "change" not in said
    assert "no duration known" in words(duration_chart(duration_series()))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: strip_chart(strip_series("PFPKP", name=HOSTILE), width=1200),
        lambda: duration_chart(duration_series((5, 0.1), name=HOSTILE), width=1200),
    ],
)
def test_hostile_titles_stay_words(draw):
    figure = draw()
    (title,) = [one for one in words(figure) if "<script>" in one]
    assert title.startswith("$\\frac{1}{2}$ <script>alert(1)</script> &")
    assert "\x1b" not in description(figure)
    assert to_svg(figure) == to_svg(draw())
    assert to_png(figure) == to_png(draw())
