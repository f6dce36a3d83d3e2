"""Reading the evidence for a question from the store: which runs, known when, under which policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from flakelens.analyze.fits import Fits
from flakelens.decisions import Decisions
from flakelens.facts import Facts, RunKey
from flakelens.gate.evidence import Evidence
from flakelens.history import build
from flakelens.model import TestId
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.runs import in_time
from flakelens.stats.fitting import STEP_RUNS, WINDOW_RUNS
from flakelens.store import Store

CLOCK_TOLERANCE = timedelta(minutes=10)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence and what was left aside while it was read."""

    evidence: Evidence
    fits: Fits  # what was fitted for it
    data_sha256: str
    in_future: int  # runs that start, and came, more than 10 minutes after `as_of`
    clocks_ahead: int  # runs that say so, and were there before: taken as begun when they came


def gated_branch(policy: Policy, branches: Iterable[str]) -> str:
    """The policy's branch; without one main, or else master where only that has runs."""
    if policy.branch:
        return policy.branch
    known = set(branches)
    return "master" if "master" in known and "main" not in known else "main"


def load(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    environment: str = "",
    commit: str = "",
    window: int | None = WINDOW_RUNS,
    known_at: datetime | None = None,
    met_baseline: frozenset[TestId] = frozenset(),
    any_branch: bool = False,
    run: RunKey | None = None,
    owners: Owners = NOBODY,
    every_run: bool = False,
) -> Loaded:
    """The newest `window` counting runs (None: all), the other runs beside them, and those of `commit`.

    The window begins at every 50th run of the branch only, so that up to 49 more are read: what the suite's parameters
    are fitted to is inside, and stays the same for 50 runs (`fitting.window_length`).

    `every_run`: instead every run of the environment, also those older than the first that counts.

    `store` None is a missing database: an empty history. `known_at` leaves out what was ingested later, so that a
    recorded verdict can be replayed. `any_branch`: where no run counts, the newest runs of any branch. `run` is read
    besides, however old. `owners` are named beside the tests. Runs that start more than 10 minutes after `as_of` are
    left out and counted; but if they had come by then, a clock is wrong, and they stand where they came: a failed run
    must not hide behind it.
    """
    facts = Facts(runs=(), tests=())
    branch = gated_branch(policy, store.branches() if store else ())
    if store is not None:
        facts = store.read(
            branch=None if every_run else branch,
            last=None if every_run else window,
            step=STEP_RUNS,
            until=as_of + CLOCK_TOLERANCE,
            commit=commit,
            run=run,
            alongside=True,
            count_local=policy.count_local,
            known_at=known_at,
            environment=environment,
        )
        if any_branch and not any(found.key != run for found in facts.runs):
            facts = store.read(branch=None, last=window, run=run, known_at=known_at, environment=environment)
    # A call that brought metadata and problems but no report leaves a run that nothing can be said about.
    begun = tuple(run for run in facts.runs if run.reports)
    placed = [in_time(run, as_of + CLOCK_TOLERANCE) for run in begun]
    there = tuple(run for run in placed if run is not None)
    ahead = sum(run is not None and run is not old for run, old in zip(placed, begun, strict=True))
    facts = Facts(runs=there, tests=facts.tests, renames=facts.renames)
    history = build(facts, policy, branch=branch, aliases=decisions.identity_aliases(), environment=environment)
    fits = Fits(store)
    evidence = Evidence(
        history=history,
        policy=policy,
        decisions=decisions,
        as_of=as_of,
        met_baseline=met_baseline,
        fitter=fits,
        owners=owners,
    )
    return Loaded(
        evidence=evidence,
        fits=fits,
        data_sha256=data_hash(facts),
        in_future=len(begun) - len(there),
        clocks_ahead=ahead,
    )


def reaching_back(
    store: Store | None, evidence: Evidence, since: datetime, *, environment: str = "", any_branch: bool = False
) -> Evidence:
    """`evidence`, with more runs where older ones are known and its counting runs do not reach back to `since`."""
    window = WINDOW_RUNS
    while len(evidence.counting) >= window and evidence.history.runs[evidence.counting[0]].started_at > since:
        window *= 4
        evidence = load(
            store,
            evidence.policy,
            evidence.decisions,
            as_of=evidence.as_of,
            window=window,
            environment=environment,
            any_branch=any_branch,
        ).evidence
    return evidence


def data_hash(facts: Facts) -> str:
    """Hash of all that a verdict rests on besides policy and decisions, independent of one database's numbering."""
    digest = hashlib.sha256()
    told = json.JSONEncoder(sort_keys=True, default=str).encode
    for run in sorted(facts.runs, key=lambda run: run.key):
        said = {
            "run": run.key,
            "infos": sorted(repr(info) for info in run.infos),
            "reports": sorted(
                (
                    report.attempt, report.job, report.shard, report.name, report.sha256, report.producer,
                    str(report.declared), str(report.shown), report.partial, report.earlier_elsewhere,
                )
                for report in run.reports
            ),
        }  # fmt: skip
        digest.update(told(said).encode())
    hints = sorted((*test.id, test.ordinal, test.title_file, test.stack_file) for test in facts.tests
                   if test.title_file or test.stack_file)  # fmt: skip
    digest.update(json.dumps([hints, sorted(facts.renames)]).encode())
    return digest.hexdigest()
