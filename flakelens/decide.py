"""Decisions of people, appended to flakelens-decisions.toml: comments stay, what would not be valid is not written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flakelens.analyze.show import spellings, typed
from flakelens.decisions import (
    Acknowledgement,
    AliasEntry,
    Decisions,
    QuarantineEntry,
    TestRef,
)
from flakelens.decisions_file import Written, append, remove
from flakelens.errors import UsageError
from flakelens.identity import canonical_name
from flakelens.model import Outcome, TestId
from flakelens.policy import Policy

if TYPE_CHECKING:
    from flakelens.gate.evidence import Evidence
    from flakelens.history import History, Test

_SPAN = re.compile(r"(\d{1,5})\s*(m|min|h|d)")
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def acknowledge(
    path: Path, tests: Sequence[Test] | None, names: Sequence[str], *, by: str, reason: str, now: datetime
) -> Written:
    """Append one acknowledgement per test named. `tests` are those that the history knows: a name may be canonical or
    as reported and means every test that bears it, in whatever file or variant. None: no history, the names are taken
    as they are.

    Raises UsageError for a name that the history does not know, DecisionsError for a file that is not valid; in both
    cases nothing is written.
    """
    who, why = person(by, reason)
    moment = now.replace(microsecond=0)
    refs = [ref for name in names for ref in _refs(name, tests)]
    known = {ref: Acknowledgement(test=ref, by=who, reason=why, created=moment) for ref in refs}
    return append(path, "acknowledged", list(known.values()))


def alias(path: Path, history: History | None, old: str, new: str) -> Written:
    """Append that the test once called `old` is now called `new`; both are named as `flakelens show` takes them.

    `history` None: no database, titles are taken as they are. Raises UsageError when a name is not known or stands in
    several files, when both ran in one run (then they are two tests), and for an alias that leads in a circle.
    """
    if history is None:
        one, other = TestRef(name=canonical_name(old)), TestRef(name=canonical_name(new))
    else:
        before, after = _one_file(old, history.tests), _one_file(new, history.tests)
        _not_together(history, before, after)
        one, other = _ref_of(before, history.tests), _ref_of(after, history.tests)
    if one == other:
        raise UsageError("Both names are one already.", mend="An alias joins two names.")
    if history is not None:
        # The new name keeps what is not said: only what differs is written.
        other = TestRef(
            name=other.name,
            file=other.file if other.file != one.file else "",
            variant=other.variant if other.variant != one.variant else "",
        )

    def check(known: Decisions) -> None:
        file = other.file or one.file
        olds = [entry.old for entry in known.aliases if canonical_name(entry.old.name) == other.name]
        if any(not file or ref.file in ("", file) for ref in olds):
            raise UsageError(
                f'"{other.name}" is itself the old name of another alias.', mend="Name the test as it is called now."
            )

    return append(path, "aliases", [AliasEntry(old=one, new=other)], check=check)


def quarantine(
    path: Path,
    evidence: Evidence | None,
    names: Sequence[str],
    *,
    owner: str = "",
    reason: str,
    expires: str,
    issue: str = "",
    now: datetime,
) -> Written:
    """Append a quarantine per test named. `expires`: "14d", "48h" or an ISO date or time. `owner` "": of each test who
    owns its file by CODEOWNERS.

    Raises UsageError for a test that is not known, is in quarantine already, or stands in an area whose limit is none,
    and where nobody is named and no rule says who owns it.
    """
    moment = now.replace(microsecond=0)
    until = expiry(expires, moment)
    if until <= moment:
        raise UsageError("A quarantine cannot end before it begins.", mend="Choose a later --expires.")
    tests = None if evidence is None else evidence.history.tests
    refs = list(dict.fromkeys(ref for name in names for ref in _refs(name, tests)))
    for ref in refs if evidence is not None else ():
        _may_be_quarantined(evidence, ref)
    entries = []
    for ref in refs:
        who, why = person(owner or _owner(evidence, ref), reason, "--owner")
        entries.append(
            QuarantineEntry(test=ref, owner=who, reason=why, created=moment, expires=until, issue=issue.strip())
        )

    def check(known: Decisions) -> None:
        for entry in known.quarantine:
            if entry.test in refs and entry.expires > moment:
                raise UsageError(
                    f'"{entry.test.name}" is in quarantine already, until {entry.expires:%Y-%m-%d}.',
                    mend="Remove that entry first: a longer quarantine is a new decision.",
                )

    return append(path, "quarantine", entries, check=check)


def release(path: Path, names: Sequence[str]) -> Written:
    """Remove every quarantine entry of the tests named, expired ones too. Raises UsageError for a name without one."""
    wanted = {canonical_name(name): name for name in names}
    found: set[str] = set()

    def which(entry: QuarantineEntry) -> bool:
        test = entry.test
        spelled = {canonical_name(form) for form in spellings(TestId(test.file, test.name, test.variant))}
        hit = spelled & set(wanted)
        found.update(hit)
        return bool(hit)

    def check(known: Decisions) -> None:
        if missing := [name for folded, name in wanted.items() if folded not in found]:
            listed = ", ".join(f'"{entry.test.name}"' for entry in known.quarantine[:5]) or "nothing"
            raise UsageError(f'"{missing[0]}" is not in quarantine.', mend=f"In quarantine: {listed}.")

    return remove(path, "quarantine", which, check=check)


def _owner(evidence: Evidence | None, ref: TestRef) -> str:
    """Who owns the tests that `ref` means. Raises UsageError when nothing says it."""
    where = evidence.owners.where if evidence is not None else ""
    if evidence is None or not where:
        raise UsageError("Nothing says who repairs it: there is no CODEOWNERS here.", mend="Give --owner NAME.")
    tests = [place for place, test in enumerate(evidence.history.tests) if ref.matches(test.id)]
    owners = [owner for place in tests for owner in evidence.owner(place).split()]
    if not owners:
        file = next((file for place in tests if (file := evidence.owners.file_of(evidence.history.tests[place]))), "")
        of = f"of {file}" if file else f'of "{ref.name}", whose file no report names'
        raise UsageError(f"{where} names no owner {of}.", mend="Give --owner NAME, or add a rule.")
    return " ".join(dict.fromkeys(owners))


def _may_be_quarantined(evidence: Evidence | None, ref: TestRef) -> None:
    if evidence is None:
        return
    for position, test in enumerate(evidence.history.tests):
        area = evidence.areas.names[int(evidence.areas.index[position])]
        if ref.matches(test.id) and not limit_of(evidence.policy, area):
            raise UsageError(
                f'"{ref.name}" is a test of {area}, and none of these may be in quarantine (quarantine in the policy).',
                mend="Repair it, or change the policy in a pull request of its own.",
            )


def limit_of(policy: Policy, area: str) -> float:
    """How much of an area may be in quarantine, in percent."""
    return policy.quarantine.areas.get(area, policy.quarantine.share)


def _one_file(name: str, tests: Sequence[Test]) -> list[TestId]:
    """The tests of one title and file that a name means: one, or one per variant."""
    found = _known(name, tests)
    if len({test.file for test in found}) > 1:
        listed = ", ".join(f'"{typed(test)}"' for test in found[:5])
        raise UsageError(f'"{name}" stands in several files.', mend=f"Name one of them: {listed}.")
    return found


def _ref_of(found: Sequence[TestId], tests: Sequence[Test]) -> TestRef:
    """A reference to these tests: with the variant only when there are others."""
    first = found[0]
    every = sum((test.id.file, test.id.name) == (first.file, first.name) for test in tests)
    variant = first.variant if len(found) == 1 < every else ""
    return TestRef(name=first.name, file=first.file, variant=variant)


def _not_together(history: History, olds: Sequence[TestId], news: Sequence[TestId]) -> None:
    for old in olds:
        for new in news:
            one, other = history.position(old), history.position(new)
            if old == new or one is None or other is None or old.variant != new.variant:
                continue
            both = (history.outcomes[one] != Outcome.NONE) & (history.outcomes[other] != Outcome.NONE)
            if both.any():
                run = history.runs[int(both.argmax())].key.run
                raise UsageError(
                    f"Both ran in run {run}: they are two tests, not one under two names.",
                    mend="An alias is for a test that was renamed.",
                )


def expiry(text: str, now: datetime) -> datetime:
    """The moment that "24h", "90m", "3d" or an ISO time (without zone: UTC) means. Raises UsageError."""
    if found := _SPAN.fullmatch(text.strip().lower()):
        return now + int(found[1]) * _UNITS[found[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"--expires {text!r} is neither a duration nor a time.", mend="Write 24h, 3d or 2026-11-24T18:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def person(by: str, reason: str, option: str = "--by", *, evidence: str = "--reason") -> tuple[str, str]:
    """Both without surrounding space. Raises UsageError, naming the options, when one is missing."""
    if not by.strip() or not reason.strip():
        what = "a reason" if evidence == "--reason" else "its evidence"
        raise UsageError(
            f"A decision needs a person and {what}.", mend=f"Give {option} and {evidence}; every report shows them."
        )
    return by.strip(), reason.strip()


def _refs(name: str, tests: Sequence[Test] | None) -> list[TestRef]:
    if tests is None:
        return [TestRef(name=canonical_name(name))]
    return [TestRef(name=test.name, file=test.file, variant=test.variant) for test in _known(name, tests)]


def _known(name: str, tests: Sequence[Test]) -> list[TestId]:
    """The tests that a name means: a title, "FILE > TITLE", with " [VARIANT]" or without, canonical or as reported."""
    wanted = canonical_name(name)
    found = [
        test.id
        for test in tests
        if any(wanted == canonical_name(form) for known in {test.id, test.reported} for form in spellings(known))
    ]
    if not found:
        close = difflib.get_close_matches(wanted, sorted({test.id.name for test in tests}), n=3, cutoff=0.5)
        raise UsageError(
            f'No run knows a test "{name}".',
            mend=f"Did you mean {' or '.join(repr(each) for each in close)}?"
            if close
            else "flakelens tests lists them.",
        )
    return found
