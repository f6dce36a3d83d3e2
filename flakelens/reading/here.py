"""Reading in this process: what everybody does for little, and what workers do for one file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from msgspec.structs import replace

from flakelens.junit import Limits, find, read_bytes, read_named
from flakelens.model import ParsedReport

if TYPE_CHECKING:
    from flakelens.junit import Named
    from flakelens.redact import Redactor

Known = Mapping[str, ParsedReport]  # by SHA-256 (hex): what is stored of reports that need not be parsed again


class Here:
    """Reads in this process, one report at a time."""

    def __init__(self, redactor: Redactor, stdin: BinaryIO | None = None) -> None:
        self._redactor = redactor
        self._stdin = stdin

    def reports(self, path: str, known: Known) -> Iterator[ParsedReport]:
        """Every report that `path` names, masked. One whose bytes are `known` is not parsed: `known` gives it."""
        for found in find([path]):
            if isinstance(found, ParsedReport):
                yield self.masked(found)
            else:
                yield from self.of_file(found, known)

    def of_file(self, named: Named, known: Known) -> Iterator[ParsedReport]:
        """The reports of one file."""

        def read(name: str, data: bytes, limits: Limits) -> ParsedReport:
            return stored_form(name, data, known) or read_bytes(name, data, limits)

        reports = read_named(named, stdin=self._stdin, read=read if known else read_bytes)
        return self._redactor.reports(reports)

    def stored(self, named: Named, known: Known) -> list[ParsedReport]:
        """The reports of one file when all of them are `known`; else none."""

        def read(name: str, data: bytes, _: Limits) -> ParsedReport:
            if (found := stored_form(name, data, known)) is None:
                raise _NewError
            return found

        try:
            return list(self._redactor.reports(read_named(named, read=read)))
        except _NewError:
            return []

    def masked(self, report: ParsedReport) -> ParsedReport:
        """`report` without secrets."""
        return self._redactor.report(report)


class _NewError(Exception):
    """Bytes that are not known."""


def stored_form(name: str, data: bytes, known: Known) -> ParsedReport | None:
    """What is known of these bytes, under the name that they have now; None where they are new."""
    found = known.get(hashlib.sha256(data).hexdigest())
    return None if found is None else replace(found, name=name)
