"""The grid of tests by runs: what stands where, the keys, the mouse, and what a screen reader is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.driving import Page

WORDS = {"P": "passed", "K": "failed, then passed", "F": "failed", "S": "skipped", ".": "no result"}


@pytest.fixture
def document(night: Path) -> dict:
    return json.loads((night.parent / "report.json").read_text(encoding="utf-8"))


def unpacked(history: str) -> str:
    out, letter = "", ""
    number = ""
    for sign in history + "!":
        if sign.isdigit():
            number += sign
            continue
        out += letter * (int(number) if number else 1) if letter else ""
        letter, number = sign, ""
    return out


def cursor(page: Page) -> str:
    """What the cell under the cursor says."""
    page.js("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return str(page.js("return document.getElementById('cursor').textContent"))


def focus(page: Page, night: Path, hash_: str = "#tests?view=grid", **size: int) -> Page:
    page.open(night, hash_, **size)
    page.js("document.querySelector('.grid').focus()")
    return page


def test_the_cursor_begins_at_the_newest_run_of_the_most_urgent_test(page: Page, night: Path, document: dict):
    focus(page, night)
    test, run = document["tests"][0], document["runs"][-1]
    said = cursor(page)
    assert said.startswith(WORDS[unpacked(test["history"])[-1]])
    assert f"run {run['run']} ({run['commit'][:7]})" in said
    assert page.one(".grid").get_attribute("aria-rowcount") == str(len(document["tests"]) + 1)
    assert page.one(".grid").get_attribute("aria-colcount") == str(len(document["runs"]) + 1)


def test_arrow_keys_walk_over_runs_and_tests(page: Page, night: Path, document: dict):
    focus(page, night)
    runs, tests = document["runs"], document["tests"]
    for step in range(1, 6):
        page.keys(Keys.ARROW_LEFT)
        said = cursor(page)
        assert f"run {runs[-1 - step]['run']} " in said
        assert said.startswith(WORDS[unpacked(tests[0]["history"])[-1 - step]])
    page.keys(Keys.ARROW_DOWN)
    assert cursor(page).startswith(WORDS[unpacked(tests[1]["history"])[-6]])
    page.keys(Keys.ARROW_UP, Keys.ARROW_RIGHT)
    assert f"run {runs[-5]['run']} " in cursor(page)


def test_home_and_end_pages_and_corners(page: Page, night: Path, document: dict):
    focus(page, night)
    runs, tests = document["runs"], document["tests"]
    page.keys(Keys.HOME)
    assert f"run {runs[0]['run']} " in cursor(page)
    page.keys(Keys.END)
    assert f"run {runs[-1]['run']} " in cursor(page)
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys(Keys.END).key_up(Keys.CONTROL).perform()
    row = page.js("return document.getElementById('cursor').closest('[role=row]').getAttribute('aria-rowindex')")
    assert row == str(len(tests) + 1)
    page.keys(Keys.PAGE_UP)
    above = page.js("return document.getElementById('cursor').closest('[role=row]').getAttribute('aria-rowindex')")
    assert 1 < int(above) < int(row)
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys(Keys.HOME).key_up(Keys.CONTROL).perform()
    assert f"run {runs[0]['run']} " in cursor(page)


def test_enter_opens_the_test_and_escape_comes_back_to_the_grid(page: Page, night: Path, document: dict):
    focus(page, night)
    page.keys(Keys.ARROW_DOWN, Keys.ENTER)
    page.until("return document.getElementById('test').open")
    assert page.one("#test-title").text == document["tests"][1]["name"]
    page.keys(Keys.ESCAPE)
    page.until("return !document.getElementById('test').open")
    assert page.js("return document.activeElement.className") == "grid"


def test_a_click_on_a_row_opens_its_test(page: Page, night: Path, document: dict):
    focus(page, night)
    grid = page.one(".grid")
    page.js("arguments[0].scrollIntoView({block: 'center'})", grid)
    size = grid.size
    ActionChains(page.driver).move_to_element_with_offset(
        grid, int(size["width"] * 0.25), int(-size["height"] / 2 + 46 + 22 * 3.5)
    ).click().perform()
    page.until("return document.getElementById('test').open")
    assert page.one("#test-title").text == document["tests"][3]["name"]


def test_what_lies_under_the_mouse_is_said_below(page: Page, night: Path, document: dict):
    focus(page, night)
    grid = page.one(".grid")
    page.js("arguments[0].scrollIntoView({block: 'center'})", grid)
    size = grid.size
    ActionChains(page.driver).move_to_element_with_offset(grid, 0, int(-size["height"] / 2 + 46 + 33)).perform()
    page.until("return document.querySelector('.grid-foot .said').textContent.includes('in run')")
    assert page.one(".grid-foot .said").text.startswith(document["tests"][1]["name"][:40])


def test_the_same_filters_hold(page: Page, night: Path, document: dict):
    page.open(night, "#tests?view=grid")
    page.choose("state", "flaky")
    wanted = sum(test["state"] == "flaky" and not test["healing"] for test in document["tests"])
    assert page.one(".grid").get_attribute("aria-rowcount") == str(wanted + 1)
    page.click(".views label:first-of-type")
    assert len(page.all("#list tbody tr")) == wanted


def test_the_link_in_the_bar_shows_the_grid(page: Page, night: Path):
    page.open(night)
    page.click("nav a[href='#grid']")
    page.until("return !document.getElementById('grid').hidden")
    assert page.one("#filters [name=view][value=grid]").is_selected()


def test_cells_are_drawn_by_outcome_and_outages_are_marked(page: Page, night: Path, document: dict):
    """Looks at the colours on the canvas, at the top of a cell: only a failure reaches that high."""
    focus(page, night)
    script = """
    const grid = document.querySelector('.grid'), canvas = grid.querySelector('canvas'), pen = canvas.getContext('2d');
    const left = Math.round(Math.min(430, Math.max(120, grid.clientWidth * 0.34)));
    return arguments[0].map(([row, column]) => {
      const x = left + column * 11 - grid.scrollLeft + 5, y = 46 + row * 22 - grid.scrollTop + 4;
      return [...pen.getImageData(x, y, 1, 1).data].slice(0, 3);
    });
    """
    red = page.js(
        "const i = document.createElement('i'); i.style.color = 'var(--fail-cell)'; document.body.append(i);"
        "return getComputedStyle(i).color.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    newest = range(len(document["runs"]) - 50, len(document["runs"]))
    cells = [(row, column) for row in range(12) for column in newest]
    seen: dict[str, list[bool]] = {}
    for (row, column), colour in zip(cells, page.js(script, cells), strict=True):
        seen.setdefault(unpacked(document["tests"][row]["history"])[column], []).append(colour == red)
    assert all(seen["F"])
    assert not any(seen["P"])
    assert not any(seen["K"])


def test_five_thousand_tests_cost_no_more_elements_than_fifty(page: Page, night: Path):
    focus(page, night)
    assert len(page.all(".grid-row")) < 60
    page.js("document.querySelector('.grid').scrollTop = 2000")
    page.until("return Number(document.querySelectorAll('.grid-row')[1].getAttribute('aria-rowindex')) > 80")
    assert len(page.all(".grid-row")) < 60
