"""From a shared history into the database: what is new, or the newest of it.

Idempotent, and the order of packs cannot matter. Killed at any moment the database holds whole runs; a pack is noted as
held when all of it is there, so that the next pull takes in the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from flakelens.model import GateState
from flakelens.store.values import to_ms
from flakelens.sync.form import Pack, PackError, decode
from flakelens.sync.names import KINDS, MET, RENAMES, RUNS, VERDICTS, PackName, name_of, stamp_of
from flakelens.sync.outcome import Progress, Pulled, Refused
from flakelens.sync.read import content_of

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.store import Store
    from flakelens.store.sharing import Sharing
    from flakelens.sync.remote import History

_AT_ONCE: Final = 64  # packs that are fetched in one call
_FEW: Final = 8  # where it is not known how many are needed: a joined pack may hold a thousand runs
_ROUNDS: Final = 5  # looks at a history whose packs are joined while it is read


def pull(
    store: Store,
    history: History,
    *,
    window: int | None = None,
    branch: str | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Bring what the database lacks: all, or so much that the newest `window` runs of `branch` that count are whole.

    With `window` come also the runs of all other branches that are as new, every rename, and the newest MET verdict
    that is older than these runs. `branch` None is main, or else master. A pack that cannot be used is left out and
    named. Raises SharedHistoryError, DatabaseError.
    """
    with store.sharing(history.place) as sharing:
        taking = _Taking(sharing, history, progress)
        for _ in range(_ROUNDS):
            names = history.names()
            unknown = sharing.unknown_packs(name.sha256 for name in names) - taking.tried
            new = sorted((name for name in names if name.sha256 in unknown), key=lambda name: (name.stamp, name.sha256))
            of = {kind: [name for name in new if name.kind == kind] for kind in KINDS}
            taking.begin(len(new))
            taking.take(of[RENAMES])
            if window is None:
                for kind in (RUNS, MET, VERDICTS):
                    taking.take(of[kind])
            else:
                _newest(taking, sharing, store, of, window, branch)
            if not taking.vanished:
                break
    return Pulled(
        there=len(names),
        packs=taking.counts["packs"],
        bytes=taking.counts["bytes"],
        left=len({name.sha256 for name in new} - taking.tried),
        runs=taking.counts["runs"],
        reports=taking.counts["reports"],
        verdicts=taking.counts["verdicts"],
        skipped=taking.counts["skipped"],
        refused=tuple(taking.refused),
    )


def _newest(
    taking: _Taking,
    sharing: Sharing,
    store: Store,
    of: dict[str, list[PackName]],
    window: int,
    branch: str | None,
) -> None:
    """Packs from the newest on, until the window is full and no older pack can hold a part of it."""

    def beyond(name: PackName) -> bool:
        start = sharing.start_of_newest(branch, window)
        return start is not None and name.stamp < _stamp(start)

    taking.take(of[RUNS][::-1], until=beyond)
    start = sharing.start_of_newest(branch, window)

    def old_enough(name: PackName) -> bool:
        if start is None or name.stamp >= _stamp(start):
            return False
        return bool(store.verdicts(state=GateState.MET, before=start, limit=1))

    taking.take(of[MET][::-1], until=old_enough)
    taking.take(of[VERDICTS][::-1], until=lambda name: start is not None and name.stamp < _stamp(start))


def _stamp(moment: datetime) -> str:
    return stamp_of(to_ms(moment))


class _Taking:
    """Takes packs in, one after the other, and counts."""

    def __init__(self, sharing: Sharing, history: History, progress: Progress | None) -> None:
        self._sharing = sharing
        self._history = history
        self._progress = progress
        self._total = 0
        self.counts: Counter[str] = Counter()
        self.refused: list[Refused] = []
        self.tried: set[str] = set()  # packs that were looked at, by SHA-256
        self.vanished = False  # a pack was not there any more: joined with others meanwhile

    def begin(self, total: int) -> None:
        """A further look at the history, which lists so many new packs."""
        self._total = len(self.tried) + total
        self.vanished = False

    def take(self, names: Iterable[PackName], *, until: Callable[[PackName], bool] | None = None) -> None:
        """Take these packs in, in this order; not the first for which `until` holds, nor those after it."""
        left = list(names)
        size = _FEW if until else _AT_ONCE
        while left:
            some, left = left[:size], left[size:]
            if until is not None and until(some[-1]):
                some, left = [name for name in some if not until(name)], []
            before = len(self.tried)
            for name, data in self._history.read(some):
                if self._progress:
                    self._progress(len(self.tried), self._total, name.path)
                self.tried.add(name.sha256)
                try:
                    self._one(name, data)
                except PackError as error:
                    self.refused.append(Refused(name.path, str(error)))
            self.vanished = self.vanished or len(self.tried) - before < len(some)

    def _one(self, name: PackName, data: bytes) -> None:
        pack = decode(data, name.sha256)
        if name_of(pack, name.sha256, name.level) != name:
            raise PackError("its name tells another kind or time than its content")
        parts = [part.hex() for part in pack.made_of]
        if parts and not self._sharing.unknown_packs(parts):  # all of it is here already
            self._sharing.note_packs([name.sha256])
            return
        self._content(pack)
        self._sharing.note_packs([name.sha256])
        self.counts["packs"] += 1
        self.counts["bytes"] += len(data)

    def _content(self, pack: Pack) -> None:
        content = content_of(pack)
        for key, calls in content.runs:
            new = self._sharing.take_run(key, calls)
            self.counts["skipped"] += new is None
            self.counts["reports"] += new or 0
            self.counts["runs"] += bool(new)
        self.counts["verdicts"] += self._sharing.take_rest(content.files, content.renames, content.verdicts)
