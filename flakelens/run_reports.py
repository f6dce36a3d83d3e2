"""The reports of one share put together to a run: what each is said to be, what is missing, whether any was read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from flakelens.errors import NothingReadError
from flakelens.model import (
    Event,
    ParsedReport,
    Problem,
    ProblemCode,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
)
from flakelens.redact import Redactor
from flakelens.run_metadata import RunOptions, resolve
from flakelens.run_shares import Folder, Share

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


class ReadRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run, read and described."""

    run: RunReports
    readable: bool  # at least one of its reports could be read


def described(share: Share, options: RunOptions, detected: RunInfo | None, redactor: Redactor) -> RunInfo:
    """The run's metadata, before its reports are read: `run` is "" where these must give it an id."""
    given = detected is None or share.described or options.describes_run
    info = resolve(share.said.over(options), detected, given=given)
    # a remote's address may carry a password
    return replace(info, run=info.run or share.default_id, url=redactor.text(info.url))


def assembled(
    share: Share,
    info: RunInfo,
    environ: Mapping[str, str],
    reports_of: Callable[[Folder], Iterable[ParsedReport]],
    told: Callable[[int, str], None],
) -> ReadRun:
    """`share` with its reports, which `reports_of` gives folder by folder; `told` hears how many, and which is read."""
    reports: list[tuple[ReportInfo, ParsedReport]] = []
    problems = list(share.problems)
    readable = False
    switches = _switches(environ)
    for folder in share.folders:
        names: list[str] = []
        for report in reports_of(folder):
            told(len(reports), report.name)
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
        info = replace(info, run=_hash_of([report for _, report in reports]))
    if not info.branch and not info.local and info.event in _FROM_BRANCH:
        message = "The run's branch is not known, so that it counts for no gate. Give --branch, or branch in run.json."
        problems.append(Problem(ProblemCode.UNKNOWN_BRANCH, share.name, message))
    return ReadRun(run=RunReports(info=info, reports=tuple(reports), problems=tuple(problems)), readable=readable)


def nothing_read(paths: Sequence[str], tried: Sequence[ReadRun]) -> NothingReadError:
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


class _Switches(msgspec.Struct, frozen=True):
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
