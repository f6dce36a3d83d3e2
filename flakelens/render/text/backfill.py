"""What `backfill` brought, for a terminal: as `ingest` says it, and what could not be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flakelens.gate.criterion import count_of
from flakelens.render.safe import one_line
from flakelens.render.terminal import paragraph, to_text
from flakelens.render.text.ingest import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from rich.text import Text

    from flakelens.store import IngestedRun

    class Found(Protocol):
        """What is read of `backfill.Backfilled`."""

        runs: list[IngestedRun]
        looked_at: int
        known: int
        without: int
        expired: int
        unread: list[tuple[str, str]]


_MOST_UNREAD = 10


def backfill_text(found: Found, *, width: int, colour: bool, quiet: bool = False, verbose: bool = False) -> str:
    """The text, `width` columns wide."""
    said = _sentences(found)
    lines: list[Text | str] = [line for sentence in said for line in paragraph(sentence, width=width)]
    if found.unread:
        lines += ["", "Not read"]
        for where, why in _few(found.unread):
            lines += paragraph(f"{one_line(where)}: {one_line(why)}", width=width, first="  - ", rest="    ")
        if len(found.unread) > _MOST_UNREAD:
            lines.append(f"    and {len(found.unread) - _MOST_UNREAD} more")
    text = to_text(lines, width=width, colour=colour)
    if not found.runs:
        return text
    return text + "\n" + render(found.runs, width=width, colour=colour, quiet=quiet, verbose=verbose)


def _few(unread: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return unread[:_MOST_UNREAD]


def _sentences(found: Found) -> list[str]:
    brought = len({(run.provider, run.run) for run in found.runs})
    said = [
        f"GitHub lists {count_of(found.looked_at, 'completed run')}; {count_of(brought, 'run')} of them brought now."
    ]
    if found.known:
        said.append(f"{count_of(found.known, 'run')} here already.")
    if found.without:
        why = f", {found.expired} of them because GitHub deletes artifacts after a while" if found.expired else ""
        said.append(f"{count_of(found.without, 'run')} without reports{why}.")
    return said
