"""A progress bar on standard error, for what takes longer than a second. Nothing of it stays on the screen."""

from __future__ import annotations

import shutil
import sys
import time
import unicodedata
from types import TracebackType
from typing import Self

PATIENCE = 1.0  # seconds before the bar appears
_PAUSE = 0.1  # between two drawings
_CELLS = 20


class Bar:
    """Called with what is done, of how many (None where nobody knows) and the name of what comes now."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._begun = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: int, total: int | None, name: str) -> None:
        """Say how far it is; drawn at most ten times a second."""
        now = time.monotonic()
        if not self._shown or now - self._begun < PATIENCE or now - self._drawn < _PAUSE:
            return
        self._drawn = now
        if total:
            filled = _CELLS * done // total
            how_far = f"[{'#' * filled}{'.' * (_CELLS - filled)}] {done}/{total}"
        else:
            how_far = f"{done} read"
        plain = "".join("?" if unicodedata.category(sign)[0] == "C" else sign for sign in name)
        line = f"{how_far} {plain}"[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{line}\x1b[K")
        sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
