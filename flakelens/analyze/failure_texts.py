"""Reading what failures said: of the tests that failed in one run, in this run and in others; each text once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import msgspec

from flakelens.analyze.run_in_history import RunInHistory
from flakelens.model import Status, TestId
from flakelens.stats.signatures import Signature, signature_of
from flakelens.store import Store, StoredMessage

Place = tuple[int, int]  # a test and a run: positions in History.tests and History.runs


class Texts(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The texts of failures. `store` None: nothing was said."""

    there: RunInHistory
    store: Store | None

    @cached_property
    def first(self) -> dict[int, StoredMessage]:
        """What the first failed attempt of each test that failed in the run said; without a text left out."""
        return {test: messages[0] for (test, _), messages in self._now.items()}

    @cached_property
    def _now(self) -> dict[Place, list[StoredMessage]]:
        return self._read(self._places_now())

    def _places_now(self) -> list[Place]:
        return [(test, self.there.position) for test in self.there.failed.tolist()]

    @cached_property
    def signatures(self) -> dict[int, Signature]:
        """The signature of each of `first`."""
        return {test: signature_of(message.text, message.type) for test, message in self.first.items()}

    def said(self, wanted: Iterable[Place]) -> dict[Place, tuple[str, ...]]:
        """The signatures (hashes) of the failed attempts of tests in runs, first to last; () where nothing was said."""
        wanted = list(wanted)
        known = self._known
        if unread := [place for place in dict.fromkeys(wanted) if place not in known]:
            texts = self._read(unread)
            known.update({place: self._hashes_of(texts.get(place, [])) for place in unread})
        return {place: known[place] for place in wanted}

    @cached_property
    def _known(self) -> dict[Place, tuple[str, ...]]:
        return {place: self._hashes_of(self._now.get(place, [])) for place in self._places_now()}

    def _hashes_of(self, messages: list[StoredMessage]) -> tuple[str, ...]:
        return tuple(self._hash(message) for message in messages)

    @cached_property
    def _hashes(self) -> dict[tuple[str, str], str]:
        return {}

    def _hash(self, message: StoredMessage) -> str:
        """Most failures of a test say the same to the letter, and masking is what costs."""
        key = message.text, message.type
        if key not in self._hashes:
            self._hashes[key] = signature_of(*key).hash
        return self._hashes[key]

    def _read(self, wanted: list[Place]) -> dict[Place, list[StoredMessage]]:
        """What the failed attempts of a test in a run said, first to last; without a text: left out."""
        if self.store is None:
            return {}
        history = self.there.history
        sources: dict[Place, list[tuple[int, int]]] = {}
        tests: dict[int, set[int]] = {}
        for test, run in wanted:
            tests.setdefault(run, set()).add(test)
        for run, asked in tests.items():
            for report in history.runs[run].reports:  # by attempt, so the first comes first
                if not report.stale:
                    for test in asked.intersection(report.tests.tolist()):
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
