"""reports/example is what the program writes today, and small enough to be kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.make_example import EXAMPLE, make
from tests.nightly.test_documents import island

DAY = "2026-11-20"


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, made anew."""
    out = tmp_path_factory.mktemp("example") / "example"
    make(out)
    return out


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["index.html", f"{DAY}/report.md", f"{DAY}/report.json", f"{DAY}/sheet.html"])
def test_its_words_are_those_of_today(again: Path, name: str):
    assert (EXAMPLE / name).read_text() == (again / name).read_text(), "run `make example`"


def test_its_page_is_that_of_today(again: Path):
    """Charts are left out: their bytes are those of the installed matplotlib."""
    kept, made = (folder / DAY / "index.html" for folder in (EXAMPLE, again))
    assert island(kept.read_bytes()) == island(made.read_bytes())
    frame = re.compile(r'(<script type="application/json"[^>]*>).*?(</script>)', re.DOTALL)
    assert frame.sub(r"\1\2", kept.read_text()) == frame.sub(r"\1\2", made.read_text()), "run `make example`"


def test_nothing_is_left_over_and_nothing_missing(again: Path):
    assert tree(EXAMPLE) == tree(again)


def test_it_is_less_than_a_mebibyte():
    assert sum((EXAMPLE / name).stat().st_size for name in tree(EXAMPLE)) < 2**20
