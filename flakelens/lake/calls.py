"""The small tables of a lake, read: what was said of runs and reports, in the order in which it came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from flakelens.errors import DamagedError
from flakelens.facts import TestFacts
from flakelens.lake.commits import Commit, read_part
from flakelens.lake.form import TABLES
from flakelens.lake.keys import ReportKey, TestKey
from flakelens.model import (
    Event,
    ParsedReport,
    Problem,
    ProblemCode,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
    TestId,
)
from flakelens.store.merge import StoredCall
from flakelens.store.results import STACK, TITLE
from flakelens.store.sharing import TestFile
from flakelens.store.values import from_ms, opt_from_ms

Row = dict[str, Any]


class Home(NamedTuple):
    """Where the results of a report are counted, whoever else holds them: with whoever brought them first."""

    known_since: int  # ms
    commit: str
    month: str
    tests: int


def rows_of(folder: Path, commit: Commit, table: str) -> list[Row]:
    """The rows that a commit brings to a small table; moments in ms. Raises DamagedError."""
    found: list[Row] = []
    for part in commit.parts.get(table, ()):
        rows = read_part(folder, table, part)
        for place, column in enumerate(TABLES[table]):
            if column.kind == "moment":
                rows = rows.set_column(place, column.name, rows[column.name].cast("int64"))
        found += rows.to_pylist()
    return found


def calls_of(folder: Path, commits: Sequence[Commit]) -> tuple[list[StoredCall], dict[ReportKey, Home]]:
    """Every call that the lake knows, as the store would take it but without cases, and where results are counted.

    Raises DamagedError.
    """
    made: list[tuple[tuple[Any, ...], StoredCall]] = []
    homes: dict[ReportKey, Home] = {}
    for commit in commits:
        reports, problems = defaultdict(list), defaultdict(list)
        for row in rows_of(folder, commit, "problem"):
            problems[_of(row), row["report"]].append(row)
        for row in rows_of(folder, commit, "report"):
            reports[_of(row)].append(row)
            if row["results"] is not None:
                key = ReportKey(row["provider"], row["run"], row["report"])
                home = Home(row["known_since"], commit.name, row["month"], row["results"])
                homes[key] = min(home, homes.get(key, home))
        for row in rows_of(folder, commit, "attempt"):
            of = _of(row)
            try:
                said = [_report(each, problems[of, each["report"]]) for each in reports[of]]
                run = RunReports(info=_info(row), reports=tuple(said), problems=_problems(problems[of, None]))
                call = StoredCall(run, from_ms(row["known_since"]), {})
            except (ValueError, TypeError, OverflowError) as error:  # what flakelens never writes
                raise DamagedError(f"The lake is damaged: commit {commit.name}: {error}.", mend=_MEND) from None
            made.append(((row["known_since"], commit.name, *of), call))
    return [call for _, call in sorted(made, key=lambda pair: pair[0])], homes


_MEND = "Export the database again into a new folder, or bring the reports again."


def _of(row: Row) -> tuple[str, str, str, int]:
    """The call that a row belongs to, within its commit."""
    return row["provider"], row["run"], row["attempt"], row["known_since"]


def _info(row: Row) -> RunInfo:
    return RunInfo(
        provider=row["provider"],
        run=row["run"],
        attempt=row["number"],
        commit=row["commit_sha"],
        branch=row["branch"],
        base_branch=row["base_branch"],
        base_commit=row["base_commit"],
        event=Event(row["event"]),
        environment=row["environment"],
        started_at=opt_from_ms(row["started_at"]),
        url=row["url"],
        fork=row["fork"],
        dirty=row["dirty"],
        local=row["local"],
    )


def _report(row: Row, problems: Sequence[Row]) -> tuple[ReportInfo, ParsedReport]:
    declared, shown = row["declared"], row["shown"]
    info = ReportInfo(
        job=row["job"],
        shard=row["shard"],
        retries=RetryEvidence(declared) if declared else None,
        partial=row["partial"],
    )
    return info, ParsedReport(
        name=row["name"],
        sha256=row["report"],
        size=row["size"],
        producer=row["producer"],
        started_at=opt_from_ms(row["started_at"]),
        seconds=row["seconds"],
        retry_evidence=RetryEvidence(shown) if shown else None,
        partial=row["partial"],
        damaged=row["damaged"],
        load_failures=tuple(row["load_failures"]),
        problems=_problems(problems),
    )


def _problems(rows: Sequence[Row]) -> tuple[Problem, ...]:
    return tuple(Problem(ProblemCode(row["code"]), row["place"], row["message"]) for row in rows)


def tests_of(folder: Path, commits: Sequence[Commit]) -> tuple[TestFacts, ...]:
    """Every test that the lake knows, numbered in order, with the newest file that was found for each."""
    import pyarrow as pa

    parts = [read_part(folder, "test", part) for commit in commits for part in commit.parts.get("test", ())]
    keys: list[TestKey] = []
    if parts:
        names = [column.name for column in TABLES["test"]]
        plain = pa.schema([(name, pa.int64() if name == "ordinal" else pa.string()) for name in names])
        distinct = pa.concat_tables([part.cast(plain) for part in parts]).group_by(names).aggregate([])
        keys = sorted(TestKey(*values) for values in zip(*(distinct[name].to_pylist() for name in names), strict=True))
    newest: dict[int, dict[TestKey, str]] = {TITLE: {}, STACK: {}}
    found = sorted((file.first_seen_at, file.file, file) for file in files_of(folder, commits))
    for _, _, file in found:  # the newest comes last and holds
        if file.kind in newest:
            newest[file.kind][TestKey(*file.test, file.ordinal, file.producer)] = file.file
    title, stack = newest[TITLE], newest[STACK]
    return tuple(
        TestFacts(number, TestId(*key[:3]), key.ordinal, key.producer, title.get(key, ""), stack.get(key, ""))
        for number, key in enumerate(keys, 1)
    )


def files_of(folder: Path, commits: Sequence[Commit]) -> list[TestFile]:
    """The files found for tests, each with the earliest that is known of it."""
    earliest: dict[tuple[Any, ...], tuple[int, int]] = {}
    for commit in commits:
        for row in rows_of(folder, commit, "test_file"):
            *key, first, since = row.values()
            of = tuple(key)
            seen, known = earliest.get(of, (first, since))
            earliest[of] = min(first, seen), min(since, known)
    return [
        TestFile(TestId(*of[:3]), of[3], of[4], of[5], of[6], from_ms(first), from_ms(since))
        for of, (first, since) in earliest.items()
    ]
