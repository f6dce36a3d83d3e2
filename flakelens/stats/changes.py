"""What happened to tests, and in which run: broke, was repaired, came, went, began to flake, was skipped.

Findings say what a test is now; changes say when it became so. Each has the run in which it happened and the run from
which on it could be said, which may be later: one failure is not a break yet. Who asks what is new since yesterday
asks for the second. Pure functions of arrays; positions are runs of the history given.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from flakelens.facts import Bools, Int8s, Int32s, Int64s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.states import STABLE_RESULTS, Spell, TestFinding, TestState
from flakelens.stats.verification import clean_runs_to_verify

SKIPPED_RESULTS = 5  # on end, on at least 2 commits, before a test is called skipped: as many as for gone
# A test that runs once a night is not gone in the daytime: it must be away for more than so many of its usual steps.
USUAL_STEPS = 3
PROVING_STRETCHES = 3  # failures apart from each other that make a test flaky, even if its state has forgiven them


class ChangeKind(StrEnum):
    """What can happen to a test; in the order in which people want to hear of it."""

    REGRESSED = "regressed"  # a lasting break began
    FIXED = "fixed"  # it ended
    FLAKY = "flaky"  # began to flake
    HEALED = "healed"  # as many clean results since its last flake as `verify` demands
    FAILED = "failed"  # neither known for a lasting break nor for a flake
    GONE = "gone"
    BACK = "back"  # after it was gone
    NEW = "new"
    RENAMED = "renamed"
    SKIPPED = "skipped"  # in every run since
    UNSKIPPED = "unskipped"


class Change(NamedTuple):
    """One change of one test."""

    kind: ChangeKind
    at: int  # the run in which it happened
    known: int  # the run from which on it could be said
    before: int | None = None  # the last pass (regressed, failed), failure (fixed), flake (healed), result, execution
    until: int | None = None  # the run in which it ended
    size: int = 0  # failing results; clean ones since (fixed, healed) or before (flaky); runs without it; skipped ones


class _Phase(NamedTuple):
    """A time in which a test flaked."""

    first: int  # flake
    last: int
    healed: int | None  # run in which it had as many clean results as heal it
    clean: int  # results without a failure before it, since the flake before that
    needed: int  # clean results that heal it


class Surroundings(NamedTuple):
    """What is known of the runs besides outcomes. R runs, N tests."""

    commits: Int32s  # (R,)
    outage: Bools  # (R,) confirmed
    complete: Bools  # (R,)
    starts: Int64s  # (R + 1,) where the look-back of each run begins, that after the newest included
    cut: bool  # older runs than these exist: the oldest are no beginning
    moved: Bools  # (N,) its title stands in another file now: not gone
    heirs: Bools  # (N,) it is the title that moved there: not new


def find_changes(
    outcomes: Int8s, findings: Sequence[TestFinding], around: Surroundings
) -> Iterator[tuple[int, Change]]:
    """The changes of every test, with its row in `outcomes` (N, R), in no particular order."""
    reach = outcomes.shape[1]
    if not reach:
        return
    seen = outcomes != Outcome.NONE
    ever = seen.any(axis=1)
    eventful = np.fromiter((bool(found.spells or found.evidence) for found in findings), np.bool_, len(findings))
    eventful |= failed_first(outcomes).any(axis=1) | ~seen[:, 0] | _lapsed(seen, around.starts)
    eventful |= (outcomes == Outcome.SKIPPED).sum(axis=1) >= SKIPPED_RESULTS
    first_complete = int(around.complete.argmax()) if around.complete.any() else reach
    for test in np.flatnonzero(ever & eventful).tolist():
        one = _Test(outcomes[test], findings[test], around)
        first = int(seen[test].argmax())
        # New is what a complete run before did not have; at the edge of what was read that says little.
        new = first > first_complete and not (around.cut and around.starts[first] == 0) and not around.heirs[test]
        if new:
            yield test, Change(ChangeKind.NEW, first, first)
        for spell in one.breaks():
            for change in one.broke(spell, new=new):
                yield test, change
        for change in itertools.chain(one.flaked(), one.skips(), one.absences(moved=bool(around.moved[test]))):
            yield test, change


def _lapsed(seen: Bools, starts: Int64s) -> Bools:
    """Tests with a result in the first run and a later look-back without one: nothing else can be gone. Shape (N,)."""
    reach = seen.shape[1]
    running = np.zeros((len(seen), reach + 1), np.int16 if reach < 2**15 else np.int32)
    np.cumsum(seen, axis=1, out=running[:, 1:])
    result: Bools = (running[:, 1:] == running[:, starts[1:]]).any(axis=1)
    return result


class _Test:
    """One row, and what its changes are read from."""

    def __init__(self, row: Int8s, finding: TestFinding, around: Surroundings) -> None:
        self.row = row
        self.finding = finding
        self.around = around
        self.usable = was_executed(row) & ~around.outage
        self.passed = self.usable & (row != Outcome.FAILED)
        self.outside = self.usable.copy()
        for spell in finding.spells:
            self.outside[spell.first : spell.last + 1] = False

    def _last(self, flags: Bools, before: int) -> int | None:
        places = np.flatnonzero(flags[:before])
        return int(places[-1]) if len(places) else None

    def _next(self, flags: Bools, after: int) -> int | None:
        places = np.flatnonzero(flags[after + 1 :])
        return int(places[0]) + after + 1 if len(places) else None

    def breaks(self) -> list[Spell]:
        """The spells, those as one that no clean pass parts: a retry that passed by chance repaired nothing."""
        found: list[Spell] = []
        clean = self.passed & (self.row == Outcome.PASSED)
        for spell in self.finding.spells:
            if found and not clean[found[-1].last : spell.first].any():
                found[-1] = replace(spell, first=found[-1].first)
            else:
                found.append(spell)
        return found

    def broke(self, spell: Spell, *, new: bool) -> Iterator[Change]:
        """A break and its repair. What was broken before the first run read did not break there."""
        failing = np.flatnonzero((self.usable & ~self.passed)[: spell.last + 1])
        failing = failing[failing >= spell.first]
        before = self._last(self.passed, spell.first)
        if before is not None or new:
            known = int(failing[min(1, len(failing) - 1)]) if len(failing) else spell.first
            yield Change(ChangeKind.REGRESSED, spell.first, known, before, spell.mended, len(failing))
        if spell.mended is not None:
            yield Change(ChangeKind.FIXED, spell.mended, spell.mended, spell.last, None, spell.clean)

    def flaked(self) -> Iterator[Change]:
        """Times in which it flaked and the calm after them, and failures that are neither that nor a break."""
        evidence = list(self.finding.evidence)
        phases = self._phases(evidence) if evidence else []
        known = self._known(evidence)
        if not self._is_flaky(evidence):
            phases, evidence = [], []
        for place, phase in enumerate(phases):
            # Older flakes may lie before the oldest run read: only a calm before it shows that this is the first.
            if place or not self.around.cut or phase.clean >= phase.needed:
                said = phase.first if place or known is None else known
                yield Change(ChangeKind.FLAKY, phase.first, said, None, phase.healed, phase.clean)
            if phase.healed is not None:
                yield Change(ChangeKind.HEALED, phase.healed, phase.healed, phase.last, None, phase.needed)
        lone = self.outside & failed_first(self.row)
        lone[evidence] = False
        for stretch in self._stretches(np.flatnonzero(lone).tolist()):
            at, last = stretch[0], stretch[-1]
            until = self._next(self.passed, last)
            yield Change(ChangeKind.FAILED, at, at, self._last(self.passed, at), until, len(stretch))

    def _stretches(self, failures: Sequence[int]) -> list[list[int]]:
        """Failing runs on end together: no pass between them."""
        found: list[list[int]] = []
        for at in failures:
            if found and not self.passed[found[-1][-1] : at].any():
                found[-1].append(at)
            else:
                found.append([at])
        return found

    def _known(self, evidence: Sequence[int]) -> int | None:
        """The run from which on it had two failing runs, or a fail and a pass on one commit; None: none yet."""
        found = [evidence[1]] if len(evidence) > 1 else []
        for at in evidence:
            if found and at >= min(found):
                break
            if self.row[at] == Outcome.FLAKY:
                found.append(at)
            passed = np.flatnonzero(self.passed & (self.around.commits == self.around.commits[at]))
            if len(passed):
                found.append(max(at, int(passed[0])))
        return min(found, default=None)

    def _is_flaky(self, evidence: Sequence[int]) -> bool:
        """By its state, or by what cannot be a break, whatever it is now: disagreement on a commit, many failures."""
        if self.finding.state is TestState.FLAKY or len(self._stretches(evidence)) >= PROVING_STRETCHES:
            return bool(evidence)
        divided = self.around.commits[self.passed]
        return any(self.around.commits[at] in divided for at in evidence)

    def _phases(self, evidence: Sequence[int]) -> list[_Phase]:
        clean = self.outside & ~failed_first(self.row)
        results = np.cumsum(self.outside)
        phases: list[_Phase] = []
        begin, before, since, flakes = evidence[0], int(np.count_nonzero(clean[: evidence[0]])), 0, 0
        for at, following in itertools.pairwise([*evidence, len(self.row)]):
            flakes += 1
            calm = np.flatnonzero(clean[at + 1 : following]) + at + 1
            newest = following == len(self.row)
            # Few flakes of few results look like a high rate, and a short calm like its end: the next flake refutes it.
            if not newest and len(calm) < STABLE_RESULTS:
                continue
            needed = clean_runs_to_verify(flakes, max(flakes, int(results[at]) - since))
            healed = len(calm) >= needed
            if newest and self.finding.state is TestState.FLAKY:  # what the state says holds
                healed = self.finding.healing and bool(len(calm))
                needed = min(self.finding.clean_needed or needed, len(calm)) if healed else needed
            if healed or newest:
                phases.append(_Phase(begin, at, int(calm[needed - 1]) if healed else None, before, needed))
                begin, before, since, flakes = following, len(calm), int(results[at]), 0
        return phases

    def absences(self, *, moved: bool) -> Iterator[Change]:
        """Times without a result that are long enough to be called gone."""
        there = np.flatnonzero(self.row != Outcome.NONE)
        starts = self.around.starts
        steps = np.diff(there, append=len(self.row))
        usual = USUAL_STEPS * float(np.median(steps[:-1])) if len(steps) > 1 else 0.0
        for place in np.flatnonzero(steps > max(1.0, usual)).tolist():
            last, following = int(there[place]), int(there[place] + steps[place])
            gone = following == len(self.row)
            if gone and moved:
                continue
            # The first run after which the look-back holds no result of it, and which is late for it too.
            known = max(int(np.searchsorted(starts, last, side="right")) - 1, last + int(usual))
            if known < following:
                back = None if gone else following
                yield Change(ChangeKind.GONE, last + 1, known, last, back, following - last - 1)
                if back is not None:
                    yield Change(ChangeKind.BACK, back, back, last, None, following - last - 1)

    def skips(self) -> Iterator[Change]:
        """Stretches of skipped results that are long enough to be called skipped for good."""
        there = np.flatnonzero(self.row != Outcome.NONE)
        skipped = (self.row[there] == Outcome.SKIPPED).astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], skipped, [0]])))
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            stretch = there[begin:end]
            commits = self.around.commits[stretch]
            enough = max(SKIPPED_RESULTS, int(np.count_nonzero(commits == commits[0])) + 1)
            if len(stretch) < enough:
                continue
            until = int(there[end]) if end < len(there) else None
            executed = self._last(was_executed(self.row), int(stretch[0]))
            known = int(stretch[enough - 1])
            yield Change(ChangeKind.SKIPPED, int(stretch[0]), known, executed, until, len(stretch))
            if until is not None:
                yield Change(ChangeKind.UNSKIPPED, until, until, int(stretch[-1]), None, len(stretch))
