"""What `run` says of the runs that it has just stored: what was read, and the triage of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

if TYPE_CHECKING:
    from flakelens.cli.app import App
    from flakelens.store import IngestedRun


class Explained(NamedTuple):
    """What is said of the failures of some runs."""

    text: str
    failures: int  # tests, and test files that could not be loaded
    unexplained: bool  # at least one of them that the history does not explain


def stored_text(app: App, runs: Sequence[IngestedRun], *, width: int, colour: bool) -> str:
    """What was read, in two lines; with all problems where one of them is serious, or where asked for."""
    from flakelens.render.text.ingest import render

    serious = any(problem.serious for run in runs for problem in run.problems)
    short = not (serious or app.verbose)
    return render(runs, width=width, colour=colour, quiet=short, verbose=app.verbose)


def explain(app: App, runs: Sequence[IngestedRun], *, width: int, colour: bool) -> Explained:
    """The triage of the runs just stored, for a terminal. Raises what triage raises: PolicyError, DatabaseError.."""
    from flakelens.analyze.triage import triage_report
    from flakelens.cli.base_policy import rules_in_force
    from flakelens.facts import RunKey
    from flakelens.render.text.triage import triage_text
    from flakelens.store import open_store

    rules = rules_in_force(app)
    texts: list[str] = []
    failures, unexplained = 0, False
    with open_store(app.db, read_only=True) as store:
        for key in dict.fromkeys(RunKey(run.provider, run.run) for run in runs):
            report = triage_report(store, rules.policy, rules.decisions, as_of=app.now(), here=key, owners=app.owners())
            report = replace(report, notices=(*rules.notices, *report.notices))
            texts.append(triage_text(report, width=width, colour=colour, quiet=app.quiet, verbose=app.verbose))
            failures += len(report.failures) + len(report.lost)
            unexplained = unexplained or not report.explained
    return Explained("\n".join(texts), failures, unexplained)
