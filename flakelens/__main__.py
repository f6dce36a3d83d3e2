"""`python -m flakelens`, and what the installed command calls."""

from __future__ import annotations

import gc
from typing import NoReturn


def main() -> NoReturn:
    """The command line, from the first module on."""
    # What a command loads and reads it needs to its end: to look for garbage among it again and again is a waste.
    gc.set_threshold(50_000, 20, 50)
    from flakelens.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
