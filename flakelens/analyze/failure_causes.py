"""What made the tests of one run fail: the hidden chain walked through what came before the run and what came after."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from flakelens.analyze.failure_texts import Texts
from flakelens.analyze.run_in_history import RunInHistory
from flakelens.facts import Bools, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.chain import Step, at_run
from flakelens.stats.markov import BROKEN, FAILED_AGAIN, GATED, Floats, emissions, outage_shares, series
from flakelens.stats.message_odds import UNKNOWN, message_odds
from flakelens.stats.outages import MINIMUM_NEW_FAILURES, outage_of_pull
from flakelens.stats.triage import causes, flaky_levels, with_later_of_request

MOST_READ = 30  # newest earlier failures of a test whose messages are read, and the first later ones
_AFTER = 50  # later runs of the gated branch that are listened to


class Blame(msgspec.Struct, frozen=True, kw_only=True):
    """The causes of the failures of one run. Shapes: n tests, in the order of `tests`."""

    tests: Int32s  # (n,) positions in History.tests, ascending: failed or flaky in the run
    probabilities: Floats  # (n, 5) in the order of `stats.triage.CAUSES`
    levels: Floats  # (n, 6) see `stats.triage.flaky_levels`
    unheard: Floats  # (n, 5) the probabilities if nobody knew what the failures of this run said


def find_blame(there: RunInHistory, texts: Texts) -> Blame:
    """Why each failure of the run failed, by all that is known now: results, and what the failures said."""
    tests, parameters = there.failed, there.evidence.parameters
    places, at = _order(there)
    shares = _shares(there, places, at)
    seen = series(
        there.history.outcomes[tests][:, places],
        _commits(there, places),
        outage=shares,
        retries_shown=there.evidence.retried[tests][:, places],
        pulls=_pulls(there, places),
        message_odds=_said(there, texts, places, at, shares),
    )
    step, later = at_run(seen, parameters, at)
    if there.own_again:
        again = list(there.own_again)
        upto = [*places[: at + 1], *again]
        odds = _said(there, texts, upto, at, np.concatenate([shares[: at + 1], np.zeros(len(again))]))
        step, later = _after_reruns(there, step, later, odds[:, at + 1 :])
    codes = seen.codes[:, at]

    def by(step: Step) -> Floats:
        return causes(
            step,
            parameters,
            outage=float(shares[at]),
            failed_again=codes == FAILED_AGAIN,
            healed=codes == Outcome.FLAKY,
            later=later,
        )

    unheard = by(step._replace(odds=None))
    return Blame(tests=tests, probabilities=by(step), levels=flaky_levels(step, later), unheard=unheard)


def _said(there: RunInHistory, texts: Texts, places: list[int], at: int, shares: Floats) -> npt.NDArray[np.float32]:
    """`message_odds` of the failed tests in the runs `places`, of which the one at `at` is this one, (n, R)."""
    outcomes = there.history.outcomes[there.failed][:, places]
    failed = failed_first(outcomes)
    cells = [(row, column) for row in range(len(failed)) for column in _heard(failed[row], at)]
    asked = [(int(there.failed[row]), places[column]) for row, column in cells]
    said = texts.said(asked)
    numbers: dict[str, int] = {}
    signatures = np.full(outcomes.shape, UNKNOWN, np.int32)
    for cell, place in zip(cells, asked, strict=True):
        if said[place]:
            signatures[cell] = numbers.setdefault(said[place][0], len(numbers))
    return message_odds(signatures, failed, was_executed(outcomes), shares)


def _heard(failed: Bools, at: int) -> list[int]:
    """The failures of one test, (R,), whose messages are read: this one at `at`, the newest before and the next."""
    columns = np.flatnonzero(failed)
    now = int(np.searchsorted(columns, at))
    heard: list[int] = columns[max(now - MOST_READ, 0) : now + 1 + MOST_READ].tolist()
    return heard


def _after_reruns(there: RunInHistory, step: Step, later: Floats, odds: npt.NDArray[np.float32]) -> tuple[Step, Floats]:
    """What reruns of the same commit of a pull request say: of the state, and of a break of its own.

    `odds` (n, reruns) of what their failures said.
    """
    tests, again = there.failed, list(there.own_again)
    seen = series(
        there.history.outcomes[tests][:, again],
        np.zeros(len(again), np.int32),
        retries_shown=there.evidence.retried[tests][:, again],
    )
    table = emissions(there.evidence.parameters, 0.0)
    plain = table[seen.codes].prod(axis=1)
    plain[:, BROKEN] *= odds.prod(axis=1)
    return with_later_of_request(step, later, plain=plain, broken=plain[:, BROKEN]), later * plain


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
