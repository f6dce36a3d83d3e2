"""What a criterion is: a pure function of a scope (some tests over their own runs) and a policy, giving a finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens.completeness import AreaView
from flakelens.facts import Bools
from flakelens.model import GateState, TestId
from flakelens.stats.findings import Findings, find_states
from flakelens.stats.markov import DEFAULTS, Parameters
from flakelens.stats.probabilities import Posterior, find_posterior


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """The figure that a criterion compares: a share from 0 to 1, its 95 % interval if it has one, and its basis."""

    value: float
    low: float | None
    high: float | None
    n: int  # runs that it rests on
    method: str
    count: tuple[int, int]  # numerator and denominator of `value`


class CriterionFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What one criterion says and why."""

    id: str
    kind: str
    area: str  # an area's name, several joined by ", ", or "all"
    state: GateState
    observed: Observed | None  # None: no data
    required: float  # the share that `observed.value` must reach
    why: str  # one plain sentence
    needs_runs: int | None = (
        None  # clean runs that would make it MET (0 when it is); None: `repair_first`, or no number
    )
    repair_first: tuple[str, ...] = ()  # what clean runs alone cannot mend
    evidence: tuple[str, ...] = ()  # further sentences, for those who ask
    next_steps: tuple[str, ...] = ()  # what to do, most useful first
    tests: tuple[TestId, ...] = ()  # tests that speak against it


class Scope(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The tests that a criterion is about, over their own runs on the gated branch, oldest run first.

    Shapes: N tests, R runs, as in `view`. Everything that a criterion may look at, and nothing else.
    """

    name: str
    view: AreaView
    ids: tuple[TestId, ...]  # (N,)
    outage: Bools  # (R,) confirmed
    down: Bools  # (R,) an outage, suspected or confirmed, that the run's own reruns have not healed
    disagreed: Bools  # (N,) failed and passed on one commit of a pull request
    quarantined: Bools  # (N,) by a valid entry
    acknowledged: Bools  # (N,) removed or skipped on purpose, or moved to another file
    baseline: Bools  # (N,) active at the newest MET verdict that is older than the baseline window
    suspected: Bools  # (R,) an outage that nothing has confirmed or refuted yet
    retried: Bools  # (N, R) a failure there is known to have failed its retry too; clean runs to come are not in it
    parameters: Parameters = DEFAULTS  # of the suite, see `stats.fitting`
    quarantine_faults: tuple[str, ...] = ()  # expired, unknown or too many entries
    as_of: datetime
    labels: tuple[str, ...]  # (R,) a short name per run, for sentences
    known: Posterior | None = None  # where clean runs were appended: worked out from that of the runs before

    @cached_property
    def posterior(self) -> Posterior:
        """How likely each test is healthy, flaky or broken."""
        return self.known or find_posterior(
            self.view.outcomes,
            self.view.commits,
            outage=self.outage,
            suspected=self.suspected,
            disagreed=self.disagreed,
            retries_shown=self.retried,
            parameters=self.parameters,
            counted=self.view.tally,
        )

    @cached_property
    def findings(self) -> Findings:
        """The state of each test, (N,); positions in it are runs of `view`."""
        return find_states(
            self.view.outcomes,
            self.view.commits,
            outage=self.outage | self.suspected,
            elsewhere=np.zeros(len(self.ids), np.bool_),
            gone=self.view.gone(),
            disagreed=self.disagreed,
            posterior=self.posterior,
        )

    @cached_property
    def active(self) -> Bools:
        """Tests that count for the area now, (N,)."""
        return self.view.active()

    def with_clean_runs(self, count: int) -> Scope:
        """The same scope after `count` more complete runs in which all active tests pass."""
        more = np.zeros(count, np.bool_)
        return replace(
            self,
            view=self.view.with_clean_runs(count, after=int(self.as_of.timestamp())),
            outage=np.concatenate([self.outage, more]),
            down=np.concatenate([self.down, more]),
            suspected=np.concatenate([self.suspected, more]),
            known=self.posterior.after_clean_runs(count, self.active, self.parameters),
            labels=(*self.labels, *(f"clean run {number + 1}" for number in range(count))),
        )

    def label(self, run: int) -> str:
        """How a sentence names the run at position `run`."""
        return self.labels[run]


def no_active_test(scope: Scope) -> str:
    """Why a criterion cannot be judged on an area without active tests."""
    return f"{scope.name} has no active test; no data is never a pass."


def repairs(tests: Iterable[TestId]) -> tuple[str, ...]:
    """What must be done about broken tests before clean runs can count."""
    return tuple(f'repair "{test.name}", broken now' for test in tests)


def looks(tests: Sequence[TestId], most: int = 3) -> tuple[str, ...]:
    """The commands that show the first few tests."""
    return tuple(f'flakelens show "{test.name}"' for test in tests[:most])


def named(tests: Sequence[TestId], most: int = 3) -> str:
    """The first few tests by title, and how many more."""
    shown = ", ".join(f'"{title(test)}"' for test in tests[:most])
    return f"{shown} and {len(tests) - most} more" if len(tests) > most else shown


def title(test: TestId) -> str:
    """A test's title with its variant, for sentences."""
    return f"{test.name} [{test.variant}]" if test.variant else test.name


def count_of(number: int, noun: str, plural: str = "") -> str:
    """("test", 1) -> "1 test"; ("test", 2) -> "2 tests"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def beside(share: float, limit: float, digits: int = 2) -> str:
    """A share as text that never reads as the limit it misses: 97.996 % beside 98 % is not "98.00 %"."""
    while digits < 6 and share != limit and f"{share * 100:.{digits}f}" == f"{limit * 100:.{digits}f}":
        digits += 1
    return percent(share, digits)


def percent(share: float, digits: int = 1) -> str:
    """A share as text, never rounded up to 100 % nor down to 0 %."""
    text = f"{share * 100:.{digits}f}"
    limit = 10.0**-digits
    if share < 1 and float(text) >= 100:
        return f"{100 - limit:.{digits}f} %"
    if share > 0 and float(text) == 0:
        return f"{limit:.{digits}f} %"
    return f"{text} %"
