"""The cases of one report by column: a sequence of CaseResult that keeps no object for a test that simply passed.

Nearly every case is one attempt without a text. Such a case is an id, a status and a duration here, so that reading,
masking, sending and storing a report touch single objects only where there is something to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from flakelens.model import Attempt, CaseResult, Status, TestId

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUSES = {int(status): status for status in Status}


class Cases(Sequence[CaseResult]):
    """Cases in document order; equal to any sequence of the same CaseResults. Filled by its maker, then left alone."""

    __slots__ = ("attempts", "ids", "lines", "ordinals", "seconds", "stack_files", "statuses")

    def __init__(self) -> None:
        self.ids: list[TestId] = []
        self.statuses = bytearray()  # of the last attempt
        self.seconds: list[float | None] = []  # of the last attempt
        self.attempts: dict[int, tuple[Attempt, ...]] = {}  # by place; none for one attempt without type and message
        self.ordinals: dict[int, int] = {}  # by place; 1 is left out
        self.lines: dict[int, int] = {}  # by place
        self.stack_files: dict[int, str] = {}  # by place

    @classmethod
    def of(cls, cases: Iterable[CaseResult]) -> Cases:
        """`cases` by column; what is so already is given back itself."""
        if isinstance(cases, Cases):
            return cases
        found = cls()
        for case in cases:
            found.add(case.id, case.attempts, case.line, case.stack_file)
            if case.ordinal != 1:
                found.ordinals[len(found.ids) - 1] = case.ordinal
        return found

    def add(self, test: TestId, attempts: tuple[Attempt, ...], line: int | None = None, stack_file: str = "") -> None:
        """One more case, its ordinal 1."""
        place = len(self.ids)
        status, seconds, type_, message = attempts[-1]
        self.ids.append(test)
        self.statuses.append(status)
        self.seconds.append(seconds)
        if len(attempts) > 1 or type_ or message:
            self.attempts[place] = attempts
        if line is not None:
            self.lines[place] = line
        if stack_file:
            self.stack_files[place] = stack_file

    def add_plain(self, test: TestId, status: int, seconds: float | None) -> None:
        """One more case of a single attempt without a text."""
        self.ids.append(test)
        self.statuses.append(status)
        self.seconds.append(seconds)

    def number(self) -> dict[TestId, int]:
        """Give further cases of one id the ordinals 2, 3.. and return how many cases each such id has."""
        if len(set(self.ids)) == len(self.ids):
            return {}
        seen: dict[TestId, int] = {}
        for place, test in enumerate(self.ids):
            count = seen[test] = seen.get(test, 0) + 1
            if count > 1:
                self.ordinals[place] = count
        return {test: count for test, count in seen.items() if count > 1}

    def reworded(self, change: Callable[[Attempt], Attempt]) -> Cases:
        """The same cases with every attempt that has a type or a message changed; columns are shared."""
        found = Cases()
        for name in Cases.__slots__:
            setattr(found, name, getattr(self, name))
        found.attempts = {
            place: tuple(change(attempt) if attempt.type or attempt.message else attempt for attempt in attempts)
            for place, attempts in self.attempts.items()
        }
        return found

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> CaseResult: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[CaseResult, ...]: ...
    def __getitem__(self, place: int | slice) -> CaseResult | tuple[CaseResult, ...]:
        if isinstance(place, slice):
            return tuple(self._at(one) for one in range(*place.indices(len(self.ids))))
        if not -len(self.ids) <= place < len(self.ids):
            raise IndexError(place)
        return self._at(place % len(self.ids))

    def __iter__(self) -> Iterator[CaseResult]:
        return map(self._at, range(len(self.ids)))

    def _at(self, place: int) -> CaseResult:
        attempts = self.attempts.get(place)
        if attempts is None:
            attempts = (Attempt(_STATUSES[self.statuses[place]], self.seconds[place], "", ""),)
        ordinal, line = self.ordinals.get(place, 1), self.lines.get(place)
        return CaseResult(self.ids[place], ordinal, attempts, line, self.stack_files.get(place, ""))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Cases):
            return all(getattr(self, name) == getattr(other, name) for name in Cases.__slots__)
        return isinstance(other, tuple | list) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Cases.of({list(self)!r})"
