"""`flakelens db` for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.safe import one_line
from flakelens.render.terminal import NAME, QUIET, fill, heading, paragraph, row, to_text

if TYPE_CHECKING:
    from flakelens.store import StoreInfo

_MOST_BRANCHES = 8


def info_text(path: str, info: StoreInfo, pruned: int, *, width: int, colour: bool) -> str:
    """What is in the file at `path`; `pruned`: runs that were taken out of it."""
    lines: list[Text | str] = [row(one_line(path), (f"  {_size(info.size)}, schema {info.schema}", QUIET))]
    if info.first_run and info.last_run:
        span = f"{info.first_run:%Y-%m-%d} to {info.last_run:%Y-%m-%d}"
        lines.append(f"  {count_of(info.rows['run'], 'run')} from {span}")
    else:
        lines.append("  no run yet")
    if pruned:
        lines.append(f"  {count_of(pruned, 'run')} pruned; their sums per test were kept")
    if info.branches:
        lines += ["", heading("Runs by branch")]
        most = list(info.branches.items())
        for name, runs in most[:_MOST_BRANCHES]:
            lines.append(row(f"  {runs:>9,}  ", (one_line(name) or "(unknown)", NAME)))
        if len(most) > _MOST_BRANCHES:
            lines.append(f"             and {count_of(len(most) - _MOST_BRANCHES, 'more branch', 'more branches')}")
    lines += ["", heading("Tables")]
    for table, rows in info.rows.items():
        size = _size(info.table_bytes[table]) if table in info.table_bytes else ""
        lines.append(row(f"  {rows:>9,}  ", fill(table, 12), (f"{size:>10}", QUIET)))
    return to_text(lines, width=width, colour=colour)


def care_text(sentences: Sequence[str], *, width: int) -> str:
    """Sentences, one paragraph each."""
    lines = [line for sentence in sentences for line in paragraph(sentence, width=width)]
    return to_text(lines, width=width, colour=False)


def _size(size: int) -> str:
    if size < 1_000_000:
        return f"{size / 1_000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB" if size < 1_000_000_000 else f"{size / 1e9:.2f} GB"
