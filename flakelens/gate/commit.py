"""`gate --commit SHA`: besides the branch's criteria, this very commit must have been tested whole."""

from __future__ import annotations

import numpy as np

from flakelens.area_views import area_views
from flakelens.completeness import AreaView
from flakelens.gate.criterion import CriterionFinding, Observed
from flakelens.gate.evidence import Evidence, label
from flakelens.model import GateState
from flakelens.stats.outages import find_outages

REGULAR_COMMITS = 10  # an area is asked for if it ran in at least half of the branch's newest so many commits


def judge(commit: str, evidence: Evidence) -> CriterionFinding:
    """MET when each regular area has an outage-free, complete run of the commit, of any event; else INCONCLUSIVE.

    Runs of a dirty tree or a laptop are not runs of the commit.
    """
    history = evidence.history
    regular = _regular_areas(evidence)
    candidates = [
        position
        for position, run in enumerate(history.runs)
        if run.commit and run.commit.startswith(commit) and run.why_not not in ("a laptop's run", "uncommitted changes")
    ]
    lacks: dict[str, str] = dict.fromkeys(regular, f"no run of {commit[:12]}")
    for position in candidates:
        views, newest, suspected = _as_newest(evidence, position)
        for area in list(lacks):
            if not (lack := _lack(views[area], newest, suspected)):
                del lacks[area]
            else:
                lacks[area] = f"{label(history.runs[position])} {lack}"
    whole = len(regular) - len(lacks)
    met = bool(regular) and not lacks
    step = () if met else (f"run {', '.join(lacks) or 'the suites'} on {commit[:12]} and ingest the reports",)
    if met:
        why = f"Commit {commit[:12]} has complete, outage-free runs of {', '.join(regular)}."
    elif not regular:
        why = "The branch has no runs that would say which areas a commit needs."
    else:
        why = f"Commit {commit[:12]}: {'; '.join(f'{area}: {lack}' for area, lack in lacks.items())}."
    return CriterionFinding(
        id="commit",
        kind="commit",
        area=", ".join(regular) or "all",
        state=GateState.MET if met else GateState.INCONCLUSIVE,
        observed=Observed(
            value=whole / len(regular),
            low=None,
            high=None,
            n=len(candidates),
            method="runs of the commit",
            count=(whole, len(regular)),
        )
        if regular
        else None,
        required=1.0,
        why=why,
        needs_runs=0 if met else None,
        repair_first=step,
        next_steps=step,
    )


def _regular_areas(evidence: Evidence) -> tuple[str, ...]:
    numbers = evidence.history.commits[evidence.counting]
    newest = np.unique(numbers)[-REGULAR_COMMITS:]
    return tuple(
        name
        for name, view in evidence.views.items()
        if len(newest) and len(np.intersect1d(view.commits, newest)) * 2 >= len(newest) and name != "unassigned"
    )


def _as_newest(evidence: Evidence, position: int) -> tuple[dict[str, AreaView], int, bool]:
    """As if the run at `position` were the branch's newest: views, its position in them, is an outage suspected."""
    history = evidence.history
    order = np.array([*(run for run in evidence.counting if run != position), position], np.int32)
    chosen = history.select(order)
    place = {int(run): number for number, run in enumerate(order)}
    views = area_views(
        chosen,
        evidence.areas.names,
        evidence.areas.index,
        evidence.area_of,
        counting=np.ones(len(order), np.bool_),
        moved={test: place[run] for test, run in evidence.moved_in.items()},
    )
    return views, len(order) - 1, bool(find_outages(chosen.whole).down[-1])


def _lack(view: AreaView, newest: int, suspected: bool) -> str:
    last = len(view.runs) - 1
    if last < 0 or view.runs[last] != newest:
        return "has no results of it"
    if suspected:
        return "looks like an outage"
    if not view.is_complete(last):
        fault = view.faults[last] or f"{int(view.missing[:, last].sum())} expected tests have no result"
        return f"is not complete ({fault})"
    return ""
