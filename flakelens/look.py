"""The quick look: what reports say by themselves. No database, no set-up, nothing written."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from flakelens.blind_spots import blind_spots
from flakelens.errors import NothingReadError
from flakelens.junit import read_paths
from flakelens.messages import headline, signature
from flakelens.model import CaseResult, Outcome, ParsedReport, Problem, RetryEvidence, Status, TestId
from flakelens.policy import UNASSIGNED, Policy
from flakelens.redact import Redactor
from flakelens.report import LookArea, LookCause, LookFlake, LookReport
from flakelens.rules import area_of

if TYPE_CHECKING:
    from flakelens.checkout import Checkout

NO_MESSAGE = "(no message)"
_BAD = (Status.FAILED, Status.ERRORED)


class _Subject(msgspec.Struct, frozen=True):
    """A test of one report, as the area rules see it."""

    id: TestId
    producer: str
    jobs: tuple[str, ...]
    title_file: str
    stack_file: str


def look(
    paths: Sequence[str],
    *,
    policy: Policy,
    environ: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
    checkout: Checkout | None = None,
) -> LookReport:
    """What the reports that `paths` name say. Areas follow `policy`; `checkout` may name files that reports do not.

    Secrets in messages are masked as `policy` says; `environ` is asked for the values that look secret.

    Raises NothingReadError when not one report could be read.
    """
    reports = list(Redactor(policy.redact, environ).reports(read_paths(paths, stdin=stdin)))
    read = [report for report in reports if report.cases or report.load_failures]
    problems = tuple(problem for report in reports for problem in report.problems)
    if not read:
        raise _nothing_read(paths, problems)
    cases = [(report, case) for report in read for case in report.cases]
    areas = _areas(cases, policy, checkout)
    causes = _causes(case for _, case in cases)
    flaky = tuple(_flake(case) for _, case in cases if case.outcome is Outcome.FLAKY)
    cannot_show = blind_spots(read)
    broken = [failure for report in read for failure in report.load_failures]
    return LookReport(
        headline=_with_damage(
            _headline([case for _, case in cases], causes, flaky, broken, _hides_retries(read)), reports, bool(causes)
        ),
        reports=len(read),
        producers=tuple(sorted({report.producer for report in read})),
        seconds=max((report.seconds for report in read if report.seconds is not None), default=None),
        areas=areas,
        causes=causes,
        flaky=flaky,
        cannot_show=cannot_show,
        problems=problems,
        next_steps=_next_steps(paths, problems, areas),
    )


def _nothing_read(paths: Sequence[str], problems: Sequence[Problem]) -> NothingReadError:
    said = "\n  ".join(f"{problem.where}: {problem.message}" for problem in problems[:3])
    message = f"No test could be read from {', '.join(paths[:3])}{' ..' if len(paths) > 3 else ''}."
    return NothingReadError(
        f"{message}\n  {said}" if said else message,
        mend="Name the folder or file that the test tool writes its JUnit XML to.",
    )


def _areas(
    cases: Sequence[tuple[ParsedReport, CaseResult]], policy: Policy, checkout: Checkout | None
) -> tuple[LookArea, ...]:
    """Counts per area in the policy's order; areas without a test are left out."""
    without_file = {case.id for _, case in cases if not case.id.file}
    hints = checkout.files_of(without_file) if checkout is not None and without_file else {}
    counts: dict[str, Counter[str]] = {}
    for report, case in cases:
        subject = _Subject(case.id, report.producer, (), hints.get(case.id, ""), case.stack_file)
        counts.setdefault(area_of(subject, policy.areas), Counter())[_word(case)] += 1
    return tuple(
        LookArea(
            area=name,
            tests=counts[name].total(),
            passed=counts[name]["passed"],
            flaky=counts[name]["flaky"],
            failed=counts[name]["failed"],
            errored=counts[name]["errored"],
            skipped=counts[name]["skipped"],
        )
        for name in dict.fromkeys((*policy.area_names(), UNASSIGNED))
        if name in counts
    )


def _hides_retries(reports: Sequence[ParsedReport]) -> bool:
    return any(
        report.producer in ("jest", "playwright") and report.retry_evidence is not RetryEvidence.RECORDED
        for report in reports
    )


def _word(case: CaseResult) -> str:
    outcome = case.outcome
    return "errored" if outcome is Outcome.FAILED and case.status is Status.ERRORED else outcome.name.lower()


def _said(case: CaseResult) -> str:
    """The message of the first failed attempt that has one: later attempts often fail because of the first."""
    return next((a.message or a.type for a in case.attempts if a.status in _BAD and (a.message or a.type)), "")


def _causes(cases: Iterable[CaseResult]) -> tuple[LookCause, ...]:
    """Failed tests grouped by what their messages share, the largest group first."""
    groups: dict[str, list[CaseResult]] = {}
    for case in cases:
        if case.outcome is Outcome.FAILED:
            groups.setdefault(signature(_said(case)), []).append(case)
    return tuple(
        LookCause(message=headline(_said(group[0])) or NO_MESSAGE, tests=tuple(case.id for case in group))
        for group in sorted(groups.values(), key=len, reverse=True)
    )


def _flake(case: CaseResult) -> LookFlake:
    failed = sum(attempt.status in _BAD for attempt in case.attempts)
    return LookFlake(id=case.id, failed_attempts=failed, message=headline(_said(case)))


def _headline(
    cases: Sequence[CaseResult],
    causes: Sequence[LookCause],
    flaky: Sequence[LookFlake],
    broken: Sequence[str],
    blind: bool,
) -> str:
    """The most useful sentence about these reports."""
    ran = sum(case.outcome is not Outcome.SKIPPED for case in cases)
    failed = sum(len(cause.tests) for cause in causes)
    unloaded = f"{_many(len(set(broken)), 'file')} could not be loaded" if broken else ""
    if not ran:
        skipped = f"all {len(cases):,} were skipped" if cases else "the reports hold none"
        return f"{unloaded}, and no test ran." if unloaded else f"No test ran: {skipped}."
    parts = [f"{failed:,} of {_many(ran, 'test')} failed" if failed else ""]
    if flaky:
        parts.append(f"{len(flaky):,} flaked" if failed else f"{len(flaky):,} of {_many(ran, 'test')} flaked")
    if not failed and not flaky:
        parts.append(f"All {_many(ran, 'test')} passed" if ran > 1 else "The only test passed")
    parts.append(unloaded)
    said = ", ".join(part for part in parts if part)
    if causes:
        return f"{said}; {_cause_words(causes, failed)}"
    if flaky:
        return f"{said} (failed, then passed); none failed for good. {_first(flaky[0])}"
    return f"{said}{'; the reports do not show whether any needed a retry' if blind else ''}."


def _with_damage(sentence: str, reports: Sequence[ParsedReport], failed: bool) -> str:
    """The sentence, with what it does not know of: nobody may take half a report for a pass."""
    damaged = sum(report.damaged for report in reports)
    if not damaged:
        return sentence
    which = "The report" if len(reports) == 1 else f"{damaged:,} of {_many(len(reports), 'report')}"
    if failed:
        return f"{sentence} ({which[0].lower()}{which[1:]} could not be read whole)"
    return f"{which} could not be read whole. Of what is left: {sentence[0].lower()}{sentence[1:]}"


def _cause_words(causes: Sequence[LookCause], failed: int) -> str:
    largest = causes[0]
    share = len(largest.tests)
    if failed == 1:
        return f"{largest.tests[0].name}: {largest.message}"
    if len(causes) == 1:
        return f"{'both' if failed == 2 else f'all {failed:,}'} failures share one cause: {largest.message}"
    if share == 1:
        return f"{len(causes):,} different causes, the first: {largest.message}"
    return f"{share:,} of the failures share one cause: {largest.message}"


def _first(flake: LookFlake) -> str:
    return f"{flake.id.name}{f': {flake.message}' if flake.message else ''}"


def _next_steps(paths: Sequence[str], problems: Sequence[Problem], areas: Sequence[LookArea]) -> tuple[str, ...]:
    steps = []
    if any(problem.serious for problem in problems):
        steps.append("Repair what is named under Problems: tests that are not in a report are not known to pass.")
    if stray := sum(area.tests for area in areas if area.area == UNASSIGNED):
        steps.append(
            f"Give {_many(stray, 'unassigned test')} an area: flakelens init writes a flakelens.toml for that."
        )
    named = " ".join(shlex.quote(path) for path in paths[:3]) + (" .." if len(paths) > 3 else "")
    steps.append(f"Keep this run, so that flakes can be told from breaks: flakelens ingest {named}")
    return tuple(steps)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
