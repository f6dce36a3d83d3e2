"""The schema's own comments as Markdown: docs/database.md is made from them, and a test keeps the two in step.

`python -m flakelens.store.describe docs/database.md` brings the document up to date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from flakelens.store.schema import STEPS, statements

_OBJECT = re.compile(r"(?:^-- (?P<about>[^\n]*)\n)?CREATE (?P<kind>TABLE|VIEW) (?P<name>\w+)", re.MULTILINE)
_COLUMN = re.compile(r"^  (?!PRIMARY KEY|UNIQUE)(?P<code>[^\n]*?)(?: -- (?P<comment>[^\n]+))?$", re.MULTILINE)

BEGIN: Final = "<!-- schema: made from the comments in flakelens/store/schema.py -->\n"
END: Final = "<!-- end of schema -->\n"


class Column(NamedTuple):
    """A column: its name, its type ("" in a view) and its comment."""

    name: str
    type: str
    comment: str


class Table(NamedTuple):
    """A table or view: its name, the comment above it and its columns."""

    name: str
    kind: str  # "table" or "view"
    about: str
    columns: tuple[Column, ...]


def tables() -> tuple[Table, ...]:
    """Every table and view of the schema in the order of its making. Raises nothing: the schema is a constant."""
    found = []
    for step in STEPS:
        for statement in statements(step.sql):
            head = _OBJECT.search(statement)
            if head is not None:
                kind = head["kind"].lower()
                body = statement[head.end() :]
                columns = tuple(_column(match["code"], match["comment"], kind) for match in _COLUMN.finditer(body))
                found.append(Table(head["name"], kind, head["about"] or "", columns))
    return tuple(found)


def _column(code: str, comment: str | None, kind: str) -> Column:
    code = code.strip().rstrip(",")
    if kind == "view":
        return Column(code.rpartition(" AS ")[2] if " AS " in code else code, "", comment or "")
    name, type_, *_ = code.split()
    return Column(name, type_, comment or "")


def markdown() -> str:
    """The reference part of docs/database.md: one heading and one table per table or view."""
    lines: list[str] = []
    for table in tables():
        lines += [f"### `{table.name}`", "", f"{table.about[:1].upper()}{table.about[1:]}.", ""]
        if table.kind == "table":
            lines += ["| column | type | meaning |", "| --- | --- | --- |"]
            lines += [f"| `{c.name}` | {c.type} | {_cell(c.comment)} |" for c in table.columns]
        else:
            lines += ["| column | meaning |", "| --- | --- |"]
            lines += [f"| `{c.name}` | {_cell(c.comment)} |" for c in table.columns]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def in_step(document: str) -> str:
    """The text of docs/database.md with its reference part made anew. Raises ValueError without the two marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(in_step(path.read_text(encoding="utf-8")), encoding="utf-8")
