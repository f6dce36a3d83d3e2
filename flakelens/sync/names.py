"""Where a pack lies in a shared history: `runs/2026-11/20261126T180501-<SHA-256>.1.pack`.

The time is that of the newest thing in the pack, so that a pull of the newest runs knows when to stop. The digit is its
level: 1 as it was pushed, higher for packs joined from others, 9 for one that is full.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from flakelens.sync.form import PackError, start_of

if TYPE_CHECKING:
    from flakelens.sync.form import Pack

RUNS: Final = "runs"
VERDICTS: Final = "verdicts"
MET: Final = "met"  # verdicts that were MET, which later verdicts are held to
RENAMES: Final = "renames"
KINDS: Final = (RUNS, VERDICTS, MET, RENAMES)
HIGHEST: Final = 8  # level that joining reaches
FULL: Final = 9  # level of a pack that is not joined any more

_PATH: Final = re.compile(
    rf"({'|'.join(KINDS)})/([0-9]{{4}}-[0-9]{{2}})/([0-9]{{8}}T[0-9]{{6}})-([0-9a-f]{{64}})\.([1-9])\.pack", re.ASCII
)


class PackName(NamedTuple):
    """The path of a pack, taken apart. Sorts by kind, then by time."""

    kind: str
    month: str  # "2026-11"
    stamp: str  # "20261126T180501"
    sha256: str
    level: int

    @property
    def path(self) -> str:
        """Relative to the top of the history, with "/"."""
        return f"{self.kind}/{self.month}/{self.stamp}-{self.sha256}.{self.level}.pack"


def parse(path: str) -> PackName | None:
    """The name of a pack, None for any other path."""
    found = _PATH.fullmatch(path)
    if found is None or found[3][:4] + "-" + found[3][4:6] != found[2]:
        return None
    return PackName(found[1], found[2], found[3], found[4], int(found[5]))


def name_of(pack: Pack, sha256: str, level: int) -> PackName:
    """The name that a pack must have. Raises PackError for one that is empty or of two kinds."""
    kinds: dict[str, int] = {}
    if pack.runs:
        kinds[RUNS] = max(map(start_of, pack.runs))
    if pack.renames:
        kinds[RENAMES] = max(row.known_since for row in pack.renames)
    if pack.verdicts:
        met = {row.state == "MET" for row in pack.verdicts}
        kinds[MET if met == {True} else VERDICTS] = max(row.as_of for row in pack.verdicts)
    if len(kinds) != 1:
        raise PackError("it must hold runs, verdicts or renames, and one of them only")
    ((kind, newest),) = kinds.items()
    stamp = stamp_of(newest)
    return PackName(kind, f"{stamp[:4]}-{stamp[4:6]}", stamp, sha256, level)


def stamp_of(ms: int) -> str:
    """A moment as names tell it, UTC, to the second."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y%m%dT%H%M%S}"
