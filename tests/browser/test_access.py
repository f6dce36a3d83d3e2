"""The page can be used by everybody: axe-core finds nothing, keys reach everything, no screen cuts anything off."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.driving import Page

EVERY = [(360, False), (360, True), (1280, False), (1280, True)]  # width, dark
TWO = [(360, True), (1280, False)]


@pytest.mark.parametrize(("width", "dark"), EVERY)
def test_axe_finds_nothing_on_the_page_of_a_night(page: Page, night: Path, width: int, dark: bool):
    page.open(night, width=width, dark=dark)
    page.js("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.axe() == []


@pytest.mark.parametrize(("width", "dark"), EVERY)
def test_axe_finds_nothing_on_the_page_of_a_test(page: Page, night: Path, width: int, dark: bool):
    page.open(night, width=width, dark=dark)
    page.click("#list tbody th a")
    page.js("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.axe() == []


@pytest.mark.parametrize(("width", "dark"), TWO)
@pytest.mark.parametrize("view", ["#tests?view=grid", "#tests?q=nothing-matches-this"])
def test_axe_finds_nothing_in_the_grid_and_where_nothing_matches(
    page: Page, night: Path, view: str, width: int, dark: bool
):
    page.open(night, view, width=width, dark=dark)
    assert page.axe() == []


@pytest.mark.parametrize(("width", "dark"), TWO)
@pytest.mark.parametrize("name", ["sheet.html", "../index.html", "../2026-11-05/index.html"])
def test_axe_finds_nothing_on_the_other_pages(page: Page, night: Path, name: str, width: int, dark: bool):
    page.open((night.parent / name).resolve(), width=width, dark=dark)
    assert page.axe() == []


@pytest.mark.parametrize("width", [360, 768, 1280, 2560, 3840])
@pytest.mark.parametrize("name", ["index.html", "sheet.html", "../index.html", "../2026-11-05/index.html"])
def test_no_page_is_wider_than_its_window(page: Page, night: Path, name: str, width: int):
    page.open((night.parent / name).resolve(), width=width)
    assert page.js("return document.documentElement.scrollWidth") <= width


def test_the_first_key_offers_to_skip_to_the_verdict(page: Page, night: Path):
    page.open(night)
    page.keys(Keys.TAB)
    assert page.js("return document.activeElement.className") == "skip"
    page.keys(Keys.ENTER)
    assert page.hash == "#top"


def test_the_theme_goes_round_and_is_kept(page: Page, night: Path):
    page.open(night)
    light = page.js("return getComputedStyle(document.body).backgroundColor")
    charts = page.js("return document.querySelector('.chart img').src")
    button = page.one("#theme")
    assert button.text == "Theme: auto"
    button.click()
    assert button.text == "Theme: light"
    button.click()
    assert button.text == "Theme: dark"
    dark = page.js("return getComputedStyle(document.body).backgroundColor")
    assert dark != light
    assert page.js("return document.querySelector('.chart img').src") != charts
    page.open(night)
    assert page.js("return getComputedStyle(document.body).backgroundColor") == dark
    page.click("#theme")
    assert page.one("#theme").text == "Theme: auto"
    assert page.js("return getComputedStyle(document.body).backgroundColor") == light


def test_the_system_preference_is_followed(page: Page, night: Path):
    page.open(night, dark=True)
    dark = page.js("return getComputedStyle(document.body).backgroundColor")
    page.theme(dark=False)
    assert page.js("return getComputedStyle(document.body).backgroundColor") != dark


def test_every_chart_is_there_and_says_what_it_shows(page: Page, night: Path):
    page.open(night)
    groups = len(page.all("article.group"))
    alts = page.js("return [...document.querySelectorAll('.chart img')].map(i => i.alt)")
    assert len(alts) == groups
    assert all("Pass rate" in alt for alt in alts)
    page.js("for (const i of document.querySelectorAll('.chart img')) i.loading = 'eager'")
    page.until("return [...document.querySelectorAll('.chart img')].every(i => i.complete && i.naturalWidth > 100)")


def test_paper_shows_the_report_and_no_controls(page: Page, night: Path):
    page.open(night)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = page.js(
        "return ['nav', '#theme', '#filters'].map(s => getComputedStyle(document.querySelector(s)).display)"
    )
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert hidden == ["none", "none", "none"]


def test_the_sheet_is_one_page_of_paper(page: Page, night: Path):
    for name in ("sheet.html", "../2026-11-05/sheet.html"):
        page.open((night.parent / name).resolve())
        printed = page.driver.execute_cdp_cmd(
            "Page.printToPDF", {"preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
        )
        pdf = base64.b64decode(printed["data"])
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1, name
