"""Histories with known truth, as real report files: what a method says of them can be held against what happened.

Every first-attempt failure has exactly one cause (a flake, a break, an outage, a pull request's own break), and
truth.json names it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flakelens.errors import UsageError
from flakelens.report import SimulateReport
from flakelens.simulate.events import MESSAGES, cases_of, causes_of, timeline_of, with_breaks
from flakelens.simulate.files import BETWEEN, FIELDS, START, truth_of_run, write_run, write_truth
from flakelens.simulate.plan import Plan
from flakelens.simulate.suite import browser_tests, suite_of

__all__ = ["BETWEEN", "START", "Plan", "simulate"]


def simulate(plan: Plan, folder: Path) -> SimulateReport:
    """Write runs/NNNN/ (run.json, jest.xml, playwright.xml) and truth.json into `folder`: the same bytes for a plan.

    Raises UsageError for a plan that makes no sense and for a folder that has something in it.
    """
    plan.check(browser_tests(plan.tests))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder.", mend="Name a new one: nothing is overwritten.")
    rng = np.random.default_rng(plan.seed)
    timeline = timeline_of(plan, rng)
    tests = suite_of(plan, rng, len(timeline.main))
    timeline = with_breaks(plan, timeline, tests)
    hit = np.zeros(plan.runs, np.bool_)
    hit[rng.permutation(plan.runs)[: round(plan.outages * plan.runs)]] = True
    told = []
    results = 0
    counts = dict.fromkeys(MESSAGES, 0)
    pull_runs = 0
    for number, commit in enumerate(timeline.commits):
        pull = timeline.pulls.get(commit)
        pull_runs += pull is not None
        share = float(rng.beta(6, 14)) if hit[number] else 0.0
        causes = causes_of(tests, timeline.bases[number], pull.breaks if pull else (), share, rng)
        cases = cases_of(plan, tests, causes, number, rng)
        results += len(cases)
        place = folder / "runs" / f"{number + 1:04}"
        place.mkdir(parents=True)
        write_run(plan, place, number, commit, pull, tests, cases)
        told.append(truth_of_run(plan, number, commit, pull, causes, outage=bool(hit[number])))
        for cause, field in FIELDS.items():
            counts[cause] += len(told[-1][field])
    write_truth(plan, folder, tests, timeline, told)
    return SimulateReport(
        folder=str(folder),
        tests=plan.tests,
        runs=plan.runs,
        reports=(1 + plan.shards) * plan.runs,
        results=results,
        flaky=sum(test.flake_rate > 0 for test in tests),
        broken=sum(test.broken is not None for test in tests),
        slower=sum(test.slower is not None for test in tests),
        outages=int(hit.sum()),
        pull_requests=len(timeline.pulls),
        pull_request_runs=pull_runs,
        breaking=sum(bool(pull.breaks) for pull in timeline.pulls.values()),
        first_failures=counts,
        newest=START + (plan.runs - 1) * BETWEEN,
    )
