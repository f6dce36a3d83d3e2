"""Decisions of people, appended to flakelens-decisions.toml: comments stay, what would not be valid is not written."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from flakelens import decisions as decisions_room
from flakelens.decisions import Acknowledgement, Decisions, TestRef, Waiver
from flakelens.errors import DecisionsError, UsageError
from flakelens.gate.criterion import count_of
from flakelens.identity import canonical_name
from flakelens.policy import ALL_AREAS, GatePolicy, Policy

if TYPE_CHECKING:
    from flakelens.history import Test

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_SPAN = re.compile(r"(\d{1,5})\s*(m|min|h|d)")
_UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Written(NamedTuple):
    """What was appended, as TOML, and all that the file holds now."""

    entry: str
    decisions: Decisions


def waive(
    path: Path,
    policy: Policy,
    *,
    gate: str,
    criterion: str,
    commit: str,
    by: str,
    reason: str,
    expires: str,
    now: datetime,
) -> Written:
    """Append a waiver to the decisions file at `path` (made if missing). `expires`: "24h", "90m", "3d" or an ISO time.

    Raises UsageError for what the policy does not allow or know, DecisionsError for a file that is not valid; in both
    cases nothing is written.
    """
    now = now.replace(microsecond=0)
    _check_criterion(policy, gate, criterion)
    if not _COMMIT.fullmatch(commit := commit.lower()):
        raise UsageError(f"--commit {commit!r} is not a commit.", mend="Write 7 to 40 hexadecimal digits.")
    person, why = _person(by, reason)
    until = expiry(expires, now)
    most = timedelta(hours=policy.waivers.max_hours)
    if not now < until <= now + most:
        raise UsageError(
            f"A waiver lasts {policy.waivers.max_hours:g} h at most, and it cannot end before it begins.",
            mend=f"Choose an --expires of at most {policy.waivers.max_hours:g}h; it can be given again.",
        )
    entry = Waiver(gate=gate, criterion=criterion, commit=commit, by=person, reason=why, created=now, expires=until)
    return _append(path, "waivers", [entry])


def acknowledge(
    path: Path, tests: Sequence[Test] | None, names: Sequence[str], *, by: str, reason: str, now: datetime
) -> Written:
    """Append one acknowledgement per test named. `tests` are those that the history knows: a name may be canonical or
    as reported and means every test that bears it, in whatever file or variant. None: no history, the names are taken
    as they are.

    Raises UsageError for a name that the history does not know, DecisionsError for a file that is not valid; in both
    cases nothing is written.
    """
    person, why = _person(by, reason)
    moment = now.replace(microsecond=0)
    refs = [ref for name in names for ref in _refs(name, tests)]
    known = {ref: Acknowledgement(test=ref, by=person, reason=why, created=moment) for ref in refs}
    return _append(path, "acknowledged", list(known.values()))


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


def _check_criterion(policy: Policy, name: str, criterion: str) -> None:
    gate: GatePolicy | None = policy.gates.get(name)
    if gate is None:
        raise UsageError(f"There is no gate {name!r}.", mend=f"The policy defines {', '.join(policy.gates)}.")
    asked = gate.criteria.get(criterion)
    if asked is None or not asked.areas:
        criteria = ", ".join(ident for ident, each in gate.criteria.items() if each.areas)
        raise UsageError(f"{name} asks no criterion {criterion!r}.", mend=f"It asks {criteria}.")
    never = [each for each in (*asked.areas, *asked.focuses) if each in policy.waivers.never]
    if never:
        raise UsageError(
            f"{criterion} is about {' and '.join(never)}, and that cannot be waived (waivers.never in the policy): a "
            "failure there is not one to go on with.",
            mend="Repair the tests, or change waivers.never in a pull request of its own.",
        )


def protected(policy: Policy, gate: str, criterion: str) -> tuple[str, ...]:
    """The areas and focuses whose tests, where they speak against the criterion, keep a waiver of it from holding."""
    asked = policy.gates[gate].criteria[criterion]
    return policy.waivers.never if ALL_AREAS in asked.areas else ()


def _person(by: str, reason: str) -> tuple[str, str]:
    if not by.strip() or not reason.strip():
        raise UsageError(
            "A decision needs a person and a reason.", mend="Give --by and --reason; every report shows them."
        )
    return by.strip(), reason.strip()


def _refs(name: str, tests: Sequence[Test] | None) -> list[TestRef]:
    wanted = canonical_name(name)
    if tests is None:
        return [TestRef(name=wanted)]
    found = [test.id for test in tests if wanted == test.id.name or name in (test.reported.name, test.id.name)]
    if not found:
        close = difflib.get_close_matches(wanted, sorted({test.id.name for test in tests}), n=3, cutoff=0.5)
        raise UsageError(
            f'No run knows a test "{name}".',
            mend=f"Did you mean {' or '.join(repr(each) for each in close)}?"
            if close
            else "flakelens tests lists them.",
        )
    return [TestRef(name=test.name, file=test.file, variant=test.variant) for test in found]


def _append(path: Path, key: str, entries: Sequence[Waiver | Acknowledgement]) -> Written:
    """Append to the array of tables `key`, having made sure that the file then says what it said and this besides."""
    text = _read(path)
    before = decisions_room.parse(text, where=path.name)
    shown = _as_toml(key, entries)
    newline = "\r\n" if "\r\n" in text else "\n"
    wanted = msgspec.structs.replace(before, **{key: (*getattr(before, key), *entries)})
    # At the end of the file, whatever stands there: nothing else moves, and a review shows the entry alone.
    ended = text if not text or text.endswith("\n") else text + newline
    tail = f"\n{shown}" if ended.strip() else shown
    new = ended + tail.replace("\n", newline)
    if not _says(new, wanted):
        new = _into_array(text, key, entries)
    if not _says(new, wanted):
        raise DecisionsError(
            f"{path.name}: {count_of(len(entries), 'entry', 'entries')} cannot be added without changing others.",
            mend=f"Write [[{key}]] by hand; docs/decisions.md shows how.",
        )
    _write(path, new)
    return Written(shown, wanted)


def _says(text: str, wanted: Decisions) -> bool:
    try:
        return decisions_room.parse(text) == wanted
    except DecisionsError:
        return False


def _as_toml(key: str, entries: Sequence[Waiver | Acknowledgement]) -> str:
    document = tomlkit.document()
    tables = tomlkit.aot()
    for entry in entries:
        tables.append(_table(entry))
    document[key] = tables
    return tomlkit.dumps(document).strip().replace("\n[[", "\n\n[[") + "\n"


def _into_array(text: str, key: str, entries: Sequence[Waiver | Acknowledgement]) -> str:
    """For a file that writes the entries as an array of inline tables, to which no [[table]] can be added."""
    try:
        document = tomlkit.parse(text)
        array = document[key]
        if isinstance(array, Array):
            array.extend(_inline(_table(entry)) for entry in entries)
        return tomlkit.dumps(document)
    except (TOMLKitError, KeyError):
        return text


def _table(entry: Waiver | Acknowledgement) -> Any:
    table = tomlkit.table()
    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        table[name] = _test(value) if isinstance(value, TestRef) else value
    return table


def _inline(table: Any) -> Any:
    inline = tomlkit.inline_table()
    inline.update(table)
    return inline


def _test(ref: TestRef) -> Any:
    inline = tomlkit.inline_table()
    inline.update({key: value for key in ("name", "file", "variant") if (value := getattr(ref, key))})
    return inline


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return (
            "# What people decided about the gate. Committed and reviewed like code; docs/decisions.md explains each"
            " entry.\n"
        )
    except OSError as error:
        raise DecisionsError(f"{path} cannot be read: {error.strerror}.", mend="Check its permissions.") from None
    except UnicodeDecodeError:
        raise DecisionsError(f"{path} is not UTF-8 text.", mend="Save it as UTF-8.") from None


def _write(path: Path, text: str) -> None:
    """The whole file or none of it, with the permissions it had; a symbolic link stays one."""
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise DecisionsError(f"{path} cannot be written: {error.strerror}.", mend="Check its permissions.") from None
