"""Sentences of the nightly report that the page and the Markdown share."""

from __future__ import annotations

from collections import Counter

from flakelens.gate.criterion import count_of, percent, title
from flakelens.model import GateState
from flakelens.render.figures import WORDS, moment, threshold
from flakelens.report.nightly import Budget, Nightly, Since
from flakelens.stats.changes import ChangeKind
from flakelens.stats.price import DAYS, Price
from flakelens.stats.states import TestState


def since_words(since: Since) -> str:
    """ "since the last report (2026-11-19 02:00 UTC, NOT MET)"."""
    what = "since the last report" if since.report else "in the last 24 hours"
    state = f", {WORDS[since.state]}" if since.state else ""
    return f"{what} ({moment(since.moment)}{state})" if since.report or since.state else what


def change_counts(report: Nightly) -> tuple[tuple[ChangeKind, int], ...]:
    """How many tests each kind of change befell, what asks for somebody first."""
    counts: Counter[ChangeKind] = Counter()
    for group in report.changes:
        counts[group.kind] += len(group.events)
    return tuple((kind, counts[kind]) for kind in ChangeKind if counts[kind])


def distance_text(report: Nightly) -> str:
    """How far the pass rate is from what the gate asks, and how many clean runs are missing; "" without data."""
    if report.distance is None:
        return ""
    points = abs(report.distance) * 100
    shown = f"{points:.1f}" if points >= 0.05 or points == 0 else "less than 0.1"
    text = f"The pass rate is {shown} points {'above' if report.distance >= 0 else 'below'} what the gate asks."
    missing = [finding.needs_runs for finding in report.gate.verdict.criteria if finding.needs_runs]
    return f"{text} {count_of(max(missing), 'more clean run')} would meet it." if missing else text


def budget_text(budget: Budget | None) -> str:
    """ "84 % (3 of 18.0 failures at 98 %)"."""
    if budget is None:
        return "no results"
    spent = f"{budget.spent:,} of {budget.allowed:,.1f} failures at {threshold(budget.threshold)}"
    if budget.left is None:
        return spent
    return f"{percent(budget.left, 0)} ({spent})" if budget.left >= 0 else f"overspent ({spent})"


def price_line(price: Price) -> str:
    """A price in one sentence: "In 30 days: 10 of 89 runs failed with it, 3 re-runs, 12.1 minutes, 2 pull requests"."""
    if not price.failed:
        return f"In {DAYS} days no run failed with it; its retries passed."
    parts = [f"{price.failed:,} of {count_of(price.runs, 'run')} failed with it"]
    parts += [count_of(price.reruns, "re-run")] if price.reruns else []
    parts += [f"{price.minutes:,.1f} test minutes lost"] if price.minutes is not None else []
    parts += [f"{count_of(price.pull_requests, 'pull request')} blocked"] if price.pull_requests else []
    return f"In {DAYS} days: {', '.join(parts)}."


def dissent(report: Nightly) -> tuple[str, ...]:
    """What speaks against going on, whatever the verdict is: for the people who decide. Weightiest first."""
    lines: list[str] = []
    for asked in (GateState.NOT_MET, GateState.INCONCLUSIVE):
        criteria = [f"{found.id} ({found.area})" for found in report.gate.verdict.criteria if found.state is asked]
        lines += [f"{WORDS[asked]}: {', '.join(criteria)}."] if criteria else []
    for state in (TestState.BROKEN, TestState.FLAKY):
        there = [
            entry.line
            for entry in report.entries
            if entry.line.finding.state is state and not entry.line.finding.healing
        ]
        if there:
            named = ", ".join(f'"{title(line.id)}"' for line in there[:3])
            more = f" and {len(there) - 3} more" if len(there) > 3 else ""
            lines.append(f"{count_of(len(there), 'test')} {'is' if len(there) == 1 else 'are'} {state}: {named}{more}.")
    quarantined = sum(entry.line.quarantined for entry in report.entries)
    if quarantined:
        lines.append(f"{count_of(quarantined, 'test')} in quarantine: they run, but do not stop anybody.")
    if report.runs:
        newest = report.runs[-1]
        lines += [
            f"The newest run is not complete for {absence.area}"
            + (
                f": {absence.fault}."
                if absence.fault
                else f": {len(absence.missing) + absence.more} tests are missing."
            )
            for absence in newest.absences
        ]
        if newest.outage:
            lines.append(f"The newest run is a {newest.outage} outage.")
    lines += [f"{found.where}: {found.message}" for found in report.blind if found.code == "hidden-retries"]
    lines += list(report.gate.notices)
    return tuple(lines)


def further_steps(report: Nightly, most: int) -> tuple[str, ...]:
    """What the gate asks for besides repairs: runs to dispatch, lines of configuration. Looking at a test is for those
    who repair it, so that such commands are left out where there are repairs.
    """
    repairs = ("flakelens show ", "repair ") if report.actions else ()
    return tuple(step for step in report.gate.verdict.next_steps if not step.startswith(repairs))[:most]
