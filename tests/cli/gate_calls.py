"""Calling `flakelens gate` in a folder of its own: for the tests of its command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.builders import a_store, a_suite_run


class Said(NamedTuple):
    code: int
    out: str
    err: str


Flakelens = Callable[..., Said]


def a_history(folder: Path, runs: int, bad: Mapping[str, str] | None = None, *, last: int = 5) -> None:
    """Runs one an hour up to now; `bad` in the newest `last` of them."""
    now = datetime.now(UTC)
    (folder / ".flakelens").mkdir(exist_ok=True)
    a_store(
        folder / ".flakelens",
        [
            a_suite_run(n, bad if bad and n >= runs - last else {}, started=now - timedelta(hours=runs - n))
            for n in range(runs)
        ],
    ).close()
