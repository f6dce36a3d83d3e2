"""A dialect is one file, one line in DIALECTS, one fixture, one heading; a problem code is one heading."""

from __future__ import annotations

from pathlib import Path

import pytest

from flakelens.junit import DIALECTS, read_bytes
from flakelens.junit.document import read_document
from flakelens.junit.reader import _look
from flakelens.model import ProblemCode

FIXTURES = Path(__file__).parent / "fixtures"
DOCS = Path(__file__).parents[2] / "docs"


def headings(document: str) -> set[str]:
    lines = (DOCS / document).read_text(encoding="utf-8").splitlines()
    return {line.lstrip("#").strip() for line in lines if line.startswith("#")}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_dialect_has_a_fixture_that_only_it_takes_first_and_a_heading(dialect):
    data = (FIXTURES / f"{dialect.name}.xml").read_bytes()
    root = read_document(data).root
    takers = [other.name for other in DIALECTS if other.producer(_look(root))]
    assert takers[0] == dialect.name
    report = read_bytes("fixture", data)
    assert report.cases
    assert not report.problems
    assert dialect.name in headings("dialects.md")


def test_no_fixture_is_left_over():
    assert {path.stem for path in FIXTURES.glob("*.xml")} == {dialect.name for dialect in DIALECTS}


def test_the_last_dialect_takes_everything():
    root = read_document(b"<testsuite/>").root
    assert [bool(dialect.producer(_look(root))) for dialect in DIALECTS] == [False] * (len(DIALECTS) - 1) + [True]


@pytest.mark.parametrize("code", ProblemCode, ids=lambda code: code.value)
def test_problem_code_has_a_heading(code):
    assert code.value in headings("problems.md")


def test_no_heading_without_a_code():
    described = {heading for heading in headings("problems.md") if heading == heading.lower() and " " not in heading}
    assert described == {code.value for code in ProblemCode}
