"""Checks of the names of tests."""

from __future__ import annotations

from collections.abc import Iterator

from flakelens.doctor.look import Look, some
from flakelens.gate.criterion import count_of
from flakelens.model import TestId
from flakelens.report import Finding

_MOST_PROPOSED = 5


def ambiguous_titles(look: Look) -> Iterator[Finding]:
    """Titles in several files: a report without paths cannot say which of them it means."""
    titles = look.evidence.history.names.ambiguous
    if titles:
        yield Finding(
            code="ambiguous-titles",
            where=f"{count_of(len(titles), 'title')}",
            message=f"The same title stands in several test files: {some(list(titles), quoted=True)}. Reports "
            "without paths are kept as tests of their own.",
            mend="Let the reporter write paths (see no-file-paths), or make the titles differ.",
            serious=False,
        )


def moved_tests(look: Look) -> Iterator[Finding]:
    """Tests that ended where the same title began in another file: their history goes on there if somebody says so."""
    tests = look.evidence.history.tests
    moved = look.evidence.moved
    entries = [_alias(tests[old].id, tests[new].id) for old, new in sorted(moved.items())]
    if entries:
        first = next(iter(sorted(moved)))
        more = f"\n  and {len(entries) - _MOST_PROPOSED} more like these" if len(entries) > _MOST_PROPOSED else ""
        yield Finding(
            code="moved-tests",
            where=f"{count_of(len(entries), 'test')}",
            message=f'{count_of(len(entries), "test")} seem to have moved, for example "{tests[first].id.name}" from '
            f"{tests[first].id.file or 'reports without paths'} to {tests[moved[first]].id.file or 'such reports'}.",
            mend="If so, add to flakelens-decisions.toml:\n" + "\n".join(entries[:_MOST_PROPOSED]) + more,
            serious=False,
        )


def _alias(old: TestId, new: TestId) -> str:
    return f"  [[aliases]]\n  old = {_reference(old)}\n  new = {_reference(new)}"


def _reference(test: TestId) -> str:
    parts = {"name": test.name, "file": test.file, "variant": test.variant}
    return "{ " + ", ".join(f"{key} = {_quoted(value)}" for key, value in parts.items() if value) + " }"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"
