"""Which packs of a month are joined, from their names alone: whoever pushes comes to the same result.

Thirty-two packs as they were pushed become one, a hundred and twenty-eight of these one of the next level. A month is
over when a whole month lies between it and the newest pack: then what is left of it is joined as soon as there are more
than a few. Until then a pull of the newest runs finds them in packs of which it needs almost all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from flakelens.sync.names import FULL, HIGHEST, PackName

TOGETHER: Final = 32  # packs of level 1 that become one
FURTHER: Final = 128  # packs of a higher level that become one
FEW: Final = 8  # packs that a month that is over may keep


def groups(names: Iterable[PackName]) -> list[tuple[PackName, ...]]:
    """The groups of packs that are to become one each; a pack is in one group at most."""
    everything = [name for name in names if name.level != FULL]
    months: dict[tuple[str, str], list[PackName]] = defaultdict(list)
    for name in everything:
        months[name.kind, name.month].append(name)
    newest = max((name.stamp for name in everything), default="")
    current = f"{newest[:4]}-{newest[4:6]}"
    found: list[tuple[PackName, ...]] = []
    for (_, month), inside in sorted(months.items()):
        if is_over(month, current) and len(inside) > FEW:
            found.append(tuple(sorted(inside)))
            continue
        levels: dict[int, list[PackName]] = defaultdict(list)
        for name in inside:
            levels[name.level].append(name)
        for level, several in sorted(levels.items()):
            oldest = sorted(several)
            size = TOGETHER if level == 1 else FURTHER
            if level < HIGHEST:
                whole = range(0, len(oldest) - size + 1, size)
                found += [tuple(oldest[start : start + size]) for start in whole]
    return found


def is_over(month: str, current: str) -> bool:
    """Is there a whole month between `month` and the current one?"""
    year, number = map(int, month.split("-"))
    following = f"{year + number // 12:04}-{number % 12 + 1:02}"
    return following < current
