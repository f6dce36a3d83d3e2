"""What a pack says, in the words of the store; every reference and value of a run is checked before it is used."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from flakelens.ci.values import link
from flakelens.facts import RunKey
from flakelens.model import (
    Attempt,
    CaseResult,
    Event,
    GateState,
    ParsedReport,
    Problem,
    ProblemCode,
    Rename,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
    Status,
    TestId,
)
from flakelens.store import StoredVerdict
from flakelens.store.merge import StoredCall
from flakelens.store.sharing import SharedRename, TestFile
from flakelens.store.values import from_ms, opt_from_ms
from flakelens.sync.columns import durations_of, roster_of
from flakelens.sync.form import (
    PLANES,
    CallRow,
    FileRow,
    MessageRow,
    Pack,
    PackError,
    ProblemRow,
    ReportRow,
    TestRow,
    VerdictRow,
)

if TYPE_CHECKING:
    from enum import StrEnum

_CODES: Final = {code.value: code for code in ProblemCode}
_STATUSES: Final = {status.value: status for status in Status}
_DECISIONS: Final = frozenset({"PROCEED", "WAIVED", "STOP"})
_Word = TypeVar("_Word", bound="StrEnum")
_Row = TypeVar("_Row")


class Content(NamedTuple):
    """What a pack brings; `runs` is made one run at a time, since it is large."""

    runs: Iterator[tuple[RunKey, tuple[StoredCall, ...]]]
    files: tuple[TestFile, ...]
    renames: tuple[SharedRename, ...]
    verdicts: tuple[StoredVerdict, ...]


def check(pack: Pack) -> list[list[int]]:
    """See that a decoded pack can be stored; its rosters. Raises PackError where it says what nothing can mean."""
    if not (_ascends(pack.tests) and _ascends(pack.files) and _ascends(pack.messages)):
        raise PackError("one of its tables is not sorted")
    if not all(row.test < len(pack.tests) for row in pack.files):
        raise PackError("a file belongs to a test that is not there")
    rosters = [roster_of(data, len(pack.tests)) for data in pack.rosters]
    for run in pack.runs:
        if not run.provider or not run.run or not run.calls:
            raise PackError("a run has no name or no metadata")
        for call in run.calls:
            _word(Event, call.event)
            for report in call.reports:
                _check_report(report, pack, _at(rosters, report.roster))
    for verdict in pack.verdicts:
        _check_verdict(verdict, pack, rosters)
    return rosters


def _check_report(row: ReportRow, pack: Pack, roster: Sequence[int]) -> None:
    for word in (row.declared, row.shown):
        if word is not None:
            _word(RetryEvidence, word)
    if not all(pack.tests[test].producer == row.producer for test in roster):
        raise PackError("a report holds a test of another test tool")
    if len(dict(row.retried)) != len(row.retried) or not all(p < len(roster) and n > 1 for p, n in row.retried):
        raise PackError("a report's retries do not fit to its tests")
    attempts = len(row.statuses)
    if attempts != len(roster) + sum(n - 1 for _, n in row.retried):
        raise PackError("a report's results are not as many as its tests and retries")
    if row.statuses.translate(None, b"\1\2\3\4"):
        raise PackError("a report has a result of an unknown kind")
    if len(row.durations) != PLANES * attempts:
        raise PackError("its durations are not as many as its attempts")
    if len(dict(row.said)) != len(row.said) or not all(
        place < attempts and message < len(pack.messages) for place, message in row.said
    ):
        raise PackError("a message belongs to a result that is not there")


def _check_verdict(row: VerdictRow, pack: Pack, rosters: Sequence[list[int]]) -> None:
    _word(GateState, row.state)
    _at(rosters, row.active)
    if row.decision not in _DECISIONS or max(row.policy, row.decisions) >= len(pack.texts):
        raise PackError("a verdict has an unknown decision or refers to a text that is not there")
    try:
        said = json.loads(row.json)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise PackError("a verdict is no JSON object")


def content_of(pack: Pack) -> Content:
    """The content of a decoded pack. Raises PackError where it contradicts itself or says what nothing can mean."""
    rosters = check(pack)
    ids = [TestId(row.file, row.name, row.variant) for row in pack.tests]
    return Content(
        runs=_runs(pack, rosters, ids),
        files=tuple(
            TestFile(
                ids[row.test], pack.tests[row.test].ordinal, pack.tests[row.test].producer, row.kind, row.file,
                from_ms(row.first_seen_at), from_ms(row.known_since),
            )
            for row in pack.files
        ),
        renames=tuple(
            SharedRename(Rename(row.old, row.new, row.commit), from_ms(row.known_since)) for row in pack.renames
        ),
        verdicts=tuple(_verdicts(pack, rosters, ids)),
    )  # fmt: skip


def _ascends(rows: Sequence[TestRow] | Sequence[FileRow] | Sequence[MessageRow]) -> bool:
    return all(one < other for one, other in pairwise(rows))


def _runs(
    pack: Pack, rosters: Sequence[list[int]], ids: Sequence[TestId]
) -> Iterator[tuple[RunKey, tuple[StoredCall, ...]]]:
    for run in pack.runs:
        key = RunKey(run.provider, run.run)
        yield key, tuple(_stored(key, call, pack, rosters, ids) for call in run.calls)


def _stored(key: RunKey, call: CallRow, pack: Pack, rosters: Sequence[list[int]], ids: Sequence[TestId]) -> StoredCall:
    info = RunInfo(
        provider=key.provider,
        run=key.run,
        attempt=call.attempt,
        commit=call.commit,
        branch=call.branch,
        base_branch=call.base_branch,
        base_commit=call.base_commit,
        event=_word(Event, call.event),
        environment=call.environment,
        started_at=opt_from_ms(call.started_at),
        url=link(call.url),
        fork=call.fork,
        dirty=call.dirty,
        local=call.local,
    )
    reports = tuple(_report(report, pack, rosters, ids) for report in call.reports)
    return StoredCall(RunReports(info=info, reports=reports, problems=_problems(call.problems)),
                      from_ms(call.ingested_at), {})  # fmt: skip


def _report(
    row: ReportRow, pack: Pack, rosters: Sequence[list[int]], ids: Sequence[TestId]
) -> tuple[ReportInfo, ParsedReport]:
    roster = rosters[row.roster]
    info = ReportInfo(
        job=row.job,
        shard=row.shard,
        retries=None if row.declared is None else _word(RetryEvidence, row.declared),
        partial=row.partial,
    )
    parsed = ParsedReport(
        name=row.name,
        sha256=row.sha256.hex(),
        size=row.size,
        producer=row.producer,
        cases=_cases(row, pack, roster, ids),
        started_at=opt_from_ms(row.started_at),
        seconds=row.seconds if row.seconds is not None and math.isfinite(row.seconds) else None,
        retry_evidence=None if row.shown is None else _word(RetryEvidence, row.shown),
        partial=row.partial,
        damaged=row.damaged,
        load_failures=tuple(row.load_failures),
        problems=_problems(row.problems),
    )
    return info, parsed


def _cases(row: ReportRow, pack: Pack, roster: Sequence[int], ids: Sequence[TestId]) -> tuple[CaseResult, ...]:
    tries, said = dict(row.retried), dict(row.said)
    seconds = durations_of(row.durations, len(row.statuses))
    attempts: list[Attempt] = []
    for place, (status, lasted) in enumerate(zip(row.statuses, seconds, strict=True)):
        message = pack.messages[said[place]] if place in said else None
        attempts.append(
            Attempt(_STATUSES[status], lasted, "", "")
            if message is None
            else Attempt(_STATUSES[status], lasted, message.type, message.text)
        )
    cases: list[CaseResult] = []
    begin = 0
    for place, test in enumerate(roster):
        end = begin + tries.get(place, 1)
        cases.append(CaseResult(ids[test], pack.tests[test].ordinal, tuple(attempts[begin:end])))
        begin = end
    return tuple(cases)


def _verdicts(pack: Pack, rosters: Sequence[list[int]], ids: Sequence[TestId]) -> Iterator[StoredVerdict]:
    for row in pack.verdicts:
        yield StoredVerdict(
            gate=row.gate,
            as_of=from_ms(row.as_of),
            recorded_at=from_ms(row.recorded_at),
            state=_word(GateState, row.state),
            decision=row.decision,
            commit=row.commit,
            policy_text=pack.texts[row.policy],
            decisions_text=pack.texts[row.decisions],
            data_sha256=row.data_sha256,
            version=row.version,
            json=row.json,
            active=tuple(ids[test] for test in rosters[row.active]),
        )


def _problems(rows: Sequence[ProblemRow]) -> tuple[Problem, ...]:
    """Those of a kind that this flakelens knows; a newer one may tell of more."""
    return tuple(Problem(_CODES[row.code], row.place, row.message) for row in rows if row.code in _CODES)


def _word(kind: type[_Word], value: str) -> _Word:
    try:
        return kind(value)
    except ValueError:
        raise PackError(f"{value[:40]!r} is no {kind.__name__}") from None


def _at(table: Sequence[_Row], place: int) -> _Row:
    if place >= len(table):
        raise PackError("it refers to a row that is not there")
    return table[place]
