"""gate.evidence: what criteria look at, put together from reports that are much the same from run to run."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.counts import tally
from flakelens.decisions import Decisions
from flakelens.facts import Bools
from flakelens.gate.evidence import Evidence
from flakelens.history import History
from flakelens.model import RetryEvidence
from flakelens.policy_text import parse
from tests.letters import T0, Told

FILES = {"a": "e2e/a.spec.ts", "b": "src/api/ai/b.test.ts", "c": "src/lib/c.test.ts", "d": "e2e/d.spec.ts"}
REPORT = st.tuples(
    st.dictionaries(st.sampled_from(sorted(FILES)), st.sampled_from("PPFKS"), min_size=1),
    st.sampled_from(["playwright", "playwright", "jest"]),
    st.sampled_from([RetryEvidence.RECORDED, RetryEvidence.NONE, None]),
    st.booleans(),  # a copy of an earlier run's report
)


def evidence_of(runs: list[list[tuple[dict[str, str], str, RetryEvidence | None, bool]]]) -> Evidence:
    told = Told()
    for reports in runs:
        told.run(
            *(
                told.report(
                    {f"{FILES[test]}::{test}": letter for test, letter in outcomes.items()},
                    producer=producer,
                    shown=shown,
                    earlier_elsewhere=stale,
                )
                for outcomes, producer, shown, stale in reports
            )
        )
    return Evidence(history=told.history(), policy=parse(""), decisions=Decisions(), as_of=T0)


def plainly_retried(history: History) -> Bools:
    """Run by run and report by report: a later report of a run has the last word on its tests."""
    found = np.zeros((len(history.tests), len(history.runs)), np.bool_)
    for place, run in enumerate(history.runs):
        for report in run.reports:
            if not report.stale:
                found[report.tests, place] = report.evidence is RetryEvidence.RECORDED
    return found


@settings(deadline=None)
@given(st.lists(st.lists(REPORT, min_size=1, max_size=3), min_size=1, max_size=6))
def test_runs_with_the_same_reports_are_looked_at_once(
    runs: list[list[tuple[dict[str, str], str, RetryEvidence | None, bool]]],
) -> None:
    evidence = evidence_of(runs)
    assert np.array_equal(evidence.retried, plainly_retried(evidence.history))
    everything = evidence.pooled(["*"]).view
    assert everything.parts, "its areas were counted, and are added up"
    for mine, counted in zip(everything.tally, tally(everything.outcomes), strict=True):
        assert np.array_equal(mine, counted)


def test_a_suite_that_is_the_same_in_every_run() -> None:
    runs = [[({"a": "P", "d": "F"}, "playwright", RetryEvidence.RECORDED, False)]] * 3
    assert evidence_of(runs).retried.all()
    assert not evidence_of([[(outcomes, "jest", None, False)] for ((outcomes, *_),) in runs]).retried.any()
