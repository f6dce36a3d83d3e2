"""The interface of a dialect, and what every dialect shares: how a title is put together.

A dialect is one object in one file: it recognises its producers' reports and says, for one test case, which test it is
and which attempts it had. Walking the suites, counting and complaining is `reader`'s work and the same for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from flakelens.junit.attempts import Outcomes, attempts_of
from flakelens.junit.values import is_path, tidy_path
from flakelens.model import RetryEvidence, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from flakelens.cases import Cases
    from flakelens.junit.flavour import Case
    from flakelens.model import Attempt, ProblemCode


# How many identities a dialect remembers: the next run has the same tests. Longer titles are not remembered, so that
# what hostile reports leave behind stays small.
REMEMBERED = 1 << 15
LONGEST_REMEMBERED = 600


class Suite(msgspec.Struct):
    """One `<testsuite>` (or the root), read once; its cases refer to it."""

    element: Element
    parent: Suite | None
    producer: str
    name: str
    file: str  # of its attribute, or its parent's, or what the dialect found; tidy
    hostname: str
    titles: tuple[str, ...] = ()  # describe blocks, where the dialect finds them in suites
    variant: str = ""
    split: bool = False  # class and name are two halves of every title of this report, even where one repeats the other
    line_base: int = 0  # what to add to a case's `line` so that it counts from 1


class Look(msgspec.Struct):
    """What a dialect decides by: the root, the first suite and the first case, where there are any."""

    root: Element
    suite: Element | None
    case: Element | None
    properties: frozenset[str] = msgspec.field(default_factory=frozenset)  # names of the first suite's properties


class Details(NamedTuple):
    """What a case with child elements says."""

    attempts: tuple[Attempt, ...]
    line: int | None = None  # where the failure names it; the attribute `line` is read elsewhere
    evidence: RetryEvidence | None = None


class Dialect(Protocol):
    """One way of writing JUnit."""

    name: str  # the heading in docs/dialects.md and the fixture's name
    counts: bool  # whether its declared counts mean its elements, so that a difference is worth a remark

    def producer(self, look: Look) -> str:
        """The producer's name if the report is of this dialect, else ""."""

    def enter(self, suite: Suite) -> None:
        """A suite begins: put into it what its cases will need."""

    def identify(self, case: Element, suite: Suite) -> TestId:
        """Which test a case is. Called for every case: it must be quick."""

    def is_load_failure(self, case: Element, suite: Suite) -> str:
        """The file or suite that could not be loaded, if this failing case only stands for that; else ""."""

    def details(self, case: Case, suite: Suite, outcomes: Outcomes, seconds: float | None) -> Details:
        """The attempts of a case that has child elements."""

    def wall_seconds(self, look: Look) -> str | None:
        """The text of the attribute that holds the wall time of the whole run, if there is one."""

    def remarks(self, look: Look, cases: Cases) -> Iterable[tuple[ProblemCode, str]]:
        """What only the whole report shows: codes and sentences."""


class Base:
    """What most dialects do."""

    name = ""
    counts = False

    def enter(self, suite: Suite) -> None:
        """Nothing to prepare."""

    def is_load_failure(self, case: Element, suite: Suite) -> str:  # noqa: ARG002 - the interface's
        """No pseudo cases."""
        return ""

    def details(self, case: Case, suite: Suite, outcomes: Outcomes, seconds: float | None) -> Details:  # noqa: ARG002
        """The attempts that Surefire's elements record."""
        evidence = RetryEvidence.RECORDED if outcomes.flaky or outcomes.rerun else None
        return Details(attempts_of(case, outcomes, seconds), None, evidence)

    def wall_seconds(self, look: Look) -> str | None:
        """The root's time."""
        return look.root.get("time")

    def remarks(self, look: Look, cases: Cases) -> Iterable[tuple[ProblemCode, str]]:  # noqa: ARG002
        """None."""
        return ()


def full_title(name: str, classname: str) -> str:
    """The producer's full title: `name` where it already begins with the class, else both.

    White space differs between the two in real files (templates, line breaks), so that it is compared folded.
    """
    name = name.strip()
    classname = classname.strip()
    if not classname or name == classname:
        return name
    if not name:
        return classname
    if begins(name, classname):
        return name
    folded, folded_class = " ".join(name.split()), " ".join(classname.split())
    return name if begins(folded, folded_class) else f"{classname} {name}"


def begins(name: str, classname: str) -> bool:
    """Whether the title begins with the class as whole words: `Cart` does not begin `Carts are empty`."""
    size = len(classname)
    return name.startswith(classname) and (len(name) == size or not (name[size].isalnum() or name[size] == "_"))


def file_and_title(case: Element, suite: Suite) -> tuple[str, str]:
    """File and full title by the rules that hold for most producers."""
    get = case.get
    name, classname = get("name") or "", get("classname") or ""
    raw = get("file") or get("filepath")
    if is_path(classname):
        return tidy_path(raw or suite.file or classname), name.strip()
    return tidy_path(raw) if raw else suite.file, full_title(name, classname)
