"""A POSIX shell script for `git bisect run` that finds the commit which broke a test, or made it flaky."""

from __future__ import annotations

import math
import shlex

from flakelens.errors import UsageError
from flakelens.gate.criterion import count_of, percent
from flakelens.render.safe import one_line
from flakelens.report.brief import Began, BriefReport
from flakelens.reproduce import Command

MARK = "# Made by flakelens brief --bisect"
MISS = 0.01  # chance that one step misses a flake: with 5 steps (32 commits) the answer is right with 95 %
_SETUP = "npm ci"


def bisect_script(report: BriefReport, *, called: str = "bisect.sh", cause: str = "") -> str:
    """The script, executable by any POSIX shell; `called` is its path, for the comment that says how to use it.
    `cause`: the id of the cause for which this test stands.

    Exit codes are those of `git bisect run`: 0 good, 1 bad, 125 when a commit cannot be judged. Raises UsageError
    for a test without a commit range or whose tool is not known.
    """
    began, command = report.began, report.command
    if began is None or report.rate is None:
        raise UsageError("The test has no trouble to bisect now.", mend="flakelens show says what is known of it.")
    if began.good is None or not began.range:
        raise UsageError(
            "No commit is known on which the test was good before it went bad.",
            mend="Ingest older runs with their commits, or bisect by hand from a commit that you trust.",
        )
    if command is None:
        raise UsageError(
            "The command line of the tool that runs this test is not known.",
            mend="flakelens brief knows Jest, Vitest and Playwright.",
        )
    return "\n".join((*_head(report, began, began.good.commit, called, cause), *_body(report, began, command))) + "\n"


def tries(rate: float) -> int:
    """Passes in a row after which a commit counts as good, for a test that fails at `rate` (0 to 1, not 0)."""
    return 1 if rate >= 1 - MISS else math.ceil(math.log(MISS) / math.log1p(-rate))


def failures_needed(flake_rate: float | None) -> int:
    """Failures in a row after which a commit counts as broken, for a test that flaked at `flake_rate` before."""
    if not flake_rate:
        return 1
    return min(20, max(2, math.ceil(math.log(MISS) / math.log(min(flake_rate, 0.9)))))


def _head(report: BriefReport, began: Began, good: str, called: str, cause: str) -> list[str]:
    name = one_line(report.page.line.id.name)
    what = "made this test flaky" if began.kind == "flakes" else "broke this test"
    lines = [
        "#!/bin/sh",
        f"{MARK}: finds the commit that {what}:",
        f"#   {name}",
        *([f"# It stands for the tests of cause {cause}, of which it can be bisected best."] if cause else []),
        "#",
        f"#   git bisect start {began.bad.commit} {good}",
        f"#   git bisect run {shlex.quote(one_line(_runnable(called)))}",
        "#   git bisect reset",
        "#",
    ]
    if began.sure is not None and began.sure < 0.95:
        lines += [f"# The good end is {percent(began.sure)} sure only: no older run is stored.", "#"]
    return lines


def _runnable(path: str) -> str:
    return path if "/" in path else f"./{path}"


def _body(report: BriefReport, began: Began, command: Command) -> list[str]:
    exists = [f"{command.exists} || exit 125  # not on this commit"] if command.exists else []
    begin = [
        "# The step that makes a commit runnable; a commit on which it fails is skipped (125).",
        "set_up() {",
        f"  {_SETUP}",
        "}",
        "",
        "run_test() {",
        f"  {command.once}",
        "}",
        "",
        "set_up >&2 || exit 125",
        *exists,
    ]
    if began.kind == "flakes":
        rate = report.rate or 1.0
        times = tries(rate)
        return [
            f"# It fails in {percent(rate)} of runs; {count_of(times, 'try', 'tries')} miss that with a chance of 1 %.",
            f'repeats="${{REPEATS:-{times}}}"',
            "",
            *begin,
            "i=0",
            'while [ "$i" -lt "$repeats" ]; do',
            "  run_test >&2 || exit 1  # bad: it failed",
            "  i=$((i + 1))",
            "done",
            "exit 0  # good: it passed every time",
        ]
    needed = failures_needed(report.page.line.finding.flake_rate)
    why = (
        "# It fails every time where it is broken: one try decides."
        if needed == 1
        else f"# It flaked before it broke: {needed} failures in a row make a commit bad, one pass makes it good."
    )
    return [
        why,
        f'repeats="${{REPEATS:-{needed}}}"',
        "",
        *begin,
        "i=0",
        'while [ "$i" -lt "$repeats" ]; do',
        "  run_test >&2 && exit 0  # good: it passed",
        "  i=$((i + 1))",
        "done",
        "exit 1  # bad: it never passed",
    ]
