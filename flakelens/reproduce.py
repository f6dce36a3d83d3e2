"""The command line that runs one test alone, or some together: Jest, Vitest, Playwright, quoted for a POSIX shell.

Text only, no I/O.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flakelens.identity import SEPARATORS
from flakelens.masks import mask

MOST_TITLES = 20
_LONGEST_TITLES = 4_000  # characters of all titles together
_SPECIAL = frozenset("\\^$.*+?()[]{}|")
# What stands for each mask of `masks`: the next run's id or time.
_MASKED = {"<uuid>": r"[-\w]+", "<time>": r"[-+\dT:.,Z ]+", "<hex>": r"\w+", "<epoch>": r"\d+"}


class Command(NamedTuple):
    """How to run one test: `once` is one try, `repeated` tries until it fails. Lines of POSIX shell, ready to paste."""

    tool: str  # "jest", "vitest", "playwright"
    once: str
    exists: str  # succeeds when the tool finds the test file (Jest) or the test (Playwright); "" where it cannot tell

    def repeated(self, times: int) -> str:
        """Up to `times` tries; stops at the first failure."""
        if times < 2:
            return self.once
        if self.tool == "playwright":
            return f"{self.once} --repeat-each={times} --max-failures=1"
        return f'i=0; while [ $i -lt {times} ] && {self.once}; do i=$((i+1)); done; echo "passed $i times"'


def command_of(
    producer: str, *, file: str, name: str, variant: str = "", separators: Iterable[str] = ()
) -> Command | None:
    """The command for a test as its report wrote it; None for a tool whose command line is not known here.

    `file` "" searches the title in every file. `separators`: what the reporter puts between the parts of a title
    besides the shipped ones; the tools themselves join the parts with one space.
    """
    title = title_pattern(name, separators)
    where = [shlex.quote(file_pattern(file))] if file else []
    if producer == "jest":
        project = ["--selectProjects", shlex.quote(variant)] if variant else []
        once = ["npx jest", *where, *project, "-t", shlex.quote(f"^{title}$")]
        listed = f'[ -n "$(npx jest --listTests {where[0]})" ]' if where else ""
        return Command("jest", " ".join(once), listed)
    if producer == "vitest":
        project = [shlex.quote(f"--project={variant}")] if variant else []
        once = ["npx vitest run", *([shlex.quote(file)] if file else []), *project, "-t", shlex.quote(f"^{title}$")]
        return Command("vitest", " ".join(once), "")
    if producer == "playwright":
        # Its pattern is held against project, file, titles and tags joined by spaces: the title ends it, or a tag.
        start = f"\\{title}" if title.startswith("-") else title
        project = [shlex.quote(f"--project={variant}")] if variant else []
        base = ["npx playwright test", *where, "-g", shlex.quote(f"{start}(?= @|$)"), *project]
        return Command("playwright", " ".join([*base, "--retries=0"]), " ".join([*base, "--list >/dev/null 2>&1"]))
    return None


class GroupCommand(NamedTuple):
    """How to run some tests together."""

    command: Command
    whole_files: bool  # it runs all of their files: their titles are too many, or too long, for a command line


def command_of_group(
    producer: str, tests: Sequence[tuple[str, str]], *, variant: str = "", separators: Iterable[str] = ()
) -> GroupCommand | None:
    """The command for several tests of one tool and project, (file, name) each as `command_of` takes them.

    A test without a file makes it search the titles in every file. None for a tool that is not known here.
    """
    if len(tests) == 1:
        alone = command_of(producer, file=tests[0][0], name=tests[0][1], variant=variant, separators=separators)
        return GroupCommand(alone, whole_files=False) if alone else None
    separators = tuple(separators)
    files = list(dict.fromkeys(file for file, _ in tests)) if all(file for file, _ in tests) else []
    titles = list(dict.fromkeys(title_pattern(name, separators) for _, name in tests))
    whole = bool(files) and (len(titles) > MOST_TITLES or sum(map(len, titles)) > _LONGEST_TITLES)
    title = f"(?:{'|'.join(titles[:MOST_TITLES])})"
    where = [shlex.quote(file if producer == "vitest" else file_pattern(file)) for file in files]
    if producer == "jest":
        project = ["--selectProjects", shlex.quote(variant)] if variant else []
        named = [] if whole else ["-t", shlex.quote(f"^{title}$")]
        listed = f'[ -n "$(npx jest --listTests {" ".join(where)})" ]' if where else ""
        return GroupCommand(Command("jest", " ".join(["npx jest", *where, *project, *named]), listed), whole)
    if producer == "vitest":
        project = [shlex.quote(f"--project={variant}")] if variant else []
        named = [] if whole else ["-t", shlex.quote(f"^{title}$")]
        return GroupCommand(Command("vitest", " ".join(["npx vitest run", *where, *project, *named]), ""), whole)
    if producer == "playwright":
        project = [shlex.quote(f"--project={variant}")] if variant else []
        named = [] if whole else ["-g", shlex.quote(f"{title}(?= @|$)")]
        base = ["npx playwright test", *where, *named, *project]
        once = " ".join([*base, "--retries=0"])
        return GroupCommand(Command("playwright", once, " ".join([*base, "--list >/dev/null 2>&1"])), whole)
    return None


def title_pattern(name: str, separators: Iterable[str] = (), *, between: str = " ", space: str = " ") -> str:
    """A JavaScript pattern for a title as reported: special signs escaped, what changes every run as its kind.

    `between` is a pattern for what the tool itself puts where the report has a separator, `space` one for what may
    stand there where the report has a space: XML turns line ends and tabs of a title into spaces.
    """
    known = sorted({*separators, *SEPARATORS} - {"", " "}, key=len, reverse=True)
    joined = "|".join(re.escape(separator) for separator in known)
    out = []
    end = 0
    text = mask(name.strip())
    for found in re.finditer(rf"(?P<masked>{'|'.join(_MASKED)})|(?P<joint>{joined})|(?P<space>\s+)", text):
        out.append(escaped(text[end : found.start()]))
        end = found.end()
        if found["masked"]:
            out.append(_MASKED[found["masked"]])
        elif found["joint"]:
            out.append(f"(?:{escaped(found['joint'])}|{between})")
        else:
            out.append(space if found["space"] == " " else r"\s+")
    return "".join([*out, escaped(text[end:])])


def file_pattern(file: str) -> str:
    """A file as the pattern that the tools take for it; a dot stays one, since what else it matches does no harm."""
    pattern = "".join(sign if sign == "." else escaped(sign) for sign in file)
    return f"./{pattern}" if pattern.startswith("-") else pattern


def escaped(text: str) -> str:
    """A text as a JavaScript pattern that means itself, on one line."""
    return "".join(_one(character) for character in text)


def _one(character: str) -> str:
    if character in _SPECIAL:
        return f"\\{character}"
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    # What a terminal would not show, or would obey, as an escape that the pattern understands; above U+FFFF in pairs.
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
