"""flakelens reads the JUnit XML of every test run and says, with evidence, how far the tests can be trusted.

with flakelens.open("flakelens.db") as lens: ...    see `flakelens.api`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flakelens.api import Lens as Lens
    from flakelens.api import open as open  # noqa: A004 - it opens as the built-in does

__version__ = "0.1.0"
__all__ = ["Lens", "__version__", "open"]


def __getattr__(name: str) -> Any:
    """The library, imported when it is used: the command line starts without it."""
    if name in ("Lens", "open"):
        from importlib import import_module

        return getattr(import_module("flakelens.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
