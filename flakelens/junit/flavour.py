"""What junitparser's model lacks: attributes as raw text, the attempt's own time, direct children only.

junitparser computes and *writes* missing counts when they are read, reads `0,123` as 123, and finds results inside
results. Times and counts are read elsewhere in this room, so here they are plain text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from junitparser import Attr, Element, xunit2
from junitparser.junitparser import Result, System

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree import ElementTree as ET

_Kind = TypeVar("_Kind", bound=Element)


def of_element(kind: type[_Kind], element: ET.Element) -> _Kind:
    """`kind` around `element`. junitparser's own `fromelem` makes an element to throw away each time."""
    made = kind.__new__(kind)
    made._elem = element
    return made


class Case(xunit2.TestCase):
    """A `<testcase>` whose iteration yields its direct children that junitparser knows."""

    time = Attr()
    file = Attr()
    line = Attr()
    status = Attr()

    def __iter__(self) -> Iterator[Result | System]:
        for element in self._elem:
            kind = self.ITER_TYPES.get(element.tag)
            if kind is not None:
                yield of_element(kind, element)  # type: ignore[misc]

    __hash__ = xunit2.TestCase.__hash__


class Suite(xunit2.TestSuite):
    """A `<testsuite>` whose counts and times are what the file says, never computed."""

    time = Attr()
    tests = Attr()
    failures = Attr()
    errors = Attr()
    skipped = Attr()
    testcase = Case


class Report(xunit2.JUnitXml):
    """A `<testsuites>`; a bare `<testsuite>` is wrapped by `fromroot`."""

    time = Attr()
    tests = Attr()
    failures = Attr()
    errors = Attr()
    skipped = Attr()
    testsuite = Suite


__all__ = ["Case", "Element", "Report", "Result", "Suite", "System", "of_element"]
