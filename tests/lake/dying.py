"""Work whose worker is killed in the worst instants. Imported by the workers of the tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

BEFORE = "before its commit"  # all parts are there, and nothing names them
AFTER = "after its commit"  # all is there, and nobody was told
READING = "while it reads"
ALWAYS = "always"


def killed(instant: str, mark: Path, work: Callable[[Any], Any], item: Any) -> Any:
    """`work` of `item`; but the process is killed at `instant`: the first time (`mark` remembers), or always."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        if instant != ALWAYS:
            return work(item)
    if instant in (ALWAYS, READING):
        _die()
    with patch("flakelens.lake.batch.put_commit", _die if instant == BEFORE else _committed):
        work(item)
    raise AssertionError("alive")


def _committed(*given: Any) -> None:
    from flakelens.lake.commits import put_commit

    put_commit(*given)
    _die()


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
