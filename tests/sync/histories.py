"""Histories to share: calls that bring runs, verdicts and renames; and what two databases must have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flakelens.analyze.evidence import data_hash
from flakelens.model import Event, GateState, Problem, ProblemCode, Rename, RetryEvidence, RunReports, TestId
from flakelens.store import Store, StoredVerdict, open_store
from flakelens.sync.folder import FolderHistory
from flakelens.sync.names import PackName
from flakelens.sync.remote import Change
from tests.builders import a_report, a_run, started_at

LETTERS = "PKFES"


@dataclass(frozen=True)
class Call:
    """One ingest."""

    run: RunReports
    at: datetime
    hints: Mapping[TestId, str] = field(default_factory=dict)
    renames: tuple[Rename, ...] = ()

    def into(self, store: Store) -> None:
        store.write_run(self.run, ingested_at=self.at, hints=dict(self.hints))
        if self.renames:
            store.add_renames(self.renames, known_at=self.at)


def a_call(
    n: int,
    *,
    letters: str = "PPF",
    attempt: int = 1,
    branch: str = "main",
    event: Event = Event.PUSH,
    job: str = "unit",
    shard: str = "",
    late: float = 0.1,
    file: str = "src/a.test.ts",
    hint: str = "",
    rename: str = "",
    problem: str = "",
    local: bool = False,
) -> Call:
    """An ingest of run n: its report's tests "t0", "t1".. end as the letters say, `late` hours after its start."""
    outcomes = {f"t{place}": letter for place, letter in enumerate(letters)}
    report = a_report(
        n, outcomes, file=file, job=job, shard=shard, name=f"{job}{attempt}{shard.replace('/', '-')}.xml",
        message=f"t failed in {n % 3}", retries=RetryEvidence.NONE if n % 2 else None,
    )  # fmt: skip
    run = a_run(n, reports=[report], branch=branch, event=event, attempt=attempt, local=local)
    if problem:
        problems = (Problem(ProblemCode.CLOCK, "ci", problem),)
        run = RunReports(info=run.info, reports=run.reports, problems=problems)
    hints = {case.id: hint for case in report[1].cases} if hint else {}
    renames = (Rename(rename, file, "c" * 40),) if rename else ()
    return Call(run, started_at(n) + timedelta(hours=late), hints, renames)


def a_verdict(n: int, state: GateState = GateState.NOT_MET, *, tests: Iterable[str] = ("t0", "t1")) -> StoredVerdict:
    return StoredVerdict(
        gate="gate1",
        as_of=started_at(n),
        recorded_at=started_at(n) + timedelta(minutes=1),
        state=state,
        decision="PROCEED" if state is GateState.MET else "STOP",
        commit="",
        policy_text="branch = 'main'\n",
        decisions_text="",
        data_sha256="d" * 64,
        version="0.1",
        json=f'{{"schema": "flakelens.gate/1", "n": {n}}}'.encode(),
        active=tuple(TestId("src/a.test.ts", name, "") for name in tests),
    )


def a_database(path: Path, calls: Iterable[Call]) -> Store:
    store = open_store(path, create=True)
    for call in calls:
        call.into(store)
    return store


def all_of(store: Store) -> object:
    """Everything that two databases with the same history have in common, whatever numbers they gave out."""
    facts = store.read()
    tests = {test.key: test[1:] for test in facts.tests}
    runs = sorted(
        (
            one.key,
            sorted(map(repr, one.infos)),
            sorted(
                (
                    report.sha256, report.attempt, repr((report.job, report.shard, report.name, report.producer)),
                    repr((report.declared, report.shown, report.partial, report.damaged, report.load_failures)),
                    repr((report.started_at, report.seconds, report.ingested_at, report.earlier_elsewhere)),
                    sorted(zip((tests[key] for key in report.tests.tolist()), report.outcomes.tolist(), strict=True)),
                    sorted(
                        (tests[test], [(said.attempt, said.status, said.type, said.text) for said in texts])
                        for (_, test), texts in store.messages(
                            [(report.key, test) for test in report.tests.tolist()]
                        ).items()
                    ),
                )
                for report in one.reports
            ),
        )
        for one in facts.runs
    )  # fmt: skip
    sums = sorted((tests[key], total[1:]) for key, total in store.totals().items())
    given = sorted((each.as_of, each.gate, each.json, each.active) for each in store.verdicts())
    return runs, sorted(tests.values()), facts.renames, sums, store.problems(), given, data_hash(facts)


class InMemory:
    """A shared history that is only a dictionary, to look into; `before` is called before each change."""

    def __init__(self) -> None:
        self.place = "memory"
        self.packs: dict[PackName, bytes] = {}

    def names(self) -> frozenset[PackName]:
        return frozenset(self.packs)

    def read(self, names: Iterable[PackName]) -> Iterable[tuple[PackName, bytes]]:
        return [(name, self.packs[name]) for name in names if name in self.packs]

    def change(self, plan: object) -> Change:
        change: Change = plan(self.names())  # type: ignore[operator]
        self.packs |= change.add
        for name in change.remove:
            del self.packs[name]
        return change


__all__ = ["LETTERS", "Call", "FolderHistory", "InMemory", "a_call", "a_database", "a_verdict", "all_of"]
