"""How many causes came and how many were repaired in the last weeks: breaks and flakes, each counted once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from flakelens.analyze.causes import Causes
from flakelens.gate.criterion import Scope
from flakelens.outcomes import was_executed
from flakelens.stats.states import TestFinding, TestState
from flakelens.stats.turnover import DAYS, MINIMUM_DAYS, Turnover
from flakelens.stats.verification import clean_runs_to_verify

_DAY = 86_400
_FLAKES = 2  # below it there is no rate that clean results could be held against


class _Trouble(NamedTuple):
    """One break or one flake of one test. Moments are seconds since 1970."""

    cause: tuple[str, int]  # what began or fails together is one cause
    came: int | None  # None: it may be as old as the history
    ended: int | None  # None: it goes on, or too few clean results to say


def turnover(causes: Causes, days: int) -> Turnover | None:
    """Causes that came and that were repaired in the last 28 of `days` days of history; None below 14 days.

    - A break comes with its first failure and ends with the first pass after it. Tests that broke in one run are one
      cause.
    - A flaky test comes with its first flake, if it had as many clean results before as would prove a repair
      (`clean_runs_to_verify`): a flake is not new because the history begins with it. It ends when it has as many clean
      results after its last flake. One flake alone is no cause yet. Tests that fail together, or that began in one run,
      are one cause; it comes with the first of them and ends
      with the last. A test that is gone was not repaired.
    """
    if days < MINIMUM_DAYS:
        return None
    asked = min(days, DAYS)
    evidence = causes.evidence
    since = int((evidence.as_of - timedelta(days=asked)).timestamp())
    groups: dict[tuple[str, int], list[_Trouble]] = {}
    several = [cause.tests for cause in causes.found if len(cause.tests) > 1]
    together = {int(test): number for number, tests in enumerate(several) for test in tests}
    for name in evidence.areas.names:
        for trouble in _troubles(evidence.scope(name), together):
            groups.setdefault(trouble.cause, []).append(trouble)
    came = ended = 0
    for members in groups.values():
        starts, ends = [member.came for member in members], [member.ended for member in members]
        if None not in starts:
            came += min(start for start in starts if start is not None) > since
        if None not in ends:
            ended += max(end for end in ends if end is not None) > since
    return Turnover(days=asked, repaired=ended, arrived=came)


def _troubles(scope: Scope, together: dict[int, int]) -> Iterator[_Trouble]:
    view = scope.view
    for place, finding in enumerate(scope.findings):
        test = int(view.tests[place])
        for spell in finding.spells:
            ended = None if spell.mended is None else int(view.started[spell.mended])
            yield _Trouble(("break", int(view.runs[spell.first])), int(view.started[spell.first]), ended)
        if len(finding.evidence) >= _FLAKES and finding.state in (TestState.FLAKY, TestState.STABLE):
            came, ended = _flaked(scope, place, finding)
            cause = ("flake", test)
            if test in together:
                cause = ("together", together[test])
            elif came is not None:  # what the history begins with began anywhere before, not together
                cause = ("flakes from", int(view.runs[finding.evidence[0]]))
            yield _Trouble(cause, came, ended)


def _flaked(scope: Scope, place: int, finding: TestFinding) -> tuple[int | None, int | None]:
    """When a flaky test came, and when it had healed."""
    view = scope.view
    ran = np.flatnonzero(was_executed(view.outcomes[place]) & ~scope.outage)
    first, last = finding.evidence[0], finding.evidence[-1]
    before, after = ran[ran < first], ran[ran > last]
    flakes, between = len(finding.evidence), int(((ran >= first) & (ran <= last)).sum())
    healing = finding.clean_needed or clean_runs_to_verify(flakes, max(flakes, int((ran <= last).sum())))
    healed = finding.healing or finding.state is TestState.STABLE
    # The rate since it began, not over the time before: that it was lower then is the question.
    since = between if healed else int((ran >= first).sum())
    fresh = len(before) >= clean_runs_to_verify(flakes, max(flakes, since))
    return (
        int(view.started[first]) if fresh else None,
        int(view.started[after[min(healing, len(after)) - 1]]) if healed and len(after) else None,
    )


def history_days(causes: Causes) -> int:
    """Whole days from the oldest counting run to the moment of asking."""
    evidence = causes.evidence
    if not evidence.counting:
        return 0
    oldest = min(evidence.history.runs[run].started_at for run in evidence.counting)
    return max(0, int((evidence.as_of - oldest).total_seconds() // _DAY))
