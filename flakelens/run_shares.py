"""What was named on the command line, sorted into runs: which folders, with which run.json, make one run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path

import msgspec
from msgspec.structs import replace

from flakelens.errors import UsageError
from flakelens.model import Problem, ProblemCode, ReportInfo
from flakelens.run_metadata import FILE, LARGEST, RunFile, RunOptions, parse_file


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """One path, and the run.json in it (an empty one where there is none)."""

    path: str
    file: RunFile = msgspec.field(default_factory=RunFile)
    described: bool = False  # there is a run.json

    def of_report(self, name: str) -> ReportInfo:
        """What the run.json says of a report: of it alone, else of all reports of its folder."""
        own, said = self.file.of_report(name), self.file.said
        return ReportInfo(
            job=own.job or said.job or "",
            shard=own.shard or said.shard or "",
            retries=own.retries or said.retries,
            partial=own.partial or said.partial,
        )


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The paths that bring (a part of) one run."""

    name: str  # for messages
    folders: tuple[Folder, ...]
    default_id: str = ""  # the run's id where nobody says one; "": a hash over its reports

    @property
    def described(self) -> bool:
        """Is there a run.json?"""
        return any(folder.described for folder in self.folders)

    @property
    def said(self) -> RunOptions:
        """What the run.json files say of the run; of several, the first that says a field. Reports are separate."""
        said = reduce(lambda one, other: one.over(other), (folder.file.said for folder in self.folders))
        return replace(said, job=None, shard=None, retries=None, partial=False)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the run.json files."""
        return [problem for folder in self.folders for problem in folder.file.problems]

    def file_time(self, reports: Iterable[str]) -> datetime | None:
        """When the oldest file of the named reports was last written, UTC; None where there is none to ask."""
        times: list[float] = []
        for name in reports:
            for folder in self.folders:
                path = Path(folder.path)
                try:
                    file = path / name.partition("!")[0] if path.is_dir() else path
                    times.append(file.stat().st_mtime)
                except (OSError, ValueError):  # of another folder, or a glob
                    continue
        return datetime.fromtimestamp(min(times), UTC) if times else None


def shares(paths: Sequence[str], *, run_per_dir: bool) -> list[Share]:
    """The runs that `paths` bring. Raises UsageError where they cannot be one run per folder."""
    if run_per_dir:
        return [share for path in paths for share in _per_folder(path)]
    folders = [_folder(path) for path in paths]
    groups: dict[tuple[object, ...], list[Folder]] = {}
    for folder in folders:
        said = folder.file.said
        groups.setdefault((said.provider, said.run, said.attempt), []).append(folder)
    return [Share(name=group[0].path, folders=tuple(group)) for group in groups.values()]


def _per_folder(path: str) -> list[Share]:
    top = Path(path)
    if path == "-" or not top.is_dir():
        raise UsageError(f"{path} is not a folder.", mend="--run-per-dir takes a folder with one sub-folder per run.")
    inside = [child for child in top.iterdir() if child.is_dir() and not child.name.startswith(".")]
    if not inside:
        raise UsageError(f"{path} has no sub-folders.", mend="Leave out --run-per-dir: the folder is one run.")
    return [
        Share(name=child.name, folders=(_folder(str(child)),), default_id=child.name)
        for child in sorted(inside, key=lambda child: natural(child.name))
    ]


def _folder(path: str) -> Folder:
    if path == "-" or "\0" in path:
        return Folder(path=path)
    side = Path(path) / FILE
    try:
        if not side.is_file():
            return Folder(path=path)
        with side.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        message = f"It cannot be read ({error.strerror}), so that nothing of it was used."
        problem = Problem(ProblemCode.BAD_RUN_JSON, str(side), message)
        return Folder(path=path, file=RunFile(problems=(problem,)), described=True)
    return Folder(path=path, file=parse_file(data, str(side)), described=True)


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key: numbers by value, so that run-2 comes before run-10."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part[:18]), part) if part[:1].isdigit() and part.isascii() else (0, 0, part) for part in parts]
