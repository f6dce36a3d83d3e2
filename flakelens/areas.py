"""Which area and which focuses each test of a history belongs to. From the policy at analysis time, never stored."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from flakelens.facts import Int32s
from flakelens.history import Test
from flakelens.policy import UNASSIGNED, Policy
from flakelens.rules import area_of, focuses_of


class AreaMap(msgspec.Struct, frozen=True):
    """The area of each test, by position in `History.tests`.

    `names` are the policy's areas and last `unassigned`; `index[i]` is the position in `names` of test i's area.
    """

    names: tuple[str, ...]
    index: Int32s

    def members(self, name: str) -> Int32s:
        """Positions of the tests of an area, ascending; none for an unknown name."""
        if name not in self.names:
            return np.empty(0, np.int32)
        return np.flatnonzero(self.index == self.names.index(name)).astype(np.int32)


def assign(tests: Sequence[Test], policy: Policy) -> AreaMap:
    """The area of every test, by the rules of `policy` (see `rules`)."""
    names = (*policy.area_names(), UNASSIGNED)
    place = {name: position for position, name in enumerate(names)}
    by_title = any(rule.titles or rule.variants for rule in policy.areas)
    known: dict[tuple[object, ...], int] = {}  # the tests of one file belong together, but for rules on titles
    index = np.empty(len(tests), np.int32)
    for position, test in enumerate(tests):
        seen = (test.id if by_title else test.id.file, test.producer, test.jobs, test.title_file, test.stack_file)
        area = known.get(seen)
        if area is None:
            area = known[seen] = place[area_of(test, policy.areas)]
        index[position] = area
    return AreaMap(names, index)


def focuses(tests: Sequence[Test], policy: Policy) -> tuple[tuple[str, ...], ...]:
    """The names of each test's focuses, in the policy's order. Apart from areas, because most verdicts ask for none."""
    return tuple(focuses_of(test, policy.focuses) for test in tests)
