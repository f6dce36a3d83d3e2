"""Between the words of the domain and what a column holds: times, texts, metadata records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.model import Event, RetryEvidence, RunInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_LONGEST: Final = 1e9  # seconds; a longer "duration" is a mistake of the report

# From the least to the most that a report can tell about first attempts.
_WORST_FIRST: Final = (RetryEvidence.UNKNOWN, RetryEvidence.HIDDEN, RetryEvidence.RECORDED, RetryEvidence.NONE)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970 UTC, rounded down. A moment without time zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MS


def opt_ms(moment: datetime | None) -> int | None:
    """`to_ms`, None for None."""
    return None if moment is None else to_ms(moment)


def from_ms(ms: int) -> datetime:
    """The moment in UTC that `to_ms` made a number of."""
    return _EPOCH + ms * _MS


def opt_from_ms(ms: int | None) -> datetime | None:
    """`from_ms`, None for None."""
    return None if ms is None else from_ms(ms)


def duration(seconds: float | None) -> int | None:
    """Seconds as whole milliseconds; None for unknown, NaN and what no test can last."""
    return round(seconds * 1000) if seconds is not None and 0 <= seconds < _LONGEST else None


def clean(text: str) -> str:
    """`text` as SQLite can hold it: undecodable bytes of a file name (lone surrogates) become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def message_hash(type_: str, text: str) -> bytes:
    """What makes a message unique: 16 bytes of BLAKE2b over its type, a zero byte and its text."""
    return blake2b(f"{type_}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()


def worst(evidence: Iterable[RetryEvidence]) -> RetryEvidence:
    """The least that any of these tells; UNKNOWN for none at all."""
    return min(evidence, key=_WORST_FIRST.index, default=RetryEvidence.UNKNOWN)


class Record(NamedTuple):
    """One metadata record of a run as table `attempt` holds it, in the order of its columns."""

    number: int
    commit: str
    branch: str
    base_branch: str
    base_commit: str
    event: str
    environment: str
    started_at: int | None
    url: str
    fork: int
    dirty: int
    local: int

    @property
    def hash(self) -> bytes:
        """16 bytes of BLAKE2b: two records with equal fields are one."""
        return blake2b(json.dumps(self).encode(), digest_size=16).digest()

    def order(self) -> tuple[int, bytes]:
        """A total order that does not depend on when a record came: by attempt, then by content."""
        return self.number, self.hash

    def info(self, provider: str, run: str) -> RunInfo:
        """As the rest of the program knows it."""
        return RunInfo(
            provider=provider,
            run=run,
            attempt=self.number,
            commit=self.commit,
            branch=self.branch,
            base_branch=self.base_branch,
            base_commit=self.base_commit,
            event=Event(self.event),
            environment=self.environment,
            started_at=opt_from_ms(self.started_at),
            url=self.url,
            fork=bool(self.fork),
            dirty=bool(self.dirty),
            local=bool(self.local),
        )


def record_of(info: RunInfo) -> Record:
    """The record of a run's metadata; job, shard, retries and partial are not in it: they belong to reports."""
    return Record(
        number=info.attempt,
        commit=clean(info.commit),
        branch=clean(info.branch),
        base_branch=clean(info.base_branch),
        base_commit=clean(info.base_commit),
        event=info.event.value,
        environment=clean(info.environment),
        started_at=opt_ms(info.started_at),
        url=clean(info.url),
        fork=int(info.fork),
        dirty=int(info.dirty),
        local=int(info.local),
    )


_COUNTED: Final = frozenset({Event.PUSH, Event.SCHEDULE, Event.MERGE_QUEUE, Event.MANUAL})


class Derived(NamedTuple):
    """What table `run` caches of a run's records, in the order of its columns; for choosing runs, not for judging."""

    branch: str
    commit: str
    event: str
    environment: str
    counted: int
    local: int
    started_at: int


def derive(records: Iterable[Record], report_starts: Iterable[int], first_known: int) -> Derived:
    """The cached columns from all records of a run, the time stamps of its reports and its first ingest (ms).

    The same for the same records in any order: the first non-empty value by attempt holds.
    """
    ordered = sorted(records, key=Record.order)
    starts = [r.started_at for r in ordered if r.started_at is not None]
    return Derived(
        branch=next((r.branch for r in ordered if r.branch), ""),
        commit=next((r.commit for r in ordered if r.commit), ""),
        event=next((r.event for r in ordered if r.event != Event.OTHER), Event.OTHER.value),
        environment=next((r.environment for r in ordered if r.environment), ""),
        # generous: whether a run counts is for `history` to say, here it only must not be left out of a window
        counted=int(any(r.event in _COUNTED and not r.fork and not r.dirty for r in ordered)),
        local=int(all(r.local for r in ordered)),
        started_at=min(starts, default=min(report_starts, default=first_known)),
    )
