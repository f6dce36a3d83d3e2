"""When Python looks for garbage: rarely, in processes of ours."""

from __future__ import annotations

import gc


def look_rarely() -> None:
    """Call it before the first import: what a command loads and reads it needs to its end, and to look through it
    again and again is a waste.
    """
    gc.set_threshold(50_000, 20, 50)
