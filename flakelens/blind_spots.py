"""What reports cannot show because of how the reporter is set up, with the lines that change it."""

from __future__ import annotations

from collections.abc import Sequence

from flakelens.model import ParsedReport, RetryEvidence
from flakelens.report import BlindSpot

PLAYWRIGHT_LINES = ("reporter: [['junit', { outputFile: 'junit.xml', includeRetries: true }]],",)
JEST_FILE_LINES = ('reporters: ["default", ["jest-junit", { addFileAttribute: "true" }]],',)


def blind_spots(reports: Sequence[ParsedReport]) -> tuple[BlindSpot, ...]:
    """One entry per kind of blindness that these reports have, the worst first."""
    spots: list[BlindSpot] = []
    playwright = [report for report in reports if report.producer == "playwright"]
    jest = [report for report in reports if report.producer == "jest"]
    if playwright and not any(report.retry_evidence is RetryEvidence.RECORDED for report in playwright):
        found = any(report.retry_evidence is RetryEvidence.HIDDEN for report in playwright)
        said = (
            "Playwright's report hides retries: traces of failed first attempts were found, and there may be more."
            if found
            else "Playwright's report does not say whether a test that passed had failed first."
        )
        spots.append(
            BlindSpot(
                said=f"{said} Playwright 1.59 and newer records them:",
                file="playwright.config.ts",
                lines=PLAYWRIGHT_LINES,
            )
        )
    if any(not case.id.file for report in jest for case in report.cases):
        said = "Jest's report does not name the tests' files, so that areas and owners must be guessed from titles."
        spots.append(BlindSpot(said=said, file="jest.config.js", lines=JEST_FILE_LINES))
    if jest:
        said = "Jest's report cannot show jest.retryTimes: a test that is retried looks like one that passed at once."
        spots.append(BlindSpot(said=said, file="", lines=()))
    return tuple(spots)
