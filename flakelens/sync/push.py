"""From the database into a shared history: what it lacks, and its many small packs joined to fewer.

Append-only. What is pushed is claimed before it is read and settled after it has landed, so that a run that grows
meanwhile is pushed again; twice does no harm, since packs of the same content have the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

from flakelens.facts import RunKey
from flakelens.model import GateState
from flakelens.sync.build import joined, pack_of_renames, pack_of_runs, pack_of_verdicts, results_of
from flakelens.sync.form import MOST_BYTES, Pack, PackError, decode, encode, hash_of
from flakelens.sync.joining import groups
from flakelens.sync.names import FULL, HIGHEST, PackName, name_of
from flakelens.sync.outcome import Progress, Pushed, Refused
from flakelens.sync.read import check
from flakelens.sync.remote import Change

if TYPE_CHECKING:
    from flakelens.store import Store
    from flakelens.store.sharing import SharedRun, Sharing
    from flakelens.sync.remote import History

BATCH: Final = 512  # runs or verdicts that go into one change of the history
_FEW_RUNS: Final = 16  # up to so many, each run gets a pack of its own; more come joined
_MOST_RESULTS: Final = 1_000_000  # attempts in a pack that is made of several runs
_MOST_JOINED: Final = MOST_BYTES // 2  # bytes of packs that are joined


def push(store: Store, history: History, *, include_local: bool = False, progress: Progress | None = None) -> Pushed:
    """Share what the history lacks. A laptop's runs only with `include_local`.

    Raises SharedHistoryError, DatabaseError; what landed before has landed, and the next push goes on from there.
    """
    with store.sharing(history.place) as sharing:
        sharing.drop_claims()
        return _Pushing(sharing, history, progress).all(include_local=include_local)


class _Pushing:
    def __init__(self, sharing: Sharing, history: History, progress: Progress | None) -> None:
        self._sharing = sharing
        self._history = history
        self._progress = progress
        self._refused: dict[str, Refused] = {}
        self._packs = self._bytes = self._joined = 0

    def all(self, *, include_local: bool) -> Pushed:
        """Everything that is not shared yet."""
        lacking = self._sharing.unshared(include_local=include_local)
        waiting = iter(lacking.runs)
        done = shared = 0
        while keys := list(islice(waiting, BATCH)):
            runs: list[SharedRun] = []
            for key in keys:
                if self._progress:
                    self._progress(done, len(lacking.runs), key.run)
                done += 1
                if (run := self._sharing.claim_run(key)) is not None:
                    runs.append(run)
            packs = self._of_runs(runs)
            shared += sum(len(pack.runs) for pack, _ in packs.values())
            self._land(packs)
        verdicts = 0
        while given := self._sharing.claim_verdicts(BATCH):
            verdicts += len(given)
            met = [verdict for verdict in given if verdict.state is GateState.MET]
            other = [verdict for verdict in given if verdict.state is not GateState.MET]
            self._land(dict(_named(pack_of_verdicts(some)) for some in (met, other) if some))
        if renames := self._sharing.claim_renames():
            self._land(dict([_named(pack_of_renames(renames))]))
        self._land({})  # nothing new, but perhaps something to join
        return Pushed(
            runs=shared,
            verdicts=verdicts,
            renames=len(renames),
            packs=self._packs,
            bytes=self._bytes,
            joined=self._joined,
            local=lacking.local,
            refused=tuple(self._refused.values()),
        )

    def _of_runs(self, runs: list[SharedRun]) -> dict[PackName, tuple[Pack, bytes]]:
        """The packs of some runs: one each, or, of many at once, months of them."""
        found: dict[PackName, tuple[Pack, bytes]] = {}
        singles = [(run, pack_of_runs([run])) for run in runs]
        if len(runs) <= _FEW_RUNS:
            packs = [pack for _, pack in singles]
        else:
            packs = [pack_of_runs(group) for group in _grouped(singles)]
        for pack in packs:
            try:
                found.update([_named(pack, 1 if len(pack.runs) == 1 else 2)])
            except PackError as error:
                for run in pack.runs:
                    self._sharing.release_run(RunKey(run.provider, run.run))
                    self._refused[run.run] = Refused(f"run {run.run}", f"{error}; it is not shared")
        return found

    def _land(self, packs: Mapping[PackName, tuple[Pack, bytes]]) -> None:
        """Add packs to the history, join what is to be joined, and settle what was claimed."""
        change = self._history.change(lambda there: self._plan(packs, there))
        self._sharing.settle()
        self._sharing.note_packs(name.sha256 for name in packs)
        self._packs += len(change.add)
        self._bytes += sum(map(len, change.add.values()))
        self._joined += len(change.remove)
        self._note_joined(change)

    def _plan(self, packs: Mapping[PackName, tuple[Pack, bytes]], there: frozenset[PackName]) -> Change:
        """What to change: add what is not there, put one pack in the place of each group that is ripe."""
        known = {name.sha256 for name in there}
        new = {name: held for name, held in packs.items() if name.sha256 not in known}
        add = {name: data for name, (_, data) in new.items()}
        remove: set[PackName] = set()
        for group in groups({*there, *new}):
            held, full = self._held(group, new)
            if not held or (len(held) == 1 and not full):
                continue
            level = FULL if full else min(HIGHEST, max(name.level for name in held) + 1)
            try:
                name, data = _one_of(held, level)
            except PackError as error:
                self._refused[group[0].path] = Refused(group[0].path, f"{error}; it was not joined with others")
                continue
            add[name] = data
            remove |= held.keys()
        return Change({name: data for name, data in add.items() if name not in remove},
                      frozenset(name for name in remove if name in there))  # fmt: skip

    def _held(
        self, group: tuple[PackName, ...], new: Mapping[PackName, tuple[Pack, bytes]]
    ) -> tuple[dict[PackName, tuple[Pack, bytes]], bool]:
        """The packs of a group that can be read, as many as fit into one; and whether some did not fit."""
        held: dict[PackName, tuple[Pack, bytes]] = {}
        size = results = 0
        own = {name: new[name][1] for name in group if name in new}
        for name, data in _all(own, self._history, [name for name in group if name not in own]):
            try:
                pack = decode(data, name.sha256)
                if name_of(pack, name.sha256, name.level) != name:
                    raise PackError("its name tells another kind or time than its content")
                check(pack)  # it must not spoil those that it is joined with
            except PackError as error:
                self._refused[name.path] = Refused(name.path, str(error))
                continue
            size += len(data)
            results += results_of(pack)
            if held and (size > _MOST_JOINED or results > _MOST_RESULTS):
                return held, True
            held[name] = pack, data
        return held, False

    def _note_joined(self, change: Change) -> None:
        """A joined pack is held here if all that it is made of is."""
        for name, data in change.add.items():
            pack = decode(data, name.sha256)
            if pack.made_of and not self._sharing.unknown_packs(part.hex() for part in pack.made_of):
                self._sharing.note_packs([name.sha256])


def _one_of(held: Mapping[PackName, tuple[Pack, bytes]], level: int) -> tuple[PackName, bytes]:
    """The pack that takes the place of these: joined, or, of a single one, the same under its new level."""
    if len(held) == 1:
        ((name, (_, data)),) = held.items()
        return name._replace(level=level), data
    name, (_, data) = _named(joined({name.sha256: pack for name, (pack, _) in held.items()}), level)
    return name, data


def _all(own: Mapping[PackName, bytes], history: History, others: list[PackName]) -> Iterator[tuple[PackName, bytes]]:
    yield from sorted(own.items())
    yield from history.read(others)


def _named(pack: Pack, level: int = 1) -> tuple[PackName, tuple[Pack, bytes]]:
    data = encode(pack)
    return name_of(pack, hash_of(data), level), (pack, data)


def _grouped(singles: list[tuple[SharedRun, Pack]]) -> Iterator[list[SharedRun]]:
    """Runs in their order, in groups of one month and not too many results."""
    group: list[SharedRun] = []
    month, results = "", 0
    for run, pack in singles:
        name = name_of(pack, "0" * 64, 1)
        if group and (name.month != month or results + results_of(pack) > _MOST_RESULTS):
            yield group
            group, results = [], 0
        month = name.month
        results += results_of(pack)
        group.append(run)
    if group:
        yield group
