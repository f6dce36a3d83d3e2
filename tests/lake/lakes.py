"""Lakes for tests, and what a lake and a database with the same history must have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from flakelens.analyze.evidence import data_hash
from flakelens.facts import Facts
from flakelens.lake.batch import Batch
from flakelens.lake.form import lake_of
from flakelens.lake.told import known_reports
from flakelens.store.merge import StoredCall
from flakelens.store.values import to_ms
from tests.sync.histories import Call

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded" / "runs"


def a_batch(folder: Path, calls: Iterable[Call], *, looks: bool = True) -> Batch:
    """The calls as a batch for the lake at `folder`; `looks`: leaves out results that the lake has already."""
    batch = Batch(known_reports(folder).keys if looks else ())
    for call in calls:
        batch.add(StoredCall(call.run, call.at, dict(call.hints)))
        if call.renames:
            batch.add_renames(call.renames, to_ms(call.at))
    return batch


def a_lake(folder: Path, calls: Iterable[Call] = ()) -> Path:
    """A lake with these calls, a commit each."""
    lake_of(folder, create=True)
    for call in calls:
        a_batch(folder, [call]).write(folder)
    return folder


def told(facts: Facts) -> object:
    """Equal for equal facts, whatever numbers tests and reports have; the hash that a verdict names is in it."""
    tests = {test.key: test[1:] for test in facts.tests}
    runs = [
        (
            run.key,
            sorted(map(repr, run.infos)),
            [
                (
                    report.sha256, report.attempt, report.job, report.shard, report.name, report.producer,
                    report.declared, report.shown, report.partial, report.damaged, report.load_failures,
                    report.started_at, report.seconds, report.ingested_at, report.earlier_elsewhere,
                    sorted(zip((tests[key] for key in report.tests.tolist()), report.outcomes.tolist(), strict=True)),
                )
                for report in run.reports
            ],
        )
        for run in facts.runs
    ]  # fmt: skip
    for run in facts.runs:
        for report in run.reports:
            assert report.tests.dtype == np.int32
            assert report.outcomes.dtype == np.int8
            assert (np.diff(report.tests) > 0).all()
    return runs, sorted(tests.values()), facts.renames, data_hash(facts)


def parts(folder: Path, table: str = "result") -> list[Path]:
    """The files of a table, by name."""
    return sorted((folder / "facts" / table).rglob("*.parquet"))
