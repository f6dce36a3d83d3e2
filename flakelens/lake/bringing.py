"""Many runs into a lake on workers: a task reads some runs and brings them with one commit.

A task that is done twice, because its worker was killed in the middle or after, brings the same commit under the same
name. Two rounds: what cannot be judged alone (runs without any time stamp stand after the run before them; if nothing
at all can be read, nothing is written) is held back in the first and brought in the second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from flakelens.errors import UsageError
from flakelens.export import need_parquet
from flakelens.ingest import Progress
from flakelens.lake.batch import Batch
from flakelens.lake.form import is_lake, lake_of
from flakelens.lake.keys import ReportKey
from flakelens.lake.told import Told, ingested, known_reports, told
from flakelens.lake.workers import Workers
from flakelens.policy import RedactPolicy
from flakelens.reading.here import Here
from flakelens.redact import Redactor
from flakelens.run_metadata import RunOptions
from flakelens.run_reports import ReadRun, assembled, described, nothing_read
from flakelens.run_shares import Share, shares
from flakelens.run_start import placed, stated_start
from flakelens.store import IngestedRun
from flakelens.store.merge import StoredCall

SMALLEST: Final = 1 << 20  # bytes of reports of a task, if so many are left
LARGEST: Final = 64 << 20
_TASKS: Final = 16  # between the two: this many tasks


class Task(NamedTuple):
    """Some runs to read and bring."""

    folder: Path
    shares: tuple[Share, ...]
    options: RunOptions
    redact: RedactPolicy
    ingested_at: datetime
    previous: tuple[datetime | None, ...] = ()  # in the second round: when the run before each started


class Done(NamedTuple):
    """What became of a task."""

    runs: tuple[tuple[Told, bool], ...]  # and whether a report of it could be read
    held: bool  # nothing was brought: it has to come in the second round


def bring(
    paths: Sequence[str],
    folder: Path,
    workers: Workers,
    *,
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    redact: RedactPolicy = RedactPolicy(),  # noqa: B008 - frozen
    ingested_at: datetime,
    smallest: int = SMALLEST,
    progress: Progress | None = None,
) -> list[IngestedRun]:
    """Read the sub-folders of `paths`, each a run, into the lake at `folder`; one entry per run, in natural order.

    As `ingest` with `run_per_dir`, but that secrets are masked by the environment of each worker. Every worker must see
    `paths` and `folder` under the same names. Killed at any moment, the lake holds whole tasks; the same call again
    brings the rest. Raises NothingReadError, with nothing brought, UsageError, DatabaseError.
    """
    need_parquet()
    if options.run or options.started_at:
        raise UsageError("--run and --started-at cannot hold for many runs.", mend="Write them into each run.json.")
    paths = [path if path == "-" else str(Path(path).absolute()) for path in paths]
    found = shares(paths, run_per_dir=True)
    folder = lake_of(folder, create=True).absolute()
    known = known_reports(folder)
    tasks = [Task(folder, group, options, redact, ingested_at) for group in grouped(found, smallest)]

    def said(done: int, of: int) -> None:
        if progress:
            progress(done * len(found) // of, len(found), f"task {done} of {of}")

    done: list[Done] = workers(bring_task, tasks, said)
    reads = [ReadRun(run=one.run, readable=readable) for each in done for one, readable in each.runs]
    if not any(read.readable for read in reads):
        raise nothing_read(paths, reads)
    runs: list[Told] = []
    before: list[datetime | None] = []
    previous: datetime | None = None
    counts = [one.counts for each in done for one, _ in each.runs]
    for read, share, counted in zip(reads, found, counts, strict=True):
        before.append(previous)
        put, start = placed(read, share, previous, ingested_at, True)
        previous = start or previous
        runs.append(Told(put.run, counted))
    workers(bring_task, list(_again(tasks, done, before)))
    return [ingested(run, known) for run in runs]


def _again(tasks: Sequence[Task], done: Sequence[Done], before: Sequence[datetime | None]) -> Iterator[Task]:
    first = 0
    for task, result in zip(tasks, done, strict=True):
        if result.held:
            yield task._replace(previous=tuple(before[first : first + len(task.shares)]))
        first += len(task.shares)


def grouped(found: Sequence[Share], smallest: int = SMALLEST) -> list[tuple[Share, ...]]:
    """The runs of each task: neighbours, so that a month is in few commits. The same for the same files."""
    sizes = [_size(share) for share in found]
    most = min(LARGEST, max(smallest, sum(sizes) // _TASKS))
    groups: list[list[Share]] = []
    room = 0
    for share, size in zip(found, sizes, strict=True):
        if not groups or size > room:
            groups.append([])
            room = most
        groups[-1].append(share)
        room -= size
    return [tuple(group) for group in groups]


def _size(share: Share) -> int:
    total = 0
    for folder in share.folders:
        for place, _, names in os.walk(folder.path):
            for name in names:
                try:
                    total += (Path(place) / name).stat().st_size
                except OSError:  # gone meanwhile, or not to be read: the reader will say so
                    continue
    return total


def bring_task(task: Task) -> Done:
    """One task, on a worker. Raises UsageError where the worker does not see the folder, DatabaseError."""
    if not is_lake(task.folder):
        raise UsageError(
            f"A worker does not see the lake at {task.folder}.",
            mend="Put the lake, and the reports, into a folder that every worker has under the same name.",
        )
    # The secrets of whoever asked stay with them: a worker masks what its own environment tells, and what has the
    # shape of one.
    redactor = Redactor(task.redact, os.environ)
    batch = Batch(_known(task.folder, task.ingested_at))
    runs: list[tuple[Told, bool]] = []
    held = False
    for place, share in enumerate(task.shares):
        read = _read(share, task.options, redactor)
        runs.append((told(read.run), read.readable))
        if task.previous:
            read, _ = placed(read, share, task.previous[place], task.ingested_at, True)
        elif stated_start(read) is not None:
            read, _ = placed(read, share, None, task.ingested_at, True)
        else:
            held = held or bool(read.run.reports)
        if read.run.reports:
            batch.add(StoredCall(read.run, task.ingested_at, {}))
    held = held or (not task.previous and not any(readable for _, readable in runs))
    if not held:
        batch.write(task.folder)
    return Done(tuple(runs), held)


def _read(share: Share, options: RunOptions, redactor: Redactor) -> ReadRun:
    """One run, read and described."""
    info = described(share, options, None, redactor)
    here = Here(redactor)
    return assembled(share, info, {}, lambda folder: here.reports(folder.path, {}), lambda _done, _name: None)


@lru_cache(maxsize=4)
def _known(folder: Path, ingested_at: datetime) -> frozenset[ReportKey]:  # noqa: ARG001 - of one call
    """The reports whose results the lake held when a call's first task came to this process."""
    return frozenset(known_reports(folder).keys)
