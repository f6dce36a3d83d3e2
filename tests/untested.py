"""`python -m tests.untested`: what no test reaches, and why, from the .coverage.json of `make coverage`.

Writes docs/untested.md. Exits with 1 where lines or branches of flakelens/ are not covered above 95 %.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ASKED = 95.0

# What kind of line it is, by what stands there, the first that fits; and why no test is made for it.
KINDS = (
    ("byte order", r"byteswap", "runs on a machine that keeps numbers the other way round; CI has none"),
    (
        "refused by the system",
        (
            r"OSError|strerror|_failed\(|_unreadable|cannot be (read|written|executed)|FileNotFound|Permission|mkdtemp"
            r"|sqlite_errorname|OperationalError|time\.sleep|TimeoutExpired|took longer|BUSY"
        ),
        (
            "a file or program that cannot be had at this very moment. The sentence is tested where it can be provoked,"
            " and failing disks are tried on the database as a whole (tests/faults)"
        ),
    ),
    (
        "somebody at the keyboard",
        r"progress|Progress|bar\b|Console|KeyboardInterrupt|Stopped|\b130\b|get_terminal_size|_send\(|_early|WSTOPSIG",
        "a terminal, its keys and its width; read by eye",
    ),
    (
        "an unexpected error",
        r"unexpected|except BaseException|except Exception|^raise$|forget\(\)|\.close\(\)",
        "tidying up behind an error that nothing is known to raise",
    ),
    (
        "damage that is refused before",
        (
            r"PackError|_damaged|DamagedError|SharedHistoryError|GhError|DecisionsError|PolicyError|TOMLKitError|zlib"
            r"|sound = False|put_aside|unsafe|refused|RecursionError|UnicodeDecodeError|ValueError"
        ),
        "a second lock: what is so damaged or hostile is refused by an earlier check, which is tested",
    ),
    ("the end of a long list", r"\bmore\b|_MOST|-v shows|further", "says how many lines were left out"),
    (
        "words for what is rare",
        (
            r"^return f?\[?\(?f?[\"']|append\(|lines \+=|parts\.|said|text \+?=|label =|^yield|^f?\"|named|digits"
            r"|figure|word"
        ),
        "a sentence, a figure or its form for a case to which no history of the tests leads",
    ),
    (
        "nothing known",
        (
            r"^return(\s+(None|\"\"|\[\]|\{\}|\(\)|set\(\)|0|0\.0|1\.0|False|True|x|Outcome\.NONE.*|otherwise|report|text|spent))?$"
            r"|^continue$"
        ),
        "the answer where there is nothing to go by",
    ),
)
REST = ("a turn not taken", "", "one side of a condition that the tests meet from its other side alone")


def kind_of(source: str) -> str:
    """The kind of an untested line."""
    return next((name for name, pattern, _ in KINDS if re.search(pattern, source)), REST[0])


def missing(data: dict[str, Any], source: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(kind, "12" or "12->15") of each line that is never reached, and each turn of a reached line never taken."""
    lines = set(data["missing_lines"])
    for number in sorted(lines):
        yield kind_of(source[number - 1].strip()), str(number)
    for begin, end in data["missing_branches"]:
        if begin not in lines and end not in lines:
            yield REST[0], f"{begin}->{'end' if end < 0 else end}"


def page(report: dict[str, Any]) -> str:
    """The document."""
    totals = report["totals"]
    head = (
        f"Of {totals['num_statements']:,} lines {totals['percent_statements_covered']:.1f} % are reached by a test, of "
        f"{totals['num_branches']:,} turns that a line may take {totals['percent_branches_covered']:.1f} %. "
        "`make coverage` counts again and writes this page; it fails at 95 % or below. The rest, by what it is;"
        " the kind is told by the words of the line (patterns in tests/untested.py), not by hand:"
    )
    lines = [
        "# What no test reaches",
        "",
        head,
        "",
        "| kind | why it has no test |",
        "|---|---|",
        *(f"| {name} | {why} |" for name, _, why in (*KINDS, REST)),
        "",
        "Lines by their number, and turns as from->to.",
        "",
        "| file | kind: lines |",
        "|---|---|",
    ]
    for name, data in sorted(report["files"].items()):
        found = sorted(missing(data, (ROOT / name).read_text(encoding="utf-8").splitlines()), key=lambda each: each[0])
        told = [
            f"{kind}: {', '.join(place for _, place in places)}"
            for kind, places in groupby(found, key=lambda each: each[0])
        ]
        if told:
            lines.append(f"| `{name}` | {'; '.join(told)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, say the two figures."""
    report = json.loads((ROOT / ".coverage.json").read_text(encoding="utf-8"))
    (ROOT / "docs" / "untested.md").write_text(page(report), encoding="utf-8")
    lines, branches = (report["totals"][f"percent_{what}_covered"] for what in ("statements", "branches"))
    print(f"lines {lines:.2f} %, branches {branches:.2f} %; what is left is in docs/untested.md")
    return 0 if min(lines, branches) > ASKED else 1


if __name__ == "__main__":
    sys.exit(main())
