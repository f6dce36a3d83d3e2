"""`flakelens triage`: every failure of a run explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE, NOT_MET
from flakelens.errors import NothingReadError

if TYPE_CHECKING:
    from flakelens.facts import RunKey
    from flakelens.report.triage import TriageReport


@click.command("triage")
@click.argument("run", required=False)
@format_option("text", "json", "markdown", "github")
@as_of_option
@click.pass_obj
def command(app: App, run: str | None, format_: str, as_of: str | None) -> int:
    """Every failure of RUN explained: new, already broken, known flake, outage, or no history yet.

    RUN is the id of a run or the first signs of it; without it the run of this CI job, else the
    newest one. Exit code 0 when every failure is dismissed or already broken on the base branch,
    10 otherwise.
    """
    from msgspec.structs import replace

    from flakelens.analyze.triage import triage_report
    from flakelens.cli.base_policy import rules_in_force

    rules = rules_in_force(app)
    with if_there(app.db) as store:
        if store is None:
            raise NothingReadError(f"There is no database {app.db} yet.", mend="Next: flakelens ingest PATH")
        report = triage_report(
            store,
            rules.policy,
            rules.decisions,
            as_of=app.moment(as_of),
            run=run or "",
            here=_of_this_job(app),
            owners=app.owners(),
        )
    report = replace(report, notices=(*rules.notices, *report.notices))
    click.echo(_rendered(app, report, format_), nl=False)
    if format_ == "github":
        _tell_github(app, report)
    return DONE if report.explained else NOT_MET


def _of_this_job(app: App) -> RunKey | None:
    """The run of the CI job that calls: others may have ended since, and the newest would be theirs."""
    from flakelens.ci import GitFolder, detect
    from flakelens.facts import RunKey

    info = detect(app.environ, GitFolder(app.folder))
    return RunKey(info.provider, info.run) if info.run and not info.local else None


def _rendered(app: App, report: TriageReport, format_: str) -> str:
    if format_ == "json":
        from flakelens.render.json.triage import triage_json

        return triage_json(report)
    if format_ == "markdown":
        from flakelens.render.markdown.triage import triage_markdown

        return triage_markdown(report)
    if format_ == "github":
        from flakelens.render.github.triage import triage_github

        return triage_github(report)
    from flakelens.render.text.triage import triage_text

    return triage_text(report, width=app.width, colour=app.colour, quiet=app.quiet, verbose=app.verbose)


def _tell_github(app: App, report: TriageReport) -> None:
    from flakelens.cli.github_files import tell_github
    from flakelens.render.github.triage import outputs
    from flakelens.render.markdown.triage import triage_markdown

    tell_github(app, summary=triage_markdown(report), outputs=outputs(report))
