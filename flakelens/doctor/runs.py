"""Checks of which runs there are, which count, and whether the newest are whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from flakelens.doctor.look import Look, label, some
from flakelens.gate.criterion import count_of
from flakelens.model import ProblemCode
from flakelens.policy import CompletePolicy
from flakelens.report import Finding

_UNKNOWN = "branch unknown"


def no_runs(look: Look) -> Iterator[Finding]:
    """Nothing of the gated branch: every criterion is INCONCLUSIVE for good."""
    history = look.evidence.history
    if look.evidence.counting:
        return
    reasons = Counter(run.why_not for run in history.runs)
    others = ", ".join(f"{number} {why}" for why, number in reasons.most_common())
    what = f"there are {count_of(len(history.runs), 'run')}, but none counts: {others}" if others else "there is no run"
    mend = "Bring a run's reports in its CI job: flakelens ingest PATH..."
    if reasons:
        mend = (
            'Ingest runs of the branch in CI. If it has another name, write branch = "NAME" into flakelens.toml; '
            "where only laptops run the tests, count_local = true."
        )
    yield Finding(
        code="no-runs",
        where=f"branch {history.branch}",
        message=f"No run counts for the gated branch: {what}.",
        mend=mend,
        serious=True,
    )


def unknown_branch(look: Look) -> Iterator[Finding]:
    """Runs whose branch nobody said."""
    runs = [run.key.run for run in look.evidence.history.runs if run.why_not == _UNKNOWN]
    if runs:
        yield Finding(
            code="unknown-branch",
            where=f"run {some(runs)}",
            message=f"The branch of {count_of(len(runs), 'run')} is not known, so they do not count.",
            mend='Ingest them again with --branch NAME, or with "branch" in each run.json: nothing is stored twice.',
            serious=True,
        )


def not_counted(look: Look) -> Iterator[Finding]:
    """Runs that do not count for a reason that may be meant."""
    reasons = Counter(run.why_not for run in look.evidence.history.runs if run.why_not not in ("", _UNKNOWN))
    if reasons and look.evidence.counting:
        said = ", ".join(f"{number} {why}" for why, number in reasons.most_common())
        yield Finding(
            code="not-counted",
            where=f"branch {look.evidence.history.branch}",
            message=f"{count_of(sum(reasons.values()), 'run')} beside the gated branch, not counted: {said}.",
            mend="Nothing to mend if that is meant. Pull requests give evidence of flakes only.",
            serious=False,
        )


def future_runs(look: Look) -> Iterator[Finding]:
    """Runs from a clock that is ahead."""
    if look.in_future:
        yield Finding(
            code="clock",
            where="runs in the future",
            message=f"{count_of(look.in_future, 'run')} said to start after they came; they are taken as begun then.",
            mend="Set the clocks of the runners; correct started_at where it was given by hand.",
            serious=True,
        )


def start_unknown(look: Look) -> Iterator[Finding]:
    """Runs whose place in time is a guess: what is newest, broken and repaired depends on the order."""
    runs = [
        key.run for key, problems in look.problems.items() if any(p.code is ProblemCode.START_UNKNOWN for p in problems)
    ]
    if runs:
        yield Finding(
            code="start-unknown",
            where=f"run {some(runs)}",
            message=f"{count_of(len(runs), 'run')} without any time stamp; their order is that of folders or files.",
            mend='Give --started-at, or "started_at" in each run.json.',
            serious=False,
        )


def incomplete_runs(look: Look) -> Iterator[Finding]:
    """Areas whose newest run lacks a shard, a report or tests that were there before."""
    asked = look.judged_areas(CompletePolicy)
    for area, view in look.evidence.views.items():
        newest = len(view.runs) - 1
        if newest < 0 or view.complete[newest]:
            continue
        absent = [
            look.evidence.history.tests[view.tests[test]].id.name for test in np.flatnonzero(view.missing[:, newest])
        ]
        fault = (
            view.faults[newest]
            or f"{count_of(len(absent), 'expected test')} without a result: {some(absent, quoted=True)}"
        )
        mend = (
            "Upload the reports of every shard and job, also after failures (if: always()), and ingest them together."
        )
        if not view.faults[newest]:
            mend = "If they were removed on purpose: flakelens acknowledge TEST... --reason --by. Else run them again."
        yield Finding(
            code="incomplete-run",
            where=f"{area}, {label(look.evidence.history.runs[int(view.runs[newest])])}",
            message=f"The newest run of {area} is not complete: {fault}.",
            mend=mend,
            serious=area in asked,
        )
