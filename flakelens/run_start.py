"""When a run started: what it says itself, else what can be made of its place and its files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from flakelens.model import Problem, ProblemCode, RunReports
from flakelens.run_reports import ReadRun
from flakelens.run_shares import Share

_CLOCK_TOLERANCE = timedelta(minutes=10)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # where a first folder without any time stands
_STEP = timedelta(minutes=1)  # between folders without time stamps


def stated_start(read: ReadRun) -> datetime | None:
    """When a run started by what it says itself, or its reports."""
    stamps = [report.started_at for _, report in read.run.reports if report.started_at]
    return read.run.info.started_at or min(stamps, default=None)


def placed(
    read: ReadRun, share: Share, previous: datetime | None, now: datetime, run_per_dir: bool
) -> tuple[ReadRun, datetime | None]:
    """The run with its start, and that start; `previous` is that of the share before it, for runs that say nothing."""
    start = stated_start(read)
    if start is None and read.run.reports:
        start, problem = _start_without_stamp(share, read.run, previous, now, run_per_dir)
        info = replace(read.run.info, started_at=start)
        read = replace(read, run=replace(read.run, info=info, problems=(*read.run.problems, problem)))
    if start is not None and start > now + _CLOCK_TOLERANCE:
        ahead = Problem(ProblemCode.CLOCK, share.name, f"The run starts in the future ({start:%Y-%m-%d %H:%M} UTC):"
                        " it is taken as begun now. Check the clock, or started_at.")  # fmt: skip
        read = replace(read, run=replace(read.run, problems=(*read.run.problems, ahead)))
    return read, start


def _start_without_stamp(
    share: Share, run: RunReports, previous: datetime | None, now: datetime, run_per_dir: bool
) -> tuple[datetime, Problem]:
    """When a run without any time stamp started: by the order of the folders, else by the time of its files."""
    if run_per_dir:
        start = previous + _STEP if previous else _LONG_AGO
        how = "it stands where its folder stands in their natural order"
    else:
        start = share.file_time(report.name for _, report in run.reports) or now
        how = "the time of the file was taken"
    message = f"No report says when it was made; {how}. Give --started-at, or started_at in run.json."
    return start, Problem(ProblemCode.START_UNKNOWN, share.name, message)
