"""Maven Surefire and Failsafe: the origin of the elements that record retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flakelens.junit.dialect import Base, Look, Suite, file_and_title
from flakelens.model import TestId

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


class Surefire(Base):
    """One file per Java class, the class in every case."""

    name = "surefire"

    def producer(self, look: Look) -> str:
        """By the schema that every Surefire suite names, or its system properties."""
        if look.suite is None:
            return ""
        if "surefire" in look.suite.get(_SCHEMA, "") or "surefire.test.class.path" in look.properties:
            return "surefire"
        return ""

    def identify(self, case: Element, suite: Suite) -> TestId:
        """Class and method; a failed class that passed on a rerun has no name and stands for the class."""
        file, title = file_and_title(case, suite)
        return TestId(file, title or suite.name, "")
