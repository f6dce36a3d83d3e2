"""History: tests x runs as int8 matrices, with a table of runs and one of tests. The one input of statistics and gate.

Built from facts, policy and decisions alone; two stores that hold the same reports give the same History, whatever the
order in which they were ingested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import eq
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens import identity
from flakelens.facts import Bools, Facts, Int8s, Int32s, RunFacts, RunKey, TestFacts, distinct, made
from flakelens.matrices import Positions, matrices
from flakelens.model import Event, RetryEvidence, TestId
from flakelens.policy import Policy
from flakelens.renames import Renamed, find_renames
from flakelens.retries import Resolver
from flakelens.runs import merge_by_commit, merge_infos, start_of, why_not_counting


class Test(NamedTuple):
    """One test: its canonical id and what is known of it besides its outcomes."""

    id: TestId  # canonical
    reported: TestId  # as its newest report in this history wrote it
    producer: str
    jobs: tuple[str, ...]  # CI jobs that ran it, sorted; "" jobs left out
    title_file: str  # the one test file of a checkout that held its title, "" for none
    stack_file: str  # a test file in one of its stack traces, "" for none


Test.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a run, as the history sees it."""

    key: int  # the store's number
    attempt: int
    job: str
    shard: str
    name: str
    producer: str
    sha256: str
    evidence: RetryEvidence  # resolved: see `retries`
    partial: bool
    damaged: bool
    stale: bool  # an earlier run holds the same bytes, time stamp and all: a file left over from then
    load_failures: tuple[str, ...]
    seconds: float | None  # how long it took by its own account; None where it does not say
    tests: Int32s  # positions in History.tests
    outcomes: Int8s  # model.Outcome codes, as long as `tests`


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run: all its jobs, shards, browsers and re-run attempts on one commit."""

    key: RunKey
    commit: str  # "" where unknown: then a commit of its own
    branch: str
    base_branch: str
    base_commit: str
    event: Event
    environment: str
    started_at: datetime  # UTC
    url: str
    attempts: int  # the highest attempt number
    why_not: str  # why it does not count for the gated branch, "" when it does
    reports: tuple[Report, ...]

    @property
    def counts(self) -> bool:
        """Does it count for the gated branch?"""
        return not self.why_not


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Runs in order (commits by their first run on the branch, then by start), tests sorted by canonical id.

    `outcomes[i, j]` is the `model.Outcome` of test i in run j, int8, NONE where it has no result. `whole` is the same
    without the results of partial reports: what criteria may use. Both leave out stale reports.
    """

    branch: str  # the gated branch
    tests: tuple[Test, ...]
    runs: tuple[Run, ...]
    outcomes: Int8s
    whole: Int8s
    commits: Int32s  # commit number of each run: equal for runs of one commit, ascending in run order
    names: identity.Identity
    renames: tuple[Renamed, ...] = ()

    @property
    def counting(self) -> Bools:
        """Which runs count for the gated branch, shape (runs,)."""
        return np.fromiter((run.counts for run in self.runs), np.bool_, len(self.runs))

    def select(self, runs: Bools | Int32s) -> History:
        """The same history with some of its runs only (tests without a result stay, with empty rows)."""
        positions = np.flatnonzero(runs) if runs.dtype == np.bool_ else runs
        return replace(
            self,
            runs=tuple(self.runs[position] for position in positions),
            outcomes=self.outcomes[:, positions],
            whole=self.whole[:, positions],
            commits=self.commits[positions],
        )

    def position(self, test: TestId) -> int | None:
        """Where a canonical id stands in `tests`."""
        return next((position for position, row in enumerate(self.tests) if row.id == test), None)


def build(
    facts: Facts, policy: Policy, *, branch: str, aliases: Sequence[identity.Alias] = (), environment: str = ""
) -> History:
    """The history that `facts` tell under `policy`; `branch` is the gated branch, `environment` that of the gate."""
    merged = merge_by_commit(facts.runs) if policy.run_key == "commit" else list(facts.runs)
    ordered = _in_order([_Draft(run, branch, policy.count_local, environment) for run in merged])
    names = identity.resolve(
        facts.tests,
        runs_of=lambda keys: _runs_of(keys, ordered),
        aliases=aliases,
        renames=facts.renames,
        separators=policy.title_separators,
    )
    present = _present(ordered)
    tests_by_key = {test.key: test for test in facts.tests if test.key in present}
    ids, places = _sorted_ids([names.ids[key] for key in tests_by_key])
    lookup = np.full(max(tests_by_key, default=0) + 1, -1, np.int32)
    lookup[list(tests_by_key)] = places
    positions = Positions(lookup)
    outcomes, whole = matrices([draft.fresh for draft in ordered], positions, len(ids))
    resolver = Resolver(policy, {draft.info.commit for draft in ordered if not draft.why_not})
    runs = tuple(draft.finish(resolver, positions) for draft in ordered)
    return History(
        branch=branch,
        tests=_tests(ids, tests_by_key, lookup, ordered, positions),
        runs=runs,
        outcomes=outcomes,
        whole=whole,
        commits=_commit_numbers(runs),
        names=names,
        renames=find_renames(
            names,
            runs_of=lambda keys: _runs_of(keys, ordered),
            counting={place: draft.facts.key for place, draft in enumerate(ordered) if not draft.why_not},
        ),
    )


def _sorted_ids(own: Sequence[TestId]) -> tuple[list[TestId], Int32s]:
    """The different ones, sorted, and where each of `own` stands among them."""
    order = sorted(range(len(own)), key=own.__getitem__)  # for most stores hold tests nearly sorted
    ids = list(map(own.__getitem__, order))
    again = np.fromiter(map(eq, ids, islice(ids, 1, None)), np.bool_)
    steps = np.concatenate([np.zeros(min(1, len(ids)), np.int32), np.cumsum(~again, dtype=np.int32)])
    places = np.empty(len(own), np.int32)
    places[order] = steps
    if again.any():
        ids = [test for test, before in zip(ids, [None, *ids], strict=False) if test != before]
    return ids, places


class _Draft:
    """A run on its way into the history."""

    def __init__(self, facts: RunFacts, branch: str, count_local: bool, environment: str) -> None:
        self.facts = facts
        self.info = merge_infos(facts.infos)
        self.why_not = why_not_counting(self.info, branch, count_local, environment)
        self.started_at = start_of(facts)
        self.reports = sorted(facts.reports, key=lambda r: (r.attempt, r.job, r.shard, r.name, r.sha256))
        self.stale = {report.key for report in self.reports if report.earlier_elsewhere and report.started_at}
        self.fresh = [report for report in self.reports if report.key not in self.stale]

    def finish(self, resolver: Resolver, positions: Positions) -> Run:
        evidence = resolver.resolve(
            self.reports, commit=self.info.commit, started_at=self.started_at, counts=not self.why_not
        )
        info = self.info
        return Run(
            key=self.facts.key,
            commit=info.commit,
            branch=info.branch,
            base_branch=info.base_branch,
            base_commit=info.base_commit,
            event=info.event,
            environment=info.environment,
            started_at=self.started_at,
            url=info.url,
            attempts=max((info.attempt for info in self.facts.infos), default=1),
            why_not=self.why_not,
            reports=tuple(
                Report(
                    key=report.key,
                    attempt=report.attempt,
                    job=report.job,
                    shard=report.shard,
                    name=report.name,
                    producer=report.producer,
                    sha256=report.sha256,
                    evidence=shown,
                    partial=report.partial,
                    damaged=report.damaged,
                    stale=report.key in self.stale,
                    load_failures=report.load_failures,
                    seconds=report.seconds,
                    tests=positions.of(report.tests),
                    outcomes=report.outcomes,
                )
                for report, shown in zip(self.reports, evidence, strict=True)
            ),
        )


def _in_order(drafts: list[_Draft]) -> list[_Draft]:
    """Commits by their first run on the gated branch, runs of a commit by start."""
    first: dict[str, datetime] = {}
    for draft in drafts:
        if not draft.why_not and (commit := draft.info.commit):
            first[commit] = min(first.get(commit, draft.started_at), draft.started_at)

    def key(draft: _Draft) -> tuple[object, ...]:
        counted = not draft.why_not and draft.info.commit
        return (
            first[draft.info.commit] if counted else draft.started_at,
            draft.info.commit if counted else "",
            draft.started_at,
            draft.facts.key,
        )

    return sorted(drafts, key=key)


def _runs_of(keys: Sequence[int], drafts: Sequence[_Draft]) -> Mapping[int, frozenset[int]]:
    """In which runs each test has a result. A stale report's results belong to another run."""
    asked = np.asarray(sorted(keys), np.int32)
    rosters: dict[int, Int32s] = {}
    runs: dict[int, set[int]] = defaultdict(set)
    for position, draft in enumerate(drafts):
        for report in draft.reports:
            if report.key not in draft.stale:
                rosters[id(report.tests)] = report.tests
                runs[id(report.tests)].add(position)
    seen: dict[int, set[int]] = defaultdict(set)
    for roster, tests in rosters.items():
        for key in np.intersect1d(asked, tests, assume_unique=True):
            seen[int(key)] |= runs[roster]
    return {key: frozenset(found) for key, found in seen.items()}


def _present(drafts: Sequence[_Draft]) -> set[int]:
    rosters = {id(report.tests): report.tests for draft in drafts for report in draft.reports}
    return set(distinct(np.concatenate([np.empty(0, np.int32), *rosters.values()])).tolist())


def _tests(
    ids: Sequence[TestId],
    by_key: Mapping[int, TestFacts],
    lookup: Int32s,
    drafts: Sequence[_Draft],
    positions: Positions,
) -> tuple[Test, ...]:
    last: dict[int, Int32s] = {}  # the rosters, in the order of the newest report that has each
    jobs: dict[str, dict[int, Int32s]] = defaultdict(dict)
    for draft in drafts:
        for report in draft.reports:
            last[id(report.tests)] = last.pop(id(report.tests), report.tests)
            if report.job:
                jobs[report.job][id(report.tests)] = report.tests
    newest = np.zeros(len(ids), np.int64)
    for roster in last.values():
        newest[positions.of(roster)] = roster
    told = [by_key[key] for key in newest.tolist()]
    places = lookup[list(by_key)].tolist()
    title_files = _least(places, [test.title_file for test in by_key.values()], len(ids))
    stack_files = _least(places, [test.stack_file for test in by_key.values()], len(ids))
    return tuple(
        made(
            Test,
            zip(
                ids,
                [test.id for test in told],
                [test.producer for test in told],
                _jobs_of(jobs, positions, len(ids)),
                title_files,
                stack_files,
                strict=True,
            ),
        )
    )


def _least(places: Sequence[int], files: Sequence[str], size: int) -> list[str]:
    """The first file by alphabet of each of `size` places, "" for one that has none."""
    found = [""] * size
    for place, file in zip(places, files, strict=True) if any(files) else ():
        if file:
            found[place] = min(file, found[place] or file)
    return found


def _jobs_of(jobs: Mapping[str, Mapping[int, Int32s]], positions: Positions, size: int) -> list[tuple[str, ...]]:
    """The jobs that ran each test, sorted. A suite has few different sets of jobs: each is made once."""
    names = sorted(jobs)
    ran = np.zeros((len(names), size), np.bool_)
    sets = np.zeros(size, np.int64)  # a number for the set of jobs of each test, one bit per job
    for number, name in enumerate(names):
        for roster in jobs[name].values():
            ran[number, positions.of(roster)] = True
        sets = 2 * sets + ran[number]
        if number % 32 == 31:  # before the bits run out
            sets = np.unique(sets, return_inverse=True)[1]
    _, example, which = np.unique(sets, return_index=True, return_inverse=True)
    told = [tuple(names[number] for number in np.flatnonzero(ran[:, test])) for test in example]
    return [told[each] for each in which.tolist()]


def _commit_numbers(runs: Sequence[Run]) -> Int32s:
    numbers = np.zeros(len(runs), np.int32)
    seen: dict[str, int] = {}
    highest = -1
    for position, run in enumerate(runs):
        # Only runs of the gated branch share a commit number: a pull request's commit is not a state of the branch.
        name = run.commit if run.counts and run.commit else f"\0{position}"
        if name not in seen:
            highest += 1
            seen[name] = highest
        numbers[position] = seen[name]
    return numbers
