"""Which area and which focuses each test belongs to. From the policy at analysis time, never stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from flakelens.facts import Int32s
from flakelens.history import Test
from flakelens.policy import UNASSIGNED, Policy, Rule


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
    """The area and focuses of every test.

    The first rule that matches wins. What a test is matched by, best evidence first: its own (or adopted) file, its
    producer and its title; the one file of the checkout that holds its title; the names of the jobs that ran it; a
    test file in one of its stack traces. A later kind of evidence is asked only when no rule matched an earlier one.
    """
    names = (*policy.area_names(), UNASSIGNED)
    place = {name: position for position, name in enumerate(names)}
    index = np.fromiter((place[_area(test, policy.areas)] for test in tests), np.int32, len(tests))
    focuses = tuple(
        tuple(dict.fromkeys(rule.name for rule in policy.focuses if _matches_at_all(rule, test))) for test in tests
    )
    return AreaMap(names, index, focuses)


def area_of_file(producer: str, job: str, file: str, policy: Policy) -> str:
    """The area of a report or a file: by producer or path, else by the job; "" where no rule says it."""
    for rule in policy.areas:
        if producer in rule.producers or _matches_file(rule, file):
            return rule.name
    return next((rule.name for rule in policy.areas if job and _matches_job(rule, (job,))), "")


def _area(test: Test, rules: Sequence[Rule]) -> str:
    for rule in rules:
        if _matches(rule, test, test.id.file):
            return rule.name
    for file in (test.title_file, None, test.stack_file):
        for rule in rules:
            if file is None and _matches_job(rule, test.jobs):
                return rule.name
            if file and _matches_file(rule, file):
                return rule.name
    return UNASSIGNED


def _matches_at_all(rule: Rule, test: Test) -> bool:
    file = test.id.file or test.title_file or test.stack_file
    return _matches(rule, test, file) or _matches_job(rule, test.jobs)


def _matches(rule: Rule, test: Test, file: str) -> bool:
    title = test.id.name.casefold()
    return (
        test.producer in rule.producers
        or _matches_file(rule, file)
        or any(text.casefold() in title for text in rule.titles)
        or any(glob(pattern).fullmatch(test.id.variant) for pattern in rule.variants if test.id.variant)
    )


def _matches_file(rule: Rule, file: str) -> bool:
    return bool(file) and any(glob(pattern).fullmatch(file) for pattern in rule.files)


def _matches_job(rule: Rule, jobs: tuple[str, ...]) -> bool:
    return any(glob(pattern).fullmatch(job) for pattern in rule.jobs for job in jobs)


@lru_cache(maxsize=1024)
def glob(pattern: str) -> re.Pattern[str]:
    """A path pattern as people write it in CODEOWNERS and tsconfig: `*` stays within a folder, `**` crosses folders."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            parts.append("(?:[^/]+/)*")
            position += 3
        elif pattern.startswith("**", position):
            parts.append(".*")
            position += 2
        elif pattern[position] == "*":
            parts.append("[^/]*")
            position += 1
        elif pattern[position] == "?":
            parts.append("[^/]")
            position += 1
        else:
            parts.append(re.escape(pattern[position]))
            position += 1
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
