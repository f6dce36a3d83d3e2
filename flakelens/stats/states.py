"""The state of each test now: stable, flaky, broken, unsure, branch-only or gone. A plain rule on counted evidence.

What separates flaky from broken is not how often a test fails but whether it disagrees with itself on one commit: a
recorded retry, or a fail and a pass in two runs of the same commit, cannot come from a change in the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from flakelens.facts import Bools, Int8s, Int32s
from flakelens.model import Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.verification import clean_runs_to_verify

STABLE_RESULTS = 20
BROKEN_RUNS = 2
BREAK_CHANCE = 0.005  # of a break at any one commit: what the flakes of a flaky test must be rarer than to be one


class TestState(StrEnum):
    """What a test is now, on the gated branch."""

    __test__ = False

    STABLE = "stable"
    FLAKY = "flaky"
    BROKEN = "broken"
    UNSURE = "unsure"
    BRANCH_ONLY = "branch-only"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time in which a test was broken: it failed in at least two runs on end and never passed on their commits."""

    first: int  # run position of the first failure
    last: int  # of the last failure
    mended: int | None  # of the first pass after it; None: still broken
    clean: int  # results without a failure from then on
    needed: int  # clean results that verify the repair


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFinding:
    """The state of one test and the evidence that it rests on. Positions are runs of the history given."""

    __test__ = False

    state: TestState
    healing: bool = False  # flaky, with as many clean results since as `verify` demands
    results: int = 0  # runs in which it was executed
    evidence: tuple[int, ...] = ()  # runs in which it flaked
    spells: tuple[Spell, ...] = ()
    flake_rate: float | None = None  # flakes over results outside broken spells; None without such results
    since: int | None = None  # run in which the present state began: first flake, or first failure of the open spell
    clean_needed: int | None = None  # clean results that would make a flaky test healing
    clean_seen: int | None = None


def find_states(
    outcomes: Int8s, commits: Int32s, *, outage: Bools, elsewhere: Bools, gone: Bools, disagreed: Bools
) -> tuple[TestFinding, ...]:
    """The state of every test from the runs of the gated branch, oldest first.

    `outcomes` (N, R) int8; `commits` (R,) equal for runs of one commit; `outage` (R,) confirmed outages, left out;
    `elsewhere` (N,) tests with results outside these runs; `gone` (N,); `disagreed` (N,) tests that failed and passed
    on one commit of a pull request: evidence for flaky, never for broken.
    """
    rows = outcomes[:, ~outage]
    kept = np.flatnonzero(~outage).astype(np.int32)
    numbers = np.unique(commits[~outage], return_inverse=True)[1].astype(np.int32)
    ran = was_executed(rows)
    counts = ran.sum(axis=1).tolist()
    ever = (outcomes != Outcome.NONE).any(axis=1).tolist()
    troubled = (failed_first(rows).any(axis=1) | disagreed).tolist()
    went = gone.tolist()
    findings = []
    for test, count in enumerate(counts):
        if not ever[test]:
            findings.append(TestFinding(state=TestState.BRANCH_ONLY if elsewhere[test] else TestState.UNSURE))
            continue
        if troubled[test]:
            positions = np.flatnonzero(ran[test])
            finding = _judge(rows[test, positions], numbers[positions], kept[positions], bool(disagreed[test]))
        else:
            finding = _steady(count)
        if went[test]:
            finding = TestFinding(
                state=TestState.GONE,
                results=count,
                evidence=finding.evidence,
                spells=finding.spells,
                flake_rate=finding.flake_rate,
            )
        findings.append(finding)
    return tuple(findings)


@lru_cache(maxsize=1024)
def _steady(results: int) -> TestFinding:
    state = TestState.STABLE if results >= STABLE_RESULTS else TestState.UNSURE
    return TestFinding(state=state, results=results, flake_rate=0.0 if results else None)


def _judge(row: Int8s, commits: Int32s, positions: Int32s, disagreed: bool) -> TestFinding:
    """One test with trouble: its executed results, their commits, and where they stand in the history."""
    failed = row == Outcome.FAILED
    flaky = row == Outcome.FLAKY
    # A commit on which it failed and passed (a recorded retry is both) says flaky about all its runs.
    both = (np.bincount(commits, failed | flaky) > 0) & (np.bincount(commits, ~failed) > 0)
    in_divided = both[commits]
    spells = _spells(failed & ~in_divided)
    certain = bool(both.any()) or disagreed
    in_spell = _inside(spells, len(row))
    if certain or np.count_nonzero(failed & ~in_spell) >= 2:
        # Known to be flaky: a stretch of failures that its flake rate explains is no break.
        flakes = np.count_nonzero((flaky | failed) & ~in_spell)
        rate = (flakes + 0.5) / (len(row) - np.count_nonzero(in_spell) + 1)
        spells = [(first, last) for first, last in spells if rate ** (last - first + 1) < BREAK_CHANCE]
        in_spell = _inside(spells, len(row))
    flaked = flaky | (failed & ~in_spell)
    is_flaky = certain or np.count_nonzero(failed & ~in_spell) >= 2
    evidence = np.flatnonzero(flaked)
    outside = ~in_spell
    found = tuple(_spell(first, last, row, positions) for first, last in spells)
    common = TestFinding(
        state=TestState.UNSURE,
        results=len(row),
        evidence=tuple(int(positions[place]) for place in evidence),
        spells=found,
        flake_rate=float(len(evidence) / outside.sum()) if outside.any() else None,
    )
    if found and found[-1].mended is None:
        return _with(common, TestState.BROKEN, since=found[-1].first)
    if is_flaky:
        last = int(evidence[-1]) if len(evidence) else -1
        before = int(np.count_nonzero(outside[: last + 1]))
        seen = len(row) - 1 - last
        needed = clean_runs_to_verify(max(1, len(evidence)), max(1, before))
        return _with(
            common,
            TestState.FLAKY,
            since=int(positions[evidence[0]]) if len(evidence) else None,
            healing=seen >= needed,
            needed=needed,
            seen=seen,
        )
    calm_since = len(row) - 1 - int(evidence[-1]) if len(evidence) else len(row)
    # One failure that nothing explains: stable again only after as many clean results as a stable test must have.
    steady = len(row) >= STABLE_RESULTS and calm_since >= STABLE_RESULTS
    return _with(common, TestState.STABLE) if steady else common


def _spells(failing: Bools) -> list[tuple[int, int]]:
    """Stretches of at least two failures on end: first and last place within the row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], failing, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= BROKEN_RUNS]


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
    length = last - first + 1
    return Spell(
        first=int(positions[first]),
        last=int(positions[last]),
        mended=int(positions[mended]) if len(passes) else None,
        clean=clean,
        needed=clean_runs_to_verify(length, length),
    )


def _with(
    finding: TestFinding,
    state: TestState,
    *,
    since: int | None = None,
    healing: bool = False,
    needed: int | None = None,
    seen: int | None = None,
) -> TestFinding:
    return TestFinding(
        state=state,
        healing=healing,
        results=finding.results,
        evidence=finding.evidence,
        spells=finding.spells,
        flake_rate=finding.flake_rate,
        since=since,
        clean_needed=needed,
        clean_seen=seen,
    )
