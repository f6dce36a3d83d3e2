"""What a run is: one record out of all that came with it, when it started, and whether it counts for the branch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from flakelens.facts import ReportFacts, RunFacts
from flakelens.model import Event, RunInfo

COUNTING_EVENTS = frozenset({Event.PUSH, Event.SCHEDULE, Event.MERGE_QUEUE, Event.MANUAL})


def start_of(run: RunFacts) -> datetime:
    """When a run with reports started: as given, else the earliest time stamp in its reports, else when they came."""
    starts = [info.started_at for info in run.infos if info.started_at]
    starts = starts or [report.started_at for report in run.reports if report.started_at]
    return min(starts or [report.ingested_at for report in run.reports])


def in_time(run: RunFacts, latest: datetime) -> RunFacts | None:
    """`run` if it starts by `latest`; if it only came by then, as begun when it came; None if it did neither."""
    if start_of(run) <= latest:
        return run
    came = min(report.ingested_at for report in run.reports)
    if came > latest:
        return None
    return replace(run, infos=tuple(replace(info, started_at=came) for info in run.infos))


def merge_infos(infos: Sequence[RunInfo]) -> RunInfo:
    """One record out of several of a run: per field the first that says something, lowest attempt first.

    What disqualifies a run (fork, uncommitted changes, laptop) disqualifies it when any record says so.
    """
    if len(infos) == 1:
        return infos[0]
    ordered = sorted(infos, key=lambda i: (i.attempt, str(i.started_at or "9"), repr(i)))
    first = ordered[0]

    def pick(field: str) -> str:
        return next((value for info in ordered if (value := getattr(info, field))), "")

    events = [info.event for info in ordered if info.event is not Event.OTHER]
    return replace(
        first,
        commit=pick("commit"),
        branch=pick("branch"),
        base_branch=pick("base_branch"),
        base_commit=pick("base_commit"),
        environment=pick("environment"),
        url=pick("url"),
        event=events[0] if events else Event.OTHER,
        fork=any(info.fork for info in ordered),
        dirty=any(info.dirty for info in ordered),
        local=any(info.local for info in ordered),
    )


def why_not_counting(info: RunInfo, branch: str, count_local: bool, environment: str = "") -> str:
    """Why a run does not count for the gated branch, in words; "" when it does."""
    if info.environment != environment:
        return f"environment {info.environment}" if info.environment else "not of the environment"
    if info.local and not count_local:
        return "a laptop's run"
    if info.fork:
        return "from a fork"
    if info.event is Event.PULL_REQUEST:
        return "pull request"
    if info.dirty:
        return "uncommitted changes"
    if not info.branch:
        return "branch unknown"
    if info.branch != branch:
        return f"branch {info.branch}"
    return "" if info.event in COUNTING_EVENTS else f"event {info.event}"


def merge_by_commit(runs: Sequence[RunFacts]) -> list[RunFacts]:
    """Separate workflows of one commit as one run (policy `run_key = "commit"`); the earliest run gives the name."""
    groups: dict[tuple[object, ...], list[RunFacts]] = defaultdict(list)
    for run in runs:
        info = merge_infos(run.infos)
        same = (info.commit, info.branch, info.event is Event.PULL_REQUEST, info.fork, info.dirty, info.local)
        groups[(*same, info.environment) if info.commit and not info.environment else (run.key,)].append(run)
    merged = []
    for group in groups.values():
        group.sort(key=lambda run: (min(str(info.started_at or "9") for info in run.infos), run.key))
        # The same bytes from two workflows of the commit are one report: the copy is not left over from an earlier run.
        reports: dict[str, ReportFacts] = {}
        for run in group:
            for report in sorted(run.reports, key=lambda r: (r.earlier_elsewhere, r.attempt, r.job, r.shard, r.name)):
                kept = reports.get(report.sha256)
                if kept is None or (kept.earlier_elsewhere and not report.earlier_elsewhere):
                    reports[report.sha256] = report
        merged.append(
            RunFacts(
                key=group[0].key,
                infos=tuple(info for run in group for info in run.infos),
                reports=tuple(reports.values()),
            )
        )
    return merged
