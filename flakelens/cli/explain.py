"""What `run` says of the runs that it has just stored: one function, so that it has one place to become richer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from flakelens.cli.app import App
    from flakelens.store import IngestedRun


class Explained(NamedTuple):
    """What is said of the failures of some runs."""

    text: str
    unexplained: bool  # at least one failure that the history does not explain


def explain(app: App, runs: Sequence[IngestedRun], *, width: int, colour: bool) -> Explained:
    """The failures of the runs just stored, for a terminal."""
    from flakelens.render.text_ingest import render

    text = render(runs, width=width, colour=colour, quiet=app.quiet, verbose=app.verbose)
    return Explained(text, any(run.failed or run.errored for run in runs))
