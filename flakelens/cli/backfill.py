"""`flakelens backfill`: the runs of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.exit_codes import DONE, UNREADABLE
from flakelens.cli.progress import Bar

if TYPE_CHECKING:
    from flakelens.backfill import Backfilled


@click.group("backfill")
def command() -> None:
    """Bring the runs of the past, with their metadata, from where their artifacts are kept."""


@command.command("github")
@click.option("--runs", type=click.IntRange(1, 10_000), default=100, show_default=True, metavar="N", help="How many.")
@click.option("--workflow", metavar="FILE", default="", help="Only this workflow, such as tests.yml.")
@click.option("--artifact", "artifacts", multiple=True, metavar="GLOB", help="Only artifacts of such names.")
@click.option("--branch", metavar="NAME", default="", help="Only runs of this branch.")
@click.option("--repo", metavar="OWNER/NAME", default="", help="Of another repository than this checkout's.")
@click.option("--largest", type=click.IntRange(1, 4_000), default=100, show_default=True, metavar="MB",
              help="Larger artifacts are left out.")  # fmt: skip
@format_option("text", "json")
@click.pass_obj
def github(
    app: App,
    runs: int,
    workflow: str,
    artifacts: tuple[str, ...],
    branch: str,
    repo: str,
    largest: int,
    format_: str,
) -> int:
    """The last N completed runs of GitHub Actions, newest first, through the program gh.

    Their artifacts are downloaded one run at a time and ingested with the run's id, attempt, commit, branch, event,
    start and address. Stopped, the same command goes on where it was.
    """
    from flakelens.backfill import Gh, backfill
    from flakelens.store import open_store

    gh = Gh(app.folder, app.environ, repo)
    with Bar(shown=app.interactive) as bar, open_store(app.db, create=True) as store:
        found = backfill(
            store,
            gh,
            now=app.now(),
            cache=app.folder / ".flakelens" / "backfill",
            runs=runs,
            workflow=workflow,
            branch=branch,
            artifacts=artifacts or ("*",),
            most_bytes=largest << 20,
            redact=app.policy().redact,
            progress=bar,
        )
    _show(app, found, format_)
    serious = any(problem.serious for run in found.runs for problem in run.problems)
    return UNREADABLE if serious or found.stopped or found.unread else DONE


def _show(app: App, found: Backfilled, format_: str) -> None:
    if format_ == "json":
        from flakelens.render.json.ingest import render as as_json

        click.echo(as_json(found.runs), nl=False)
    else:
        from flakelens.render.text.backfill import backfill_text

        text = backfill_text(found, width=app.width, colour=app.colour, quiet=app.quiet, verbose=app.verbose)
        click.echo(text, nl=False)
    if found.stopped:
        from flakelens.render.escape import plain

        click.echo(f"flakelens: stopped early: {plain(found.stopped, 500)}", err=True)
        click.echo("  Run the same command again later: it goes on where it was.", err=True)
