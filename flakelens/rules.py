"""The policy's rules for areas and focuses, matched on texts alone: what one test, report or file belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from flakelens.policy import UNASSIGNED, Focus, Policy, Rule

if TYPE_CHECKING:
    from flakelens.model import TestId


class Subject(Protocol):
    """A test as the rules see it: of a history, or of a single report."""

    @property
    def id(self) -> TestId:
        """Its canonical id, or the reported one where there is no history."""
        ...

    @property
    def producer(self) -> str:
        """Of the report: "jest", "playwright".."""
        ...

    @property
    def jobs(self) -> tuple[str, ...]:
        """CI jobs that ran it."""
        ...

    @property
    def title_file(self) -> str:
        """The one test file of a checkout that holds its title, "" for none."""
        ...

    @property
    def stack_file(self) -> str:
        """A test file in one of its stack traces, "" for none."""
        ...


def area_of(test: Subject, rules: Sequence[Rule]) -> str:
    """The test's area: the first rule that matches wins, `unassigned` where none does.

    What a test is matched by, best evidence first: its own (or adopted) file, its producer and its title; the one file
    of the checkout that holds its title; the names of the jobs that ran it; a test file in one of its stack traces. A
    later kind of evidence is asked only when no rule matched an earlier one.
    """
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


def focuses_of(test: Subject, rules: Sequence[Focus]) -> tuple[str, ...]:
    """Every focus with a rule that matches in any way, in the policy's order."""
    return tuple(dict.fromkeys(rule.name for rule in rules if matches(rule, test)))


def area_of_file(producer: str, job: str, file: str, policy: Policy) -> str:
    """The area of a report or a file: by producer or path, else by the job; "" where no rule says it."""
    for rule in policy.areas:
        if producer in rule.producers or _matches_file(rule, file):
            return rule.name
    return next((rule.name for rule in policy.areas if job and _matches_job(rule, (job,))), "")


def matches(rule: Rule, test: Subject) -> bool:
    """Does the rule match the test in any way?"""
    return _matches_at_all(rule, test) or (isinstance(rule, Focus) and _matches_words(rule, test))


def _matches_at_all(rule: Rule, test: Subject) -> bool:
    file = test.id.file or test.title_file or test.stack_file
    return _matches(rule, test, file) or _matches_job(rule, test.jobs)


def _matches_words(focus: Focus, test: Subject) -> bool:
    """`match`: a glob on the file where it looks like one, else text anywhere in the title or the file."""
    file = (test.id.file or test.title_file or test.stack_file).casefold()
    title = test.id.name.casefold()
    return any(
        bool(file) and bool(glob(pattern).fullmatch(file))
        if "/" in pattern or "*" in pattern
        else pattern.casefold() in title or pattern.casefold() in file
        for pattern in focus.match
    )


def _matches(rule: Rule, test: Subject, file: str) -> bool:
    if test.producer in rule.producers or _matches_file(rule, file):
        return True
    if rule.titles:  # few rules have any, and they are asked about every file of a suite
        title = test.id.name.casefold()
        if any(text.casefold() in title for text in rule.titles):
            return True
    return any(glob(pattern).fullmatch(test.id.variant) for pattern in rule.variants if test.id.variant)


def _matches_file(rule: Rule, file: str) -> bool:
    if file:
        for pattern in rule.files:
            if glob(pattern).fullmatch(file):
                return True
    return False


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
