"""The rows of the small tables, each in the order of its columns in `form.TABLES`. Moments are ms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flakelens.lake.form import TABLES, schema
from flakelens.lake.keys import ReportKey
from flakelens.store.values import clean, opt_ms, record_of, to_ms

if TYPE_CHECKING:
    from flakelens.model import ParsedReport, ReportInfo, RunInfo
    from flakelens.store import StoredVerdict


def attempt_row(info: RunInfo, at: int) -> tuple[Any, ...]:
    """A record of a run's metadata, first ingested `at`."""
    record = record_of(info)
    return (
        clean(info.provider), clean(info.run), record.hash.hex(), *record[:9], *(bool(flag) for flag in record[9:]), at
    )  # fmt: skip


def verdict_row(verdict: StoredVerdict) -> tuple[Any, ...]:
    """A verdict as it was given."""
    return (
        clean(verdict.gate),
        to_ms(verdict.as_of),
        to_ms(verdict.recorded_at),
        verdict.state.value,
        verdict.decision,
        clean(verdict.commit),
        clean(verdict.policy_text),
        clean(verdict.decisions_text),
        verdict.data_sha256,
        verdict.version,
        clean(json.dumps(sorted(verdict.active), ensure_ascii=False)),
        verdict.json.decode(),
    )


def report_row(
    key: ReportKey,
    attempt: str,
    info: RunInfo,
    said: ReportInfo,
    report: ParsedReport,
    month: str,
    results: int | None,
    at: int,
) -> tuple[Any, ...]:
    """What is known of a report, the run's own values where nothing is said of it alone."""
    declared = said.retries or info.retries
    return (
        *key,
        attempt,
        report.size,
        clean(report.name),
        clean(said.job or info.job),
        clean(said.shard or info.shard),
        clean(report.producer),
        declared and declared.value,
        report.retry_evidence and report.retry_evidence.value,
        said.partial or info.partial or report.partial,
        report.damaged,
        tuple(clean(failure) for failure in report.load_failures),
        opt_ms(report.started_at),
        report.seconds,
        month,
        results,
        at,
    )


def table_of(table: str, rows: Iterable[tuple[Any, ...]]) -> Any:
    """Rows as an Arrow table, in an order that does not depend on theirs."""
    import pyarrow as pa

    ordered = sorted(rows, key=json.dumps)
    arrays = []
    for values, column, field in zip(zip(*ordered, strict=True), TABLES[table], schema(table), strict=True):
        if column.kind == "moment":  # milliseconds as they are: the year of a report may be none that a datetime has
            arrays.append(pa.array(values, pa.int64()).cast(field.type))
        elif column.kind == "word":
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, field.type))
    return pa.table(arrays, schema=schema(table))
