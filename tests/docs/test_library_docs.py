"""docs/library.md names every frame, column and dtype, every chart and every call, and nothing else."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from flakelens.api import Lens
from flakelens.frames import FRAMES

TEXT = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("frame", FRAMES)
def test_every_column_is_explained_with_its_dtype_in_its_order(frame):
    documented = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| \S", section(frame), re.MULTILINE)
    assert documented == list(FRAMES[frame].items())


@pytest.mark.parametrize(("heading", "of"), [("Statistics", False), ("Charts", True)])
def test_every_call_is_explained(heading, of):
    documented = set(re.findall(r"^\| `lens\.(\w+)\(", section(heading), re.MULTILINE))
    public = {name for name, _ in inspect.getmembers(Lens, inspect.isfunction) if not name.startswith("_")}
    charts = {name for name in public if name.endswith("_chart")}
    assert documented == (charts if of else public - charts - {"close"})
