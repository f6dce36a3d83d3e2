"""Who owns a file, by the rules of a CODEOWNERS: text in, owners of a path out. No I/O.

As GitHub reads it (docs.github.com, "About code owners"): patterns of gitignore without its negations and character
ranges, the last rule that matches wins, a line that cannot be understood is skipped. As GitLab reads it
(docs.gitlab.com, "Code Owners syntax") where the file has sections or lies in .gitlab/: the last rule of each section
counts, a section may name owners for its rules, a pattern without a leading slash matches in any folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import msgspec

from flakelens.rules import Subject

# Where the file may be, in the order in which GitHub and GitLab look: the first that is there is the only one read.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
MOST_BYTES = 3_000_000  # GitHub reads no larger file
MOST_RULES = 10_000
NONE = "none"  # how people ask for tests without an owner

_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>(?:\s.*)?)")
# @user, @org/team, @@role (GitLab), a mail address.
_OWNER = re.compile(r"@{1,2}[\w.-]+(?:/[\w.-]+)*|[^\s@]+@[^\s@]+\.[^\s@]+")
_TOKEN = re.compile(r"(?:\\.|[^\s\\])+|\\")
_TESTS = re.compile(r"test|spec|e2e", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class Rule(msgspec.Struct, frozen=True):
    """One line: a pattern and who owns what it matches; nobody is an answer too."""

    line: int  # counted from 1
    pattern: str  # as it is written
    owners: tuple[str, ...]
    section: str  # "" outside of any
    excluded: bool  # GitLab's "!": what it matches has no owner in this section, whatever the other rules say
    expression: re.Pattern[str]

    @property
    def about_tests(self) -> bool:
        """Does the pattern speak of tests? Most rules of a project are about other files."""
        return bool(_TESTS.search(self.pattern))


class Fault(msgspec.Struct, frozen=True):
    """A line that was skipped, and why."""

    line: int
    text: str
    why: str


class Owners(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The rules of one file. Without any, nobody owns anything.

    `locate` gives the path in the checkout of a file as reports name it, or "" where it cannot be told: Playwright
    writes paths from its testDir, and a package of a monorepo from its own folder.
    """

    where: str = ""  # the file, from the root of the checkout; "" for none
    rules: tuple[Rule, ...] = ()
    faults: tuple[Fault, ...] = ()
    locate: Callable[[str], str] = str

    @cached_property
    def _known(self) -> dict[str, tuple[str, ...] | None]:
        return {}  # what `of` was asked before

    def of(self, path: str) -> tuple[str, ...] | None:
        """The owners of a path from the root of the checkout; () when a rule says that nobody owns it, None when no
        rule covers it.
        """
        if path not in self._known:
            self._known[path] = self._of(path)
        return self._known[path]

    def of_test(self, test: Subject) -> tuple[str, ...] | None:
        """The owners of the file of a test; None also where no file is known."""
        return self.of(file) if self.rules and (file := self.file_of(test)) else None

    def text_of(self, test: Subject) -> str:
        """The owners of the file of a test as CODEOWNERS writes them, "@team/web @ada"; "" for none."""
        return " ".join(self.of_test(test) or ())

    def file_of(self, test: Subject) -> str:
        """The path by which a test's owners are sought, "" where nothing names its file."""
        reported = test.id.file or test.title_file or test.stack_file
        return (self.locate(reported) or reported) if reported else ""

    def _of(self, path: str) -> tuple[str, ...] | None:
        found: dict[str, tuple[str, ...]] = {}
        closed: set[str] = set()
        for rule in reversed(self.rules):
            if (rule.excluded or rule.section not in found) and rule.expression.fullmatch(path):
                closed |= {rule.section} if rule.excluded else set()
                found.setdefault(rule.section, rule.owners)
        if not found:
            return None
        order = dict.fromkeys(rule.section for rule in self.rules)
        owners = (owner for section in order if section not in closed for owner in found.get(section, ()))
        return tuple(dict.fromkeys(owners))


NOBODY = Owners()


def is_owned(owner: str, asked: Iterable[str]) -> bool:
    """Is one of the people `asked` for (with or without @, any case; "none": no owner) among `owner`, as text?"""
    mine = {_folded(each) for each in owner.split()}
    return any(_folded(name) in mine or (not mine and name == NONE) for name in asked)


def _folded(name: str) -> str:
    return name.removeprefix("@").casefold()


def parse(text: str, where: str = "CODEOWNERS") -> Owners:
    """The rules of a CODEOWNERS file. Never raises: what cannot be understood is in `faults`.

    `where` is its path; one in .gitlab/, or one with sections, is read as GitLab does.
    """
    lines = list(_lines(text))
    gitlab = where.startswith(".gitlab/") or any(_SECTION.fullmatch(line) for _, line in lines)
    rules: list[Rule] = []
    faults: list[Fault] = []
    section = ""
    inherited: tuple[str, ...] = ()
    for number, line in lines:
        if heading := _SECTION.fullmatch(line):
            section = heading["name"].strip().casefold()
            inherited = tuple(filter(_OWNER.fullmatch, heading["owners"].split()))
            continue
        tokens = _TOKEN.findall(line)
        pattern, owners = tokens[0], tuple(tokens[1:])
        if why := _why_not(pattern, owners, gitlab=gitlab) if len(rules) < MOST_RULES else "there are too many rules":
            faults.append(Fault(number, line, why))
            continue
        excluded = gitlab and pattern.startswith("!")
        expression = _expression(pattern.removeprefix("!") if excluded else pattern, anywhere=gitlab)
        own = () if excluded else owners or inherited
        rules.append(Rule(number, pattern, own, section, excluded, expression))
    return Owners(where=where, rules=tuple(rules), faults=tuple(faults))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if line := _COMMENT.sub("", raw).strip():
            yield number, line


def _why_not(pattern: str, owners: tuple[str, ...], *, gitlab: bool) -> str:
    """Why a line is skipped; "" for one that holds."""
    if pattern.startswith("!") and not gitlab:
        return "a pattern cannot be negated"
    if "***" in pattern:
        return "three stars mean nothing"
    if pattern.strip("/") in ("", "!"):
        return "the pattern names nothing"
    wrong = [owner for owner in owners if not _OWNER.fullmatch(owner)]
    return f"{wrong[0]!r} is neither @name, @organisation/team nor a mail address" if wrong else ""


def _expression(pattern: str, *, anywhere: bool) -> re.Pattern[str]:
    """A pattern as a regular expression for whole paths.

    With a slash at its beginning or inside it starts at the root, else in any folder (`anywhere`: also with a slash
    inside). What names a folder holds for all below it; a last part that is `*` alone stays within its folder.
    """
    rooted = pattern.startswith("/") or (not anywhere and "/" in pattern.rstrip("/"))
    parts = [*([] if rooted else ["**"]), *filter(None, pattern.split("/")), *(["**"] if pattern.endswith("/") else [])]
    end = ".+" if parts[-1] == "**" else "" if parts[-1] == "*" else "(?:/.+)?"
    first, *floating = _chunks(parts)
    last = floating.pop() if floating and end != ".+" else ""
    out = first
    if first and (floating or last or end == ".+"):
        out += "/"
    # What stands between two "**" is taken where it fits first, and for good (an atomic group): a later place could
    # match no more, and so no pattern can make the search explode.
    out += "".join(f"(?>(?:[^/]+/)*?{chunk}/)" for chunk in floating if chunk)
    if last:
        out += f"(?:[^/]+/)*{last}"
    return re.compile(out + end, re.DOTALL)


def _chunks(parts: list[str]) -> list[str]:
    """The parts between "**" as expressions; the first is "" where a "**" begins."""
    chunks: list[list[str]] = [[]]
    for part in parts:
        if part == "**":
            chunks.append([])
        else:
            chunks[-1].append(_part(part))
    return ["/".join(chunk) for chunk in chunks]


def _part(part: str) -> str:
    """One part between slashes: `*` and `?` stay within it, a backslash takes the meaning from what follows."""
    pieces: list[str] = [""]
    position = 0
    while position < len(part):
        sign = part[position]
        if sign == "*":
            while part[position + 1 : position + 2] == "*":
                position += 1
            pieces.append("")
        elif sign == "?":
            pieces[-1] += "[^/]"
        else:
            if sign == "\\" and position + 1 < len(part):
                position += 1
                sign = part[position]
            pieces[-1] += re.escape(sign)
        position += 1
    if len(pieces) == 1:
        return pieces[0]
    if not any(pieces):
        return "[^/]+"
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1] if piece)
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"
