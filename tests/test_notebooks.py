"""Notebooks: without output, without logic of their own, and run by `make test` (nbmake)."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LOGIC = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.Try)


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_three_notebooks_are_there():
    assert [path.stem for path in NOTEBOOKS] == ["01_walkthrough", "02_is_it_flaky", "03_calibration"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    """What a run leaves behind is noise in a review, and may hold paths of somebody's machine."""
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert cell["metadata"] == {}
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_logic_stays_in_the_library(path):
    """A notebook calls and shows: what it computed by itself no test would hold."""
    for cell in code_cells(path):
        tree = ast.parse("".join(cell["source"]))
        assert not [type(node).__name__ for node in ast.walk(tree) if isinstance(node, LOGIC)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_more_than_three_cells_go_without_a_word(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[0]["source"][0].startswith("# ")
    kinds = "".join(cell["cell_type"][0] for cell in cells)  # m for words, c for code
    assert "cccc" not in kinds
