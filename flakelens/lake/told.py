"""What is said of runs that were brought to a lake: the same as the store says of those that it is given."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from flakelens.lake.calls import rows_of
from flakelens.lake.commits import commits
from flakelens.lake.keys import ReportKey
from flakelens.model import Outcome, Problem, RunReports, Status, own_evidence
from flakelens.store import IngestedRun
from flakelens.store.values import clean, worst
from flakelens.store.write import repeated


class Told(NamedTuple):
    """A run without its results, which are counted: what a worker sends home."""

    run: RunReports
    counts: tuple[tuple[int, ...], ...]  # of each report: tests passed, flaky, failed, errored, skipped


class Known(NamedTuple):
    """The reports whose results a lake holds."""

    keys: set[ReportKey]
    first: dict[str, ReportKey]  # by SHA-256: the one that came first


def known_reports(folder: Path) -> Known:
    """What the lake at `folder` holds. Raises DamagedError."""
    rows = [
        (row["known_since"], ReportKey(row["provider"], row["run"], row["report"]))
        for commit in commits(folder)
        for row in rows_of(folder, commit, "report")
        if row["results"] is not None
    ]
    first: dict[str, ReportKey] = {}
    for _, key in sorted(rows):
        first.setdefault(key.sha256, key)
    return Known({key for _, key in rows}, first)


def told(run: RunReports) -> Told:
    """The run with its results counted and left out."""
    counts = []
    for _, report in run.reports:
        outcomes = Counter(case.outcome for case in report.cases)
        errored = sum(case.outcome is Outcome.FAILED and case.status is Status.ERRORED for case in report.cases)
        passed, flaky, failed, skipped = (outcomes[code] for code in list(Outcome)[1:])
        counts.append((passed, flaky, failed - errored, errored, skipped))
    reports = tuple((info, replace(report, cases=(), load_failure_cases=())) for info, report in run.reports)
    return Told(replace(run, reports=reports), tuple(counts))


def ingested(brought: Told, known: Known) -> IngestedRun:
    """What a call has brought of a run, as the store would say it; `known` learns the run's reports."""
    run, counts = brought
    provider, name = clean(run.info.provider), clean(run.info.run)
    problems: list[Problem] = list(run.problems)
    evidence = []
    total = [0] * 5
    new = 0
    for (info, report), counted in zip(run.reports, counts, strict=True):
        evidence.append(own_evidence(report.producer, info.retries or run.info.retries, report.retry_evidence))
        problems += report.problems
        key = ReportKey(provider, name, report.sha256)
        other = known.first.setdefault(report.sha256, key)
        if sum(counted) and other[:2] != key[:2]:
            problems.append(repeated(report.name, *other[:2]))
        if key not in known.keys:
            known.keys.add(key)
            total = [one + more for one, more in zip(total, counted, strict=True)]
            new += 1
    passed, flaky, failed, errored, skipped = total
    return IngestedRun(
        provider=run.info.provider,
        run=run.info.run,
        attempt=run.info.attempt,
        reports=new,
        known=len(run.reports) - new,
        tests=sum(total),
        passed=passed,
        flaky=flaky,
        failed=failed,
        errored=errored,
        skipped=skipped,
        retry_evidence=worst(evidence),
        partial=any(info.partial or run.info.partial or report.partial for info, report in run.reports),
        problems=tuple(problems),
    )
