"""Every test of the report with what there is to tell of it; trouble is told at length, health in a line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property, lru_cache

import msgspec
import numpy as np

from flakelens.analyze.because import Case, because
from flakelens.analyze.durations import line_of, timed
from flakelens.analyze.price import Prices
from flakelens.analyze.show import first_line
from flakelens.facts import RunKey
from flakelens.gate.evidence import Evidence
from flakelens.identity import SEPARATORS
from flakelens.model import Outcome, TestId
from flakelens.report import DurationLine, TestLine
from flakelens.report.events import TestEvent
from flakelens.report.nightly import Said, TestEntry
from flakelens.reproduce import command_of
from flakelens.stats.signatures import Signature, signature_of
from flakelens.store import Store, StoredMessage

MOST_RUNS = 30  # newest failing runs of a test whose messages are read, as `causes` does
MOST_SAID = 5  # signatures of a test that are told
MOST_TEXT = 3_000  # characters of one message
DURATION_RUNS = 100  # as `slow` does


def entries(
    store: Store | None,
    evidence: Evidence,
    lines: Collection[TestLine],
    prices: Prices,
    events: Iterable[TestEvent],
    histories: Mapping[TestId, str],
    length: int,
) -> tuple[TestEntry, ...]:
    """The entries of `lines`, in their order. `histories`: letters over the `length` runs of the report."""
    told = _Told(store=store, evidence=evidence)
    troubled = {line.id for line in lines if any(letter in "FK" for letter in histories.get(line.id, line.strip))}
    said = told.said(troubled)
    durations = told.durations
    happened: dict[TestId, list[TestEvent]] = {}
    for event in events:
        happened.setdefault(event.id, []).append(event)
    separators = evidence.policy.title_separators or SEPARATORS
    out = []
    for line in lines:
        position = told.places[line.id]
        history = evidence.history.tests[position]
        command = command_of(
            history.producer,
            file=line.reported.file or line.id.file,
            name=line.reported.name,
            variant=line.reported.variant,
            separators=separators,
        )
        out.append(
            TestEntry(
                line=line,
                history=histories.get(line.id, "." * length),
                because=told.because(position, line) if line.id in troubled or line.runs < 20 else (),
                said=said.get(line.id, ()),
                events=tuple(happened.get(line.id, ())),
                price=prices.of([line.id]) if line.failures or line.flaky_runs else None,
                duration=durations.get(line.id),
                command=command.once if command else "",
            )
        )
    return tuple(out)


class _Told(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is read for all tests at once."""

    store: Store | None
    evidence: Evidence

    @cached_property
    def places(self) -> dict[TestId, int]:
        return {test.id: place for place, test in enumerate(self.evidence.history.tests)}

    @cached_property
    def _rows(self) -> dict[str, dict[int, int]]:
        """By area: the place of each test in its scope."""
        names = self.evidence.areas.names
        return {
            name: {int(test): row for row, test in enumerate(self.evidence.scope(name).view.tests)} for name in names
        }

    def because(self, position: int, line: TestLine) -> tuple[str, ...]:
        """Why the test has its state."""
        scope = self.evidence.scope(line.area)
        place = self._rows[line.area][position]
        return because(Case(evidence=self.evidence, scope=scope, place=place, finding=line.finding))

    @cached_property
    def durations(self) -> dict[TestId, DurationLine]:
        """How long each test takes, from the newest runs."""
        if self.store is None or not self.evidence.counting:
            return {}
        runs, seconds = timed(self.store, self.evidence, last=DURATION_RUNS)
        found = {}
        for test, place in self.places.items():
            if (line := line_of(self.evidence, runs, seconds[place])) is not None:
                found[test] = line
        return found

    def said(self, tests: Collection[TestId]) -> dict[TestId, tuple[Said, ...]]:
        """What the failed attempts of each test said, by signature, the newest first."""
        if self.store is None:
            return {}
        keys: dict[int, list[int]] = {}
        for key, canonical in self.evidence.history.names.ids.items():
            if canonical in tests:
                keys.setdefault(self.places[canonical], []).append(key)
        wanted = self._asked(keys)
        messages = self.store.messages([(report, key) for _, report, _, key in wanted])
        by_test: dict[int, list[tuple[int, StoredMessage]]] = {}
        for column, report, position, key in wanted:
            for message in messages.get((report, key), ()):
                by_test.setdefault(position, []).append((column, message))
        runs = self.evidence.history.runs
        return {
            self.evidence.history.tests[position].id: _grouped([(runs[column].key, text) for column, text in found])
            for position, found in by_test.items()
        }

    def _asked(self, keys: Mapping[int, list[int]]) -> list[tuple[int, int, int, int]]:
        """Run, report, test and its key, newest run first: where a message may stand."""
        history = self.evidence.history
        counting = np.array(self.evidence.counting, np.int64)
        columns: dict[int, list[int]] = {}
        for position in keys:
            row = history.outcomes[position, counting]
            bad = counting[(row == Outcome.FAILED) | (row == Outcome.FLAKY)][-MOST_RUNS:]
            for column in bad.tolist():
                columns.setdefault(column, []).append(position)
        asked = []
        for column in sorted(columns, reverse=True):
            wanted = np.array(sorted(columns[column]), np.int32)
            for report in history.runs[column].reports:
                if not report.stale:
                    there = np.intersect1d(wanted, report.tests)
                    asked += [(column, report.key, place, key) for place in there.tolist() for key in keys[place]]
        return asked


def _grouped(found: list[tuple[RunKey, StoredMessage]]) -> tuple[Said, ...]:
    """Attempts that say the same, those of the newest run first."""
    groups: dict[str, list[tuple[RunKey, StoredMessage]]] = {}
    signs: dict[str, Signature] = {}
    for run, message in found:
        sign = _signature(message.text, message.type)
        signs[sign.hash] = sign
        groups.setdefault(sign.hash, []).append((run, message))
    told = []
    for name, group in list(groups.items())[:MOST_SAID]:
        newest = group[0][1]
        text = newest.text or newest.type
        told.append(
            Said(
                signature=name,
                category=signs[name].category,
                line=signs[name].line or first_line(newest),
                text=text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}\n... ({len(text):,} characters)",
                count=len(group),
                runs=len({run for run, _ in group}),
                first=group[-1][0],
                last=group[0][0],
            )
        )
    return tuple(told)


_signature = lru_cache(maxsize=65536)(signature_of)
