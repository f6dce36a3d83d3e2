"""Expected output as files that a person can open: tests/golden/. FLAKELENS_GOLDENS=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def same_as_golden(name: str, text: str) -> None:
    """Fails unless `text` is what tests/golden/`name` holds."""
    path = FOLDER / name
    if os.environ.get("FLAKELENS_GOLDENS") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.is_file(), f"{path} is missing: run with FLAKELENS_GOLDENS=write and read what it wrote"
    assert text == path.read_bytes().decode()
