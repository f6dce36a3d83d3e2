"""Has the repair of one test held? The rate of before, and the results at and after the commit."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np

from flakelens.analyze.because import Case
from flakelens.analyze.evidence import load
from flakelens.analyze.show import cells, locate
from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.facts import Bools, Int8s
from flakelens.gate.evidence import Evidence
from flakelens.model import Outcome, RetryEvidence
from flakelens.outcomes import failed_first
from flakelens.policy import Policy
from flakelens.report import VerifyReport
from flakelens.stats.fitting import WINDOW_RUNS
from flakelens.stats.verification import RateBasis, clean_runs_to_verify, judge_repair, old_rate
from flakelens.store import Store

_SHOWN = (RetryEvidence.RECORDED, RetryEvidence.NONE)
_LETTERS = np.frombuffer(b".PKFS", np.uint8)  # by Outcome code


def verify_report(
    store: Store | None, policy: Policy, decisions: Decisions, *, as_of: datetime, test: str, since: str
) -> VerifyReport:
    """`test` as `show` takes it; `since` the commit of the repair, or its first digits.

    The rate of before is that of the newest 300 runs before the commit, which later runs cannot change: the number of
    clean results asked for stays the same however often and late one asks. Raises UsageError for a test that none or
    several fit, and for a commit that the gated branch never ran or whose digits fit several.
    """
    evidence = load(store, policy, decisions, as_of=as_of, window=None, any_branch=True).evidence
    found = locate(store, evidence, test)
    commit, first = _commit(evidence, since)
    case = found.case
    split = int(np.searchsorted(case.scope.view.runs, first))
    start = max(0, split - WINDOW_RUNS)
    row, usable = case.row, case.usable
    bad: Bools = usable & failed_first(row)
    there = list(cells(case))
    by_run = {cell.run: cell for cell in there}
    of_area = [by_run[case.run(place).key] for place in range(len(row))]
    shown = np.fromiter((cell.evidence in _SHOWN for cell in of_area), np.bool_, len(row))
    rate = _rate_before(case, bad, shown, start, split)
    passed: Bools = usable & ~bad
    counted: Bools = passed & shown if rate.basis is RateBasis.FIRST_ATTEMPTS else passed
    again = split + np.flatnonzero(bad[split:])
    clean = int(counted[split:].sum())
    failed_before = start + np.flatnonzero(bad[start:split])
    return VerifyReport(
        line=found.line,
        commit=commit,
        branch=evidence.history.branch,
        state=judge_repair(rate.failures, rate.results, clean=clean, again=len(again)),
        basis=rate.basis,
        failures=rate.failures,
        results=rate.results,
        rate=old_rate(rate.failures, rate.results) if rate.failures else None,
        needed=clean_runs_to_verify(rate.failures, rate.results) if rate.failures else None,
        clean=clean,
        hidden=int((passed & ~counted)[split:].sum()),
        again=tuple(of_area[place] for place in again.tolist()),
        clean_after=int(counted[int(again[-1]) + 1 :].sum()) if len(again) else clean,
        failed_before=case.run(int(failed_before[-1])).key if len(failed_before) else None,
        before=_letters(row[start:split], case.scope.outage[start:split]),
        since=_letters(row[split:], case.scope.outage[split:]),
    )


def _commit(evidence: Evidence, since: str) -> tuple[str, int]:
    """The commit whole, and the position of its first run on the gated branch."""
    asked = since.strip().lower()
    runs = evidence.history.runs
    found = [place for place in evidence.counting if asked and runs[place].commit.lower().startswith(asked)]
    commits = list(dict.fromkeys(runs[place].commit for place in found))
    if len(commits) == 1:
        return commits[0], found[0]
    branch = evidence.history.branch
    if commits:
        raise UsageError(
            f"{len(commits)} commits of {branch} begin with {since!r}: {', '.join(commit[:12] for commit in commits)}.",
            mend="Give more digits.",
        )
    beside = [run for run in runs if asked and run.commit.lower().startswith(asked)]
    if beside:
        raise UsageError(
            f"The commit {beside[0].commit[:12]} did not run on {branch}: {beside[0].why_not}.",
            mend=f"Name the commit by which the repair came to {branch}.",
        )
    known = [runs[place].commit for place in evidence.counting if runs[place].commit]
    newest = f"The newest known is {known[-1][:12]}." if known else "No run of it with a commit is known."
    raise UsageError(
        f"No run of {branch} is of commit {since!r}. {newest}",
        mend="Ingest its run first; if CI skipped the commit, name the next one that it ran.",
    )


class _Rate(NamedTuple):
    basis: RateBasis
    failures: int
    results: int


def _rate_before(case: Case, bad: Bools, shown: Bools, start: int, split: int) -> _Rate:
    """The old rate from the runs of `start` to `split`.

    A test that stood broken is measured by that spell alone, an intermittent one outside of its spells: mixed, the
    two would give a rate that it never had.
    """
    here = slice(start, split)
    usable, failing, visible = case.usable[here], bad[here], shown[here]
    outside, stood = usable.copy(), None
    for spell in case.finding.spells:
        inside = slice(max(spell.first, start) - start, min(spell.last + 1, split) - start)
        if inside.start < inside.stop:
            outside[inside] = False
            stood = inside, spell.mended is None or spell.mended >= split
    if stood is not None and (stood[1] or not failing[outside].any()):
        length = int(usable[stood[0]].sum())
        return _Rate(RateBasis.BROKEN, length, length)
    first_attempts = outside & visible
    if failing[first_attempts].any():
        return _Rate(RateBasis.FIRST_ATTEMPTS, int(failing[first_attempts].sum()), int(first_attempts.sum()))
    return _Rate(RateBasis.RESULTS, int(failing[outside].sum()), int(outside.sum()))


def _letters(row: Int8s, outage: Bools) -> str:
    letters = _LETTERS[row].copy()
    letters[outage & (row != Outcome.NONE)] = ord("O")
    return letters.tobytes().decode("ascii")
