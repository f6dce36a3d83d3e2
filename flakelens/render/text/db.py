"""`flakelens db` for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.safe import one_line
from flakelens.render.terminal import NAME, QUIET, fill, heading, paragraph, row, to_text
from flakelens.store import DERIVED

if TYPE_CHECKING:
    from flakelens.store import Room, StoreInfo

_MOST_BRANCHES = 8
_MOST_MONTHS = 12


def info_text(path: str, info: StoreInfo, pruned: int, *, days: int, width: int, colour: bool) -> str:
    """What is in the file at `path`; `pruned`: runs that were taken out of it; `info.before`: older than `days`."""
    lines: list[Text | str] = [row(one_line(path), (f"  {_size(info.size)}, schema {info.schema}", QUIET))]
    if info.first_run and info.last_run:
        span = f"{info.first_run:%Y-%m-%d} to {info.last_run:%Y-%m-%d}"
        lines.append(f"  {count_of(info.rows['run'], 'run')} from {span}")
    else:
        lines.append("  no run yet")
    if pruned:
        lines.append(f"  {count_of(pruned, 'run')} pruned; their sums per test were kept")
    if info.by_branch:
        lines += ["", heading("Runs by branch")]
        most = list(info.by_branch.items())
        lines += [_room(one_line(name) or "(unknown)", room) for name, room in most[:_MOST_BRANCHES]]
        if len(most) > _MOST_BRANCHES:
            lines.append(f"             and {count_of(len(most) - _MOST_BRANCHES, 'more branch', 'more branches')}")
        lines += ["", heading("Runs by month")]
        newest = list(info.by_month.items())[-_MOST_MONTHS:]
        if len(info.by_month) > len(newest):
            lines.append(f"             {count_of(len(info.by_month) - len(newest), 'earlier month')}")
        lines += [_room(month, room) for month, room in newest]
    for title, tables in (
        ("Tables", [table for table in info.rows if table not in DERIVED]),
        ("Derived tables (flakelens db rebuild makes them again)", list(DERIVED)),
    ):
        lines += ["", heading(title)]
        lines += [_table(table, info) for table in tables]
    lines += ["", heading("The file"), *_whole(info)]
    if info.before.runs:
        old = info.before
        said = (f"flakelens db prune --keep-days {days} would take out {count_of(old.runs, 'run')} with"
                f" {count_of(old.results, 'result')}")  # fmt: skip
        about = f": about {_size(old.size)}" if old.size else ""
        lines += ["", *paragraph(f"{said}{about}. Sums per test stay.", width=width)]
    return to_text(lines, width=width, colour=colour)


def _room(name: str, room: Room) -> Text:
    said = f"  {room.results:,} results" + (f", about {_size(room.size)}" if room.size else "")
    return row(f"  {room.runs:>9,}  ", (fill(name, 12), NAME), (said, QUIET))


def _table(table: str, info: StoreInfo) -> Text:
    size = _size(info.table_bytes[table]) if table in info.table_bytes else ""
    indexes = info.index_bytes.get(table, 0)
    said = f"  {_size(indexes)} of it indexes" if indexes else ""
    return row(f"  {info.rows[table]:>9,}  ", fill(table, 12), (f"{size:>10}{said}", QUIET))


def _whole(info: StoreInfo) -> list[Text]:
    """Every byte of the file, summed up."""
    parts = [
        ("tables", sum(info.table_bytes.values()) - sum(info.index_bytes.values())),
        ("indexes", sum(info.index_bytes.values())),
        ("schema", info.other),
        ("free", info.free),
        ("together", info.size),
    ]
    return [row("             ", fill(name, 12), (f"{_size(size):>10}", QUIET)) for name, size in parts if size]


def care_text(sentences: Sequence[str], *, width: int) -> str:
    """Sentences, one paragraph each."""
    lines = [line for sentence in sentences for line in paragraph(sentence, width=width)]
    return to_text(lines, width=width, colour=False)


def _size(size: int) -> str:
    if size < 1_000_000:
        return f"{size / 1_000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB" if size < 1_000_000_000 else f"{size / 1e9:.2f} GB"
