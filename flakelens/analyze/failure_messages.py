"""What the failures of one run said, and whether it was ever said before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from flakelens.analyze.failure_causes import Blame
from flakelens.analyze.run_in_history import RunInHistory
from flakelens.facts import Bools
from flakelens.model import Outcome, Status, TestId
from flakelens.outcomes import failed_first
from flakelens.stats.clusters import common_mode_runs, companions
from flakelens.stats.signatures import Signature, signature_of
from flakelens.stats.triage import OUTAGE
from flakelens.store import Store, StoredMessage

_EARLIER = 30  # newest failing runs of a test whose messages are read
_COMPANIONS = 20  # tests of its cluster that are asked too
_COMMON_SHARE = 0.1  # of those that an outage struck say it, and at least two: it is the outage's


class Earlier(NamedTuple):
    """The signatures of earlier failures of one test; "" where one said nothing."""

    said: frozenset[str]
    recovered: frozenset[str]  # of these, by failures after which it passed


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The texts of one run's failures. `store` None: nothing was said. Costs are paid when first asked for."""

    there: RunInHistory
    blame: Blame
    store: Store | None

    @cached_property
    def first(self) -> dict[int, StoredMessage]:
        """What the first failed attempt of each failed test said, by its position; without a text left out."""
        found: dict[int, StoredMessage] = {}
        run = self.there.position
        said = self._said([(test, run) for test in self.there.failed.tolist()])
        for (test, _), messages in said.items():
            found[test] = messages[0]
        return found

    @cached_property
    def signatures(self) -> dict[int, Signature]:
        """The signature of each of `first`."""
        return {test: signature_of(message.text, message.type) for test, message in self.first.items()}

    @cached_property
    def before(self) -> dict[int, Earlier]:
        """What earlier failures of each failed test said."""
        return self._earlier(self.there.failed.tolist())

    def seen_before(self, test: int) -> bool:
        """Did an earlier failure of this test, or of one that fails with it, say the same?"""
        return any(self._hash(test) in earlier.said for earlier in self._asked(test))

    def harmless_before(self, test: int) -> bool:
        """As `seen_before`, of failures that the test recovered from: what it says since it broke proves nothing."""
        return any(self._hash(test) in earlier.recovered for earlier in self._asked(test))

    def _hash(self, test: int) -> str:
        return self.signatures[test].hash if test in self.signatures else ""

    def _asked(self, test: int) -> Iterable[Earlier]:
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

    # --- reading ---

    def _earlier(self, tests: Iterable[int]) -> dict[int, Earlier]:
        there = self.there
        runs = np.array(there.spoke_before, np.int32)
        lasting: Bools = np.isin(runs, [*there.before, *there.own_before])  # a pass elsewhere mends nothing here
        wanted = {}
        for test in tests:
            row = there.history.outcomes[test, runs]
            failing = np.flatnonzero(failed_first(row))[-_EARLIER:]
            healthy = np.flatnonzero(lasting & ((row == Outcome.PASSED) | (row == Outcome.FLAKY)))
            last = int(healthy[-1]) if len(healthy) else -1
            recovered = (lasting[failing] & (failing <= last)) | (row[failing] == Outcome.FLAKY)
            wanted[test] = list(zip(runs[failing].tolist(), recovered.tolist(), strict=True))
        texts = self._said([(test, run) for test, places in wanted.items() for run, _ in places])
        found = {}
        for test, places in wanted.items():
            said, harmless = set(), set()
            for run, recovered in places:
                hashes = _hashes(texts.get((test, run), []))
                said |= hashes
                harmless |= hashes if recovered else set()
            found[test] = Earlier(frozenset(said), frozenset(harmless))
        return found

    def _said(self, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], list[StoredMessage]]:
        """What the failed attempts of a test in a run said, first to last; without a text: left out."""
        if self.store is None:
            return {}
        history = self.there.history
        sources: dict[tuple[int, int], list[tuple[int, int]]] = {}
        tests = {test for test, _ in wanted}
        for run in dict.fromkeys(run for _, run in wanted):
            for report in history.runs[run].reports:  # by attempt, so the first comes first
                if not report.stale:
                    for test in tests.intersection(report.tests.tolist()):
                        keys = self._keys[history.tests[test].id]
                        sources.setdefault((test, run), []).extend((report.key, key) for key in keys)
        pairs = [pair for place in wanted for pair in sources.get(place, ())]
        messages = self.store.messages(pairs)
        found = {}
        for place in wanted:
            texts = [message for pair in sources.get(place, ()) for message in messages.get(pair, ())]
            failed = [message for message in texts if message.status in (Status.FAILED, Status.ERRORED)]
            if failed:
                found[place] = failed
        return found

    @cached_property
    def _keys(self) -> dict[TestId, list[int]]:
        keys: dict[TestId, list[int]] = {}
        for key, canonical in self.there.history.names.ids.items():
            keys.setdefault(canonical, []).append(key)
        return keys


def _hashes(messages: list[StoredMessage]) -> set[str]:
    return {signature_of(message.text, message.type).hash for message in messages} or {""}
