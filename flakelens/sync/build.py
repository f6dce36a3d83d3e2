"""Packs from what is stored, and packs joined from packs: the same content gives the same bytes, however it came.

Everything goes through one builder. Tables are sorted at the end, and lists of tests stay in the order of the tests'
names, so that no column has to be moved when tables are joined.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from flakelens.store.values import clean, duration, opt_ms, to_ms
from flakelens.sync.caps import Caps
from flakelens.sync.columns import planes_of, roster_bytes, roster_of
from flakelens.sync.form import (
    CallRow,
    FileRow,
    MessageRow,
    Pack,
    ProblemRow,
    RenameRow,
    ReportRow,
    RunRow,
    TestRow,
    VerdictRow,
    start_of,
)

if TYPE_CHECKING:
    from flakelens.model import ParsedReport, Problem, ReportInfo, TestId
    from flakelens.store import StoredVerdict
    from flakelens.store.merge import StoredCall
    from flakelens.store.sharing import SharedRename, SharedRun

_Key = TypeVar("_Key", bound=Hashable)


def pack_of_runs(runs: Iterable[SharedRun]) -> Pack:
    """The pack that holds these runs."""
    builder = _Builder()
    for run in runs:
        builder.add_run(run)
    return builder.finish(())


def pack_of_renames(renames: Iterable[SharedRename]) -> Pack:
    """The pack that holds these renames."""
    builder = _Builder()
    builder.renames = {(old, new, commit): to_ms(since) for (old, new, commit), since in renames}
    return builder.finish(())


def pack_of_verdicts(verdicts: Iterable[StoredVerdict]) -> Pack:
    """The pack that holds these verdicts."""
    builder = _Builder()
    for verdict in verdicts:
        builder.add_verdict(verdict)
    return builder.finish(())


def joined(packs: Mapping[str, Pack]) -> Pack:
    """One pack that replaces these, by name (SHA-256, hex). Raises PackError for one that contradicts itself."""
    builder = _Builder()
    for name in sorted(packs):
        builder.add_pack(packs[name])
    return builder.finish(packs)


def results_of(pack: Pack) -> int:
    """How many attempts a pack holds."""
    return sum(len(report.statuses) for run in pack.runs for call in run.calls for report in call.reports)


class _Call(NamedTuple):
    """One ingest's share of a run while it is put together."""

    row: CallRow  # without problems and reports
    problems: set[ProblemRow]
    reports: dict[bytes, ReportRow]  # by SHA-256


class _Builder:
    """Tables that grow, and runs whose rows refer to them by the numbers given out here."""

    def __init__(self) -> None:
        self._tests: dict[TestRow, int] = {}
        self._messages: dict[MessageRow, int] = {}
        self._rosters: dict[tuple[int, ...], int] = {}
        self._texts: dict[str, int] = {}
        self._files: dict[tuple[int, int, str], tuple[int, int]] = {}
        self._runs: dict[tuple[str, str], dict[bytes, _Call]] = {}
        self._verdicts: dict[bytes, VerdictRow] = {}
        self.renames: dict[tuple[str, str, str], int] = {}

    # --- from the store ---

    def add_run(self, run: SharedRun) -> None:
        """A run as it is stored, its messages capped."""
        caps = Caps()
        calls = self._runs.setdefault((clean(run.key.provider), clean(run.key.run)), {})
        for call in sorted(run.calls, key=lambda call: (call.ingested_at, call.run.info.attempt, repr(call.run.info))):
            row = _call_row(call)
            problems, reports = calls.setdefault(msgspec.msgpack.encode(row), _Call(row, set(), {}))[1:]
            problems |= _problems(call.run.problems)
            for info, report in sorted(call.run.reports, key=lambda pair: pair[1].sha256):
                told = self._report(info, report, caps)
                reports[told.sha256] = _smaller(reports.get(told.sha256), told)
        for file in run.files:
            number = self._test(file.test, file.ordinal, file.producer)
            self._file((number, file.kind, clean(file.file)), to_ms(file.first_seen_at), to_ms(file.known_since))

    def _report(self, info: ReportInfo, report: ParsedReport, caps: Caps) -> ReportRow:
        producer = clean(report.producer)
        cases = sorted(
            ((_test_row(case.id, case.ordinal, producer), case.attempts) for case in report.cases),
            key=itemgetter(0),
        )
        roster = self._rosters.setdefault(
            tuple(self._tests.setdefault(row, len(self._tests)) for row, _ in cases), len(self._rosters)
        )
        attempts = [attempt for _, several in cases for attempt in several]
        said = [
            (place, self._message(clean(attempt.type), caps.capped(clean(attempt.message))))
            for place, attempt in enumerate(attempts)
            if attempt.message or attempt.type
        ]
        return ReportRow(
            sha256=bytes.fromhex(report.sha256),
            size=report.size,
            name=clean(report.name),
            job=clean(info.job),
            shard=clean(info.shard),
            producer=producer,
            declared=info.retries and info.retries.value,
            shown=report.retry_evidence and report.retry_evidence.value,
            partial=info.partial or report.partial,
            damaged=report.damaged,
            load_failures=[clean(failure) for failure in report.load_failures],
            started_at=opt_ms(report.started_at),
            seconds=report.seconds,
            problems=sorted(_problems(report.problems)),
            roster=roster,
            retried=[(place, len(several)) for place, (_, several) in enumerate(cases) if len(several) > 1],
            statuses=bytes([attempt.status for attempt in attempts]),
            durations=planes_of(duration(attempt.seconds) for attempt in attempts),
            said=said,
        )

    def add_verdict(self, verdict: StoredVerdict) -> None:
        """A verdict as it was given."""
        tests = [_test_row(test, 1, "") for test in verdict.active]
        row = VerdictRow(
            gate=clean(verdict.gate),
            as_of=to_ms(verdict.as_of),
            recorded_at=to_ms(verdict.recorded_at),
            state=verdict.state.value,
            decision=clean(verdict.decision),
            commit=clean(verdict.commit),
            policy=self._text(verdict.policy_text),
            decisions=self._text(verdict.decisions_text),
            data_sha256=verdict.data_sha256,
            version=clean(verdict.version),
            json=verdict.json,
            active=self._roster(self._tests.setdefault(row, len(self._tests)) for row in sorted(set(tests))),
        )
        self._verdicts[verdict.gate.encode("utf-8", "replace") + b"\0" + verdict.json] = row

    # --- from packs ---

    def add_pack(self, pack: Pack) -> None:
        """All that a pack holds."""
        tests = [self._tests.setdefault(row, len(self._tests)) for row in pack.tests]
        messages = [self._messages.setdefault(row, len(self._messages)) for row in pack.messages]
        rosters = [self._roster(tests[place] for place in roster_of(data, len(tests))) for data in pack.rosters]
        for file in pack.files:
            self._file((tests[file.test], file.kind, file.file), file.first_seen_at, file.known_since)
        for run in pack.runs:
            calls = self._runs.setdefault((run.provider, run.run), {})
            for call in run.calls:
                row = msgspec.structs.replace(call, problems=[], reports=[])
                problems, reports = calls.setdefault(msgspec.msgpack.encode(row), _Call(row, set(), {}))[1:]
                problems |= set(call.problems)
                for report in call.reports:
                    said = [(place, messages[message]) for place, message in report.said]
                    told = msgspec.structs.replace(report, roster=rosters[report.roster], said=said)
                    reports[told.sha256] = _smaller(reports.get(told.sha256), told)
        for rename in pack.renames:
            key = rename.old, rename.new, rename.commit
            self.renames[key] = min(rename.known_since, self.renames.get(key, rename.known_since))
        texts = [self._text(text) for text in pack.texts]
        for verdict in pack.verdicts:
            policy, decisions = texts[verdict.policy], texts[verdict.decisions]
            given = msgspec.structs.replace(verdict, policy=policy, decisions=decisions, active=rosters[verdict.active])
            self._verdicts[verdict.gate.encode() + b"\0" + verdict.json] = given

    # --- tables ---

    def _test(self, id_: TestId, ordinal: int, producer: str) -> int:
        return self._tests.setdefault(_test_row(id_, ordinal, clean(producer)), len(self._tests))

    def _message(self, type_: str, text: str) -> int:
        return self._messages.setdefault(MessageRow(type_, text), len(self._messages))

    def _text(self, text: str) -> int:
        return self._texts.setdefault(clean(text), len(self._texts))

    def _roster(self, tests: Iterable[int]) -> int:
        return self._rosters.setdefault(tuple(tests), len(self._rosters))

    def _file(self, key: tuple[int, int, str], first_seen: int, since: int) -> None:
        known = self._files.get(key, (first_seen, since))
        self._files[key] = min(known[0], first_seen), min(known[1], since)

    def finish(self, made_of: Iterable[str]) -> Pack:
        """The pack, in canonical form."""
        tests, test_at = _sorted(self._tests)
        messages, message_at = _sorted(self._messages)
        texts, text_at = _sorted(self._texts)
        lists = {roster_bytes([test_at[test] for test in roster]): number for roster, number in self._rosters.items()}
        rosters, roster_at = _sorted(lists)
        runs = [
            RunRow(
                provider, run, [_finished(call, roster_at, message_at) for call in sorted(calls.values(), key=_order)]
            )
            for (provider, run), calls in self._runs.items()
        ]
        return Pack(
            made_of=sorted(bytes.fromhex(name) for name in made_of),
            tests=tests,
            files=sorted(
                FileRow(test_at[test], kind, file, *times) for (test, kind, file), times in self._files.items()
            ),
            messages=messages,
            rosters=rosters,
            runs=sorted(runs, key=lambda run: (start_of(run), run.provider, run.run)),
            renames=sorted(RenameRow(*key, since) for key, since in self.renames.items()),
            texts=texts,
            verdicts=sorted(
                (
                    msgspec.structs.replace(
                        row, policy=text_at[row.policy], decisions=text_at[row.decisions], active=roster_at[row.active]
                    )
                    for row in self._verdicts.values()
                ),
                key=lambda row: (row.as_of, row.gate, row.json),
            ),
        )


def _test_row(id_: TestId, ordinal: int, producer: str) -> TestRow:
    return TestRow(clean(id_.file), clean(id_.name), clean(id_.variant), ordinal, producer)


def _sorted(table: Mapping[_Key, int]) -> tuple[list[_Key], dict[int, int]]:
    """The keys in order, and where each number given out has come to stand."""
    keys = sorted(table)  # type: ignore[type-var]  # the keys of each table can be compared
    return keys, {table[key]: place for place, key in enumerate(keys)}


def _finished(call: _Call, roster_at: Mapping[int, int], message_at: Mapping[int, int]) -> CallRow:
    rows = [
        msgspec.structs.replace(
            call.reports[sha256],
            roster=roster_at[call.reports[sha256].roster],
            said=[(place, message_at[message]) for place, message in call.reports[sha256].said],
        )
        for sha256 in sorted(call.reports)
    ]
    return msgspec.structs.replace(call.row, problems=sorted(call.problems), reports=rows)


def _order(call: _Call) -> tuple[int, bytes]:
    return call.row.ingested_at, msgspec.msgpack.encode(call.row)


def _smaller(one: ReportRow | None, other: ReportRow) -> ReportRow:
    """Of two tellings of one report in one call, the same one whichever came first."""
    if one is None or one == other:
        return other
    return min(one, other, key=lambda row: msgspec.msgpack.encode(msgspec.structs.replace(row, roster=0, said=[])))


def _call_row(call: StoredCall) -> CallRow:
    info = call.run.info
    return CallRow(
        attempt=info.attempt,
        commit=clean(info.commit),
        branch=clean(info.branch),
        base_branch=clean(info.base_branch),
        base_commit=clean(info.base_commit),
        event=info.event.value,
        environment=clean(info.environment),
        started_at=opt_ms(info.started_at),
        url=clean(info.url),
        fork=info.fork,
        dirty=info.dirty,
        local=info.local,
        ingested_at=to_ms(call.ingested_at),
        problems=[],
        reports=[],
    )


def _problems(problems: Sequence[Problem]) -> set[ProblemRow]:
    return {ProblemRow(problem.code.value, clean(problem.where), clean(problem.message)) for problem in problems}
