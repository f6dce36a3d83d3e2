"""A lake into a database: every call again, commit by commit, so that one commit's results are in memory at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from flakelens.errors import DamagedError
from flakelens.export import need_parquet
from flakelens.lake.calls import Home, calls_of, files_of
from flakelens.lake.commits import Commit, commits, read_part
from flakelens.lake.form import lake_of
from flakelens.lake.keys import ReportKey, TestKey
from flakelens.lake.store import renames_of, verdicts_of
from flakelens.model import Attempt, CaseResult, Status, TestId
from flakelens.store import Store
from flakelens.store.merge import Merged, StoredCall
from flakelens.store.values import from_ms

_STATUSES = {status.name.lower(): status for status in Status}


def merge(folder: Path, store: Store) -> Merged:
    """Bring all that the lake at `folder` holds. Twice is once; runs that were pruned in `store` stay out.

    Each call lands whole or not at all. Raises UsageError without pyarrow, DatabaseError.
    """
    need_parquet()
    there = commits(lake_of(folder))
    every, homes = calls_of(folder, there)
    pruned = store.pruned_runs()
    new: dict[tuple[str, str], int] = defaultdict(int)
    skipped: set[tuple[str, str]] = set()
    for call in _at_home(folder, there, homes):
        key = call.run.info.provider, call.run.info.run
        if key in pruned:
            skipped.add(key)
        else:
            new[key] += store.write_run(call.run, ingested_at=call.ingested_at).reports
    for call in every:  # what else was said of the same runs and reports
        if (call.run.info.provider, call.run.info.run) not in pruned:
            store.write_run(call.run, ingested_at=call.ingested_at)
    store.add_test_files(files_of(folder, there))
    for rename, since in renames_of(folder, there):
        store.add_renames([rename], known_at=from_ms(since))
    known = len(store.verdicts())
    for verdict in sorted(verdicts_of(folder, there), key=lambda verdict: verdict.recorded_at):
        store.record_verdict(verdict)
    return Merged(
        runs=sum(count > 0 for count in new.values()),
        reports=sum(new.values()),
        verdicts=len(store.verdicts()) - known,
        skipped=len(skipped),
    )


def _at_home(folder: Path, there: list[Commit], homes: dict[ReportKey, Home]) -> Iterator[StoredCall]:
    """Each call with those of its reports whose results are counted in its commit, and with their cases."""
    for commit in there:
        cases = _cases(folder, commit)
        calls, _ = calls_of(folder, [commit])
        for call in calls:
            key = call.run.info.provider, call.run.info.run
            kept = [
                (info, replace(report, cases=_checked(cases.get(of, []), homes[of], of)))
                for info, report in call.run.reports
                if homes[of := ReportKey(*key, report.sha256)].commit == commit.name
            ]
            yield call._replace(run=replace(call.run, reports=tuple(kept)))


def _checked(cases: list[CaseResult], home: Home, of: ReportKey) -> tuple[CaseResult, ...]:
    if len(cases) != home.tests:
        raise DamagedError(
            f"The lake is damaged: report {of.sha256[:12]} of run {of.run} has {len(cases):,} results, not"
            f" {home.tests:,}.",
            mend="Export the database again into a new folder, or bring the reports again.",
        )
    return tuple(cases)


def _cases(folder: Path, commit: Commit) -> dict[ReportKey, list[CaseResult]]:
    found: dict[ReportKey, dict[TestKey, list[Attempt]]] = defaultdict(lambda: defaultdict(list))
    for part in commit.parts.get("result", ()):
        for row in read_part(folder, "result", part).to_pylist():  # in order of the attempts
            key = TestKey(row["file"], row["name"], row["variant"], row["ordinal"], row["producer"])
            found[ReportKey(row["provider"], row["run"], row["report"])][key].append(_attempt(row))
    return {
        report: [CaseResult(TestId(*key[:3]), key.ordinal, tuple(tried)) for key, tried in tests.items()]
        for report, tests in found.items()
    }


def _attempt(row: dict[str, Any]) -> Attempt:
    seconds = None if row["ms"] is None else row["ms"] / 1000
    return Attempt(_STATUSES[row["status"]], seconds, row["type"] or "", row["message"] or "")
