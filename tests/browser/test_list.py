"""The list of tests: every filter, every order, the address that keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.driving import Page


@pytest.fixture
def document(night: Path) -> dict:
    return json.loads((night.parent / "report.json").read_text(encoding="utf-8"))


def shown(page: Page) -> int:
    """How many tests the page says there are."""
    return int(page.one("#matching").text.split()[0].replace(",", ""))


def states(page: Page) -> list[str]:
    return page.texts("#list tbody tr td:first-child .state")


def test_all_tests_are_there_the_most_urgent_first(page: Page, night: Path, document: dict):
    page.open(night)
    assert shown(page) == len(document["tests"])
    assert len(page.all("#list tbody tr")) == 25
    assert states(page)[0] == "flaky"
    assert page.texts("#list tbody th a")[0] == document["tests"][0]["name"]


def test_more_rows_come_when_asked_for_and_take_the_focus(page: Page, night: Path, document: dict):
    page.open(night)
    page.click(".show-more button:first-child")
    assert len(page.all("#list tbody tr")) == 125
    assert page.js("return document.activeElement.closest('tr').rowIndex") == 26
    page.click(".show-more button:last-child")
    assert len(page.all("#list tbody tr")) == len(document["tests"])
    assert not page.all(".show-more")


@pytest.mark.parametrize("name", ["area", "focus", "state", "cause"])
def test_every_value_of_a_filter_shows_its_tests_and_no_others(page: Page, night: Path, document: dict, name: str):
    def has(test: dict, value: str) -> bool:
        if name == "focus":
            return value in test["focus"]
        if name == "state":
            return value == ("healing" if test["healing"] else test["state"])
        return test[name] == value

    page.open(night)
    values = page.js(f"return [...document.querySelectorAll('#filters [name={name}] option')].map(o => o.value)")
    assert values[0] == ""
    assert len(values) > 1
    for value in values[1:]:
        page.choose(name, value)
        assert shown(page) == sum(has(test, value) for test in document["tests"]) > 0, value
        assert f"{name}=" in page.hash
    page.choose(name, "")
    assert shown(page) == len(document["tests"])
    assert page.hash == "#tests"


def test_no_owner_is_known_here_so_that_nobody_is_asked_for_one(page: Page, night: Path):
    page.open(night)
    assert not page.one("#filters [name=owner]").is_displayed()


def test_search_finds_words_of_title_file_and_variant_in_any_order(page: Page, night: Path, document: dict):
    page.open(night)
    page.one("#filters [name=q]").send_keys("pixel CARD pays")
    page.until("return location.hash.includes('q=')")
    wanted = [
        test for test in document["tests"]
        if all(word in f"{test['name']} {test['file']} {test['variant']}".lower() for word in ("pixel", "card", "pays"))
    ]  # fmt: skip
    assert shown(page) == len(wanted) >= 1


def test_only_with_failures(page: Page, night: Path, document: dict):
    page.open(night)
    page.click("#filters .check")
    assert shown(page) == sum("F" in test["history"] or "K" in test["history"] for test in document["tests"])
    assert page.hash == "#tests?failing=1"


def test_filters_that_leave_nothing_say_so_and_are_cleared_by_one_button(page: Page, night: Path, document: dict):
    page.open(night, "#tests?area=AI&focus=uploads")
    assert shown(page) == 0
    assert "No test matches" in page.one("#list").text
    page.click("#filters button[type=reset]")
    assert shown(page) == len(document["tests"])
    assert page.js("return document.activeElement.name") == "q"


@pytest.mark.parametrize(
    ("heading", "value"),
    [
        ("Test", lambda test: test["name"]),
        ("Area", lambda test: test["area"]),
        ("Pass rate", lambda test: test["pass_rate"]["value"] if test["pass_rate"] else 2),
        ("First attempts", lambda test: (test["first_attempt_pass_rate"] or {"value": 2})["value"]),
        ("Flaky runs", lambda test: -test["flaky_runs"]),
    ],
)
def test_every_heading_sorts_and_pressed_again_turns(page: Page, night: Path, document: dict, heading: str, value):
    page.open(night)
    by_key = {test["key"]: test for test in document["tests"]}

    def order() -> list:
        keys = page.js("return [...document.querySelectorAll('#list tbody th a')].map(a => a.hash.slice(6))")
        return [value(by_key[key]) for key in keys]

    wanted = sorted(map(value, document["tests"]))
    button = f"//thead//button[text()='{heading}']"
    page.driver.find_element("xpath", button).click()
    assert order() == wanted[:25]
    assert page.one("#list th[aria-sort]").text.startswith(heading)
    page.driver.find_element("xpath", button).click()
    assert order() == wanted[::-1][:25]
    assert page.js("return document.activeElement.textContent") == heading


@pytest.mark.parametrize(
    ("order", "value"),
    [
        ("failures", lambda test: -test["failures"]),
        ("slow", lambda test: -(test["duration"] or {"seconds": -1})["seconds"]),
    ],
)
def test_orders_without_a_heading(page: Page, night: Path, document: dict, order: str, value):
    page.open(night)
    page.choose("sort", order)
    keys = page.js("return [...document.querySelectorAll('#list tbody th a')].map(a => a.hash.slice(6))")
    by_key = {test["key"]: test for test in document["tests"]}
    assert [value(by_key[key]) for key in keys] == sorted(map(value, document["tests"]))[:25]


def test_the_address_shows_another_person_the_same(page: Page, night: Path):
    page.open(night, "#tests?area=E2E&state=flaky&q=referral&sort=name&dir=turned&view=list")
    assert page.one("#filters [name=area]").get_attribute("value") == "E2E"
    assert page.one("#filters [name=q]").get_attribute("value") == "referral"
    assert set(states(page)) == {"flaky"}
    assert page.one("#list th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_an_area_card_leads_to_its_tests(page: Page, night: Path, document: dict):
    page.open(night)
    page.click("a[href='#tests?area=AI']")
    page.until("return location.hash === '#tests?area=AI' && document.querySelector('[name=area]').value === 'AI'")
    assert shown(page) == sum(test["area"] == "AI" for test in document["tests"])


def test_a_cause_leads_to_its_tests(page: Page, night: Path, document: dict):
    page.open(night)
    cause = next(cause for cause in document["causes"] if len(cause["tests"]) > 1)
    page.click(f"a[href='#tests?cause={cause['id']}']")
    page.until("return document.querySelector('[name=cause]').value !== ''")
    assert shown(page) == len(cause["tests"])
