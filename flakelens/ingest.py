"""Reports of runs into the store: which run each belongs to, one transaction per run, nothing lost.

Only one run's reports are in memory at a time. Killed at any moment, the database holds the runs that were finished,
and the same call again brings the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

from flakelens.errors import NothingReadError, UsageError
from flakelens.junit import read_paths
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
from flakelens.policy import RedactPolicy
from flakelens.redact import Redactor
from flakelens.run_metadata import RunOptions, resolve
from flakelens.run_shares import Share, shares

if TYPE_CHECKING:
    from flakelens.checkout import Checkout
    from flakelens.store import IngestedRun, Store

# Said of a path, not of a report: there are no bytes to keep, so that a later call with the right path mends it.
_NO_REPORT = frozenset(
    {ProblemCode.NO_SUCH_FILE, ProblemCode.UNREADABLE, ProblemCode.UNSAFE_MEMBER, ProblemCode.NOT_JUNIT}
)
_UNREAD = _NO_REPORT | {
    ProblemCode.TOO_LARGE,
    ProblemCode.BAD_ARCHIVE,
    ProblemCode.EMPTY_FILE,
    ProblemCode.NOT_XML,
    ProblemCode.DOCTYPE,
    ProblemCode.MALFORMED,
}  # a report that is cut off before its first test is read: that it was begun is a fact about its run
_FROM_BRANCH = frozenset({Event.PUSH, Event.SCHEDULE, Event.MERGE_QUEUE, Event.MANUAL})
_CLOCK_TOLERANCE = timedelta(minutes=10)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # where a first folder without any time stands
_STEP = timedelta(minutes=1)  # between folders without time stamps

Progress = Callable[[int, int | None, str], None]  # done, of how many (None: unknown), what is being read


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One run, read and described."""

    run: RunReports
    readable: bool  # at least one of its reports could be read


def ingest(
    paths: Sequence[str],
    *,
    store: Store | Callable[[], Store],
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    detected: RunInfo | None = None,
    run_per_dir: bool = False,
    ingested_at: datetime,
    environ: Mapping[str, str] | None = None,
    redact: RedactPolicy = RedactPolicy(),  # noqa: B008 - frozen
    stdin: BinaryIO | None = None,
    checkout: Checkout | None = None,
    progress: Progress | None = None,
) -> list[IngestedRun]:
    """Read what `paths` name and store it; one entry per run and call, in the order read.

    `detected` is what CI (or git on a laptop) tells of the run, `options` what the command line says, and a `run.json`
    in a folder of `paths` stands above both. With `run_per_dir` every sub-folder is one run, in natural order, and
    `detected` and `checkout` are not used. `environ` is asked for the Playwright reporter's switches (not with
    `run_per_dir`) and for the values that `redact` masks in messages before they are stored; `checkout` for the files
    of tests whose reports name none, and for renamed files. `store` may be a function that opens it: it is called when
    there is something to write.

    Raises NothingReadError, with nothing written, when not one report could be read; UsageError for paths and options
    that do not fit together; DatabaseError.
    """
    redactor = Redactor(redact, environ)
    if run_per_dir:
        detected, environ, checkout = None, None, None
    reading = _runs(paths, options, detected, run_per_dir, environ or {}, redactor, stdin, ingested_at, progress)
    waiting: list[Read] = []
    for read in reading:
        waiting.append(read)
        if read.readable:
            break
    else:
        raise nothing_read(paths, waiting)
    opened = store() if callable(store) else store
    done: list[IngestedRun] = []
    while waiting:
        done.append(_write(opened, waiting.pop(0).run, ingested_at, checkout))
        if not waiting and (following := next(reading, None)) is not None:
            waiting.append(following)
    if checkout is not None and (renames := checkout.renames()):
        from flakelens.facts import RenameFacts  # numpy: only where there is something to say

        opened.add_renames([RenameFacts(*rename) for rename in renames], known_at=ingested_at)
    return done


def nothing_read(paths: Sequence[str], tried: Sequence[Read]) -> NothingReadError:
    """The error for a call of which not one report could be read."""
    problems = [problem for read in tried for problem in read.run.problems]
    problems += [problem for read in tried for _, report in read.run.reports for problem in report.problems]
    reasons = list(dict.fromkeys(f"{each.where}: {each.message}" for each in problems if each.code in _UNREAD))
    said = "\n  ".join(reasons[:3]) + (f"\n  and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    message = f"No report could be read from {', '.join(paths[:3])}{' ..' if len(paths) > 3 else ''}."
    return NothingReadError(
        f"{message}\n  {said}" if said else message,
        mend="Nothing was written. Name the folder or file that the test tool writes its JUnit XML to.",
    )


def _runs(
    paths: Sequence[str],
    options: RunOptions,
    detected: RunInfo | None,
    run_per_dir: bool,
    environ: Mapping[str, str],
    redactor: Redactor,
    stdin: BinaryIO | None,
    now: datetime,
    progress: Progress | None,
) -> Iterator[Read]:
    if run_per_dir and (options.run or options.started_at):
        raise UsageError("--run and --started-at cannot hold for many runs.", mend="Write them into each run.json.")
    found = shares(paths, run_per_dir=run_per_dir)
    previous: datetime | None = None
    for number, share in enumerate(found):
        if progress:
            progress(number, len(found) if run_per_dir else None, share.name)
        read = read_share(share, options, detected, environ, redactor, stdin, progress if not run_per_dir else None)
        read, start = placed(read, share, previous, now, run_per_dir)
        previous = start or previous
        yield read


def placed(
    read: Read, share: Share, previous: datetime | None, now: datetime, run_per_dir: bool
) -> tuple[Read, datetime | None]:
    """The run with its start, and that start; `previous` is that of the share before it, for runs that say nothing."""
    info = read.run.info
    start = stated_start(read)
    if start is None and read.run.reports:
        start, problem = _start_without_stamp(share, read.run, previous, now, run_per_dir)
        info = replace(info, started_at=start)
        read = replace(read, run=replace(read.run, info=info, problems=(*read.run.problems, problem)))
    if start is not None and start > now + _CLOCK_TOLERANCE:
        ahead = Problem(ProblemCode.CLOCK, share.name, f"The run starts in the future ({start:%Y-%m-%d %H:%M} UTC):"
                        " it is taken as begun now. Check the clock, or started_at.")  # fmt: skip
        read = replace(read, run=replace(read.run, problems=(*read.run.problems, ahead)))
    return read, start


def stated_start(read: Read) -> datetime | None:
    """When a run started by what it says itself, or its reports."""
    stamps = [report.started_at for _, report in read.run.reports if report.started_at]
    return read.run.info.started_at or min(stamps, default=None)


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


def read_share(
    share: Share,
    options: RunOptions,
    detected: RunInfo | None,
    environ: Mapping[str, str],
    redactor: Redactor,
    stdin: BinaryIO | None,
    progress: Progress | None = None,
) -> Read:
    """Read the reports of one share and describe them; when it started is for `placed` to say."""
    reports: list[tuple[ReportInfo, ParsedReport]] = []
    problems = list(share.problems)
    readable = False
    given = detected is None or share.described or options.describes_run
    info = resolve(share.said.over(options), detected, given=given)
    info = replace(info, url=redactor.text(info.url))  # a remote's address may carry a password
    switches = _switches(environ)
    for folder in share.folders:
        names: list[str] = []
        for report in redactor.reports(read_paths([folder.path], stdin=stdin)):
            if progress:
                progress(len(reports), None, report.name)
            readable = readable or _is_readable(report)
            if not _is_report(report):
                problems += report.problems
                continue
            names.append(report.name)
            reports.append((_described(folder.of_report(report.name), info, report, switches), _told_apart(report)))
        problems += [
            Problem(ProblemCode.NO_SUCH_FILE, f"{folder.path}/{name}",
                    "run.json names this report, and it is not there: was it uploaded?")
            for name in folder.file.missing(names)
        ]  # fmt: skip
    if not info.run:
        info = replace(info, run=share.default_id or _hash_of([report for _, report in reports]))
    if not info.branch and not info.local and info.event in _FROM_BRANCH:
        message = "The run's branch is not known, so that it counts for no gate. Give --branch, or branch in run.json."
        problems.append(Problem(ProblemCode.UNKNOWN_BRANCH, share.name, message))
    return Read(run=RunReports(info=info, reports=tuple(reports), problems=tuple(problems)), readable=readable)


def _is_report(report: ParsedReport) -> bool:
    """Are there bytes of a report to keep? An unreadable one is kept as damaged; a wrong path is only a problem."""
    if report.cases or report.load_failures:
        return True
    codes = {problem.code for problem in report.problems}
    return not codes & _NO_REPORT or (ProblemCode.UNREADABLE in codes and report.size > 0)


def _is_readable(report: ParsedReport) -> bool:
    if report.cases or report.load_failures:
        return True
    return not any(problem.code in _UNREAD for problem in report.problems)


def _told_apart(report: ParsedReport) -> ParsedReport:
    """Reports whose bytes could not be had share the hash of no bytes; two of them in one run stay two."""
    if report.size or not report.problems or report.problems[0].code is ProblemCode.EMPTY_FILE:
        return report
    said = f"{report.problems[0].code}\0{report.name}"
    return replace(report, sha256=hashlib.sha256(said.encode("utf-8", "replace")).hexdigest())


@dataclass(frozen=True, slots=True)
class _Switches:
    """The environment variables that switch Playwright's reporter, as Playwright reads them."""

    include_retries: bool
    only_failures: bool


def _switches(environ: Mapping[str, str]) -> _Switches:
    def on(name: str) -> bool:
        return environ.get(name, "") not in ("", "0", "false")

    return _Switches(on("PLAYWRIGHT_JUNIT_INCLUDE_RETRIES"), on("PLAYWRIGHT_JUNIT_ONLY_FAILURES"))


def _described(said: ReportInfo, info: RunInfo, report: ParsedReport, switches: _Switches) -> ReportInfo:
    if report.producer != "playwright":
        return said
    retries = said.retries
    # onlyFailures switches includeRetries on by itself.
    if retries is None and info.retries is None and (switches.include_retries or switches.only_failures):
        retries = RetryEvidence.RECORDED
    return replace(said, retries=retries, partial=said.partial or switches.only_failures)


def _hash_of(reports: Sequence[ParsedReport]) -> str:
    digest = hashlib.sha256("\n".join(sorted({report.sha256 for report in reports})).encode())
    return digest.hexdigest()[:16]


def _write(store: Store, run: RunReports, now: datetime, checkout: Checkout | None) -> IngestedRun:
    if not run.reports:  # nothing to keep, but much to say
        from flakelens.store import IngestedRun

        return IngestedRun(
            provider=run.info.provider, run=run.info.run, attempt=run.info.attempt, reports=0, known=0, tests=0,
            passed=0, flaky=0, failed=0, errored=0, skipped=0, retry_evidence=RetryEvidence.UNKNOWN,
            partial=run.info.partial, problems=run.problems,
        )  # fmt: skip
    hints: dict[TestId, str] = {}
    if checkout is not None:
        without_file = {case.id for _, report in run.reports for case in report.cases if not case.id.file}
        if without_file:
            hints = checkout.files_of(without_file)
    return store.write_run(run, ingested_at=now, hints=hints)
