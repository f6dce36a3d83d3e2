"""Which area and which focuses each test of a history belongs to. From the policy at analysis time, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flakelens.facts import Int32s
from flakelens.history import Test
from flakelens.policy import UNASSIGNED, Policy
from flakelens.rules import area_of, focuses_of


@dataclass(frozen=True, slots=True)
class AreaMap:
    """The area of each test, by position in `History.tests`.

    `names` are the policy's areas and last `unassigned`; `index[i]` is the position in `names` of test i's area;
    `focuses[i]` are the names of its focuses, in the policy's order.
    """

    names: tuple[str, ...]
    index: Int32s
    focuses: tuple[tuple[str, ...], ...]

    def members(self, name: str) -> Int32s:
        """Positions of the tests of an area, ascending; none for an unknown name."""
        if name not in self.names:
            return np.empty(0, np.int32)
        return np.flatnonzero(self.index == self.names.index(name)).astype(np.int32)


def assign(tests: Sequence[Test], policy: Policy) -> AreaMap:
    """The area and focuses of every test, by the rules of `policy` (see `rules`)."""
    names = (*policy.area_names(), UNASSIGNED)
    place = {name: position for position, name in enumerate(names)}
    index = np.fromiter((place[area_of(test, policy.areas)] for test in tests), np.int32, len(tests))
    focuses = tuple(focuses_of(test, policy.focuses) for test in tests)
    return AreaMap(names, index, focuses)
