"""The last runs of GitHub Actions with the artifacts that GitHub still keeps, each as if it had been ingested then.

Sources: GitHub REST API, "Workflow runs" (list, get an attempt) and "Artifacts" (list, download). A run's artifacts are
those of all its attempts; each belongs to the attempt that had begun when it was made. What a run is said to be comes
from GitHub, never from the artifact, which is a stranger's file: it is read inside its archive, within limits.
"""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from flakelens.backfill.gh import Gh, GhError, TooLargeError, number_of, segment
from flakelens.ci.github import NAME, described
from flakelens.ci.values import clean
from flakelens.errors import NothingReadError
from flakelens.ingest import ingest
from flakelens.junit.values import moment_of
from flakelens.model import Event, RunInfo
from flakelens.policy import RedactPolicy

if TYPE_CHECKING:
    from flakelens.store import IngestedRun, Store

MOST_BYTES: Final = 100 << 20  # of one artifact; more is a video, not a report
_MOST_ARTIFACTS: Final = 1_000  # of one run
_MOST_ATTEMPTS: Final = 50
_STALE: Final = 24 * 3600  # seconds

Progress = Callable[[int, int | None, str], None]


class Backfilled(msgspec.Struct, kw_only=True):
    """What was brought, and what was not."""

    runs: list[IngestedRun] = msgspec.field(default_factory=list)  # one per run and attempt
    looked_at: int = 0  # runs that GitHub listed
    known: int = 0  # runs that were here already
    without: int = 0  # runs without a fitting artifact
    expired: int = 0  # of these, such whose artifacts GitHub has deleted
    unread: list[tuple[str, str]] = msgspec.field(default_factory=list)  # run or artifact, why
    stopped: str = ""  # why it ended early


def backfill(
    store: Store,
    gh: Gh,
    *,
    now: datetime,
    cache: Path,
    runs: int = 100,
    workflow: str = "",
    branch: str = "",
    artifacts: Sequence[str] = ("*",),
    most_bytes: int = MOST_BYTES,
    redact: RedactPolicy = RedactPolicy(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Backfilled:
    """Bring the last `runs` completed runs, newest first; those whose attempts are here already are not asked for.

    `workflow`: its file name or id; `branch`: only runs of it; `artifacts`: patterns of names, one of which must fit.
    `redact`: which secrets are masked; their shapes alone, for the jobs' variables are not here.
    `cache`: a folder in which an archive lies while it is read. Stopped or killed, the same call goes on where it was.

    Raises NothingReadError where GitHub did not list any run, UsageError where there is no gh, DatabaseError.
    """
    done = Backfilled()
    path = f"actions/workflows/{segment(workflow)}/runs" if workflow else "actions/runs"
    query = {"status": "completed"} | ({"branch": branch} if branch else {})
    cache.mkdir(parents=True, exist_ok=True)
    _clean(cache, now)
    try:
        for origin in gh.pages(path, "workflow_runs", runs, **query):
            info = described(RunInfo(provider=NAME, run="", event=Event.OTHER), origin)
            if not info.run:
                continue
            if progress:
                progress(done.looked_at, runs, info.run)
            done.looked_at += 1
            _run(store, gh, origin, info, done, now, cache, artifacts, most_bytes, redact)
    except GhError as error:
        done.stopped = str(error)
        if not done.looked_at:
            raise NothingReadError(
                f"GitHub did not list the runs: {error}",
                mend="Is gh logged in (gh auth status), and is this the right repository (--repo OWNER/NAME)?",
            ) from None
    return done


def _clean(cache: Path, now: datetime) -> None:
    """Take away what a killed call has left behind."""
    for old in cache.glob("artifacts-*"):
        if now.timestamp() - old.stat().st_mtime > _STALE:
            shutil.rmtree(old, ignore_errors=True)


def _run(
    store: Store,
    gh: Gh,
    origin: Mapping[str, object],
    info: RunInfo,
    done: Backfilled,
    now: datetime,
    cache: Path,
    patterns: Sequence[str],
    most_bytes: int,
    redact: RedactPolicy,
) -> None:
    here = _attempts_here(store, info)
    if info.attempt in here and (info.attempt == 1 or len(here) >= info.attempt):
        done.known += 1
        return
    listed = list(gh.pages(f"actions/runs/{info.run}/artifacts", "artifacts", _MOST_ARTIFACTS))
    fitting = [each for each in listed if any(fnmatch.fnmatchcase(clean(each.get("name")), p) for p in patterns)]
    kept = [each for each in fitting if each.get("expired") is not True]
    if not kept:
        done.without += 1
        done.expired += bool(fitting)
        return
    attempts = _attempts(gh, origin, info)
    by_attempt = _by_attempt(kept, attempts)
    done.known += by_attempt.keys() <= here
    for attempt, belonging in sorted(by_attempt.items()):
        if attempt not in here:
            told = replace(info, attempt=attempt, started_at=attempts[attempt])
            _attempt(store, gh, told, belonging, done, now, cache, most_bytes, redact)


def _attempts_here(store: Store, info: RunInfo) -> frozenset[int]:
    """The attempts of the run that have a report in the database."""
    from flakelens.facts import RunKey

    facts = store.read(branch="", last=0, run=RunKey(info.provider, info.run))
    return frozenset(report.attempt for run in facts.runs for report in run.reports)


def _attempts(gh: Gh, origin: Mapping[str, object], info: RunInfo) -> dict[int, datetime | None]:
    """When each attempt started. The run as it is listed tells of the newest one only."""
    found = {info.attempt: moment_of(clean(origin.get("run_started_at")) or clean(origin.get("created_at")))}
    for attempt in range(max(1, info.attempt - _MOST_ATTEMPTS), info.attempt):
        try:
            earlier = gh.get(f"actions/runs/{info.run}/attempts/{attempt}")
        except GhError as error:
            if error.limited:
                raise
            continue  # an attempt that GitHub has forgotten
        found[attempt] = moment_of(clean(earlier.get("run_started_at")))
    return found


def _by_attempt(
    artifacts: Sequence[Mapping[str, object]], attempts: Mapping[int, datetime | None]
) -> dict[int, list[Mapping[str, object]]]:
    """The artifacts by the newest attempt that had begun when they were made; undated ones belong to the newest."""
    found: dict[int, list[Mapping[str, object]]] = {}
    for artifact in artifacts:
        made = moment_of(clean(artifact.get("created_at")))
        begun = [n for n, start in attempts.items() if made is not None and start is not None and start <= made]
        found.setdefault(max(begun, default=max(attempts)), []).append(artifact)
    return found


def _attempt(
    store: Store,
    gh: Gh,
    info: RunInfo,
    artifacts: Sequence[Mapping[str, object]],
    done: Backfilled,
    now: datetime,
    cache: Path,
    most_bytes: int,
    redact: RedactPolicy,
) -> None:
    """One attempt's artifacts, downloaded and ingested as one call: it lands whole or not at all."""
    with TemporaryDirectory(dir=cache, prefix="artifacts-") as name:
        paths = list(_downloaded(gh, info, artifacts, Path(name), done, most_bytes))
        if not paths:
            return
        try:
            done.runs += ingest(paths, store=store, detected=info, ingested_at=now, redact=redact)
        except NothingReadError:
            done.without += 1


def _downloaded(
    gh: Gh,
    info: RunInfo,
    artifacts: Sequence[Mapping[str, object]],
    folder: Path,
    done: Backfilled,
    most_bytes: int,
) -> Iterator[str]:
    for artifact in artifacts:
        number, title = number_of(artifact, "id"), clean(artifact.get("name"))
        size = number_of(artifact, "size_in_bytes") or 0
        where = f"run {info.run}: {title}"
        if number is None:
            continue
        if size > most_bytes:
            done.unread.append(
                (where, f"{size / 1e6:,.0f} MB, and more than {most_bytes / 1e6:,.0f} are not downloaded")
            )
            continue
        target = folder / f"{number}.zip"
        try:
            gh.save(f"actions/artifacts/{number}/zip", target, most_bytes)
        except TooLargeError:
            done.unread.append((where, f"more than {most_bytes / 1e6:,.0f} MB came: not used"))
            target.unlink()
        except GhError as error:
            if error.limited:
                raise
            done.unread.append((where, str(error)))
            target.unlink()
        else:
            yield str(target)
