"""Checks of what the newest reports can show."""

from __future__ import annotations

from collections.abc import Iterator

from flakelens.doctor.look import NEWEST, Look, label, some, where_of
from flakelens.gate.criterion import count_of
from flakelens.model import RetryEvidence
from flakelens.policy import ReliablePolicy
from flakelens.report import Finding

_BLIND = frozenset({RetryEvidence.HIDDEN, RetryEvidence.UNKNOWN})
_PLAYWRIGHT = (
    "In playwright.config.ts:\n"
    "  reporter: [['junit', { outputFile: 'results.xml', includeRetries: true }]]   (Playwright 1.59 or newer)\n"
    "Where retries are off, say so in flakelens.toml:\n"
    '  [[retries]]\n  producer = "playwright"\n  evidence = "none"'
)
_JEST = (
    "jest-junit cannot show retries. Where jest.retryTimes is not used, say so in flakelens.toml:\n"
    '  [[retries]]\n  producer = "jest"\n  evidence = "none"\n'
    "Where it is used, take it out: a failure it hides is a flake nobody sees."
)
_WHOLE = "Upload reports in a step that runs after failures too (if: always()), and let the job end by itself."
_JEST_PATHS = (
    "In package.json:\n"
    '  "jest-junit": { "addFileAttribute": "true", "ancestorSeparator": " > " }\n'
    "or in the job: JEST_JUNIT_ADD_FILE_ATTRIBUTE=true. Older runs adopt the paths; nothing is lost."
)


def hidden_retries(look: Look) -> Iterator[Finding]:
    """Reports in which a test that failed first and then passed looks like one that passed."""
    first_attempts_asked = look.judged_areas(ReliablePolicy)
    for producer, job, run, reports in look.channels():
        blind = {report.evidence for report in reports} & _BLIND
        if not blind:
            continue
        hidden = RetryEvidence.HIDDEN in blind
        how = "hide retries" if hidden else "do not say whether there were retries"
        mend = {"playwright": _PLAYWRIGHT, "jest": _JEST}.get(producer) or (
            "Say in flakelens.toml what its reports can show (recorded, hidden or none):\n"
            f'  [[retries]]\n  producer = "{producer}"\n  evidence = "none"'
        )
        yield Finding(
            code="hidden-retries",
            where=where_of(producer, job),
            message=f"Its reports {how} (newest: {label(run)}): a flaky test that passes on retry counts as a pass, "
            "and there is no first-attempt pass rate.",
            mend=mend,
            serious=not first_attempts_asked.isdisjoint(look.areas_of(reports)),
        )


def no_file_paths(look: Look) -> Iterator[Finding]:
    """Reports that do not name the test files: areas by folder cannot match, equal titles cannot be told apart."""
    tests = look.evidence.history.tests
    for producer, job, run, reports in look.channels():
        mine = {test for report in reports for test in report.tests.tolist()}
        without = [test for test in mine if not tests[test].reported.file]
        if not without:
            continue
        adopted = sum(bool(tests[test].id.file) for test in without)
        known = f"; {adopted} of them are known from other runs" if adopted else ""
        if producer == "jest" and len(without) == len(mine):
            known += ". These are jest-junit's default names: no path, and describe titles joined by a space"
        yield Finding(
            code="no-file-paths",
            where=where_of(producer, job),
            message=f"{count_of(len(without), 'test')} of {len(mine)} in {label(run)} without the path of their "
            f"file{known}.",
            mend=_JEST_PATHS if producer == "jest" else "Switch on the reporter's option that writes the file's path.",
            serious=False,
        )


def damaged_reports(look: Look) -> Iterator[Finding]:
    """Reports of the newest runs that were cut off, empty, or name suites that did not load."""
    for run in look.newest:
        damaged = [report.name for report in run.reports if report.damaged]
        unloaded = [suite for report in run.reports for suite in report.load_failures]
        if not damaged and not unloaded:
            continue
        said = [f"{some(damaged)} cannot be read whole"] if damaged else []
        said += [f"{some(unloaded)} failed to load"] if unloaded else []
        mends = [_WHOLE] if damaged else []
        mends += ["Run the test file alone: its imports or its syntax fail before the first test."] if unloaded else []
        yield Finding(
            code="damaged-report",
            where=label(run),
            message=f"{'; '.join(said)}. The run is not complete.",
            mend="\n".join(mends),
            serious=run is look.newest[-1],
        )


def repeated_reports(look: Look) -> Iterator[Finding]:
    """Reports that are copies of an earlier run's: a file left over in the workspace or the cache."""
    stale = [(run, report.name) for run in look.newest for report in run.reports if report.stale]
    if not stale:
        return
    runs = list(dict.fromkeys(run.key.run for run, _ in stale))
    yield Finding(
        code="repeated-report",
        where=f"run {some(runs)}",
        message=f"{count_of(len(stale), 'report')} of the newest {min(NEWEST, len(look.newest))} runs are copies of an "
        f"earlier run's report ({some(list(dict.fromkeys(name for _, name in stale)))}). Their results count nowhere.",
        mend="Delete old reports before the tests start, and keep them out of the CI cache.",
        serious=any(run is look.newest[-1] for run, _ in stale),
    )
