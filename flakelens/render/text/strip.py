"""The history of one test as a strip: a sign per run, gaps between commits, marks where things changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.model import Outcome
from flakelens.render.event_words import WORDS
from flakelens.render.marks import MEANINGS, SIGNS
from flakelens.render.safe import one_line, shorten_middle
from flakelens.render.terminal import QUIET, fill, heading, paragraph, row
from flakelens.report import RunCell
from flakelens.report.events import TestEvent
from flakelens.stats.changes import ChangeKind

if TYPE_CHECKING:
    from flakelens.facts import RunKey

_MOST_ROWS = 6
_UNMARKED = frozenset({ChangeKind.FAILED})  # its sign says it
LETTERS = {
    Outcome.PASSED: "P",
    Outcome.FLAKY: "K",
    Outcome.FAILED: "F",
    Outcome.SKIPPED: "S",
    Outcome.NONE: ".",
}


class _Row(NamedTuple):
    cells: tuple[RunCell, ...]
    signs: Text
    marks: Text  # as wide as `signs`, or shorter


def history_strip(
    cells: Sequence[RunCell], events: Iterable[TestEvent], width: int, *, everything: bool = False
) -> list[Text]:
    """The gated branch's runs, oldest first, in rows of `width` columns; the oldest are left out where they are many.

    Runs of one commit stand together and a space begins the next, unless every run has a commit of its own. Under a
    run in which something happened stands its mark. The legend names only what occurs.
    """
    branch = [cell for cell in cells if cell.counts and not cell.partial]
    if not branch:
        return [heading("History"), row("  the gated branch has no run of it")]
    label = max(len(one_line(cell.run.run)) for cell in branch)
    label = min(label, max(8, width // 3))
    room = max(10, width - label - 8)
    commits = [tuple(own) for own in _commits(branch)]
    apart = len(commits) < len(branch)
    marks = _marks(events)
    rows = [_row(cells, apart, marks) for cells in _rows(commits, room, gap=1 if apart else 0)]
    shown = rows if everything else rows[-_MOST_ROWS:]
    left = len(branch) - sum(len(row.cells) for row in shown)
    each = "a space begins a new commit" if apart else "each of its own commit"
    lines = [heading(f"History, {count_of(len(branch), 'run')}, oldest first; {each}")]
    if left:
        lines.append(row((f"  {count_of(left, 'older run')} left out; -v shows all", QUIET)))
    for piece in shown:
        name = shorten_middle(one_line(piece.cells[0].run.run), label)
        lines.append(row("  run ", (fill(name, label), QUIET), "  ").append_text(piece.signs))
        if piece.marks.plain.strip():
            lines.append(row(" " * (label + 8)).append_text(piece.marks))
    there = [cell for piece in shown for cell in piece.cells]
    return [*lines, *_legend(there, marks, width)]


def sign(cell: RunCell) -> str:
    """The letter of a run in `marks.SIGNS`."""
    return "O" if cell.outage and cell.outcome is not Outcome.NONE else LETTERS[cell.outcome]


def _marks(events: Iterable[TestEvent]) -> dict[RunKey, ChangeKind]:
    """What happened in a run; where it was more than one thing, what people want to hear of first."""
    order = list(ChangeKind)
    marks: dict[RunKey, ChangeKind] = {}
    for event in events:
        known = marks.get(event.at.run)
        if event.kind not in _UNMARKED and (known is None or order.index(event.kind) < order.index(known)):
            marks[event.at.run] = event.kind
    return marks


def _commits(cells: Iterable[RunCell]) -> Iterable[Iterable[RunCell]]:
    """Runs that stand together because they have one commit; an unknown commit is one of its own."""
    numbered = enumerate(cells)
    for _, own in itertools.groupby(numbered, key=lambda one: one[1].commit or one[0]):
        yield (cell for _, cell in own)


def _rows(commits: Sequence[tuple[RunCell, ...]], room: int, *, gap: int) -> list[list[tuple[RunCell, ...]]]:
    """Commits in rows of at most `room` columns, broken between commits where a commit fits into a row."""
    rows: list[list[tuple[RunCell, ...]]] = []
    used = room
    for commit in commits:
        for start in range(0, len(commit), room):
            part = commit[start : start + room]
            if used + gap + len(part) > room:
                rows.append([])
                used = -gap
            rows[-1].append(part)
            used += gap + len(part)
    return rows


def _row(commits: Sequence[tuple[RunCell, ...]], apart: bool, marks: Mapping[RunKey, ChangeKind]) -> _Row:
    signs, under = Text(), Text()
    for place, commit in enumerate(commits):
        if place and apart:
            signs.append(" ")
            under.append(" ")
        for cell in commit:
            signs.append(*SIGNS[sign(cell)])
            kind = marks.get(cell.run)
            under.append(*((" ", "") if kind is None else (WORDS[kind][2], WORDS[kind][1])))
    return _Row(tuple(cell for commit in commits for cell in commit), signs, under)


def _legend(cells: Sequence[RunCell], marks: Mapping[RunKey, ChangeKind], width: int) -> list[Text]:
    """What the signs and marks in sight mean."""
    seen = {sign(cell) for cell in cells}
    signs = ", ".join(f"{SIGNS[letter][0]} {word}" for letter, word in MEANINGS.items() if letter in seen)
    happened = {marks[cell.run] for cell in cells if cell.run in marks}
    under = ", ".join(f"{WORDS[kind][2]} {WORDS[kind][0]}" for kind in ChangeKind if kind in happened)
    lines = paragraph(signs, width=width, first="  ", style=QUIET)
    return lines + (paragraph(f"below: {under}", width=width, first="  ", style=QUIET) if under else [])
