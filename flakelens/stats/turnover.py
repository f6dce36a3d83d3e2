"""When will so many causes be repaired, if repairs and new causes go on as they did?"""

from __future__ import annotations

import msgspec
import numpy as np

DAYS = 28  # that the rates are taken from
MINIMUM_DAYS = 14  # below this two or three events would make a rate
HORIZON = 365  # days: beyond, nobody knows
COVERAGE = 0.80  # of the range

_DRAWS = 1000
_SEED = 28  # the same counts give the same dates


class Turnover(msgspec.Struct, frozen=True, kw_only=True):
    """Causes that were repaired, and causes that came, in so many days."""

    days: int
    repaired: int
    arrived: int


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Days until so many causes fewer are open. None: not within a year at this rate."""

    expected: float | None  # causes / net rate
    earliest: float | None  # with `latest` a range that should hold the day in 80 % of cases
    latest: float | None


def outlook(causes: int, turnover: Turnover) -> Outlook:
    """The days until `causes` (>= 0) fewer causes are open.

    Repairs and arrivals are taken for Poisson processes; expected is causes / (repaired - arrived) in units of the days
    that these were counted in, and None where no more are repaired than come. The range is that of the posterior
    predictive: rates from Gamma(count + 1/2, days) (Jeffreys), a day's repairs and arrivals from these, the first day
    on which the difference reaches `causes`, over 1,000 draws with a fixed seed.
    """
    if causes <= 0:
        return Outlook(expected=0.0, earliest=0.0, latest=0.0)
    net = turnover.repaired - turnover.arrived
    expected = causes * turnover.days / net if net > 0 else None
    rng = np.random.default_rng(_SEED)
    rates = [rng.gamma(count + 0.5, 1.0 / turnover.days, _DRAWS) for count in (turnover.repaired, turnover.arrived)]
    repairs, arrivals = (rng.poisson(rate[:, None], (_DRAWS, HORIZON)) for rate in rates)
    reached = np.cumsum(repairs - arrivals, axis=1) >= causes
    first = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)
    low, high = np.quantile(first, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2], method="higher")
    return Outlook(
        expected=expected if expected is not None and expected <= HORIZON else None,
        earliest=None if np.isinf(low) else float(low),
        latest=None if np.isinf(high) else float(high),
    )
