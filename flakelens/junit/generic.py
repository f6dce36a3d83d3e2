"""Every other producer: one set of rules, and the little that has to be known about some of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flakelens.junit.dialect import Base, Look, Suite, file_and_title, full_title
from flakelens.junit.values import is_path, tidy_path
from flakelens.model import ProblemCode, Status, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from flakelens.cases import Cases

# Names that a producer's root or first suite has by default.
_ROOT_NAMES = {
    "vitest tests": "vitest",
    "pytest tests": "pytest",
    "Mocha Tests": "mocha",
    "bun test": "bun",
    "nextest-run": "nextest",
    "AllTests": "googletest",
}
_SUITE_NAMES = {
    "pytest": "pytest",
    "Root Suite": "mocha",
    "Mocha Tests": "mocha",
    "rspec": "rspec",
    "nosetests": "nose",
}
_SUITE_PROPERTIES = {"go.version": "go", "browser.fullName": "karma"}
_BROWSER = re.compile(r"(?:Headless ?)?(?:Chrome|Chromium|Firefox|Safari|Mobile Safari|Edge|Opera|Electron|IE|jsdom)\b")
_VERSION = re.compile(r"\s+v?\d")
_NESTED_TITLES = frozenset({"node", "bun"})
_FLAT = frozenset({"mocha", "cypress"})
_TIMED_BY_SUITE = frozenset({"pytest", "karma"})


class Generic(Base):
    """The dialect that takes every report, so it comes last."""

    name = "generic"

    def producer(self, look: Look) -> str:
        """The producer's name where it is known, else "unknown"."""
        root, suite, case = look.root, look.suite, look.case
        name = root.get("name", "")
        if name in _ROOT_NAMES:
            return self._mocha_or_cypress(look) if name == "Mocha Tests" else _ROOT_NAMES[name]
        for key, producer in _SUITE_PROPERTIES.items():
            if key in look.properties:
                return producer
        node = root.tag == "testsuites" and not root.attrib and case is not None and case.get("classname") == "test"
        if node and (suite is None or suite.get("disabled") is not None):
            return "node"
        if suite is not None:
            found = _SUITE_NAMES.get(suite.get("name", ""))
            if found:
                return self._mocha_or_cypress(look) if found == "mocha" else found
            if root.tag == "testsuite" and suite.get("package") is not None and _BROWSER.match(suite.get("name", "")):
                return "karma"
            if ".cy." in suite.get("name", "") or ".cy." in suite.get("file", ""):
                return "cypress"
            if suite.get("assertions") is not None:
                return "phpunit"
        return "unknown"

    @staticmethod
    def _mocha_or_cypress(look: Look) -> str:
        file = look.suite.get("file", "") if look.suite is not None else ""
        return "cypress" if ".cy." in file or file.replace("\\", "/").startswith("cypress/") else "mocha"

    def enter(self, suite: Suite) -> None:
        """The file where the suite names it; describe blocks of nested suites; karma's browser."""
        parent, producer = suite.parent, suite.producer
        if parent is None:
            return
        if is_path(suite.name) and not suite.element.get("file"):
            suite.file = tidy_path(suite.name)
        suite.variant, suite.titles = parent.variant, parent.titles
        if producer in _NESTED_TITLES and suite.name and tidy_path(suite.name) != suite.file:
            suite.titles = (*parent.titles, suite.name)
        elif producer == "karma":
            suite.variant = _VERSION.split(suite.name, maxsplit=1)[0].strip()
        elif producer == "pytest":
            suite.line_base = 1
        elif producer in _FLAT and suite.element.get("file"):
            # mocha names the file on the root suite only; what follows as its siblings belongs to it
            parent.file = suite.file

    def identify(self, case: Element, suite: Suite) -> TestId:
        """File and title by the common rules; nested suites and karma's browser are the exceptions."""
        if suite.producer in _NESTED_TITLES:
            file = case.get("file")
            title = " > ".join((*suite.titles, case.get("name", "").strip()))
            return TestId(tidy_path(file) if file else suite.file, title, "")
        if suite.variant:
            classname = case.get("classname", "")
            # karma: `Chrome_120_0.` and the suite's package before the describe blocks, which the name repeats
            if classname.startswith(suite.variant.partition(" ")[0]):
                classname = ""
            return TestId(suite.file, full_title(case.get("name", ""), classname), suite.variant)
        file, title = file_and_title(case, suite)
        if suite.producer in _FLAT:  # the other way round: the name is the full title and the class its leaf
            title = case.get("name", "").strip() or title
        return TestId(file, title, "")

    def is_load_failure(self, case: Element, suite: Suite) -> str:
        """vitest names a case after the file that it could not load; pytest one after the module."""
        name, classname = case.get("name", ""), case.get("classname", "")
        if name and name == classname == suite.name and is_path(name):
            return tidy_path(name)
        if not classname and name:
            error = case.find("error")
            if error is not None and error.get("message") == "collection failure":
                return name
        return ""

    def wall_seconds(self, look: Look) -> str | None:
        """The only suite's time for pytest and karma, else the root's."""
        if look.suite is not None and self.producer(look) in _TIMED_BY_SUITE:
            return look.suite.get("time")
        return look.root.get("time")

    def remarks(self, look: Look, cases: Cases) -> Iterable[tuple[ProblemCode, str]]:
        """karma counts a browser that went away as an error, without a test case for it."""
        if look.suite is None or self.producer(look) != "karma" or look.suite.get("errors", "0") in ("", "0"):
            return
        if Status.ERRORED not in cases.statuses:
            yield ProblemCode.SUITE_FAILURE, "The browser disconnected or failed to start: tests may be missing."
