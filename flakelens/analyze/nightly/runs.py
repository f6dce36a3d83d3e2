"""The runs of the report: what happened in each, what was missing, what was odd."""

from __future__ import annotations

import numpy as np

from flakelens.facts import RunKey
from flakelens.gate.evidence import Evidence
from flakelens.history import Run
from flakelens.model import Outcome, RetryEvidence, TestId
from flakelens.report.nightly import Absence, RunLine
from flakelens.store import Store

_LEAST_FIRST = (RetryEvidence.UNKNOWN, RetryEvidence.HIDDEN, RetryEvidence.RECORDED, RetryEvidence.NONE)
_MOST_MISSING = 10  # tests named per run and area
_WEB = ("https://", "http://")  # a run's address is somebody's word: no other kind of link is followed


def run_lines(store: Store | None, evidence: Evidence) -> tuple[RunLine, ...]:
    """The counting runs of `evidence`, oldest first."""
    history = evidence.history
    runs = [history.runs[position] for position in evidence.counting]
    problems = store.problems(run.key for run in runs) if store else {}
    absences = _absences(evidence)
    columns = history.whole[:, evidence.counting]
    counts = {outcome: (columns == outcome).sum(axis=0).tolist() for outcome in Outcome}
    outages = evidence.outages
    return tuple(
        RunLine(
            key=run.key,
            commit=run.commit,
            started_at=run.started_at,
            event=str(run.event),
            attempts=run.attempts,
            url=run.url if run.url.lower().startswith(_WEB) else "",
            outage="confirmed" if outages.confirmed[place] else "suspected" if outages.suspected[place] else "",
            passed=counts[Outcome.PASSED][place],
            flaky=counts[Outcome.FLAKY][place],
            failed=counts[Outcome.FAILED][place],
            skipped=counts[Outcome.SKIPPED][place],
            absences=tuple(absences.get(run.key, ())),
            problems=problems.get(run.key, ()),
            evidence=_evidence(run),
        )
        for place, run in enumerate(runs)
    )


def _absences(evidence: Evidence) -> dict[RunKey, list[Absence]]:
    """What each run lacks, area by area, where it is not complete."""
    history = evidence.history
    found: dict[RunKey, list[Absence]] = {}
    for area, view in evidence.views.items():
        for place in np.flatnonzero(~view.complete).tolist():
            absent = [history.tests[test].id for test in view.tests[view.missing[:, place]]]
            if not absent and not view.faults[place]:
                continue  # nothing was expected yet
            key = history.runs[int(view.runs[place])].key
            found.setdefault(key, []).append(
                Absence(
                    area=area,
                    fault=view.faults[place],
                    missing=tuple(absent[:_MOST_MISSING]),
                    more=max(0, len(absent) - _MOST_MISSING),
                )
            )
    return found


def _evidence(run: Run) -> tuple[tuple[str, RetryEvidence], ...]:
    """The least that the reports of each producer can show about retries."""
    found: dict[str, RetryEvidence] = {}
    for report in run.reports:
        if not report.stale:
            known = found.get(report.producer, RetryEvidence.NONE)
            found[report.producer] = min(known, report.evidence, key=_LEAST_FIRST.index)
    return tuple(sorted(found.items()))


def histories(evidence: Evidence) -> dict[TestId, str]:
    """For each test one letter per counting run, oldest first: P, K flaky, F, S, "." no result."""
    letters = np.frombuffer(b".PKFS", np.uint8)  # by Outcome code
    rows = letters[evidence.history.whole[:, evidence.counting]]
    return {test.id: rows[place].tobytes().decode("ascii") for place, test in enumerate(evidence.history.tests)}
