"""A database as a lake: every stored call, in batches by month, so that exporting again adds only what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from flakelens.export import need_parquet
from flakelens.lake.batch import Batch
from flakelens.lake.form import lake_of
from flakelens.lake.keys import ReportKey, month_of
from flakelens.lake.told import known_reports
from flakelens.store import Store
from flakelens.store.merge import StoredCall
from flakelens.store.values import to_ms

_RESULTS: Final = 500_000  # of a batch, after which the next run begins another

Progress = Callable[[int, int], None]


class Put(NamedTuple):
    """What an export brought."""

    commits: int  # new ones
    runs: int  # of the database
    results: int  # attempts of tests in the new commits


def export(store: Store, folder: Path, progress: Progress | None = None) -> Put:
    """Write all facts of `store` into the lake at `folder`, which is made if there is none. Twice is once.

    The sums of pruned runs stay where they are. Raises UsageError without pyarrow, DatabaseError.
    """
    need_parquet()
    known = known_reports(lake_of(folder, create=True)).keys
    keys = store.run_keys()
    made = results = 0
    for batch in _batches(store, known, progress):
        if batch.write(folder):
            made += 1
            results += len(batch)
    rest = Batch()
    rest.add_tests(store.read(last=0).tests)
    rest.add_files(store.test_files())
    for rename, since in store.renames():
        rest.add_renames([rename], to_ms(since))
    for verdict in store.verdicts():
        rest.add_verdict(verdict)
    made += rest.write(folder)
    return Put(made, len(keys), results)


def _batches(store: Store, known: set[ReportKey], progress: Progress | None) -> Iterator[Batch]:
    keys = store.run_keys()  # oldest first
    month, batch = "", Batch(known)
    for done, key in enumerate(keys):
        if progress:
            progress(done, len(keys))
        calls = store.calls(key)
        if not calls:  # pruned meanwhile
            continue
        now = _month(calls)
        if month not in ("", now) or len(batch) >= _RESULTS:
            yield batch
            batch = Batch(known)
        month = now
        for call in calls:
            batch.add(call)
    yield batch


def _month(calls: tuple[StoredCall, ...]) -> str:
    starts = [call.run.info.started_at for call in calls if call.run.info.started_at]
    return month_of(min(starts, default=calls[0].ingested_at))
