"""What the failures of a cause said, and the signature that most of them share."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np

from flakelens.facts import Bools
from flakelens.gate.evidence import Evidence
from flakelens.messages import headline
from flakelens.model import TestId
from flakelens.report.causes import SignatureLine
from flakelens.stats.clusters import Cluster
from flakelens.stats.signatures import signature_of
from flakelens.store import Store, StoredMessage

_MESSAGES = 30  # newest failing runs of a test whose messages are read


class Saying(NamedTuple):
    """The first message of one failed result."""

    run: int  # position among the counting runs
    test: int  # position in `History.tests`
    message: StoredMessage


class Said(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The messages of failures: `failing` (N, R) over the tests and counting runs of `evidence`."""

    evidence: Evidence
    store: Store | None
    failing: Bools

    @cached_property
    def _keys(self) -> dict[TestId, list[int]]:
        keys: dict[TestId, list[int]] = {}
        for key, canonical in self.evidence.history.names.ids.items():
            keys.setdefault(canonical, []).append(key)
        return keys

    def of(self, cause: Cluster) -> list[Saying]:
        """The first message of each failed result, newest run first."""
        if self.store is None:
            return []
        triples: list[tuple[int, int, int, int]] = []
        for test in cause.tests.tolist():
            keys = self._keys.get(self.evidence.history.tests[test].id, [])
            for column in np.flatnonzero(self.failing[test])[-_MESSAGES:].tolist():
                for report in self.evidence.history.runs[self.evidence.counting[column]].reports:
                    if not report.stale and (report.tests == test).any():
                        triples += [(column, test, report.key, key) for key in keys]
        messages = self.store.messages([(report, key) for _, _, report, key in triples])
        found = [
            Saying(column, test, messages[report, key][0])
            for column, test, report, key in triples
            if (report, key) in messages
        ]
        found.sort(key=lambda saying: -saying.run)
        return found

    def signature(self, cause: Cluster) -> SignatureLine | None:
        """The signature of most failed results; each counts once, by the first thing that it said."""
        signed = [(signature_of(said.message.text, said.message.type), said.message) for said in self.of(cause)]
        if not signed:
            return None
        counts = Counter(signature.hash for signature, _ in signed)
        best = min(counts, key=lambda name: (-counts[name], name))
        signature, newest = next((sign, message) for sign, message in signed if sign.hash == best)
        return SignatureLine(
            hash=best,
            line=signature.line,
            example=headline(newest.text) or newest.type,
            category=signature.category,
            failures=counts[best],
            of=len(signed),
        )
