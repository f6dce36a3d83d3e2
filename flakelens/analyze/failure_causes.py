"""What made the tests of one run fail: the hidden chain walked through what came before the run and what came after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flakelens.analyze.run_in_history import RunInHistory
from flakelens.facts import Int32s
from flakelens.history import Run
from flakelens.model import Outcome, RetryEvidence
from flakelens.outcomes import failed_first
from flakelens.stats.chain import Step, at_run
from flakelens.stats.markov import BROKEN, GATED, Floats, emissions, outage_shares, series
from flakelens.stats.outages import MINIMUM_NEW_FAILURES, outage_of_pull
from flakelens.stats.triage import CAUSES, causes, flaky_levels, with_later_of_request

_AFTER = 50  # later runs of the gated branch that are listened to
_LEVELS = 6


@dataclass(frozen=True, kw_only=True)
class Blame:
    """The causes of the failures of one run. Shapes: n tests, in the order of `tests`."""

    tests: Int32s  # (n,) positions in History.tests, ascending: failed or flaky in the run
    probabilities: Floats  # (n, 5) in the order of `stats.triage.CAUSES`
    levels: Floats  # (n, 6) see `stats.triage.flaky_levels`


class _Order(NamedTuple):
    """The runs as the chain is to meet them."""

    places: list[int]  # positions in History.runs
    at: int  # where the run in question stands among them
    shares: Floats  # o_t of each


def find_blame(there: RunInHistory) -> Blame:
    """Why each failure of the run failed, by all that is known now."""
    tests = there.failed
    probabilities = np.zeros((len(tests), len(CAUSES)))
    levels = np.zeros((len(tests), _LEVELS))
    places, at = _order(there)
    order = _Order(places, at, _shares(there, places, at))
    # Whether retries are shown differs between tools: each tool's tests are walked with what its reports can show.
    producers = np.array([there.history.tests[test].producer for test in tests])
    for producer in dict.fromkeys(producers.tolist()):
        mine = np.flatnonzero(producers == producer)
        probabilities[mine], levels[mine] = _weigh(there, tests[mine], producer, order)
    return Blame(tests=tests, probabilities=probabilities, levels=levels)


def _weigh(there: RunInHistory, tests: Int32s, producer: str, order: _Order) -> tuple[Floats, Floats]:
    runs = there.history.runs
    shown = np.fromiter((_recorded(runs[place], producer) for place in order.places), np.bool_, len(order.places))
    seen = series(
        there.history.outcomes[tests][:, order.places],
        _commits(there, order.places),
        outage=order.shares,
        retries_shown=shown,
        pulls=_pulls(there, order.places),
    )
    parameters = there.evidence.parameters
    step, later = at_run(seen, parameters, order.at)
    step, later = _after_reruns(there, step, later, tests, producer)
    codes = there.column[tests]
    found = causes(
        step,
        parameters,
        outage=float(order.shares[order.at]),
        failed_again=(codes == Outcome.FAILED) & shown[order.at],
        healed=codes == Outcome.FLAKY,
        later=later,
    )
    return found, flaky_levels(step, later)


def _after_reruns(there: RunInHistory, step: Step, later: Floats, tests: Int32s, producer: str) -> tuple[Step, Floats]:
    """What reruns of the same commit of a pull request say: of the state, and of a break of its own."""
    if not there.own_again:
        return step, later
    plain, broken = np.ones_like(later), np.ones(len(later))
    for place in there.own_again:
        table = emissions(there.evidence.parameters, 0.0, _recorded(there.history.runs[place], producer))
        codes = there.history.outcomes[tests, place]
        plain *= table[codes]
        broken *= table[codes, BROKEN]
    return with_later_of_request(step, later, plain=plain, broken=broken), later * plain


def _order(there: RunInHistory) -> tuple[list[int], int]:
    """The runs as the chain is to meet them, and where this one stands among them.

    Later runs of its own request are left out: its reruns speak through `_after_reruns`, its next commits not at all.
    """
    own = {there.position, *there.own}
    others = [place for place in there.speaking if place not in own]
    first = there.before[0] if there.before else 0
    last = there.after[:_AFTER][-1] if there.after else len(there.history.runs)
    before = [place for place in others if first <= place < there.branch_point]
    after = [place for place in others if there.branch_point <= place <= last]
    return [*before, *there.own_before, there.position, *after], len(before) + len(there.own_before)


def _commits(there: RunInHistory, places: list[int]) -> Int32s:
    numbers: dict[str, int] = {}
    names = (there.history.runs[place].commit or f"\0{place}" for place in places)
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int32, len(places))


def _pulls(there: RunInHistory, places: list[int]) -> Int32s:
    own = {there.position, *there.own}
    numbers: dict[object, int] = {}
    found = []
    for place in places:
        run = there.history.runs[place]
        name = "own" if place in own else (run.branch, run.base_branch, "" if run.branch else place)
        found.append(GATED if run.counts else numbers.setdefault(name, len(numbers)))
    return np.array(found, np.int32)


def _shares(there: RunInHistory, places: list[int], at: int) -> Floats:
    """o_t of every run of the order."""
    flags = np.zeros(len(places), np.bool_)
    for place, run in enumerate(places):
        if place == at:
            flags[place] = there.outage.confirmed or there.outage.open
        elif there.history.runs[run].counts:
            flags[place] = there.confirmed[run]
        else:
            flags[place] = _was_outage_beside(there, run)
    return outage_shares(there.history.outcomes[:, places], flags)


def _was_outage_beside(there: RunInHistory, place: int) -> bool:
    """Was another run of a pull request an outage? Asked only where it matters for the tests in question."""
    history = there.history
    failed = failed_first(history.outcomes[:, place])
    if not failed[there.failed].any() or np.count_nonzero(failed) < MINIMUM_NEW_FAILURES:
        return False
    commit = history.runs[place].commit
    again = [
        other
        for other in range(place + 1, len(history.runs))
        if commit and history.runs[other].commit == commit and not history.runs[other].counts
    ]
    before = [run for run in there.evidence.counting if run < place]
    found = outage_of_pull(history.outcomes[:, before], history.outcomes[:, [place, *again]])
    return found.confirmed or (found.suspected and not found.refuted)


def _recorded(run: Run, producer: str) -> bool:
    """Do the run's reports of this producer show retries?"""
    there = [report.evidence for report in run.reports if report.producer == producer and not report.stale]
    return bool(there) and all(evidence is RetryEvidence.RECORDED for evidence in there)
