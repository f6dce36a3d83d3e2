"""Which area and which focuses each test of a history belongs to. From the policy at analysis time, never stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

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
    start = 0
    for seen, alike in groupby(_evidence(tests, by_title)):  # tests are sorted by their files
        stop = start + len(list(alike))
        if seen not in known:
            known[seen] = place[area_of(tests[start], policy.areas)]
        index[start:stop] = known[seen]
        start = stop
    return AreaMap(names, index)


def _evidence(tests: Sequence[Test], by_title: bool) -> Iterator[tuple[object, ...]]:
    """What decides on the area of each test."""
    if not tests:
        return iter(())
    ids, _, *others = zip(*tests, strict=True)
    return zip(ids if by_title else map(itemgetter(0), ids), *others, strict=True)


def focuses(tests: Sequence[Test], policy: Policy) -> tuple[tuple[str, ...], ...]:
    """The names of each test's focuses, in the policy's order. Apart from areas, because most verdicts ask for none."""
    return tuple(focuses_of(test, policy.focuses) for test in tests)
