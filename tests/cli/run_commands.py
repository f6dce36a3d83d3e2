"""Test commands for `flakelens run`, and what it has stored of them."""

from __future__ import annotations

import sys
from pathlib import Path

from flakelens.store import open_store

ROOT = Path(__file__).parents[2]


def script(folder: Path, text: str, name: str = "tests.py") -> list[str]:
    """The words of a command that runs this Python text."""
    (folder / name).write_text(text, encoding="utf-8")
    return [sys.executable, name]


def copying(report: Path, to: str = "junit.xml", *, code: int = 0) -> str:
    """A test command that writes a recorded report and ends."""
    return (
        "import pathlib, sys\n"
        f"to = pathlib.Path({to!r}); to.parent.mkdir(parents=True, exist_ok=True)\n"
        f"to.write_bytes(pathlib.Path({str(report)!r}).read_bytes())\n"
        "print('the output of the tests'); print('and its errors', file=sys.stderr)\n"
        f"sys.exit({code})\n"
    )


def stored(folder: Path) -> list[tuple[str, bool]]:
    """The reports in the database: name, partial."""
    if not (folder / ".flakelens" / "flakelens.db").exists():
        return []
    with open_store(folder / ".flakelens" / "flakelens.db", read_only=True) as store:
        return [(report.name, report.partial) for run in store.read().runs for report in run.reports]
