"""The page of one test: what it says, its links, its buttons, its keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.driving import Page


@pytest.fixture
def document(night: Path) -> dict:
    return json.loads((night.parent / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def flaky(document: dict) -> dict:
    """The most urgent test: flaky, with messages of several runs."""
    return next(test for test in document["tests"] if test["failures_said"] and test["state"] == "flaky")


def is_open(page: Page) -> bool:
    return bool(page.js("return document.getElementById('test').open"))


def test_a_row_of_the_list_opens_it_and_the_address_says_so(page: Page, night: Path, document: dict):
    page.open(night)
    page.click("#list tbody th a")
    assert is_open(page)
    first = document["tests"][0]
    assert page.one("#test-title").text == first["name"]
    assert page.hash == f"#tests?test={first['key']}"
    assert page.js("return document.activeElement.id") == "test-title"


@pytest.mark.parametrize("way", ["button", "escape", "beside", "back"])
def test_it_closes_every_way_that_people_try(page: Page, night: Path, way: str):
    page.open(night)
    page.click("#list tbody th a")
    if way == "button":
        page.click("#test .close")
    elif way == "escape":
        page.keys(Keys.ESCAPE)
    elif way == "beside":
        page.js("document.getElementById('test').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    else:
        page.driver.back()
    page.until("return !document.getElementById('test').open")
    assert "test=" not in page.hash
    if way != "back":  # the focus returns to where it was
        assert page.js("return document.activeElement.matches('#list tbody th a')")


def test_it_tells_state_reasons_rates_messages_and_runs(page: Page, night: Path, flaky: dict):
    page.open(night, f"#test={flaky['key']}")
    said = page.one("#test").text
    assert "flaky" in said
    for sentence in flaky["because"]:
        assert sentence in said
    assert f"{flaky['pass_rate']['passed']}/{flaky['pass_rate']['executed']}" in said
    for entry in flaky["failures_said"]:
        assert entry["message"].splitlines()[0] in said
        assert f"{entry['count']} ×" in said
    assert flaky["file"] in said
    image = page.one("#test canvas").get_attribute("aria-label")
    assert "failed" in image


def test_its_runs_lead_to_ci(page: Page, night: Path, document: dict, flaky: dict):
    urls = {run["url"] for run in document["runs"]}
    page.open(night, f"#test={flaky['key']}")
    page.js("for (const d of document.querySelectorAll('#test details')) d.open = true")
    links = [link.get_attribute("href") for link in page.all("#test a.run")]
    assert links
    assert set(links) <= urls
    assert all("noopener" in link.get_attribute("rel") for link in page.all("#test a.run"))


def test_next_and_previous_follow_the_list(page: Page, night: Path):
    page.open(night, "#tests?state=healing&sort=name")
    names = page.texts("#list tbody th a")
    page.click("#list tbody th a")
    assert not page.all("#test [data-go=previous]")
    page.click("#test [data-go=next]")
    assert page.one("#test-title").text == names[1]
    page.click("#test [data-go=previous]")
    assert page.one("#test-title").text == names[0]


def test_what_is_copied_is_the_name_the_command_the_link(page: Page, night: Path, flaky: dict):
    page.open(night, f"#test={flaky['key']}")
    wanted = {
        "name": f"{flaky['file']} > {flaky['name']} [{flaky['variant']}]" if flaky["variant"] else flaky["name"],
        "command": flaky["command"],
        "link": f"{night.as_uri()}#test={flaky['key']}",
    }
    for what, text in wanted.items():
        page.click(f"#test [data-copy={what}]")
        page.until("return document.getElementById('live').textContent.startsWith('Copied')")
        field = page.js("const t = document.createElement('textarea'); document.getElementById('test').append(t);"
                        "t.focus(); return t")  # fmt: skip
        field.send_keys(Keys.CONTROL, "v")
        assert field.get_attribute("value") == text
        page.js("arguments[0].remove(); document.getElementById('live').textContent = ''", field)


def test_its_cause_is_a_link_to_the_cause(page: Page, night: Path, document: dict):
    cause = next(cause for cause in document["causes"] if len(cause["tests"]) > 1)
    member = cause["tests"][0]
    wanted = {field: member[field] for field in ("file", "name", "variant")}
    key = next(test["key"] for test in document["tests"] if wanted.items() <= test.items())
    page.open(night, f"#test={key}")
    page.click(f"#test a[href='#{cause['id']}']")
    page.until("return !document.getElementById('test').open")
    assert page.hash == f"#{cause['id']}"


def test_every_test_named_on_the_page_has_its_page(page: Page, night: Path, document: dict):
    page.open(night)
    keys = {test["key"] for test in document["tests"]}
    links = page.js("return [...document.querySelectorAll('main a[href^=\"#test=\"]')].map(a => a.hash.slice(6))")
    assert len(links) > 20
    assert set(links) <= keys


def test_every_link_inside_the_page_leads_somewhere(page: Page, night: Path):
    page.open(night)
    hashes = set(page.js("return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"))
    places = {hash_ for hash_ in hashes if "=" not in hash_ and "?" not in hash_}
    assert {"areas", "tests", "grid", "causes", "runs"} <= places
    for place in places:
        assert page.all(f"[id='{place}']"), place


def test_every_file_named_on_the_page_lies_beside_it(page: Page, night: Path):
    page.open(night)
    names = page.js("return [...document.querySelectorAll('#about a')].map(a => a.getAttribute('href'))")
    assert {"report.md", "report.json", "sheet.html", "charts/all.svg", "charts/all.png"} <= set(names)
    for name in [*names, "../index.html"]:
        assert (night.parent / name).is_file(), name


def test_a_link_to_a_test_that_is_not_there_says_so(page: Page, night: Path):
    page.open(night, "#test=t0000000000")
    assert is_open(page)
    assert "no such test" in page.one("#test-title").text
