"""The progress bar: late, on standard error, and gone afterwards."""

from __future__ import annotations

import pytest

from flakelens.cli import progress
from flakelens.cli.progress import Bar


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_nothing_is_drawn_in_the_first_second_nor_where_nobody_looks(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Bar(shown=True) as bar:
        clock[0] += 0.9
        bar(1, 2, "a")
    with Bar(shown=False) as bar:
        clock[0] += 9
        bar(1, 2, "a")
    assert capsys.readouterr() == ("", "")


def test_the_bar_shows_how_far_it_is_and_goes_away(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(shown=True) as bar:
        clock[0] += 1.5
        bar(5, 20, "run-6\x1b[2J")
        bar(6, 20, "too soon")
        clock[0] += 0.2
        bar(7, None, "x.xml")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "\r[#####...............] 5/20 run-6?[2J\x1b[K\r7 read x.xml\x1b[K\r\x1b[K"
