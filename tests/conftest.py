"""Settings that hold for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from flakelens.store import Store, open_store

# A landing must not depend on which examples chance finds; developers keep looking for new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database of its own."""
    with open_store(tmp_path / "db" / "flakelens.db", create=True) as opened:
        yield opened
