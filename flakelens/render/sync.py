"""What `sync` did, for a terminal and as JSON (`flakelens.sync/1`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from flakelens.gate.criterion import count_of
from flakelens.render.escape import json_text
from flakelens.render.safe import one_line
from flakelens.render.terminal import BAD, STRONG, paragraph, to_text

if TYPE_CHECKING:
    from rich.text import Text

_MOST_REFUSED = 10


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """A pull or a push as a reader wants it; what does not belong to its direction is 0 or None."""

    direction: str  # "pull" or "push"
    remote: str
    there: int  # packs in the history before a pull
    packs: int
    bytes: int
    runs: int
    reports: int
    verdicts: int
    renames: int
    joined: int
    left: int  # packs older than the window
    window: int | None  # None for all
    skipped: int  # pruned runs that a pull left out
    local: int  # a laptop's runs that a push left out
    damaged: str | None  # where a damaged database was put
    refused: Sequence[tuple[str, str]]  # pack, why


class RefusedView(msgspec.Struct, frozen=True):
    """A pack that was left as it is."""

    pack: str
    why: str


class SyncView(msgspec.Struct, frozen=True, kw_only=True):
    """The document."""

    schema: str
    direction: str
    remote: str
    packs: int
    bytes: int
    runs: int
    reports: int
    verdicts: int
    renames: int
    joined: int
    left: int
    window: int | None
    skipped_pruned: int
    left_local: int
    damaged: str | None
    refused: list[RefusedView]


def sync_json(report: SyncReport) -> str:
    """The document of a pull or push."""
    view = SyncView(
        schema="flakelens.sync/1",
        direction=report.direction,
        remote=report.remote,
        packs=report.packs,
        bytes=report.bytes,
        runs=report.runs,
        reports=report.reports,
        verdicts=report.verdicts,
        renames=report.renames,
        joined=report.joined,
        left=report.left,
        window=report.window,
        skipped_pruned=report.skipped,
        left_local=report.local,
        damaged=report.damaged,
        refused=[RefusedView(pack, why) for pack, why in report.refused],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(view), indent=2).decode()) + "\n"


def sync_text(report: SyncReport, *, width: int, colour: bool) -> str:
    """What was pulled or pushed, and what was left, a sentence each."""
    lines: list[Text | str] = [*paragraph(_headline(report), width=width, style=STRONG)]
    for sentence in _further(report):
        lines += paragraph(sentence, width=width)
    if report.refused:
        lines += ["", *paragraph(f"{count_of(len(report.refused), 'pack')} could not be used:", width=width, style=BAD)]
        for pack, why in report.refused[:_MOST_REFUSED]:
            lines += paragraph(f"{one_line(pack)}: {one_line(why)}", width=width, first="  - ", rest="    ")
        if len(report.refused) > _MOST_REFUSED:
            lines.append(f"    and {len(report.refused) - _MOST_REFUSED} more")
    return to_text(lines, width=width, colour=colour)


def _headline(report: SyncReport) -> str:
    remote = one_line(report.remote)
    if report.direction == "push":
        if not report.packs:
            return f"Nothing to push: {remote} has everything."
        what = [count_of(report.runs, "run")] if report.runs else []
        what += [count_of(report.verdicts, "verdict")] if report.verdicts else []
        what += [count_of(report.renames, "renamed file")] if report.renames else []
        said = ", ".join(what) or "joined packs"
        return f"Pushed {said} to {remote}: {count_of(report.packs, 'pack')}, {_size(report.bytes)}."
    if not report.there:
        return f"There is no shared history at {remote} yet. The first flakelens sync push makes it."
    if not report.packs:
        return f"Nothing new at {remote}."
    return (
        f"Pulled {count_of(report.runs, 'run')} ({count_of(report.reports, 'report')}) and"
        f" {count_of(report.verdicts, 'verdict')} from {remote}: {count_of(report.packs, 'pack')},"
        f" {_size(report.bytes)}."
    )


def _further(report: SyncReport) -> list[str]:
    said = []
    if report.left:
        said.append(
            f"{count_of(report.left, 'older pack')} left where they are: the newest {report.window} runs of the branch"
            " are here, and the runs beside them. --window all brings everything."
        )
    if report.joined:
        said.append(f"{count_of(report.joined, 'pack')} of the history joined.")
    if report.skipped:
        said.append(f"Left out {count_of(report.skipped, 'run')} that this database has pruned.")
    if report.local:
        said.append(
            f"{count_of(report.local, 'run')} of this machine not shared: it is no CI. --include-local shares them."
        )
    return said


def _size(size: int) -> str:
    return f"{size / 1_000:,.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
