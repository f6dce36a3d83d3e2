"""The quick look as JSON for programs: schema flakelens.look/1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flakelens.render.escape import json_text
from flakelens.render.problems import problem_view

if TYPE_CHECKING:
    from flakelens.model import TestId
    from flakelens.report import LookReport

SCHEMA = "flakelens.look/1"  # 1: first version


def render(report: LookReport) -> str:
    """The document; names are as the reports wrote them."""
    document = {
        "schema": SCHEMA,
        "headline": report.headline,
        "reports": report.reports,
        "producers": list(report.producers),
        "seconds": report.seconds,
        "areas": [
            {
                "area": area.area,
                "tests": area.tests,
                "passed": area.passed,
                "flaky": area.flaky,
                "failed": area.failed,
                "errored": area.errored,
                "skipped": area.skipped,
            }
            for area in report.areas
        ],
        "causes": [
            {"message": cause.message, "tests": [_test(test) for test in cause.tests]} for cause in report.causes
        ],
        "flaky": [
            {**_test(flake.id), "failed_attempts": flake.failed_attempts, "message": flake.message}
            for flake in report.flaky
        ],
        "cannot_show": [
            {"said": spot.said, "file": spot.file, "lines": list(spot.lines)} for spot in report.cannot_show
        ],
        "problems": [problem_view(problem) for problem in report.problems],
        "next_steps": list(report.next_steps),
    }
    return json_text(json.dumps(document, indent=2)) + "\n"


def _test(test: TestId) -> dict[str, str]:
    return {"file": test.file, "name": test.name, "variant": test.variant}
