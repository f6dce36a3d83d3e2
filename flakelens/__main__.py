"""`python -m flakelens`, and what the installed command calls."""

from __future__ import annotations

from typing import NoReturn

from flakelens.garbage import look_rarely


def main() -> NoReturn:
    """The command line, from the first module on."""
    look_rarely()
    from flakelens.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
