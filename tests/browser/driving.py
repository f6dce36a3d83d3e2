"""A headless Chromium for the tests of the report's page, and what these tests do with it again and again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".cache" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Headings, lists and rules of WCAG 2.2 AA, and axe's own good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def require(there: object, what: str) -> None:
    """Skip loudly where something is not installed; in CI that is a failure."""
    if not there:
        said = f"NOT INSTALLED: {what}; run `make browser`"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)


class Page:
    """One window, and the page in it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, hash_: str = "", *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """Load a page anew in a window of that size, in light or dark, and wait until its scripts have run."""
        self.resize(width, height)
        self.theme(dark=dark)
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + hash_)
        if self.all("#explorer"):
            self.until("return document.documentElement.dataset.ready === 'true'")
        return self

    def resize(self, width: int, height: int = 900) -> None:
        """CSS pixels of the viewport."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def theme(self, *, dark: bool) -> None:
        """What the system prefers."""
        value = "dark" if dark else "light"
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": value}]}
        )

    def js(self, script: str, *arguments: object) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: object, seconds: float = 10) -> Any:
        """What a script returns once that is something."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, poll_frequency=0.02).until(lambda _: self.js(script, *arguments))

    def all(self, selector: str) -> list[Any]:
        """The elements that a selector finds."""
        from selenium.webdriver.common.by import By

        found: list[Any] = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found

    def one(self, selector: str) -> Any:
        """The only element that a selector finds."""
        (found,) = self.all(selector)
        return found

    def texts(self, selector: str) -> list[str]:
        """What the elements say, hidden or not, white space folded."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.replace(/\\s+/g,' ').trim())"
        )
        found: list[str] = self.js(script, selector)
        return found

    def click(self, selector: str) -> None:
        """Scroll there and click, as a person would."""
        element = self.all(selector)[0]
        self.js("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def keys(self, *keys: str) -> None:
        """Type into whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def choose(self, name: str, value: str) -> None:
        """Choose a value of a filter."""
        from selenium.webdriver.support.ui import Select

        Select(self.one(f"#filters [name={name}]")).select_by_value(value)

    @property
    def hash(self) -> str:
        """What stands behind "#" in the address."""
        return str(self.js("return location.hash"))

    def complaints(self) -> list[str]:
        """What the browser has to say about the page: errors, refused scripts, refused requests."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address asked for since the last call, the page's own and pictures inside it left out."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if not url.startswith(("data:", "about:", "chrome:"))]

    def axe(self) -> list[str]:
        """What axe-core finds wrong, a line each."""
        require(AXE.is_file(), "axe-core")
        self.js(AXE.read_text(encoding="utf-8"))
        script = """
        const done = arguments[arguments.length - 1];
        axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}}).then(
          (result) => done(result.violations.map((one) => `${one.id}: ${one.help}: ` +
            one.nodes.slice(0, 3).map((node) => node.target.join(' ') + ' ' + node.failureSummary).join(' | '))),
          (error) => done([String(error)]));
        """
        self.driver.set_script_timeout(60)
        found: list[str] = self.driver.execute_async_script(script, _RULES)
        return found


def start(folder: Path) -> Iterator[Page]:
    """A browser with an empty profile in `folder`; closed at the end."""
    binary = next((path for name in _NAMES if (path := shutil.which(name))), _MAC if Path(_MAC).exists() else None)
    chromedriver = shutil.which("chromedriver")
    require(binary and chromedriver, "Chromium with chromedriver")
    require(_has_selenium(), "selenium (a development dependency)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(binary)
    for flag in (*_FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield Page(driver)
    finally:
        driver.quit()


def _has_selenium() -> bool:
    try:
        import selenium  # noqa: F401
    except ImportError:
        return False
    return True
