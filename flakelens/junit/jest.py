"""jest-junit: titles put together by templates, files seldom named, retries never shown."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from flakelens.junit.dialect import LONGEST_REMEMBERED, REMEMBERED, Base, Look, Suite, begins, full_title
from flakelens.junit.values import is_path, tidy_path
from flakelens.model import TestId

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LOAD_FAILURE = "Test suite failed to run"
_SUITE_ATTRIBUTES = ["name", "errors", "failures", "skipped", "timestamp", "time", "tests"]  # in the order written
_NAIVE_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_TEMPLATE_JOINTS = re.compile(r"[|]| - | \u203a ")


def _splits_titles(root: Element) -> bool:
    """Whether the templates put the describe titles into the class and the rest into the name.

    Asked of the whole report: `describe("score")` with `it("score is high")` looks like a name that holds its class,
    but some other test of the report will not. By default class and name are the same full title.
    """
    for case in root.iter("testcase"):
        name, classname = case.get("name", ""), case.get("classname", "")
        if classname and name and classname not in {name, _LOAD_FAILURE} and not is_path(classname):
            folded, folded_class = " ".join(name.split()), " ".join(classname.split())
            if folded_class and not begins(folded, folded_class):
                return True
    return False


def _identity(name: str, classname: str, file: str | None, suite_file: str, split: bool) -> TestId:
    if name == classname and not split:
        title = name.strip()
    elif is_path(classname):
        file = file or classname
        title = name.strip()
    elif split:
        title = f"{classname.strip()} {name.strip()}".strip()
    else:
        title = full_title(name, classname)
    return TestId(tidy_path(file) if file else suite_file, title, "")


_remembered = lru_cache(REMEMBERED)(_identity)


class Jest(Base):
    """Reports of jest-junit, whatever its templates."""

    name = "jest"
    counts = True

    def producer(self, look: Look) -> str:
        """By the root's default name, else by its suites' attributes in their order and zoneless time stamp."""
        if look.root.get("name") == "jest tests":
            return "jest"
        suite = look.suite
        if suite is None or look.root.tag != "testsuites" or not look.root.get("name"):
            return ""
        stamp = _NAIVE_SECONDS.fullmatch(suite.get("timestamp", ""))
        return "jest" if stamp and list(suite.attrib) == _SUITE_ATTRIBUTES else ""

    def enter(self, suite: Suite) -> None:
        """Find out whether class and name are halves of the title, and whether the suite's name is its file."""
        suite.split = suite.parent.split if suite.parent else _splits_titles(suite.element)
        if suite.file:
            return
        case = suite.element.find("testcase")
        if case is not None and full_title(case.get("name", ""), case.get("classname", "")).startswith(suite.name):
            return
        for part in reversed(_TEMPLATE_JOINTS.split(suite.name)):
            if is_path(part.strip()):
                suite.file = tidy_path(part)
                return

    def identify(self, case: Element, suite: Suite) -> TestId:
        """Class and name hold the same full title by default; templates split it or put the file into the class."""
        get = case.get
        name, classname = get("name", ""), get("classname", "")
        identity = _remembered if len(name) + len(classname) <= LONGEST_REMEMBERED else _identity
        return identity(name, classname, get("file"), suite.file, suite.split)

    def is_load_failure(self, case: Element, suite: Suite) -> str:
        """jest-junit writes two cases for a file that could not be loaded, both with this class."""
        if case.get("classname") != _LOAD_FAILURE:
            return ""
        return tidy_path(case.get("name") or suite.name)
