"""The made-up suite: where its tests live, which flake, which break for a while, which become slower."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from flakelens.model import TestId
from flakelens.simulate.plan import Plan

# Where tests live (see gate1.toml), how many of each kind, and what they are called.
_PLACES = (
    ("AI", 0.15, "src/__tests__/api/ai/{}.test.ts", ("summary", "match", "chat", "embedding")),
    ("components", 0.45, "src/components/{}.test.tsx", ("button", "table", "form", "dialog", "calendar")),
    ("other", 0.20, "src/lib/{}.test.ts", ("mail", "dates", "money", "search")),
    ("E2E", 0.20, "e2e/{}.spec.ts", ("checkout", "signup", "referral", "upload")),
)
_E2E = 3
_SLOWER = 0.02  # share of tests that become slower for good
_MEAN_BREAK = 4  # commits


class Test(NamedTuple):
    """One test and all that will befall it."""

    id: TestId
    area: str
    flake_rate: float  # 0: not flaky
    broken: tuple[int, int] | None  # first and last commit of the main branch, counted from 0
    slower: tuple[int, float] | None  # from which run on, and how many times
    seconds: float

    def is_broken(self, commit: int) -> bool:
        """Is it broken at this commit of the main branch?"""
        return self.broken is not None and self.broken[0] <= commit <= self.broken[1]


def suite_of(plan: Plan, rng: np.random.Generator, commits: int) -> list[Test]:
    """The suite; flaky and broken tests are drawn from all areas, no test is both. `commits` of the main branch."""
    drawn = rng.permutation(plan.tests)
    flaky = round(plan.flaky * plan.tests)
    broken = round(plan.broken * plan.tests)
    rates = dict(
        zip(drawn[:flaky].tolist(), np.exp(rng.uniform(np.log(0.02), np.log(0.4), flaky)).tolist(), strict=True)
    )
    spells = {}
    for position in drawn[flaky : flaky + broken].tolist():
        first = int(rng.integers(0, commits))
        spells[position] = (first, min(commits - 1, first + int(rng.geometric(1 / _MEAN_BREAK)) - 1))
    slower = {
        position: (
            int(rng.integers(plan.runs // 4, max(plan.runs // 4 + 1, plan.runs * 3 // 4))),
            float(rng.uniform(1.5, 3)),
        )
        for position in sorted(rng.permutation(plan.tests)[: round(_SLOWER * plan.tests)].tolist())
    }
    tests = []
    for position, place in enumerate(places(plan.tests)):
        area, _, pattern, names = _PLACES[place]
        name = names[position % len(names)]
        separator = " › " if place == _E2E else " "
        base = 1.0 if place == _E2E else 0.05
        tests.append(
            Test(
                id=TestId(
                    pattern.format(name),
                    f"{name}{separator}does thing {position + 1}",
                    "chromium" if place == _E2E else "",
                ),
                area=area,
                flake_rate=rates.get(position, 0.0),
                broken=spells.get(position),
                slower=slower.get(position),
                seconds=base * float(np.exp(rng.normal(0, 0.6))),
            )
        )
    return tests


def places(tests: int) -> list[int]:
    """Which place each test belongs to: every place has one at least, the largest takes what rounding leaves."""
    sizes = [max(1, int(share * tests)) for _, share, _, _ in _PLACES]
    sizes[1] += tests - sum(sizes)
    return [place for place, size in enumerate(sizes) for _ in range(size)]


def browser_tests(tests: int) -> int:
    """How many of so many tests are E2E tests."""
    return places(tests).count(_E2E)
