"""When will so many more runs have come? The pattern of the last two weeks, repeated.

Teams do not run evenly: nights, weekends and nightly suites are in the pattern, and an average over the day would put
the third run of a Friday evening on Saturday.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from flakelens.facts import Int64s

DAYS = 14  # that the pattern is taken from
MINIMUM_RUNS = 3
DAY = 86_400  # seconds
MOST_PERIODS = 520  # ten years of weeks: nobody plans further

Pattern = Literal["week", "day"]


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often runs come, and when. Moments are seconds since 1970, UTC."""

    until: int  # the moment of asking: the pattern lies before it, what is to come after
    pattern: Pattern  # what repeats: the week, or the day where less than a week is known
    periods: int  # weeks or days that the pattern was taken from
    offsets: Int64s  # of the runs in the pattern, from the beginning of a period, ascending

    @property
    def length(self) -> int:
        """Seconds of one period."""
        return 7 * DAY if self.pattern == "week" else DAY

    @property
    def runs(self) -> int:
        """Runs that the pattern was taken from."""
        return len(self.offsets)

    @property
    def per_day(self) -> float:
        """Runs a day, weekends and all."""
        return self.runs / self.periods / (self.length / DAY)

    def moment_of(self, number: int) -> int | None:
        """When the run `number` from now (1: the next) is expected to start; `until` for 0, None beyond ten years.

        Each run of the pattern counts 1 / `periods` at its place of every period to come; expected is the moment at
        which these have come to `number`. What is added up is whole, so that nothing hangs on rounding.
        """
        if number <= 0:
            return self.until
        asked = number * self.periods
        whole, rest = divmod(asked - 1, self.runs)
        if whole >= MOST_PERIODS:
            return None
        return self.until + whole * self.length + int(self.offsets[rest])

    def runs_until(self, moment: int) -> int:
        """How many runs are expected to have come by a moment, whole ones; 0 up to `until`."""
        whole, rest = divmod(max(0, moment - self.until), self.length)
        return (whole * self.runs + int(np.searchsorted(self.offsets, rest, side="right"))) // self.periods


def pace_of(started: Int64s, until: int) -> Pace | None:
    """The pace of runs that started at `started` (seconds since 1970, any order), seen from `until`.

    The last 14 days make a week's pattern; with 7 to 14 days of history the last 7 do; with 1 to 7 the whole days that
    there are make a day's. None for less than a day of history or fewer than 3 runs in that time.
    """
    known = np.sort(started[started <= until])
    if not len(known):
        return None
    days = (until - int(known[0])) // DAY
    pattern: Pattern = "week" if days >= 7 else "day"
    length = 7 * DAY if pattern == "week" else DAY
    periods = (DAYS if days >= DAYS else 7) // 7 if pattern == "week" else days
    recent = known[known > until - periods * length] if periods else known[:0]
    if len(recent) < MINIMUM_RUNS:
        return None
    # A period ago is the beginning of the period to come: (0, length].
    offsets = np.sort((recent - until - 1) % length + 1).astype(np.int64)
    return Pace(until=until, pattern=pattern, periods=periods, offsets=offsets)
