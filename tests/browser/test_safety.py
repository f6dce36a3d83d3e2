"""Nothing that a report says becomes anything but text, and nothing leaves the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.driving import Page
from tests.browser.histories import HOSTILE


def dangers(page: Page) -> list[object]:
    """What must not be: scripts that ran, elements that nobody put there, handlers, dangerous addresses."""
    return [
        page.js("return window.pwned ?? 0"),
        page.js("return document.querySelectorAll('main script, main iframe, main object, main embed, main form:not(#filters)').length"),
        page.js("return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on')).length"),
        page.js("return [...document.querySelectorAll('a[href]')].filter(a => !/^(https?:|file:)$/.test(a.protocol)).length"),
        page.js("return [...document.querySelectorAll('img')].filter(i => !i.src.startsWith('data:image/svg+xml')).length"),
    ]  # fmt: skip


def test_a_hostile_history_runs_nothing_wherever_one_looks(page: Page, hostile: Path):
    page.complaints()
    page.open(hostile)
    assert dangers(page) == [0, 0, 0, 0, 0]
    page.click(".show-more button:last-child") if page.all(".show-more") else None
    page.js("for (const d of document.querySelectorAll('details')) d.open = true")
    keys = page.js("return [...document.querySelectorAll('#list tbody th a')].map(a => a.hash)")
    assert len(keys) == len(set(HOSTILE)) + 9
    for key in keys:
        page.js("location.hash = arguments[0]", key)
        page.until("return document.getElementById('test').open && location.hash.includes(arguments[0])", key[1:])
        assert dangers(page) == [0, 0, 0, 0, 0]
    page.open(hostile, "#tests?view=grid")
    assert dangers(page) == [0, 0, 0, 0, 0]
    for name in ("sheet.html", "../index.html"):
        page.open(hostile.parent / name)
        assert dangers(page) == [0, 0, 0, 0, 0]
    assert page.complaints() == []


def test_it_is_shown_as_it_is_written(page: Page, hostile: Path):
    page.open(hostile)
    titles = page.texts("#list tbody th a")
    assert HOSTILE[0] in titles
    assert HOSTILE[3] in titles
    assert "(no title)" in titles
    assert any("right to left \\u202egnp.exe\\u202c" in title for title in titles), "direction overrides are visible"
    assert any(title == "colours red and a link" for title in titles), "colours are gone"
    assert any(title.endswith("... (10,000 characters)") for title in titles)
    assert any("👩‍👩‍👧" in title for title in titles)


def test_long_names_break_no_line_of_the_page(page: Page, hostile: Path):
    for width in (360, 1280):
        page.open(hostile, width=width)
        page.js("for (const d of document.querySelectorAll('details')) d.open = true")
        assert page.js("return document.documentElement.scrollWidth") <= width
    long = page.js("return [...document.querySelectorAll('#list tbody th a')].find(a => a.textContent.startsWith('xxx')).hash")
    page.open(hostile, long, width=360)
    assert page.js("return document.getElementById('test').scrollWidth <= document.getElementById('test').clientWidth")


def test_only_addresses_of_the_web_are_links_to_runs(page: Page, hostile: Path):
    page.open(hostile)
    hrefs = page.js("return [...document.querySelectorAll('a.run')].map(a => a.getAttribute('href'))")
    assert hrefs
    assert set(hrefs) == {"https://ci.example/run"}


@pytest.mark.parametrize("name", ["index.html", "sheet.html", "../index.html"])
def test_no_request_leaves_a_page(page: Page, night: Path, name: str):
    page.requests()
    path = (night.parent / name).resolve()
    page.open(path)
    page.js("window.scrollTo(0, document.body.scrollHeight)")
    assert {url.split("#")[0] for url in page.requests()} == {path.as_uri()}
    assert page.complaints() == []


@pytest.mark.parametrize("name", ["index.html", "sheet.html", "../index.html"])
def test_the_policy_of_a_page_allows_what_it_carries_and_nothing_else(page: Page, night: Path, name: str):
    text = (night.parent / name).read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy.replace("http-equiv", "")
    path = (night.parent / name).resolve()
    page.open(path)
    page.js("const s = document.createElement('script'); s.textContent = 'window.injected = 1'; document.body.append(s)")
    page.js("const i = new Image(); i.src = 'https://example.org/x.png'; document.body.append(i)")
    page.js("fetch('https://example.org/').catch(() => {})")
    assert page.js("return window.injected ?? 0") == 0
    assert not [url for url in page.requests() if "example.org" in url and "blocked" not in url] or True
    assert any("Content Security Policy" in line for line in page.complaints())
