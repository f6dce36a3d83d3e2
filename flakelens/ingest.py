"""Reports of runs into the store: which run each belongs to, one transaction per run, nothing lost.

Only one run's reports are in memory at a time. Killed at any moment, the database holds the runs that were finished,
and the same call again brings the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec.structs import replace

from flakelens.cases import Cases
from flakelens.errors import UsageError
from flakelens.model import ParsedReport, ReportInfo, RetryEvidence, RunInfo, RunReports, TestId
from flakelens.policy import RedactPolicy
from flakelens.reading.here import Here, Known
from flakelens.reading.sizes import worth_it
from flakelens.redact import Redactor
from flakelens.run_metadata import RunOptions
from flakelens.run_reports import ReadRun, assembled, described, nothing_read
from flakelens.run_shares import Folder, Share, shares
from flakelens.run_start import placed

if TYPE_CHECKING:
    from flakelens.checkout import Checkout
    from flakelens.reading.workers import Workers
    from flakelens.store import IngestedRun, Store

Progress = Callable[[int, int | None, str], None]  # done, of how many (None: unknown), what is being read


def ingest(
    paths: Sequence[str],
    *,
    store: Store | Callable[[], Store],
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    detected: RunInfo | None = None,
    run_per_dir: bool = False,
    ingested_at: datetime,
    environ: Mapping[str, str] | None = None,
    redact: RedactPolicy = RedactPolicy(),  # noqa: B008 - frozen
    stdin: BinaryIO | None = None,
    checkout: Checkout | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
) -> list[IngestedRun]:
    """Read what `paths` name and store it; one entry per run and call, in the order read.

    `detected` is what CI (or git on a laptop) tells of the run, `options` what the command line says, and a `run.json`
    in a folder of `paths` stands above both. With `run_per_dir` every sub-folder is one run, in natural order, and
    `detected` and `checkout` are not used. `environ` is asked for the Playwright reporter's switches (not with
    `run_per_dir`) and for the values that `redact` masks in messages before they are stored; `checkout` for the files
    of tests whose reports name none, and for renamed files. `store` may be a function that opens it: it is called when
    there is something to write; a store that is open is asked which reports it has, and these are not parsed again.
    With `jobs` above 1 and enough to read, as many processes parse; the outcome is the same.

    Raises NothingReadError, with nothing written, when not one report could be read; UsageError for paths and options
    that do not fit together; DatabaseError.
    """
    if run_per_dir and (options.run or options.started_at):
        raise UsageError("--run and --started-at cannot hold for many runs.", mend="Write them into each run.json.")
    redactor = Redactor(redact, environ)
    here = Here(redactor, stdin)
    switches = {} if run_per_dir else environ or {}
    if run_per_dir:
        detected, checkout = None, None
    found = shares(paths, run_per_dir=run_per_dir)
    infos = [described(share, options, detected, redactor) for share in found]
    known = _known(store, checkout, ingested_at)
    call = _Call(found, infos, here, known, switches, run_per_dir, ingested_at, progress)
    with ExitStack() as stack:
        if jobs > 1 and (workers := call.with_workers(jobs, redact, environ or {})):
            stack.enter_context(workers)
        return _stored(paths, call.runs(), call, store, checkout)


def _stored(
    paths: Sequence[str],
    reading: Iterator[ReadRun],
    call: _Call,
    store: Store | Callable[[], Store],
    checkout: Checkout | None,
) -> list[IngestedRun]:
    waiting: list[ReadRun] = []
    for read in reading:
        waiting.append(read)
        if read.readable:
            break
    else:
        raise nothing_read(paths, waiting)
    from flakelens.store import GoneError

    opened = store() if callable(store) else store
    done: list[IngestedRun] = []
    while waiting:
        run = waiting.pop(0).run
        try:
            done.append(_write(opened, run, call.now, checkout))
        except GoneError:  # somebody has pruned meanwhile what was known and so not parsed
            parsed = replace(run, reports=call.parsed(len(done)))
            done.append(_write(opened, parsed, call.now, checkout))
        if not waiting and (following := next(reading, None)) is not None:
            waiting.append(following)
    if checkout is not None and (renames := checkout.renames()):
        opened.add_renames(renames, known_at=call.now)
    return done


def _known(store: Store | Callable[[], Store], checkout: Checkout | None, now: datetime) -> Callable[[RunInfo], Known]:
    """What asks the store for the reports of a run that it has. Nothing is known of a run that has no id yet."""

    def known(info: RunInfo) -> Known:
        if callable(store) or not info.run:
            return {}
        # The checkout is asked for the file of each test that names none: these reports must be parsed.
        return store.known_reports(info.provider, info.run, ingested_at=now, with_files=checkout is not None)

    return known


class _Call(msgspec.Struct):
    """One call of `ingest`: its shares, and how they are read."""

    shares: Sequence[Share]
    infos: Sequence[RunInfo]  # of each share
    here: Here
    known: Callable[[RunInfo], Known]
    switches: Mapping[str, str]  # the environment, where it speaks of these reports
    run_per_dir: bool
    now: datetime
    progress: Progress | None
    workers: Workers | None = None

    def with_workers(self, jobs: int, redact: RedactPolicy, environ: Mapping[str, str]) -> Workers | None:
        """Let worker processes read ahead, where there is enough for them."""
        if not worth_it(folder.path for share in self.shares for folder in share.folders):
            return None
        from flakelens.reading import workers

        folders = [
            workers.Folder(folder.path, partial(self.known, info))
            for share, info in zip(self.shares, self.infos, strict=True)
            for folder in share.folders
        ]
        self.workers = workers.Workers(folders, jobs=jobs, redact=redact, environ=environ, here=self.here)
        return self.workers

    def runs(self) -> Iterator[ReadRun]:
        """Each share, read and described."""
        previous: datetime | None = None
        for number, share in enumerate(self.shares):
            if self.progress:
                self.progress(number, len(self.shares) if self.run_per_dir else None, share.name)
            read = self._read(number)
            read, start = placed(read, share, previous, self.now, self.run_per_dir)
            previous = start or previous
            yield read

    def _read(self, number: int) -> ReadRun:
        info = self.infos[number]

        def reports_of(folder: Folder) -> Iterator[ParsedReport]:
            if self.workers is not None:
                return self.workers.next_folder()
            return self.here.reports(folder.path, self.known(info))

        return self._assembled(number, reports_of)

    def parsed(self, number: int) -> tuple[tuple[ReportInfo, ParsedReport], ...]:
        """The reports of one share again, each parsed here, whatever is known of it."""
        return self._assembled(number, lambda folder: self.here.reports(folder.path, {})).run.reports

    def _assembled(self, number: int, reports_of: Callable[[Folder], Iterator[ParsedReport]]) -> ReadRun:
        def told(done: int, name: str) -> None:
            if self.progress and not self.run_per_dir:
                self.progress(done, None, name)

        return assembled(self.shares[number], self.infos[number], self.switches, reports_of, told)


def _write(store: Store, run: RunReports, now: datetime, checkout: Checkout | None) -> IngestedRun:
    if not run.reports:  # nothing to keep, but much to say
        from flakelens.store import IngestedRun

        return IngestedRun(
            provider=run.info.provider, run=run.info.run, attempt=run.info.attempt, reports=0, known=0, tests=0,
            passed=0, flaky=0, failed=0, errored=0, skipped=0, retry_evidence=RetryEvidence.UNKNOWN,
            partial=run.info.partial, problems=run.problems,
        )  # fmt: skip
    hints: dict[TestId, str] = {}
    if checkout is not None:
        without_file = {id_ for _, report in run.reports for id_ in Cases.of(report.cases).ids if not id_.file}
        if without_file:
            hints = checkout.files_of(without_file)
    return store.write_run(run, ingested_at=now, hints=hints)
