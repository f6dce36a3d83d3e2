"""What people say of a run: options and run.json. The same fields, checked the same way, joined by one precedence.

Per field: run.json, option, CI environment, default. A field that cannot be used is a Problem that names it, and the
others still hold: a typing error in a side file must not cost a run's reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from flakelens.ci.values import branch_of, clean, link
from flakelens.errors import UsageError
from flakelens.junit.values import moment_of
from flakelens.model import Event, Problem, ProblemCode, ReportInfo, RetryEvidence, RunInfo

FILE = "run.json"
LARGEST = 4_000_000  # bytes of a run.json
GIVEN = "given"  # the provider of a run that was described by hand
_DECLARABLE = (RetryEvidence.RECORDED, RetryEvidence.HIDDEN, RetryEvidence.NONE)
_SHARD = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", re.ASCII)
_SHA = re.compile(r"[0-9a-fA-F]{7,64}", re.ASCII)


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a run and its reports; None (`partial`: False) where nothing is said.

    The first ten fields describe the run: one of them makes it a given run, which is nobody's laptop's. The last four
    describe its reports.
    """

    provider: str | None = None
    run: str | None = None
    attempt: int | None = None
    commit: str | None = None
    branch: str | None = None
    base_branch: str | None = None
    event: Event | None = None
    environment: str | None = None
    started_at: datetime | None = None
    url: str | None = None
    job: str | None = None
    shard: str | None = None
    retries: RetryEvidence | None = None
    partial: bool = False

    @property
    def describes_run(self) -> bool:
        """Does it say anything of the run itself, and not only of its reports?"""
        return any(getattr(self, name) is not None for name in _OF_RUN)

    def over(self, other: RunOptions) -> RunOptions:
        """Both together; where both speak, this one's word holds."""
        said = asdict(self)
        return replace(other, **{name: value for name, value in said.items() if value is not None and value != ""} | {
            "partial": self.partial or other.partial
        })  # fmt: skip


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """A run.json: what it says of the run and of single reports, and what of it could not be used."""

    said: RunOptions = RunOptions()
    reports: Mapping[str, ReportInfo] = msgspec.field(default_factory=dict)  # by name within the folder
    problems: tuple[Problem, ...] = ()

    def of_report(self, name: str) -> ReportInfo:
        """What it says of the report `name`; with or without .gz, and for all members of an archive it names."""
        archive = name.partition("!")[0]
        wanted = {name, _plain(name), archive}
        return next((info for key, info in self.reports.items() if key in wanted or _plain(key) in wanted), NOTHING)

    def missing(self, names: Iterable[str]) -> list[str]:
        """The reports that it names and that are not among `names`."""
        there = {form for name in names for form in (name, _plain(name), name.partition("!")[0])}
        return [key for key in self.reports if key not in there and _plain(key) not in there]


NOTHING = ReportInfo()


def _plain(name: str) -> str:
    return name.removesuffix(".gz")


# --- one field at a time: a raw value in, the value or a ValueError that says what is expected out ---


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text in quotes")
    return clean(value)


def _id(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _attempt(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1_000_000:
        raise ValueError("a whole number from 1")
    return value


def _commit(value: Any) -> str:
    text = _text(value)
    return text.lower() if _SHA.fullmatch(text) else text


def _branch(value: Any) -> str:
    return branch_of(_text(value))


def _event(value: Any) -> Event:
    try:
        return Event(_text(value).lower().replace("-", "_"))
    except ValueError:
        raise ValueError(f"one of {', '.join(Event)}") from None


def _shard(value: Any) -> str:
    found = _SHARD.fullmatch(_text(value))
    if not found or int(found[1]) > int(found[2]):
        raise ValueError('a text such as "2/4"')
    return found[0]


def _retries(value: Any) -> RetryEvidence:
    if value not in tuple(_DECLARABLE):
        raise ValueError('"recorded", "hidden" or "none"')
    return RetryEvidence(value)


def _moment(value: Any) -> datetime:
    moment = moment_of(_text(value))
    if moment is None:
        raise ValueError("a time such as 2026-11-20T18:00:00Z")
    return moment


def _link(value: Any) -> str:
    address = link(_text(value))
    if not address:
        raise ValueError("a web address (https://..)")
    return address


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "provider": _text,
    "run": _id,
    "attempt": _attempt,
    "commit": _commit,
    "branch": _branch,
    "base_branch": _branch,
    "event": _event,
    "environment": _text,
    "started_at": _moment,
    "url": _link,
    "job": _text,
    "shard": _shard,
    "retries": _retries,
    "partial": _flag,
}
_OF_RUN = ("provider", "run", "attempt", "commit", "branch", "base_branch", "event", "environment", "started_at", "url")
_OF_REPORT = ("job", "shard", "retries", "partial")


def options(**raw: Any) -> RunOptions:
    """The options of a command line, by field name; None where one was not given. Raises UsageError, naming it."""
    said: dict[str, Any] = {}
    for name, value in raw.items():
        if value is None:
            continue
        try:
            said[name] = _READ[name](value)
        except ValueError as error:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} {value!r} cannot be used.", mend=f"Expected: {error}.") from None
    return RunOptions(**said)


def parse_file(data: bytes, where: str) -> RunFile:
    """A run.json from its bytes. Never raises: what cannot be used is a Problem with the field's name, at `where`."""
    try:
        if len(data) > LARGEST:
            raise ValueError("it is larger than 4 MB")
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return RunFile(problems=(_bad(where, f"It is not JSON ({error}), so that nothing of it was used."),))
    if not isinstance(document, dict):
        return RunFile(problems=(_bad(where, "It is not an object { .. }, so that nothing of it was used."),))
    problems: list[Problem] = []
    described = document.pop("reports", {})
    said = _fields(document, (*_OF_RUN, *_OF_REPORT), where, "", problems)
    reports: dict[str, ReportInfo] = {}
    if not isinstance(described, dict):
        problems.append(_bad(where, 'The field reports was not used: expected { "junit.xml": { .. } }.'))
        described = {}
    for name, of_report in described.items():
        if isinstance(of_report, dict):
            reports[name] = ReportInfo(**_fields(of_report, _OF_REPORT, where, f"reports.{clean(name)}.", problems))
        else:
            problems.append(_bad(where, f"The field reports.{clean(name)} was not used: expected {{ .. }}."))
    return RunFile(said=RunOptions(**said), reports=reports, problems=tuple(problems))


def _fields(
    raw: Mapping[str, Any], known: tuple[str, ...], where: str, path: str, problems: list[Problem]
) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in known:
            message = f"The field {path}{clean(name)} is not known and was not used. Known are {', '.join(known)}."
            problems.append(_bad(where, message))
        elif value is not None:
            try:
                said[name] = _READ[name](value)
            except ValueError as error:
                problems.append(_bad(where, f"The field {path}{name} was not used: expected {error}."))
    return said


def _bad(where: str, message: str) -> Problem:
    return Problem(ProblemCode.BAD_RUN_JSON, where, message)


def resolve(said: RunOptions, detected: RunInfo | None, *, given: bool) -> RunInfo:
    """The run's metadata: what was `said` over what CI tells; the run's id may still be missing.

    `detected` None or a laptop's: nothing is known from CI. A `given` run then has event manual, attempt 1, a clean
    tree, and an unknown branch unless it was said; a run that is not given is the laptop's, as git tells it.
    """
    if detected is None or (detected.local and given):
        detected = RunInfo(provider=GIVEN, run="", event=Event.MANUAL)
    told = {name: getattr(said, name) for name in _READ if name != "partial"}
    told = {name: value for name, value in told.items() if value is not None and value != ""}
    return replace(detected, **told, partial=said.partial or detected.partial)
