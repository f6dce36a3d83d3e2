"""The database behind one object: what the other rooms may ask of it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from flakelens.errors import DamagedError
from flakelens.store import care, sums, texts
from flakelens.store import verdicts as given
from flakelens.store.connection import PATIENCE, connect, damaged, snapshot, transaction, translated
from flakelens.store.values import to_ms
from flakelens.store.write import IngestedRun, Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from flakelens.facts import Facts, RunKey
    from flakelens.model import GateState, ParsedReport, Problem, Rename, RunReports, TestId
    from flakelens.store.durations import Durations
    from flakelens.store.merge import Merged, StoredCall
    from flakelens.store.packed import Rosters
    from flakelens.store.sharing import SharedRename, Sharing, TestFile


def open_store(path: str | Path, *, create: bool = False, read_only: bool = False, patience: float = PATIENCE) -> Store:
    """The database at `path`; use it as a context manager. `create` makes a missing one, with its folder.

    `read_only` never writes, so that it works where the file or its folder may not be written (an older schema is
    the exception: it is brought up first). `patience`: seconds to wait for another writer.

    Raises DatabaseError: missing without `create`, not a database, damaged, somebody else's, made by a newer
    flakelens, or not accessible. In none of these cases is the file changed.
    """
    path = Path(path)
    return Store(path, connect(path, create=create, read_only=read_only, patience=patience))


class Store:
    """An open database; made by `open_store`. For one thread. Every method may raise DatabaseError.

    All times are UTC and kept to the millisecond. Keys of tests and reports mean nothing outside this database.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._writer = Writer(connection)
        self._rosters: Rosters | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Twice does no harm."""
        self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path), snapshot(self._connection):
            try:
                yield self._connection
            except (ValueError, LookupError, OverflowError) as error:  # what flakelens never writes
                if isinstance(error, UnicodeDecodeError):
                    raise
                raise damaged(self.path, f"a value means nothing: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            try:
                with transaction(self._connection):
                    yield self._connection
            except BaseException:
                self._writer.forget()
                raise

    # --- runs ---

    def write_run(
        self, run: RunReports, *, ingested_at: datetime, hints: Mapping[TestId, str] | None = None
    ) -> IngestedRun:
        """Store one call's share of a run, whole or not at all. The same bytes twice in one run are one report.

        The order of calls cannot matter: what `read` gives afterwards is the same. `hints` names for tests, as
        reported, the only test file of the checkout that holds their title. What is said about a report that is
        already there (job, shard, declared retries, partial) is joined to what was said before.

        Raises GoneError when a report of `known_reports` is no longer there: then all must be parsed.
        """
        with self._writing():
            return self._writer.write(run, ingested_at, hints or {})

    def known_reports(
        self, provider: str, run: str, *, ingested_at: datetime, with_files: bool = False
    ) -> dict[str, ParsedReport]:
        """By SHA-256 (hex), the reports of the run that need not be parsed to be written again at `ingested_at`.

        These are whole, have no problem and came no later. `with_files`: only those whose every test names a file.
        What is given has no cases; `write_run` takes it as it would take the same report parsed.
        """
        from flakelens.store import known

        with self._reading() as connection:
            return known.reports(connection, provider, run, to_ms(ingested_at), with_files=with_files)

    def read(
        self,
        *,
        branch: str | None = None,
        last: int | None = None,
        step: int = 1,
        until: datetime | None = None,
        commit: str = "",
        run: RunKey | None = None,
        alongside: bool = False,
        count_local: bool = False,
        environment: str = "",
        known_at: datetime | None = None,
    ) -> Facts:
        """The facts of some runs: the newest `last` of `branch`, and what the other parameters add to them.

        `branch` (None: every run of any branch) takes the runs that may count for it: started by push, schedule,
        merge queue or hand, of the repository itself, with a clean tree; a laptop's only with `count_local`. `last`
        (None: all) counts by start; with `step` the window begins only at every `step`-th run of the branch, so that
        up to `step` - 1 more are read; runs that start after `until` are read beyond these. Added are: with
        `alongside` every other run, of any branch and event, no older than the oldest of these; the runs of `commit`
        (its first digits are enough); the run `run`. `environment` ("" for CI) holds for all but `run`. With
        `known_at` the store answers as it would have at that moment, as far as it was not pruned since.
        """
        from flakelens.store import read  # numpy: only for those who read
        from flakelens.store.packed import Rosters

        if self._rosters is None:
            self._rosters = Rosters()
        selection = read.Selection(
            branch=branch,
            last=last,
            step=step,
            until=until,
            commit=commit,
            run=run,
            alongside=alongside,
            count_local=count_local,
            environment=environment,
        )
        with self._reading() as connection:
            return read.read(connection, self._rosters, selection, known_at)

    def fitted(self, key: bytes) -> str | None:
        """The parameters kept under `key`, or None."""
        with self._reading() as connection:
            row = connection.execute("SELECT parameters FROM fitted WHERE hash = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

    def keep_fitted(self, key: bytes, parameters: str) -> None:
        """Keep `parameters` (JSON) under `key`, the hash of what they were fitted to."""
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO fitted VALUES (?, ?)", (key, parameters))

    def branches(self) -> dict[str, int]:
        """How many CI runs each branch has, the most first; "" stands for an unknown branch."""
        with self._reading() as connection:
            return care.branches(connection)

    def messages(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[texts.StoredMessage, ...]]:
        """What the attempts of each (report key, test key) said, first to last; without any text: left out."""
        with self._reading() as connection:
            return texts.messages(connection, pairs)

    def messages_of_test(self, test: int, *, limit: int = 20) -> tuple[texts.StoredMessage, ...]:
        """What the attempts of one test (its key) said, newest run first."""
        with self._reading() as connection:
            return texts.messages_of_test(connection, test, limit)

    def durations(self, reports: Iterable[int], tests: Iterable[int] | None = None) -> Durations:
        """How long passing attempts took in the reports named (their keys), of some tests (keys; None: of all).

        One query over the primary key: a look-up per report and test, or, for all tests, one row per result (about a
        second per million), so that callers bound the reports.
        """
        from flakelens.store import durations

        with self._reading() as connection:
            return durations.durations(connection, reports, tests)

    def problems(self, keys: Iterable[RunKey] | None = None) -> dict[RunKey, tuple[Problem, ...]]:
        """The problems stored with the runs named (None: with all). REPEATED_REPORT is not among them: see
        `ReportFacts.earlier_elsewhere`.
        """
        with self._reading() as connection:
            return texts.problems(connection, keys)

    def totals(self) -> dict[int, sums.Totals]:
        """Sums per test key over all time, pruned runs included. Costs the same however long the history."""
        with self._reading() as connection:
            return sums.totals(connection)

    # --- verdicts and renames ---

    def record_verdict(self, verdict: given.StoredVerdict) -> int:
        """Keep a verdict and return its id; the same gate, moment and JSON again give the same id."""
        with self._writing() as connection:
            return given.record(connection, verdict)

    def verdicts(
        self,
        gate: str | None = None,
        *,
        state: GateState | None = None,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[given.StoredVerdict, ...]:
        """The verdicts of `gate` (None: of all), newest first; of one `state`, `as_of` before `before`."""
        with self._reading() as connection:
            return given.find(connection, gate, state, before, limit)

    def verdict_outlines(self, gate: str, *, until: datetime) -> tuple[given.VerdictOutline, ...]:
        """The verdicts of `gate` up to a moment, oldest first, without what a replay of them needs."""
        with self._reading() as connection:
            return given.outlines(connection, gate, until)

    def verdict(self, id_: int) -> given.StoredVerdict | None:
        """The verdict with this id, None if there is none."""
        with self._reading() as connection:
            return given.one(connection, id_)

    def add_renames(self, renames: Iterable[Rename], *, known_at: datetime) -> int:
        """Keep file renames that git saw, looked up at `known_at`; returns how many are new."""
        with self._writing() as connection:
            return given.add_renames(connection, renames, to_ms(known_at))

    def renames(self) -> tuple[SharedRename, ...]:
        """The file renames that are known, and since when."""
        from flakelens.store.sharing import renames

        with self._reading() as connection:
            return renames(connection)

    def test_files(self) -> tuple[TestFile, ...]:
        """Every file that was found for a test by other means than its report's own words."""
        from flakelens.store.sharing import test_files

        with self._reading() as connection:
            return test_files(connection)

    def add_test_files(self, files: Iterable[TestFile]) -> None:
        """Keep what is known of the files of tests that are here; of all that is known the earliest holds."""
        from flakelens.store import merge

        with self._writing() as connection:
            merge.add_files(connection, files)

    # --- care ---

    def info(self, before: datetime | None = None) -> care.StoreInfo:
        """What is in the file; reads all of it. `before` (None: never) parts old runs from the others."""
        with self._reading() as connection:
            return care.info(connection, before or datetime.fromtimestamp(0, UTC))

    def extent(self, until: datetime) -> care.Extent:
        """How large the file is and how fast it grew in the 30 days before `until`."""
        with self._reading() as connection:
            return care.extent(connection, until)

    def check(self) -> list[str]:
        """Every damage found, one sentence each; empty if all is well. Reads the whole file, changes nothing."""
        from flakelens.store import soundness

        with self._reading() as connection:
            return soundness.check(connection)

    def quick_check(self) -> None:
        """Read the file's pages. Raises DamagedError if SQLite finds a damaged one."""
        with self._reading() as connection:
            ((said, *_),) = connection.execute("PRAGMA quick_check(1)")
        if said != "ok":
            raise DamagedError(
                f"{self.path} is damaged: {said}.", mend="Run `flakelens sync pull`, or restore a backup."
            )

    def rebuild(self) -> None:
        """Make the derived tables again from the facts, in one transaction."""
        from flakelens.store import derived

        with self._writing() as connection:
            derived.rebuild(connection)

    def prune(
        self, *, keep_runs: int | None = None, keep_since: datetime | None = None, older_than: datetime | None = None
    ) -> int:
        """Take out whole runs: those that neither `keep_runs` (the newest so many) nor `keep_since` (a start) keeps.

        What started before `older_than` goes in any case. Returns how many went. Their sums per test stay in `totals`,
        their keys in `pruned_runs`. Raises ValueError if no limit is given.
        """
        with translated(self.path):
            return care.prune(self._connection, care.Keep(keep_runs, keep_since, older_than))

    def pruned_runs(self) -> frozenset[RunKey]:
        """The runs that were pruned here: merging and syncing leave them out."""
        from flakelens.store import merge

        with self._reading() as connection:
            return merge.pruned_keys(connection)

    def backup(self, target: str | Path) -> None:
        """Copy the database as it is now to a new file, whole or not at all. Raises DatabaseError if it exists."""
        with translated(self.path):
            care.backup(self._connection, Path(target))

    def run_keys(self) -> tuple[RunKey, ...]:
        """Every stored run, oldest first."""
        from flakelens.store import merge

        with self._reading() as connection:
            return merge.run_keys(connection)

    def calls(self, key: RunKey) -> tuple[StoredCall, ...]:
        """The arguments of `write_run` that bring this run again, for a run pack; none if it is not there."""
        from flakelens.store import merge

        with self._reading() as connection:
            return merge.calls(connection, key)

    def merge(self, other: str | Path) -> Merged:
        """Bring all that another flakelens database holds: runs, verdicts, renames. Twice is once.

        Each run lands whole or not at all; runs pruned here stay out, and the sums of runs pruned there stay there.
        """
        from flakelens.store import merge

        with open_store(other, read_only=True) as source, translated(self.path):
            return merge.merge(self._connection, self._writer, source._connection)

    @contextmanager
    def sharing(self, place: str) -> Iterator[Sharing]:
        """What the shared history `place` (a hash of its address) holds of this database, to push to it or pull."""
        from flakelens.store.sharing import Sharing

        with translated(self.path):
            try:
                yield Sharing(self._connection, self._writer, place)
            except BaseException:
                self._writer.forget()
                raise
