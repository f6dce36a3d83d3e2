"""The tests in quarantine as one pattern for Playwright's `--grep-invert`.

Playwright holds the pattern against project, file, the titles of describe blocks and test, joined by single spaces,
with the tags of each behind it (`_grepTitleWithTags` in its common/test.ts):
" chromium e2e/pay.spec.ts checkout pays @slow". Written as "/../" a pattern keeps its letter case; without the slashes
Playwright ignores it.
"""

from __future__ import annotations

import re

from flakelens.report.export import Held, QuarantineExport
from flakelens.reproduce import escaped, title_pattern

_TAGS = r"(?: @\S+)*"  # of a describe block or the test, in no report
_SPACE = r"\s"  # XML turns a line end or a tab of a title into a space
_EDGE = r"\s*"  # a title may begin and end with spaces, which no report keeps
_NOTHING = "(?!)"  # an empty pattern would match, and so leave out, every test


def playwright_pattern(export: QuarantineExport) -> str:
    """One line, with a line feed at its end: `npx playwright test --grep-invert "$(cat FILE)"`."""
    parts = list(dict.fromkeys(_one(held, export.separators) for held in export.held))
    return f"/^(?:{'|'.join(parts)})$/\n" if parts else f"/{_NOTHING}/\n"


def _one(held: Held, separators: tuple[str, ...]) -> str:
    """The pattern of one test, from the beginning of the text to its end."""
    # A project without a name leaves its space; the root's always stands there.
    project = "(?:.* )?" if held.variant is None else f" *{escaped(held.variant)} " if held.variant else " *"
    file = f"{escaped(held.file)}{_TAGS} " if held.file else "(?:.* )?"
    title = title_pattern(held.title, separators, between=f"{_TAGS} ", space=_SPACE)
    return f"{project}{file}{_none_of(held, title, separators)}{_EDGE}{title}{_EDGE}{_TAGS}"


def _none_of(held: Held, title: str, separators: tuple[str, ...]) -> str:
    """Where the room for tags would let other known tests of the file in, they are ruled out one by one."""
    own = _joined(held.title, separators)
    wide = re.compile(f"{title}{_TAGS}")
    caught = [other for other in held.others if (text := _joined(other, separators)) != own and wide.fullmatch(text)]
    return "".join(f"(?!{title_pattern(other, separators, space=_SPACE)}$)" for other in caught)


def _joined(title: str, separators: tuple[str, ...]) -> str:
    """A title as Playwright joins it."""
    for separator in (*separators, " › "):
        title = title.replace(separator, " ")
    return title
