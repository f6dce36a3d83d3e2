"""What the failures of one run said, and whether that is what these tests are known to flake with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np

from flakelens.analyze.failure_causes import MOST_READ, Blame
from flakelens.analyze.failure_texts import Texts
from flakelens.analyze.run_in_history import RunInHistory
from flakelens.facts import Bools
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.stats.clusters import common_mode_runs, companions
from flakelens.stats.signatures import Signature
from flakelens.stats.triage import OUTAGE, usual
from flakelens.store import StoredMessage

_COMPANIONS = 20  # tests of its cluster that are asked too
_COMMON_SHARE = 0.1  # of those that an outage struck say it, and at least two: it is the outage's


class Earlier(NamedTuple):
    """One earlier failure of a test."""

    said: frozenset[str]  # signatures of its attempts; {""} where it said nothing
    recovered: bool  # it passed afterwards


class Messages(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The texts of one run's failures, beside those of earlier ones. Costs are paid when first asked for."""

    there: RunInHistory
    blame: Blame
    texts: Texts

    @property
    def first(self) -> dict[int, StoredMessage]:
        """What the first failed attempt of each failed test said, by its position; without a text left out."""
        return self.texts.first

    @property
    def signatures(self) -> dict[int, Signature]:
        """The signature of each of `first`."""
        return self.texts.signatures

    @cached_property
    def before(self) -> dict[int, tuple[Earlier, ...]]:
        """The earlier failures of each failed test."""
        return self._earlier(self.there.failed.tolist())

    def seen_before(self, test: int) -> bool:
        """Did an earlier failure of this test, or of one that fails with it, say the same?"""
        said = self._hash(test)
        return any(said in failure.said for failures in self._asked(test) for failure in failures)

    def usual(self, test: int) -> bool:
        """Is what it says what it, or a test that fails with it, is known to flake with?

        A usual message with which no failure ever passed again is not that: it is what the test says since it broke.
        """
        said = self._hash(test)
        return any(_is_usual(said, failures) for failures in self._asked(test))

    def said_before(self, test: int) -> tuple[int, int]:
        """Its earlier failures that said the same, and all of them."""
        said = self._hash(test)
        return sum(said in failure.said for failure in self.before[test]), len(self.before[test])

    def recovered_before(self, test: int) -> bool:
        """Did it pass again after an earlier failure that said the same?"""
        return any(failure.recovered and self._hash(test) in failure.said for failure in self.before[test])

    def says_again(self, test: int) -> bool:
        """Did its newest earlier failure say the same?"""
        return bool(self.before[test]) and self._hash(test) in self.before[test][-1].said

    def _hash(self, test: int) -> str:
        return self.signatures[test].hash if test in self.signatures else ""

    def _asked(self, test: int) -> Iterable[tuple[Earlier, ...]]:
        """Its own earlier failures, then those of its cluster; who says nothing cannot be known by a neighbour."""
        yield self.before[test]
        if self._hash(test):
            yield from self._earlier(self.companions.get(test, [])[:_COMPANIONS]).values()

    @cached_property
    def of_outage(self) -> frozenset[str]:
        """What those say together whose failures are most likely an outage's."""
        struck = self.blame.tests[self.blame.probabilities.argmax(axis=1) == OUTAGE].tolist()
        counts = Counter(self.signatures[test].hash for test in struck if test in self.signatures)
        least = max(2.0, _COMMON_SHARE * len(struck))
        return frozenset(said for said, count in counts.items() if count >= least)

    @cached_property
    def companions(self) -> dict[int, list[int]]:
        """For each failed test those that failed with it in earlier runs of the gated branch, positions."""
        evidence = self.there.evidence
        outcomes = evidence.history.whole[:, evidence.counting]
        outage = common_mode_runs(outcomes, evidence.outages)
        earlier: Bools = np.isin(evidence.counting, self.there.before)
        failing = failed_first(outcomes[:, earlier])
        found = {}
        for test in self.there.failed.tolist():
            others = companions(failing, outage=outage[earlier], test=test)
            if len(others):
                found[test] = others.tolist()
        return found

    def _earlier(self, tests: Iterable[int]) -> dict[int, tuple[Earlier, ...]]:
        there = self.there
        runs = np.array(there.spoke_before, np.int32)
        lasting: Bools = np.isin(runs, [*there.before, *there.own_before])  # a pass elsewhere mends nothing here
        wanted = {}
        for test in tests:
            row = there.history.outcomes[test, runs]
            failing = np.flatnonzero(failed_first(row))[-MOST_READ:]
            healthy = np.flatnonzero(lasting & ((row == Outcome.PASSED) | (row == Outcome.FLAKY)))
            last = int(healthy[-1]) if len(healthy) else -1
            recovered = (lasting[failing] & (failing <= last)) | (row[failing] == Outcome.FLAKY)
            wanted[test] = list(zip(runs[failing].tolist(), recovered.tolist(), strict=True))
        said = self.texts.said((test, run) for test, places in wanted.items() for run, _ in places)
        return {
            test: tuple(Earlier(frozenset(said[test, run] or ("",)), recovered) for run, recovered in places)
            for test, places in wanted.items()
        }


def _is_usual(said: str, failures: tuple[Earlier, ...]) -> bool:
    same = [failure for failure in failures if said in failure.said]
    return usual(len(same), len(failures)) and any(failure.recovered for failure in same)
