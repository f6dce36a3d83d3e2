"""Which run is to be explained, with the history that it needs, and what is known of it as a whole."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime

from flakelens.analyze.evidence import CLOCK_TOLERANCE, load
from flakelens.analyze.run_in_history import RunInHistory
from flakelens.decisions import Decisions
from flakelens.errors import NothingReadError, UsageError
from flakelens.facts import RunFacts, RunKey
from flakelens.gate.criterion import count_of
from flakelens.history import History
from flakelens.owners import Owners
from flakelens.policy import Policy
from flakelens.report.triage import Lost, TriagedRun
from flakelens.runs import merge_infos, start_of
from flakelens.stats.fitting import WINDOW_RUNS
from flakelens.store import Store

_ENOUGH = 100  # runs before the one that is asked for: with fewer, older ones are read
_MOST_LISTED = 10


def find_run(store: Store, asked: str, here: RunKey | None, as_of: datetime) -> tuple[RunKey, str]:
    """The run that is meant, and its environment."""
    keys = store.run_keys()
    if not keys:
        raise NothingReadError("There is no run to explain yet.", mend="Next: flakelens ingest PATH")
    if asked or (here is not None and here in keys):
        key = _named(asked, keys) if asked or here is None else here
        facts = _facts(store, key)
        if not facts.reports:
            raise UsageError(f"The run {key.run!r} has no report.", mend="Ingest one: flakelens ingest PATH")
        return key, merge_infos(facts.infos).environment
    limit = as_of + CLOCK_TOLERANCE
    # Oldest first: `as_of` may lie far back, and every look costs.
    place = bisect_left(keys, True, key=lambda key: _begins_after(_facts(store, key), limit))
    for key in reversed(keys[:place]):
        facts = _facts(store, key)
        if facts.reports and not _begins_after(facts, limit):
            return key, merge_infos(facts.infos).environment
    raise NothingReadError("No run with a report had started by then.", mend="Next: flakelens ingest PATH")


def _facts(store: Store, key: RunKey) -> RunFacts:
    (facts,) = store.read(branch="", last=0, run=key).runs
    return facts


def _begins_after(run: RunFacts, limit: datetime) -> bool:
    """A run without a report begins whenever; it is never the one that is meant."""
    return bool(run.reports) and start_of(run) > limit


def _named(asked: str, keys: Sequence[RunKey]) -> RunKey:
    def spellings(key: RunKey) -> tuple[str, str]:
        return key.run, f"{key.provider}:{key.run}"

    found = [key for key in keys if asked in spellings(key)] or [
        key for key in keys if any(name.startswith(asked) for name in spellings(key))
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        newest = ", ".join(key.run for key in keys[-3:])
        raise UsageError(f"There is no run {asked!r}.", mend=f"The newest are {newest}.")
    listed = ", ".join(f"{key.provider}:{key.run}" for key in found[-_MOST_LISTED:])
    raise UsageError(f"{len(found)} runs are meant by {asked!r}, the newest: {listed}.", mend="Name one of them.")


def with_history(
    store: Store, policy: Policy, decisions: Decisions, as_of: datetime, key: RunKey, environment: str, owners: Owners
) -> RunInHistory:
    """The run with as many runs before it as its statistics look at. Raises UsageError if it starts after `as_of`."""
    for window in (WINDOW_RUNS, None):
        evidence = load(
            store,
            policy,
            decisions,
            as_of=as_of,
            window=window,
            environment=environment,
            any_branch=True,
            run=key,
            owners=owners,
        ).evidence
        position = _position(store, evidence.history, key)
        if position is None:
            raise UsageError(f"The run {key.run!r} starts later than that.", mend="Name a later time with --as-of.")
        there = RunInHistory(evidence=evidence, position=position)
        if len(there.before) >= _ENOUGH or len(evidence.counting) < WINDOW_RUNS:
            break
    return there


def _position(store: Store, history: History, key: RunKey) -> int | None:
    """Where the run stands: under its own name, or as a part of its commit where the policy joins workflows."""
    for place, run in enumerate(history.runs):
        if run.key == key:
            return place
    own = {report.key for report in _facts(store, key).reports}
    return next((place for place, run in enumerate(history.runs) if own & {report.key for report in run.reports}), None)


def about(there: RunInHistory) -> TriagedRun:
    """What a reader must know of the run."""
    run = there.run
    return TriagedRun(
        key=run.key,
        commit=run.commit,
        branch=run.branch,
        base_branch=run.base_branch,
        event=run.event,
        started_at=run.started_at,
        url=run.url,
        why_not=run.why_not,
        gated=there.history.branch,
        before=len(there.before),
        after=len(there.after) if run.counts else 0,
    )


def notices(there: RunInHistory, expected: RunKey | None) -> Iterable[str]:
    """What a reader must know besides. `expected`: the run of the job that asks, if no other was named."""
    run, branch = there.run, there.history.branch
    if expected is not None and expected != run.key:
        yield f"No report of this job's run {expected.run} is stored: this is the newest run that is."
    if not there.before:
        yield f"No run of {branch} came before this one: there is nothing to compare it with yet."
    elif not run.counts and run.base_branch and run.base_branch != branch:
        yield f"The base branch is {run.base_branch}; compared with {branch}, the branch whose history is known."
    if run.why_not == "from a fork":
        yield "This run comes from a fork: its results speak for themselves alone and never enter the history."
    if stale := sum(report.stale for report in run.reports):
        what = "is a left-over of an earlier one and was" if stale == 1 else "are left-overs of an earlier one and were"
        yield f"{count_of(stale, 'report')} of this run {what} not looked at."


def lost(store: Store, there: RunInHistory) -> tuple[Lost, ...]:
    """What could not be read or loaded. The run of the gated branch before it says whether that is new."""
    runs = [there.run.key, *(there.history.runs[place].key for place in there.before[-1:])]
    problems = store.problems(runs)
    earlier = {(problem.code, problem.where) for key in runs[1:] for problem in problems.get(key, ())}
    serious = [problem for problem in problems.get(there.run.key, ()) if problem.serious]
    return tuple(Lost(problem=each, before=(each.code, each.where) in earlier) for each in serious)
