"""What people decided: waivers, sign-offs, acknowledgements, quarantine, aliases. Frozen types from TOML text; no I/O.

The file (flakelens-decisions.toml) is committed and reviewed like code; its hash enters every verdict.
"""

from __future__ import annotations

import hashlib
import tomllib
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from flakelens.errors import DecisionsError
from flakelens.identity import Alias, canonical_name
from flakelens.model import TestId


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


# In quotes a time must say its zone; TOML's own times without one are UTC.
Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
_canonical = lru_cache(maxsize=4096)(canonical_name)


class TestRef(_Strict, frozen=True, kw_only=True):
    """Names a test by its canonical id; an empty file or variant matches any."""

    __test__ = False

    name: str
    file: str = ""
    variant: str = ""

    def matches(self, test: TestId) -> bool:
        """Does this mean `test` (a canonical id)?"""
        return (
            _canonical(self.name) == test.name and self.file in ("", test.file) and self.variant in ("", test.variant)
        )


class Waiver(_Strict, frozen=True, kw_only=True):
    """A person goes on in spite of one criterion of a gate, for a while."""

    gate: str
    criterion: str
    commit: str
    by: str
    reason: str
    created: Moment
    expires: Moment


class Attestation(_Strict, frozen=True, kw_only=True):
    """A person signs off, or refuses to, what a gate's criterion of kind `attested` asks for."""

    gate: str
    criterion: str
    by: str
    evidence: str  # where it can be looked up, or what was seen
    created: Moment
    expires: Moment
    result: Literal["passed", "failed"] = "passed"


class Acknowledgement(_Strict, frozen=True, kw_only=True):
    """A test was removed or skipped on purpose: `no-laundering` leaves it out."""

    test: TestRef
    by: str
    reason: str
    created: Moment


class QuarantineEntry(_Strict, frozen=True, kw_only=True):
    """A known bad test that must not stop others while it is repaired. It still runs and counts in rates."""

    test: TestRef
    owner: str
    reason: str
    created: Moment
    expires: Moment
    issue: str = ""


class AliasEntry(_Strict, frozen=True, kw_only=True):
    """A test was renamed: the old name's history belongs to the new one."""

    old: TestRef
    new: TestRef


class Decisions(_Strict, frozen=True, kw_only=True):
    """All entries, in the order of the file. Made by `parse`."""

    waivers: tuple[Waiver, ...] = ()
    attested: tuple[Attestation, ...] = ()
    acknowledged: tuple[Acknowledgement, ...] = ()
    quarantine: tuple[QuarantineEntry, ...] = ()
    aliases: tuple[AliasEntry, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of what was decided; comments do not enter."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """All entries as JSON with sorted keys: what a recorded verdict carries."""
        return msgspec.json.encode(self, order="sorted")

    def identity_aliases(self) -> tuple[Alias, ...]:
        """The aliases as `identity` takes them."""
        return tuple(
            Alias(*(TestId(ref.file, _canonical(ref.name), ref.variant) for ref in (entry.old, entry.new)))
            for entry in self.aliases
        )


def parse(text: str = "", *, where: str = "flakelens-decisions.toml") -> Decisions:
    """The decisions that `text` (TOML) holds. Raises DecisionsError, naming the entry and key, for what is not valid.

    A time without zone is UTC. Every waiver, acknowledgement and quarantine names a person and a reason, every sign-off
    a person and its evidence.
    """
    try:
        raw: Any = _with_zone(tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # also numbers too long and tables too deep to be meant
        said = "too deeply nested" if isinstance(error, RecursionError) else error
        raise DecisionsError(f"{where} is not valid TOML: {said}.", mend="Mend the line it names.") from None
    try:
        decisions = msgspec.convert(raw, type=Decisions)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        key = place.rstrip("`").strip(".") or "the file"
        raise DecisionsError(
            f"{where}: {key}: {said[0].lower()}{said[1:]}.", mend="docs/decisions.md shows every kind of entry."
        ) from None
    for index, waiver in enumerate(decisions.waivers):
        _check(waiver, f"{where}: waivers[{index}]")
    for index, attested in enumerate(decisions.attested):
        _check(attested, f"{where}: attested[{index}]")
    for index, acknowledged in enumerate(decisions.acknowledged):
        _check(acknowledged, f"{where}: acknowledged[{index}]")
    for index, quarantined in enumerate(decisions.quarantine):
        _check(quarantined, f"{where}: quarantine[{index}]")
    return decisions


def from_canonical(data: bytes) -> Decisions:
    """The inverse of `Decisions.canonical`, for replaying a verdict."""
    return msgspec.json.decode(data, type=Decisions)


def _check(entry: Waiver | Attestation | Acknowledgement | QuarantineEntry, path: str) -> None:
    person = entry.owner if isinstance(entry, QuarantineEntry) else entry.by
    why, noun = (entry.evidence, "its evidence") if isinstance(entry, Attestation) else (entry.reason, "a reason")
    if not person.strip() or not why.strip():
        raise DecisionsError(
            f"{path}: a decision needs a person and {noun}.", mend="Fill in both; they are shown in every report."
        )
    if not isinstance(entry, Acknowledgement) and entry.expires <= entry.created:
        raise DecisionsError(f"{path}: expires is not after created.", mend="Choose a later time.")
    if isinstance(entry, Waiver) and not 7 <= len(entry.commit) <= 40:
        raise DecisionsError(
            f"{path}.commit is {entry.commit!r}.", mend="Write 7 to 40 digits of the commit that the waiver is for."
        )


def _with_zone(value: Any) -> Any:
    """Times without a zone are UTC, so that no comparison depends on where it is made; a date is its first moment."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, dict):
        return {key: _with_zone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_zone(item) for item in value]
    return value
