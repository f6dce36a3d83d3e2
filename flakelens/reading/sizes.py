"""How much there is to read, asked before anything is: of small calls, which need no more than this of processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from flakelens.junit import Named, find

if TYPE_CHECKING:
    from collections.abc import Iterable

# Below this many bytes of reports no process is started: it would cost more than it saves (docs/benchmarks.md).
SMALL: Final = 12_000_000
_PACKED: Final = 8  # how much larger compressed reports are when unpacked, about


def worth_it(paths: Iterable[str]) -> bool:
    """Whether what the paths name is enough for processes to pay."""
    size = 0
    for found in find([path for path in paths if path != "-"]):
        if isinstance(found, Named):
            size += size_of(found)
            if size >= SMALL:
                return True
    return False


def size_of(named: Named) -> int:
    """About how many bytes a file will have when it is read; 0 where that cannot be told."""
    try:
        size = os.stat(named.path).st_size  # noqa: PTH116
    except (OSError, ValueError):
        return 0
    return size if named.path.lower().endswith(".xml") else size * _PACKED
