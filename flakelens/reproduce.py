"""The command line that runs one test alone: Jest, Vitest, Playwright, quoted for a POSIX shell. Text only, no I/O."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flakelens.identity import SEPARATORS
from flakelens.masks import mask

_SPECIAL = frozenset("\\^$.*+?()[]{}|")
# What stands for each mask of `masks`: the next run's id or time.
_MASKED = {"<uuid>": r"[-\w]+", "<time>": r"[-+\dT:.,Z ]+", "<hex>": r"\w+", "<epoch>": r"\d+"}


_LONGEST_PATTERN = 1_500  # characters: a line that a person would still paste


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


def command_of_all(
    producer: str, tests: Sequence[tuple[str, str]], *, variant: str = "", separators: Iterable[str] = ()
) -> tuple[str, bool] | None:
    """One line that runs several tests of one producer and variant again; None for an unknown tool.

    `tests`: (file, name as reported). Besides the line, whether it runs their files whole: where the titles together
    would make too long a pattern, or a file of them is not known.
    """
    separators = tuple(separators)
    if len(tests) == 1:
        (file, name), *_ = tests
        one = command_of(producer, file=file, name=name, variant=variant, separators=separators)
        return (one.once, False) if one else None
    if producer not in ("jest", "vitest", "playwright"):
        return None
    files = dict.fromkeys(file for file, _ in tests)
    titles = "|".join(dict.fromkeys(title_pattern(name, separators) for _, name in tests))
    whole = len(titles) > _LONGEST_PATTERN
    if whole and "" in files:
        return None
    places = (
        [] if "" in files else [shlex.quote(file if producer == "vitest" else file_pattern(file)) for file in files]
    )
    if producer == "jest":
        words = ["npx jest", *places, *(["--selectProjects", shlex.quote(variant)] if variant else [])]
        pattern = ["-t", shlex.quote(f"^({titles})$")]
    elif producer == "vitest":
        words = ["npx vitest run", *places, *([shlex.quote(f"--project={variant}")] if variant else [])]
        pattern = ["-t", shlex.quote(f"^({titles})$")]
    else:
        # A group never begins with "-", so that no title can be taken for an option.
        project = [shlex.quote(f"--project={variant}")] if variant else []
        words = ["npx playwright test", *places, *project, "--retries=0"]
        pattern = ["-g", shlex.quote(f"({titles})(?= @|$)")]
    return " ".join(words if whole else [*words, *pattern]), whole


def title_pattern(name: str, separators: Iterable[str] = ()) -> str:
    """A JavaScript pattern for a title as reported: special signs escaped, what changes every run as its kind."""
    known = sorted({*separators, *SEPARATORS} - {"", " "}, key=len, reverse=True)
    joined = "|".join(re.escape(separator) for separator in known)
    out = []
    end = 0
    text = mask(name.strip())
    for found in re.finditer(rf"(?P<masked>{'|'.join(_MASKED)})|(?P<joint>{joined})|(?P<space>\s+)", text):
        out.append(_escaped(text[end : found.start()]))
        end = found.end()
        if found["masked"]:
            out.append(_MASKED[found["masked"]])
        elif found["joint"]:
            out.append(f"(?:{_escaped(found['joint'])}| )")
        else:
            out.append(" " if found["space"] == " " else r"\s+")
    return "".join([*out, _escaped(text[end:])])


def file_pattern(file: str) -> str:
    """A file as the pattern that the tools take for it; a dot stays one, since what else it matches does no harm."""
    escaped = "".join(sign if sign == "." else _escaped(sign) for sign in file)
    return f"./{escaped}" if escaped.startswith("-") else escaped


def _escaped(text: str) -> str:
    return "".join(_one(character) for character in text)


def _one(character: str) -> str:
    if character in _SPECIAL:
        return f"\\{character}"
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    # What a terminal would not show, or would obey, as an escape that the pattern understands; above U+FFFF in pairs.
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
