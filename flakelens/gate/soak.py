"""`soak`: the newest commit has been checked for so many hours on end, and no test failed in checks in a row.

For the hours after a deployment. Unlike in CI a check in which everything fails is no outage to be left out: it is what
one looks for. A test that failed in a single check may be a flake of the check, and is looked at again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

import msgspec
import numpy as np

from flakelens.facts import Bools, Int8s, Int64s
from flakelens.gate.criterion import CriterionFinding, Observed, Scope, count_of, looks, named, no_active_test
from flakelens.model import GateState, Outcome
from flakelens.policy import SoakPolicy

_HOUR = 3600


class _Watch(msgspec.Struct, frozen=True):
    """The checks of the newest commit within the hours asked for, oldest first."""

    checks: Int64s  # positions of runs in the view, by their start
    began: int  # when the first check of this commit started, seconds since 1970
    since: int  # where the hours that are looked at begin: never before `began`
    failing: list[int]  # tests that failed in as many checks in a row as it takes
    shaky: list[int]  # tests that failed in the newest checks, not yet in so many


def judge(ident: str, policy: SoakPolicy, scope: Scope) -> CriterionFinding:
    """The finding. Quarantined tests are left out; a check that is not complete is none."""
    now = int(scope.as_of.timestamp())
    watch = _watch(policy, scope, now)
    state, why, step = _state(policy, scope, watch, now)
    against = () if watch is None else tuple(scope.ids[test] for test in (*watch.failing, *watch.shaky))
    hours = 0.0 if watch is None else min(policy.hours, (now - watch.began) / _HOUR)
    return CriterionFinding(
        id=ident,
        kind="soak",
        area=scope.name,
        state=state,
        observed=None
        if watch is None
        else Observed(
            value=hours / policy.hours,
            low=None,
            high=None,
            n=len(watch.checks),
            method="hours since the deployment",
            count=(int(hours), int(policy.hours)),
        ),
        required=1.0,
        why=why,
        needs_runs=0 if state is GateState.MET else _checks_left(policy, scope, watch, now, state),
        evidence=() if watch is None else _evidence(scope, watch),
        next_steps=(*((step,) if step else ()), *looks(against)),
        tests=against,
    )


def _watch(policy: SoakPolicy, scope: Scope, now: int) -> _Watch | None:
    view = scope.view
    # By start, not by the order of commits: what was rolled back to is deployed again, however old it is.
    order = np.argsort(view.started, kind="stable")
    order = order[view.started[order] <= now]
    if not len(order) or not scope.active.any():
        return None
    other = np.flatnonzero(view.commits[order] != view.commits[order[-1]])
    deployed = order[other[-1] + 1 :] if len(other) else order
    began = int(view.started[deployed[0]])
    since = max(began, now - round(policy.hours * _HOUR))
    judged = np.flatnonzero(~scope.quarantined)
    failing, shaky = [], []
    for test in judged.tolist():
        longest, last = _streaks(view.outcomes[test, deployed], view.started[deployed] >= since)
        if longest >= policy.failures:
            failing.append(test)
        elif last:
            shaky.append(test)
    whole = deployed[view.complete[deployed] & (view.started[deployed] >= since)]
    return _Watch(whole, began, since, failing, shaky)


def _streaks(outcomes: Int8s, inside: Bools) -> tuple[int, int]:
    """The longest row of failures that ends inside the hours looked at, and the row at the end. No result ends none."""
    longest = row = 0
    for outcome, counts in zip(outcomes.tolist(), inside.tolist(), strict=True):
        if outcome == Outcome.FAILED:
            row += 1
            longest = max(longest, row) if counts else longest
        elif outcome in (Outcome.PASSED, Outcome.FLAKY):
            row = 0
    return longest, row


def _state(policy: SoakPolicy, scope: Scope, watch: _Watch | None, now: int) -> tuple[GateState, str, str]:
    """The state, why, and the next step ("" for none)."""
    again = "run the checks of the deployed commit again and ingest their reports"
    if watch is None:
        return GateState.INCONCLUSIVE, no_active_test(scope) if len(scope.ids) else "No check has run yet.", again
    if watch.failing:
        ids = [scope.ids[test] for test in watch.failing]
        row = "in a check" if policy.failures == 1 else f"in {policy.failures} checks in a row"
        return GateState.NOT_MET, f"{count_of(len(ids), 'test')} failed {row}: {named(ids)}.", ""
    if watch.shaky:
        ids = [scope.ids[test] for test in watch.shaky]
        why = (
            f"{count_of(len(ids), 'test')} failed in the newest check, and only {policy.failures} in a row speak "
            f"against the deployment: {named(ids)}."
        )
        return GateState.INCONCLUSIVE, why, again
    if gap := _gap(policy, scope, watch, now):
        return GateState.INCONCLUSIVE, gap, again
    hours = (now - watch.began) / _HOUR
    if hours < policy.hours:
        why = f"{_hours(hours)} of {policy.hours:g} h since the deployment have passed, without a failure in a row."
        return GateState.INCONCLUSIVE, why, f"go on checking for {_hours(policy.hours - hours)}"
    checks = count_of(len(watch.checks), "complete check")
    return GateState.MET, f"{checks} over {policy.hours:g} h, and no test failed in a row.", ""


def _checks_left(policy: SoakPolicy, scope: Scope, watch: _Watch | None, now: int, state: GateState) -> int | None:
    """Clean checks until the hours are over, at the interval that they come in; None where time alone mends nothing."""
    interval = scope.view.median_interval()
    if watch is None or state is not GateState.INCONCLUSIVE or watch.shaky or not interval:
        return None
    left = policy.hours * _HOUR - (now - watch.began)
    return ceil(left / interval) if left > 0 and not _gap(policy, scope, watch, now) else None


def _gap(policy: SoakPolicy, scope: Scope, watch: _Watch, now: int) -> str:
    """The longest time without a complete check, where it is too long; "" where it is not."""
    if not len(watch.checks):
        return f"No complete check in the last {policy.hours:g} h."
    moments = np.array([watch.since, *scope.view.started[watch.checks].tolist(), now], np.int64)
    gaps = np.diff(moments)
    longest = int(gaps.argmax())
    if gaps[longest] <= policy.max_gap_hours * _HOUR:
        return ""
    start = datetime.fromtimestamp(int(moments[longest]), UTC)
    until = "now" if longest == len(gaps) - 1 else f"{datetime.fromtimestamp(int(moments[longest + 1]), UTC):%H:%M} UTC"
    return (
        f"No complete check for {_hours(gaps[longest] / _HOUR)}, from {start:%Y-%m-%d %H:%M} to {until}; "
        f"{policy.max_gap_hours:g} h at most."
    )


def _evidence(scope: Scope, watch: _Watch) -> tuple[str, ...]:
    view = scope.view
    executed, failed = int(view.executed[watch.checks].sum()), int(view.failed[watch.checks].sum())
    first = datetime.fromtimestamp(watch.began, UTC)
    lines = [f"This commit is checked since {first:%Y-%m-%d %H:%M} UTC."]
    if executed:
        lines.append(f"{executed - failed:,} of {executed:,} results passed in {count_of(len(watch.checks), 'check')}.")
    return tuple(lines)


def _hours(hours: float) -> str:
    return f"{max(0.0, hours) * 60:.0f} min" if hours < 1 else f"{hours:.0f} h"
