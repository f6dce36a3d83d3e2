"""The price of tests over the last 30 days, however many runs that is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import numpy as np

from flakelens.analyze.evidence import CLOCK_TOLERANCE, reaching_back
from flakelens.gate.evidence import Evidence
from flakelens.model import TestId
from flakelens.stats.price import DAYS, Losses, Price, Saving
from flakelens.store import Store


def price(store: Store | None, evidence: Evidence, tests: Collection[TestId]) -> Price:
    """What `tests` (canonical ids) cost in the 30 days before `evidence.as_of`."""
    return Prices(store, evidence).of(tests)


class Prices:
    """Prices in the 30 days before `evidence.as_of`, for many sets of tests (canonical ids).

    `evidence` is used when it reaches back so far; else more of the store is read.
    """

    def __init__(self, store: Store | None, evidence: Evidence) -> None:
        since = evidence.as_of - timedelta(days=DAYS)
        evidence = reaching_back(store, evidence, since, any_branch=True)
        outage = np.zeros(len(evidence.history.runs), np.bool_)
        outage[evidence.counting] = evidence.outages.confirmed
        self._place = {test.id: place for place, test in enumerate(evidence.history.tests)}
        self._losses = Losses(evidence.history, since=since, until=evidence.as_of + CLOCK_TOLERANCE, left_out=outage)

    def of(self, tests: Collection[TestId]) -> Price:
        """What they cost together; a run in which several of them failed counts once."""
        return self._losses.price(self._places(tests))

    def savings(self, sets: Sequence[Collection[TestId]], *, repaired: Collection[TestId] = ()) -> tuple[Saving, ...]:
        """What each set saves when they are repaired one after the other, `repaired` before them all."""
        return self._losses.savings([self._places(tests) for tests in sets], repaired=self._places(repaired))

    def _places(self, tests: Collection[TestId]) -> list[int]:
        return [self._place[test] for test in tests if test in self._place]
