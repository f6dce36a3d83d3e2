"""The price of tests over the last 30 days, however many runs that is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import numpy as np

from flakelens.analyze.evidence import CLOCK_TOLERANCE, reaching_back
from flakelens.gate.evidence import Evidence
from flakelens.model import TestId
from flakelens.stats.price import DAYS, Price, price_of
from flakelens.store import Store


def price(store: Store | None, evidence: Evidence, tests: Collection[TestId]) -> Price:
    """What `tests` (canonical ids) cost in the 30 days before `evidence.as_of`.

    `evidence` is used when it reaches back so far; else more of the store is read.
    """
    since = evidence.as_of - timedelta(days=DAYS)
    evidence = reaching_back(store, evidence, since, any_branch=True)
    outage = np.zeros(len(evidence.history.runs), np.bool_)
    outage[evidence.counting] = evidence.outages.confirmed
    asked = frozenset(tests)
    positions = [place for place, test in enumerate(evidence.history.tests) if test.id in asked]
    return price_of(evidence.history, positions, since=since, until=evidence.as_of + CLOCK_TOLERANCE, left_out=outage)
