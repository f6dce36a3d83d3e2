"""What `ingest` read, as JSON for programs: schema flakelens.ingest/1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flakelens.render.escape import json_text
from flakelens.render.problems import problem_view

if TYPE_CHECKING:
    from flakelens.store import IngestedRun

SCHEMA = "flakelens.ingest/1"  # 1: first version


def render(runs: Sequence[IngestedRun]) -> str:
    """The document. Counts are of the reports that were new; a run that brought only known ones has zeros."""
    document = {
        "schema": SCHEMA,
        "runs": [
            {
                "run": run.run,
                "attempt": run.attempt,
                "reports": run.reports,
                "tests": run.tests,
                "passed": run.passed,
                "flaky": run.flaky,
                "failed": run.failed,
                "errored": run.errored,
                "skipped": run.skipped,
                "retry_evidence": str(run.retry_evidence),
                "partial": run.partial,
                "problems": [problem_view(problem) for problem in run.problems],
            }
            for run in runs
        ],
    }
    return json_text(json.dumps(document, indent=2)) + "\n"
