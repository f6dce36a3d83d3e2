"""What the checkout beside the reports can tell: the file of a title, files that were renamed, and who owns a file.

All of it is read-only, bounded in files, bytes and seconds, and never raises: an answer that may be incomplete is no
answer, because a title that stands in one file *of those looked at* may stand in another.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from flakelens.ci.git import QUIET
from flakelens.identity import canonical_name
from flakelens.model import Rename, TestId
from flakelens.owners import MOST_BYTES as MOST_RULE_BYTES
from flakelens.owners import NOBODY, PLACES, Fault, Owners, parse

MOST_FILES = 5_000
MOST_BYTES = 20_000_000
MOST_ENTRIES = 200_000  # of folders, looked at while searching for test files
RENAME_COMMITS = 500
TIMEOUT = 10.0  # seconds that git may take

_TEST_FILE = re.compile(r".+\.(?:test|spec)\.[cm]?[jt]sx?", re.IGNORECASE)
_NEVER_ENTERED = frozenset({"node_modules", ".git", ".next", "dist", "build", "coverage", ".flakelens"})
_LONGEST_TITLE = 400
_CALL = re.compile(
    r"\b(?P<what>f?describe|context|suite|x?f?it|test|specify)(?:\.\w{1,20}){0,4}\s{0,20}\(\s{0,200}"
    r"(?P<quote>['\"`])(?P<title>(?:\\.|(?!(?P=quote))[^\\\n]){1,400})(?P=quote)"
)
_ESCAPE = re.compile(r"\\(.)")
_GROUPS = frozenset({"describe", "fdescribe", "context", "suite"})
_NAMES_TESTS = re.compile(r"test|spec|e2e|\.cy\.", re.IGNORECASE)


class _Titles(NamedTuple):
    leaves: frozenset[str]
    groups: frozenset[str]


class Checkout(msgspec.Struct):
    """A working tree. Made by `find`; looks at the disk when it is first asked, and once."""

    root: Path
    most_files: int = MOST_FILES
    most_bytes: int = MOST_BYTES
    _titles: dict[str, _Titles] | None = None
    _by_name: dict[str, list[str]] | None = None

    @classmethod
    def find(cls, folder: Path, *, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> Checkout | None:
        """The checkout that `folder` lies in, None where there is none; the bounds are for reading test files."""
        for parent in (folder, *folder.parents):
            if (parent / ".git").exists():
                return cls(parent, most_files, most_bytes)
        return None

    def files_of(self, tests: Collection[TestId]) -> dict[TestId, str]:
        """For each test whose title stands in exactly one test file of the checkout: that file, relative to its root.

        None at all where there are too many files to look at all of them.
        """
        if self._titles is None:
            self._titles = self._read()
        by_leaf: dict[str, list[str]] = defaultdict(list)
        for file, titles in self._titles.items():
            for leaf in titles.leaves:
                by_leaf[leaf].append(file)
        found: dict[TestId, str] = {}
        for test in tests:
            title = canonical_name(test.name)
            files = {file for file in _candidates(title, by_leaf) if _holds(title, self._titles[file])}
            if len(files) == 1:
                found[test] = files.pop()
        return found

    def renames(self) -> list[Rename]:
        """Renames of test files in the newest 500 commits, as far as the clone reaches; none where git says nothing."""
        command = [
            "git", *QUIET, "-C", str(self.root), "log", "-z", "-M", "--diff-filter=R", "--name-status",
            f"--max-count={RENAME_COMMITS}", "--format=commit:%H",
        ]  # fmt: skip
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
        except (OSError, ValueError, subprocess.SubprocessError):
            return []
        return list(_renames(done.stdout.decode("utf-8", "replace"))) if done.returncode == 0 else []

    def owners(self) -> Owners:
        """The rules of its CODEOWNERS, where GitHub and GitLab look for it; none without a file."""
        for place in PLACES:
            path = self.root / place
            try:
                if not path.is_file():
                    continue
                with path.open("rb") as file:
                    data = file.read(MOST_RULE_BYTES + 1)
            except OSError as error:
                return Owners(where=place, faults=(Fault(0, "", f"it cannot be read: {error.strerror}"),))
            if len(data) > MOST_RULE_BYTES:
                return Owners(where=place, faults=(Fault(0, "", "it has more than 3 MB"),))
            return replace(parse(data.decode("utf-8", "replace"), place), locate=self.path_of)
        return NOBODY

    def path_of(self, file: str) -> str:
        """The path from the root of a file as a report names it: that path, or the one test file that ends with it,
        since Playwright writes paths from its testDir. "" when there is none or several.
        """
        try:
            if (self.root / file).is_file():
                return file
        except (OSError, ValueError):  # no name that a file could have
            return ""
        if self._by_name is None:
            self._by_name = defaultdict(list)
            for path in self._test_paths():
                self._by_name[path.rpartition("/")[2]].append(path)
        ending = f"/{file.removeprefix('./')}"
        found = [path for path in self._by_name.get(ending.rpartition("/")[2], ()) if f"/{path}".endswith(ending)]
        return found[0] if len(found) == 1 else ""

    def _test_paths(self) -> list[str]:
        """The test files from the root; none at all where there are too many to look at all of them."""
        paths = []
        for number, file in enumerate(self._test_files()):
            if number >= self.most_files:
                return []
            paths.append(file.relative_to(self.root).as_posix())
        return paths

    def _read(self) -> dict[str, _Titles]:
        titles: dict[str, _Titles] = {}
        size = 0
        for number, file in enumerate(self._test_files()):
            if number >= self.most_files:
                return {}
            try:
                size += file.stat().st_size
                if size > self.most_bytes:
                    return {}
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            titles[file.relative_to(self.root).as_posix()] = _titles_in(text)
        return titles

    def _test_files(self) -> Iterator[Path]:
        entries = 0
        for parent, folders, files in os.walk(self.root):
            folders[:] = sorted(set(folders) - _NEVER_ENTERED)
            entries += len(files) + len(folders)
            if entries > MOST_ENTRIES:
                yield from (self.root for _ in range(self.most_files + 1))  # as good as too many files
                return
            for name in sorted(files):
                path = Path(parent, name)
                if _TEST_FILE.fullmatch(name) and not path.is_symlink():
                    yield path


def _titles_in(text: str) -> _Titles:
    leaves: set[str] = set()
    groups: set[str] = set()
    for call in _CALL.finditer(text):
        title = canonical_name(_ESCAPE.sub(r"\1", call["title"]))
        (groups if call["what"] in _GROUPS else leaves).add(title)
    return _Titles(frozenset(leaves), frozenset(groups))


def _candidates(title: str, by_leaf: dict[str, list[str]]) -> set[str]:
    """Files with a test whose own title ends the full title."""
    if len(title) > _LONGEST_TITLE:
        return set()
    words = title.split(" ")
    return {file for start in range(len(words)) for file in by_leaf.get(" ".join(words[start:]), ())}


def _holds(title: str, titles: _Titles) -> bool:
    """Is the full title made of describe titles of the file, and one of its tests at the end?"""
    words = title.split(" ")
    reachable = {0}
    for start in range(len(words)):
        if start not in reachable:
            continue
        if " ".join(words[start:]) in titles.leaves:
            return True
        reachable |= {end for end in range(start + 1, len(words)) if " ".join(words[start:end]) in titles.groups}
    return False


def _renames(log: str) -> Iterator[Rename]:
    """`git log -z --name-status --format=commit:%H`: a commit, then status, old and new path of each rename."""
    tokens = iter(log.split("\0"))
    commit = ""
    for raw in tokens:
        token = raw.strip("\n")
        if token.startswith("commit:"):
            commit = token.removeprefix("commit:")
        elif token[:1] == "R" and token[1:].isdecimal():
            old, new = next(tokens, ""), next(tokens, "")
            if old and new and (_NAMES_TESTS.search(old) or _NAMES_TESTS.search(new)):
                yield Rename(old, new, commit)
