"""What helps to repair a test: since when, how it fails, how often, with what, and how to see it fail at will."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from flakelens.analyze.because import Case
from flakelens.analyze.began import began_at, chances
from flakelens.analyze.failing_lines import failing_lines
from flakelens.analyze.show import Found, first_line, grouped, look_up, page_of, with_cause
from flakelens.analyze.tests import CausesOf
from flakelens.decisions import Decisions
from flakelens.masks import mask
from flakelens.messages import headline, signature
from flakelens.model import Event
from flakelens.outcomes import failed_first, was_executed
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.report.brief import BriefReport, Circumstance, Companion, Failure
from flakelens.reproduce import command_of
from flakelens.stats.states import TestState
from flakelens.store import Store, StoredMessage

SURE = 0.95  # that the repeats named show a failure at least once
_MOST_COMPANIONS = 8
_TOGETHER = 2  # runs at least, and
_SHARE = 0.3  # of the test's failing runs, in which a companion fails too


def brief_report(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    test: str,
    owners: Owners = NOBODY,
    causes_of: CausesOf | None = None,
) -> BriefReport:
    """The brief of the test that `test` names, as `show` takes it. Raises UsageError when none or several fit."""
    found = look_up(store, policy, decisions, as_of=as_of, test=test, owners=owners)
    return brief_of(store, with_cause(found, causes_of) if causes_of else found)


def brief_of(store: Store | None, found: Found) -> BriefReport:
    """The brief of a test that was looked up."""
    case, line = found.case, found.line
    row = case.evidence.history.tests[case.position]
    failing, tried = chances(case)
    rate = failing / tried if failing else None
    file = line.id.file or line.reported.file or row.title_file or row.stack_file
    return BriefReport(
        page=page_of(store, found),
        file=file,
        failing=failing,
        tried=tried,
        rate=rate,
        repeats=None if rate is None else repeats(rate),
        hidden=bool((case.usable & ~case.scope.view.shown).any()),
        began=began_at(case, rate),
        failures=_failures(store, found, file),
        circumstances=tuple(_circumstances(case)),
        companions=_companions(case),
        command=command_of(
            row.producer,
            file=file,
            name=line.reported.name,
            variant=line.id.variant,
            separators=case.evidence.policy.title_separators,
        ),
        clean_needed=_clean_needed(case),
    )


def repeats(rate: float, sure: float = SURE) -> int:
    """Tries after which a test that fails at `rate` (0 to 1, not 0) has failed at least once with chance `sure`."""
    if not 0 < rate <= 1:
        raise ValueError(f"a rate is above 0 and at most 1, not {rate}")
    if rate >= sure:
        return 1
    return math.ceil(math.log1p(-sure) / math.log1p(-rate))


def _clean_needed(case: Case) -> int | None:
    finding = case.finding
    if finding.state is TestState.BROKEN:
        return finding.spells[-1].needed
    return finding.clean_needed


def _failures(store: Store | None, found: Found, file: str) -> tuple[Failure, ...]:
    groups = grouped(store, found.case.evidence, found.line.id, lambda message: _kind(message, file))
    failures = [
        Failure(headline=headline(group.text) or group.first_line, group=group, lines=failing_lines(group.text, file))
        for group in groups
    ]
    return tuple(sorted(failures, key=lambda failure: -failure.group.count))


def _kind(message: StoredMessage, file: str) -> str:
    """What two failures of one way to fail share. An assertion that fails on one line fails in one way, whatever the
    values were: generated data would make each failure a kind of its own.
    """
    said = signature(message.text) or mask(first_line(message))
    lines = failing_lines(message.text, file)
    if lines and said.startswith("expect(..)"):
        return f"{said.partition(':')[0]} {lines[0].line}"
    return said


def _circumstances(case: Case) -> Iterable[Circumstance]:
    """By project, by job, and on the gated branch beside pull requests; a kind with one value says nothing."""
    kinds = (_variants(case), _jobs(case), _branches(case))
    for kind in kinds:
        shown = [circumstance for circumstance in kind if circumstance.runs]
        if len(shown) > 1:
            yield from shown


def _variants(case: Case) -> list[Circumstance]:
    tests = case.evidence.history.tests
    mine = tests[case.position].id
    view = case.scope.view
    found = []
    for place, position in enumerate(view.tests.tolist()):
        if (tests[position].id.file, tests[position].id.name) == (mine.file, mine.name):
            ran = view.ran[place] & ~case.scope.outage
            failed = int((ran & failed_first(view.outcomes[place])).sum())
            found.append(
                Circumstance(
                    kind="variant", name=tests[position].id.variant or "none", failed=failed, runs=int(ran.sum())
                )
            )
    return found


def _jobs(case: Case) -> list[Circumstance]:
    counts: dict[str, list[int]] = {}
    for position in np.flatnonzero(case.usable):
        seen: dict[str, bool] = {}
        for report in case.run(int(position)).reports:
            own = report.outcomes[report.tests == case.position]
            executed = own[was_executed(own)]
            if len(executed) and not report.stale:
                seen[report.job] = seen.get(report.job, False) or bool(failed_first(executed).any())
        for job, failed in seen.items():
            count = counts.setdefault(job, [0, 0])
            count[0] += failed
            count[1] += 1
    return [
        Circumstance(kind="job", name=job or "unknown", failed=failed, runs=runs)
        for job, (failed, runs) in sorted(counts.items())
    ]


def _branches(case: Case) -> list[Circumstance]:
    history = case.evidence.history
    row = history.outcomes[case.position]
    ran = was_executed(row)
    pull = np.fromiter((run.event is Event.PULL_REQUEST for run in history.runs), np.bool_, len(history.runs))
    own = Circumstance(
        kind="branch",
        name=history.branch,
        failed=int((case.usable & failed_first(case.row)).sum()),
        runs=int(case.usable.sum()),
    )
    pulls = Circumstance(
        kind="branch", name="pull requests", failed=int((pull & failed_first(row)).sum()), runs=int((pull & ran).sum())
    )
    return [own, pulls]


def _companions(case: Case) -> tuple[Companion, ...]:
    """Tests of any area that failed in many of its failing runs, and more often there than elsewhere."""
    history = case.evidence.history
    runs = case.scope.view.runs[case.usable]
    bad = failed_first(history.whole[:, runs])
    mine = bad[case.position]
    times = int(mine.sum())
    if times < _TOGETHER:
        return ()
    together, failed = bad[:, mine].sum(axis=1), bad.sum(axis=1)
    known = (together >= max(_TOGETHER, _SHARE * times)) & (together / times > failed / len(runs))
    known[case.position] = False
    order = sorted(np.flatnonzero(known).tolist(), key=lambda test: (-together[test], failed[test], test))
    return tuple(
        Companion(id=history.tests[test].id, together=int(together[test]), failed=int(failed[test]))
        for test in order[:_MOST_COMPANIONS]
    )
