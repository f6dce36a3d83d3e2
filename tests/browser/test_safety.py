"""Nothing that a report says becomes anything but text, and nothing leaves the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.driving import Page
from tests.browser.histories import HOSTILE

DANGERS = """
const all = [...document.querySelectorAll('*')];
return {
  ran: window.pwned ?? 0,
  elements: document.querySelectorAll('main :is(script, iframe, object, embed, form:not(#filters))').length,
  handlers: all.flatMap((element) => [...element.attributes]).filter((one) => one.name.startsWith('on')).length,
  links: [...document.querySelectorAll('a[href]')].filter((a) => !/^(https?:|file:)$/.test(a.protocol)).length,
  pictures: [...document.querySelectorAll('img')].filter((i) => !i.src.startsWith('data:image/svg+xml')).length,
};
"""
PAGES = ["index.html", "sheet.html", "../index.html"]


def dangers(page: Page) -> set[str]:
    """What must not be: scripts that ran, elements and handlers that nobody put there, addresses that do things."""
    return {kind for kind, number in page.js(DANGERS).items() if number}


def unfold(page: Page) -> None:
    """All rows, all folds open."""
    page.js("document.querySelector('.show-more button:last-child')?.click()")
    page.js("for (const fold of document.querySelectorAll('details')) fold.open = true")


def test_a_hostile_history_runs_nothing_wherever_one_looks(page: Page, hostile: Path):
    page.complaints()
    page.open(hostile)
    unfold(page)
    assert dangers(page) == set()
    keys = page.js("return [...document.querySelectorAll('#list tbody th a')].map(a => a.hash)")
    assert len(keys) == len(HOSTILE) + 9
    for key in keys:
        page.js("location.hash = arguments[0]", key)
        page.until("return document.getElementById('test').open && location.hash.includes(arguments[0])", key[1:])
        assert dangers(page) == set()
    page.open(hostile, "#tests?view=grid")
    assert dangers(page) == set()
    for name in ("sheet.html", "../index.html"):
        page.open((hostile.parent / name).resolve())
        assert dangers(page) == set()
    assert page.complaints() == []


def test_it_is_shown_as_it_is_written(page: Page, hostile: Path):
    page.open(hostile)
    unfold(page)
    titles = page.texts("#list tbody th a")
    assert HOSTILE[0] in titles
    assert HOSTILE[3] in titles
    assert "(no title)" in titles
    assert any("right to left \\u202egnp.exe\\u202c" in title for title in titles), "direction overrides are visible"
    assert any(title.startswith("colours red and a link") for title in titles), "colours are gone"
    assert any(title.endswith("... (10,000 characters)") for title in titles)
    assert any("👩‍👩‍👧" in title for title in titles)


def test_long_names_break_no_line_of_the_page(page: Page, hostile: Path):
    for width in (360, 1280):
        page.open(hostile, width=width)
        unfold(page)
        assert page.js("return document.documentElement.scrollWidth") <= width
    page.js("[...document.querySelectorAll('#list tbody th a')].find(a => a.textContent.startsWith('xxx')).click()")
    page.resize(360)
    assert page.js("const test = document.getElementById('test'); return test.scrollWidth <= test.clientWidth")


def test_only_addresses_of_the_web_are_links_to_runs(page: Page, hostile: Path):
    page.open(hostile)
    hrefs = page.js("return [...document.querySelectorAll('a.run')].map(a => a.getAttribute('href'))")
    assert set(hrefs) == {"https://ci.example/run"}


@pytest.mark.parametrize("name", PAGES)
def test_no_request_leaves_a_page(page: Page, night: Path, name: str):
    page.requests()
    page.complaints()
    path = (night.parent / name).resolve()
    page.open(path)
    page.js("window.scrollTo(0, document.body.scrollHeight)")
    assert {url.split("#")[0] for url in page.requests()} == {path.as_uri()}
    assert page.complaints() == []


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_of_a_page_allows_what_it_carries_and_nothing_else(page: Page, night: Path, name: str):
    path = (night.parent / name).resolve()
    text = path.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "//" not in re.sub(r"'sha256-[^']*'", "", policy)
    page.open(path)
    page.complaints()
    page.js("const s = document.createElement('script'); s.text = 'window.injected = 1'; document.body.append(s)")
    page.js("const i = new Image(); i.src = 'https://example.org/x.png'; document.body.append(i)")
    page.js("fetch('https://example.org/').catch(() => {})")
    assert page.js("return window.injected ?? 0") == 0
    refused = " ".join(line for line in page.complaints() if "Content Security Policy" in line)
    for word in ("inline script", "x.png", "https://example.org/"):
        assert word in refused
