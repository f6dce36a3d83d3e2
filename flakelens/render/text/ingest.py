"""What `ingest` read, for a terminal: a line per run, what went wrong, what the reports cannot show, the next step."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from rich.text import Text

from flakelens.model import ProblemCode, RetryEvidence
from flakelens.render.problems import grouped
from flakelens.render.safe import one_line, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, QUIET, STRONG, fill, paragraph, to_text

if TYPE_CHECKING:
    from flakelens.model import Problem
    from flakelens.store import IngestedRun

MOST_LINES = 20  # runs; more are summed up
_LONGEST_RUN = 28


def render(
    runs: Sequence[IngestedRun],
    *,
    width: int,
    colour: bool,
    quiet: bool = False,
    verbose: bool = False,
    lake: str = "",
) -> str:
    """The text, `width` columns wide; `quiet` leaves out everything but the runs, `verbose` shortens no remark.

    `lake`: the folder of the lake that the runs went into, "" for the database.
    """
    lines = [_headline(runs)]
    if len(runs) <= MOST_LINES:
        names = [shorten_middle(one_line(_name(run)), _LONGEST_RUN) for run in runs]
        column = max(map(len, names))
        lines += [Text.assemble("  ", fill(name, column), "  ", _counts(run))
                  for name, run in zip(names, runs, strict=True)]  # fmt: skip
    if not quiet:
        problems = [problem._replace(where=_place(run, problem, len(runs))) for run in runs for problem in run.problems]
        if problems:
            lines += [Text(), Text("Problems", style=STRONG), *grouped(problems, width=width, remarks=verbose)]
        lines += [Text(), *_hints(runs, width, lake)]
    return to_text(lines, width=width, colour=colour)


def _place(run: IngestedRun, problem: Problem, runs: int) -> str:
    """Where a problem is; among several runs also in which of them."""
    is_path = problem.code in (ProblemCode.BAD_RUN_JSON, ProblemCode.NO_SUCH_FILE)
    return problem.where if runs == 1 or is_path or run.run in problem.where else f"{run.run}: {problem.where}"


def _name(run: IngestedRun) -> str:
    return f"{run.run} #{run.attempt}" if run.attempt > 1 else run.run


def _headline(runs: Sequence[IngestedRun]) -> Text:
    new = sum(run.reports for run in runs)
    known = sum(run.known for run in runs)
    in_runs = f"{_many(len({(run.provider, run.run) for run in runs}), 'run')}"
    if new == 0 and known:
        return Text(f"Nothing new: {_many(known, 'report')} of {in_runs} were stored already.", style=STRONG)
    tests = sum(run.tests for run in runs)
    text = Text(f"Stored {_many(new, 'report')} of {in_runs}, {_many(tests, 'test result')}", style=STRONG)
    if known:
        text.append(f"; {_many(known, 'report')} were known")
    text.append(".")
    if len(runs) > MOST_LINES:
        text.append("  ").append_text(_outcomes(runs))
    return text


def _counts(run: IngestedRun) -> Text:
    if run.reports == 0:
        return Text(f"nothing new ({_many(run.known, 'report')} known)" if run.known else "no report", style=QUIET)
    text = _outcomes([run])
    if run.partial:
        text.append("  partial", DOUBT)
    return text


def _outcomes(runs: Sequence[IngestedRun]) -> Text:
    text = Text()
    for name, style in (("passed", GOOD), ("flaky", DOUBT), ("failed", BAD), ("errored", BAD), ("skipped", QUIET)):
        count = sum(getattr(run, name) for run in runs)
        if count or name == "passed":
            text.append(", " if text else "").append(f"{count:,} {name}", style if count else "")
    return text


def _hints(runs: Sequence[IngestedRun], width: int, lake: str) -> list[Text]:
    lines: list[Text] = []
    blind = [run for run in runs if run.retry_evidence in (RetryEvidence.HIDDEN, RetryEvidence.UNKNOWN)]
    if blind:
        which = "Some reports" if len(blind) == len(runs) else f"Some reports of {_many(len(blind), 'run')}"
        said = (
            f"{which} do not show whether tests were retried, so that a flaky test can look like a passed one."
            " docs/retries.md has the line for each reporter; if retries are off, say --retries none."
        )
        lines += paragraph(said, width=width)
    missing = any(problem.code is ProblemCode.UNKNOWN_BRANCH for run in runs for problem in run.problems)
    call = f"flakelens --db {quote(one_line(lake))}" if lake else "flakelens"
    step = f"Next: {call} gate (is the gate met?), {call} tests (what is flaky or broken)."
    failed = not lake and len(runs) == 1 and bool(runs[0].failed or runs[0].errored)  # triage needs a database
    if failed:
        step = "Next: flakelens triage (are these failures yours?), flakelens gate (is the gate met?)."
    if all(run.provider == "local" for run in runs):
        ask = "flakelens triage (are these failures yours?)" if failed else f"{call} tests"
        step = f"A laptop's run does not count for the gate. Next: {ask}; in CI, the same command counts."
    elif missing:
        step = f"Next: say which branch these runs belong to (--branch, or branch in run.json), then {call} gate."
    return [*lines, *paragraph(step, width=width)]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
