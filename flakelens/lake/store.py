"""A lake as a store: the small tables answer through the store's own code, results come bucket by bucket.

What was said of runs and reports is replayed into a database in memory, exactly as the store would have been told, so
that merging, order and choice of runs are the store's. Its reports have no results there: `read` fills them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec.structs import replace

from flakelens.errors import UsageError
from flakelens.export import need_parquet
from flakelens.facts import Facts, TestFacts
from flakelens.lake.batch import Batch
from flakelens.lake.buckets import Mapper, Owned, Share, in_turn, joined, outcomes_of
from flakelens.lake.calls import Home, calls_of, rows_of, tests_of
from flakelens.lake.commits import Commit, Part, commits
from flakelens.lake.form import BUCKETS, lake_of, put
from flakelens.lake.keys import ReportKey, TestKey
from flakelens.lake.told import Known, ingested, known_reports, told
from flakelens.model import GateState, Rename, RunReports, TestId
from flakelens.store import IngestedRun, Store, StoredVerdict
from flakelens.store.connection import in_memory
from flakelens.store.merge import StoredCall
from flakelens.store.values import from_ms, to_ms

if TYPE_CHECKING:
    import sqlite3

_FITS = "cache"


def open_lake(folder: str | Path, *, create: bool = False, mapper: Mapper = in_turn) -> LakeStore:
    """The lake in `folder`, made with `create`; `mapper` does the work per bucket, here or on workers.

    Raises UsageError without pyarrow, DatabaseError for what is no lake or damaged.
    """
    need_parquet()
    return LakeStore(lake_of(Path(folder), create=create), mapper)


class LakeStore(Store):
    """What `gate`, `tests` and all that reads whole runs may ask of a store; single results are not to be had.

    One look at the lake: what others commit later is not seen. Every method may raise DatabaseError.
    """

    def __init__(self, folder: Path, mapper: Mapper = in_turn) -> None:
        super().__init__(folder, in_memory())
        self._map = mapper
        self._loaded = False

    @cached_property
    def _commits(self) -> list[Commit]:
        return commits(self.path)

    def _load(self) -> None:
        """Replay the small tables; once, when something is first asked."""
        self._loaded = True
        calls, self._homes = calls_of(self.path, self._commits)
        with self._writing():
            for call in calls:
                self._writer.write(*call)
        for verdict in verdicts_of(self.path, self._commits):
            super().record_verdict(verdict)
        for rename, since in renames_of(self.path, self._commits):
            super().add_renames([rename], known_at=from_ms(since))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self._loaded:
            self._load()
        with super()._reading() as connection:
            yield connection

    @cached_property
    def known_tests(self) -> tuple[TestFacts, ...]:
        """Every test of the lake, numbered in order of its name."""
        return tests_of(self.path, self._commits)

    def read(self, **asked: Any) -> Facts:
        """As `Store.read`; `known_at` cannot be asked."""
        if asked.get("known_at") is not None:
            self._only_in_a_database()
        facts = super().read(**asked)
        wanted: dict[ReportKey, Owned] = {}
        homes: list[Home] = []
        for run in facts.runs:
            for report in run.reports:
                key = ReportKey(*run.key, report.sha256)
                wanted[key] = Owned(len(homes), self._homes[key].commit)
                homes.append(self._homes[key])
        answers = self._map(outcomes_of, self._shares(wanted, homes))
        keys = {TestKey(*test.id, test.ordinal, test.producer): test.key for test in self.known_tests}
        results = joined(answers, keys, [home.tests for home in homes])
        runs = []
        for run in facts.runs:
            filled = []
            for report in run.reports:
                tests, outcomes = results[wanted[ReportKey(*run.key, report.sha256)].number]
                filled.append(replace(report, tests=tests, outcomes=outcomes))
            runs.append(replace(run, reports=tuple(filled)))
        return replace(facts, runs=tuple(runs), tests=self.known_tests)

    def _shares(self, wanted: dict[ReportKey, Owned], homes: Iterable[Home]) -> list[Share]:
        """The question to each bucket: only parts of commits and months that hold a wanted report."""
        cells = {(home.commit, home.month) for home in homes}
        by_bucket: dict[int, dict[str, tuple[Part, set[str]]]] = {}
        for commit in self._commits:
            for part in commit.parts.get("result", ()):
                if (commit.name, part.month) in cells:
                    # Two commits may name one part: its rows are counted once.
                    by_bucket.setdefault(part.bucket, {}).setdefault(part.path, (part, set()))[1].add(commit.name)
        return [
            Share(
                self.path,
                bucket,
                tuple((part, frozenset(names)) for part, names in by_bucket[bucket].values()),
                wanted,
            )
            for bucket in range(BUCKETS)
            if bucket in by_bucket
        ]

    # --- what may be written: a commit each ---

    def write_run(
        self, run: RunReports, *, ingested_at: datetime, hints: Mapping[TestId, str] | None = None
    ) -> IngestedRun:
        """As `Store.write_run`."""
        batch = Batch(self._known.keys)
        batch.add(StoredCall(run, ingested_at, dict(hints or {})))
        batch.write(self.path)
        return ingested(told(run), self._known)

    @cached_property
    def _known(self) -> Known:
        return known_reports(self.path)

    def add_renames(self, renames: Iterable[Rename], *, known_at: datetime) -> int:
        """As `Store.add_renames`."""
        found = list(renames)
        batch = Batch()
        batch.add_renames(found, to_ms(known_at))
        return len(found) if batch.write(self.path) else 0

    def record_verdict(self, verdict: StoredVerdict) -> int:
        """Keep a verdict in the lake; 0, for a lake gives no numbers: it cannot be replayed from there."""
        batch = Batch()
        batch.add_verdict(verdict)
        batch.write(self.path)
        return 0

    def fitted(self, key: bytes) -> str | None:
        """Parameters kept beside the lake's facts."""
        try:
            return (self.path / _FITS / f"fitted-{key.hex()}.json").read_text(encoding="utf-8")
        except OSError:
            return None

    def keep_fitted(self, key: bytes, parameters: str) -> None:
        """Keep parameters beside the lake's facts, where that may be written."""
        try:
            (self.path / _FITS).mkdir(exist_ok=True)
            put(self.path / _FITS / f"fitted-{key.hex()}.json", parameters.encode())
        except OSError:
            return

    # --- what a lake does not answer ---

    def _only_in_a_database(self, *_: Any, **__: Any) -> NoReturn:
        raise UsageError(
            f"{self.path} is a lake: gate and tests read it, and flakelens.open; this needs a database.",
            mend=f"Bring it into one: flakelens --db NEW.db db merge {self.path}",
        )

    messages = messages_of_test = durations = totals = _only_in_a_database
    rebuild = prune = backup = calls = merge = check = info = extent = _only_in_a_database


def verdicts_of(folder: Path, of: Iterable[Commit]) -> Iterable[StoredVerdict]:
    """The verdicts that the lake keeps."""
    for commit in of:
        for row in rows_of(folder, commit, "verdict"):
            yield StoredVerdict(
                gate=row["gate"],
                as_of=from_ms(row["as_of"]),
                recorded_at=from_ms(row["recorded_at"]),
                state=GateState(row["state"]),
                decision=row["decision"],
                commit=row["commit_sha"],
                policy_text=row["policy"],
                decisions_text=row["decisions"],
                data_sha256=row["data_sha256"],
                version=row["version"],
                json=row["json"].encode(),
                active=tuple(TestId(*test) for test in loads(row["active"])),
            )


def renames_of(folder: Path, of: Iterable[Commit]) -> Iterable[tuple[Rename, int]]:
    """The renames that git saw, and since when (ms) each is known."""
    for commit in of:
        for row in rows_of(folder, commit, "rename"):
            yield Rename(row["old"], row["new"], row["commit_sha"]), row["known_since"]
