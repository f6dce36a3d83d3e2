"""One browser and one set of reports for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.driving import Page, start
from tests.browser.histories import hostile_report, recorded_reports


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A headless Chromium."""
    yield from start(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all reports on the recorded runs: two nights."""
    return recorded_reports(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def night(reports: Path) -> Path:
    """The page of the newest night."""
    return reports / "2026-11-20" / "index.html"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a night on a hostile history."""
    return hostile_report(tmp_path_factory.mktemp("hostile")) / "index.html"
