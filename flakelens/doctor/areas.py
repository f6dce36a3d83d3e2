"""Checks of the policy's areas against the tests that there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flakelens.doctor.look import Look, some
from flakelens.gate.criterion import count_of
from flakelens.history import Test
from flakelens.policy import UNASSIGNED
from flakelens.report import Finding


def unassigned_tests(look: Look) -> Iterator[Finding]:
    """Tests that no area's rule matches: they count in rates over all tests, but in no area's criterion."""
    areas = look.evidence.areas
    tests = [look.evidence.history.tests[position] for position in areas.members(UNASSIGNED)]
    if not tests:
        return
    yield Finding(
        code="unassigned-tests",
        where=UNASSIGNED,
        message=f"{count_of(len(tests), 'test')} of {len(areas.index)} without an area: "
        f"{some([test.id.name for test in tests], quoted=True)}.",
        mend="Add a rule to flakelens.toml (flakelens init writes one with the shipped rules: a list there replaces "
        f'the shipped one):\n  [[areas]]\n  name = "NAME"\n  {_pattern(tests)}',
        serious=False,
    )


def _pattern(tests: list[Test]) -> str:
    """The pattern that would catch most of them: a folder where files are known, else a job, else a word."""
    folders = Counter(_folder(test.id.file or test.title_file) for test in tests if test.id.file or test.title_file)
    if folders:
        return f'files = ["{folders.most_common(1)[0][0]}"]'
    jobs = Counter(job for test in tests for job in test.jobs)
    if jobs:
        return f'jobs = ["{jobs.most_common(1)[0][0]}"]'
    return 'titles = ["WORD IN THE TITLE"]'


def _folder(file: str) -> str:
    """A pattern for the folder of a file: with all below it, unless that would be half of the project."""
    parts = file.split("/")[:-1][:3]
    return "".join(f"{part}/" for part in parts) + ("**" if len(parts) > 1 else "*")


def empty_areas(look: Look) -> Iterator[Finding]:
    """Areas without a test. A criterion on such an area can never be met."""
    areas = look.evidence.areas
    if not len(areas.index):
        return  # no test at all: no-runs says so
    judged = look.judged_areas()
    for name in areas.names:
        if name != UNASSIGNED and not len(areas.members(name)):
            asked = name in judged
            yield Finding(
                code="empty-area",
                where=name,
                message=f"No test belongs to {name}"
                f"{', so the criteria on it can never be met' if asked else ', and no criterion asks for it'}.",
                mend=f"Correct the patterns of {name} in flakelens.toml"
                f"{', or give the criterion other areas' if asked else ', or remove the area'}.",
                serious=asked,
            )


def areas_that_take_all(look: Look) -> Iterator[Finding]:
    """One area that holds every test although there are others: a pattern that is too wide."""
    areas = look.evidence.areas
    names = [name for name in areas.names if name != UNASSIGNED]
    for name in names if len(names) > 1 and len(areas.index) > 1 else ():
        if len(areas.members(name)) == len(areas.index):
            yield Finding(
                code="area-takes-all",
                where=name,
                message=f"All {count_of(len(areas.index), 'test')} belong to {name}.",
                mend="The first rule that matches wins: narrow its patterns, or put it after the others.",
                serious=False,
            )
