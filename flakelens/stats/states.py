"""The state of a test now: stable, flaky, broken, unsure, branch-only or gone. `findings` judges all tests of a suite.

Two things must agree before a word is said. The hidden chain (`probabilities`) must hold the state for likelier than
all others together, and there must be counted evidence that a person can check, outages left out: for broken two
failing runs on end; for flaky a fail and a pass on one commit (a recorded retry is both), or failures with passes
between them, because failures on end alone can always be a break.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.stats.intervals import beta_quantile
from flakelens.stats.markov import BROKEN, Floats
from flakelens.stats.probabilities import LIKELY
from flakelens.stats.verification import believed, clean_runs_to_verify

STABLE_RESULTS = 20
FAILING_RUNS = 2  # failing runs on end that make a spell, and stretches of failures that speak for flaky
INTERVAL = 0.95
_DIGITS = 6  # of a probability: what another machine adds up in another order says the same words


class TestState(StrEnum):
    """What a test is now, on the gated branch."""

    __test__ = False

    STABLE = "stable"
    FLAKY = "flaky"
    BROKEN = "broken"
    UNSURE = "unsure"
    BRANCH_ONLY = "branch-only"
    GONE = "gone"


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a test was broken, as all runs tell it, later ones included; at least two runs failed in it."""

    first: int  # run position of the first failure
    last: int  # of the last failure
    mended: int | None  # of the first pass after it; None: still broken
    clean: int  # results without a failure from then on
    failures: int  # runs of it that failed

    @property
    def needed(self) -> int:
        """Clean results that verify the repair."""
        return clean_runs_to_verify(self.failures, self.failures)


class TestFinding(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one test and the evidence that it rests on. Positions are runs of the history given."""

    __test__ = False

    state: TestState
    # The three sum to 1, but for rounding; of a test without a result they are what is believed before any.
    p_stable: float
    p_flaky: float
    p_broken: float
    results: int = 0  # runs in which it was executed
    evidence: tuple[int, ...] = ()  # runs in which it failed or flaked outside of spells
    spells: tuple[Spell, ...] = ()
    flake_rate: float | None = None  # evidence over results outside of spells; None without such results
    since: int | None = None  # run in which the present state began: first flake, or first failure of the open spell
    tried: int | None = None  # of a flaky test: results outside of spells up to its last flake
    clean_seen: int | None = None  # of a flaky test: results since
    outside: int = 0  # results outside of spells

    @property
    def healing(self) -> bool:
        """Flaky, with as many clean results since as `verify` demands."""
        if self.tried is None or self.clean_seen is None:
            return False
        return believed(max(1, len(self.evidence)), max(1, self.tried), self.clean_seen)

    @property
    def clean_needed(self) -> int | None:
        """Clean results that would make a flaky test healing."""
        return None if self.tried is None else clean_runs_to_verify(max(1, len(self.evidence)), max(1, self.tried))

    def flake_interval(self) -> tuple[float, float] | None:
        """The equal-tailed 95 % interval of the flake rate by Beta(flakes + 1/2, others + 1/2) (Jeffreys)."""
        if not self.outside:
            return None
        flakes, others = len(self.evidence), self.outside - len(self.evidence)
        tail = (1 - INTERVAL) / 2
        low = beta_quantile(tail, flakes + 0.5, others + 0.5) if flakes else 0.0
        high = beta_quantile(1 - tail, flakes + 0.5, others + 0.5) if others else 1.0
        return round(low, _DIGITS), round(high, _DIGITS)


def as_told(states: Floats) -> Floats:
    """Probabilities to as many digits as words rest on."""
    return states.round(_DIGITS)


def judge_troubled(
    row: Int8s, commits: Int32s, positions: Int32s, broken: Bools, now: Floats, *, disagreed: bool
) -> TestFinding:
    """One test with trouble: its executed results, their commits, where they stand, and what the chain says.

    All of one length: `row` the outcomes of the runs that executed it, `commits` numbered from 0, `positions` of the
    runs, `broken` whether P(broken) > .5 there. `now` (8,) the state after the newest; `disagreed`: failed and passed
    on one commit of a pull request.
    """
    failed, first = row == Outcome.FAILED, failed_first(row)
    divided = _divided(first, ~failed, commits)
    stable, flaky, is_broken = beliefs(now, cannot_be_broken=bool(len(row) and divided[-1]))
    bounds = _spells(failed, broken & ~divided)
    outside = ~_inside(bounds, len(row))
    evidence = np.flatnonzero(first & outside)
    tried = int(np.count_nonzero(outside))
    stretches = np.count_nonzero(failed[1:] & ~failed[:-1]) + int(failed[:1].sum())
    common = TestFinding(
        state=TestState.UNSURE,
        p_stable=stable,
        p_flaky=flaky,
        p_broken=is_broken,
        results=len(row),
        evidence=tuple(positions[evidence].tolist()),
        spells=tuple(_spell(start, stop, row, positions) for start, stop in bounds),
        flake_rate=len(evidence) / tried if tried else None,
        outside=tried,
    )
    state = name_state(
        (stable, flaky, is_broken),
        results=len(row),
        spell_open=bool(bounds) and common.spells[-1].mended is None,
        speaks_for_flaky=bool(stretches >= FAILING_RUNS or disagreed or divided.any()),
    )
    if state is TestState.BROKEN:
        return replace(common, state=state, since=common.spells[-1].first)
    if state is TestState.FLAKY:
        last = int(evidence[-1]) if len(evidence) else -1
        return replace(
            common,
            state=state,
            since=int(positions[evidence[0]]) if len(evidence) else None,
            tried=int(np.count_nonzero(outside[: last + 1])),
            clean_seen=len(row) - 1 - last,
        )
    return replace(common, state=state)


def beliefs(now: Floats, *, cannot_be_broken: bool) -> tuple[float, float, float]:
    """P(stable), P(flaky), P(broken) of the state `now` (8,), to as many digits as words rest on. What failed and
    passed on its newest commit cannot be broken."""
    if cannot_be_broken:
        now = now.copy()
        now[BROKEN] = 0.0
        now /= now.sum()
    stable, flaky, broken = (round(float(part), _DIGITS) for part in (now[0], now[1:BROKEN].sum(), now[BROKEN]))
    return stable, flaky, broken


def name_state(
    parts: tuple[float, float, float], *, results: int, spell_open: bool, speaks_for_flaky: bool
) -> TestState:
    """The word for a test with trouble: its `beliefs`, and what a person can count."""
    stable, flaky, broken = parts
    if broken > LIKELY and spell_open:
        return TestState.BROKEN
    if flaky > LIKELY and speaks_for_flaky:
        return TestState.FLAKY
    return TestState.STABLE if stable > LIKELY and results >= STABLE_RESULTS else TestState.UNSURE


def _divided(failed: Bools, passed: Bools, commits: Int32s) -> Bools:
    """Results on a commit on which the test failed and passed: one that cannot have broken it."""
    if (commits[1:] != commits[:-1]).all():  # a run each: then only a recorded retry is both
        return failed & passed
    both: Bools = (np.bincount(commits, failed) > 0) & (np.bincount(commits, passed) > 0)
    return both[commits]


def _spells(failed: Bools, broken: Bools) -> list[tuple[int, int]]:
    """Stretches held for broken, from their first to their last failure, with at least two; places within the row."""
    if not broken.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], broken, [False]]).astype(np.int8)))
    found = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        failures = np.flatnonzero(failed[start:stop]) + start
        if len(failures) >= FAILING_RUNS:
            found.append((int(failures[0]), int(failures[-1])))
    return found


def _inside(spells: list[tuple[int, int]], length: int) -> Bools:
    inside = np.zeros(length, np.bool_)
    for first, last in spells:
        inside[first : last + 1] = True
    return inside


def _spell(first: int, last: int, row: Int8s, positions: Int32s) -> Spell:
    passes = np.flatnonzero(row[last + 1 :] != Outcome.FAILED) + last + 1
    mended = int(passes[0]) if len(passes) else len(row)
    failures = np.flatnonzero(row[mended:] == Outcome.FAILED)
    clean = int(failures[0]) if len(failures) else len(row) - mended
    length = int(np.count_nonzero(row[first : last + 1] == Outcome.FAILED))
    return Spell(
        first=int(positions[first]),
        last=int(positions[last]),
        mended=int(positions[mended]) if len(passes) else None,
        clean=clean,
        failures=length,
    )
