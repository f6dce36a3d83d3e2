"""Which tests a command is asked about: by area, focus and owner. What none is named of asks for all."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from flakelens.errors import UsageError
from flakelens.gate.evidence import Evidence
from flakelens.owners import is_owned
from flakelens.policy import UNASSIGNED


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Names of areas, focuses and owners; within a kind any of them, across kinds all of them."""

    area: Collection[str] = ()
    focus: Collection[str] = ()
    owner: Collection[str] = ()  # with or without @; "none": tests without an owner

    def checked(self, evidence: Evidence) -> Filter:
        """Itself. Raises UsageError for a name that does not exist, and for an owner where nothing says who owns."""
        policy = evidence.policy
        known_names(self.area, (*policy.area_names(), UNASSIGNED), "area")
        known_names(self.focus, tuple(dict.fromkeys(rule.name for rule in policy.focuses)), "focus")
        if self.owner and not evidence.owners.where:
            raise UsageError(
                "--owner asks for owners, and there is no CODEOWNERS here.",
                mend="Call flakelens inside the checkout, and write its .github/CODEOWNERS or CODEOWNERS.",
            )
        return self

    def holds(self, evidence: Evidence, test: int) -> bool:
        """Is the test at this position of `History.tests` asked for?"""
        return (
            (not self.area or evidence.areas.names[int(evidence.areas.index[test])] in self.area)
            and (not self.focus or not set(self.focus).isdisjoint(evidence.focuses[test]))
            and (not self.owner or is_owned(evidence.owner(test), self.owner))
        )

    def __bool__(self) -> bool:
        """Is anything left out?"""
        return bool(self.area or self.focus or self.owner)


EVERY_TEST = Filter()


def known_names(asked: Collection[str], there: tuple[str, ...], what: str) -> None:
    """Raises UsageError for a name in `asked` that is not `there`; `what` is what such a name is called."""
    for name in asked:
        if name not in there:
            raise UsageError(f"There is no {what} {name!r}.", mend=f"Known here: {', '.join(there) or 'none'}.")
