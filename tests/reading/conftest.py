"""Workers for little: what makes a small ingest stay in one process is turned off."""

from __future__ import annotations

import pytest

from flakelens.reading import sizes, workers


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes from the first file on, one file a piece."""
    monkeypatch.setattr(sizes, "SMALL", 0)
    monkeypatch.setattr(workers, "_FIRST", 0)
    monkeypatch.setattr(workers, "_PIECE_FILES", 1)
