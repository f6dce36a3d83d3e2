"""`flakelens events`: what happened to the tests, and in which run."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE

_SCREEN = 20  # blocks that the text shows without --limit


@click.command("events")
@format_option("text", "json")
@click.option("--area", metavar="NAME", multiple=True, help="Only this area; may be repeated.")
@click.option("--focus", metavar="NAME", multiple=True, help="Only this focus; may be repeated.")
@click.option(
    "--kind",
    metavar="KIND",
    multiple=True,
    help="Only regressed, fixed, flaky, healed, failed, gone, back, new, renamed, skipped, unskipped; may be repeated.",
)
@click.option(
    "--since",
    metavar="WHEN",
    default="",
    help="Only what can be said since a date, a run, a commit, or 7d for the last seven days.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N", help="At most N blocks; 0: all.  [default: 20, JSON: all]"
)
@as_of_option
@click.pass_obj
def command(
    app: App,
    format_: str,
    area: tuple[str, ...],
    focus: tuple[str, ...],
    kind: tuple[str, ...],
    since: str,
    limit: int | None,
    as_of: str | None,
) -> int:
    """What happened to the tests on the gated branch, newest first: which run, and in which range of commits.

    What happened together, on one commit, is one block. Over the newest 300 runs that count.
    """
    from flakelens.analyze.events import events_report

    if limit is None and format_ == "text":
        limit = _SCREEN
    with if_there(app.db) as store:
        report = events_report(
            store,
            app.policy(),
            app.decisions(),
            as_of=app.moment(as_of),
            area=area,
            focus=focus,
            kind=kind,
            since=since,
            limit=limit or None,
        )
    if format_ == "json":
        from flakelens.render.json.events import events_json

        click.echo(events_json(report), nl=False)
    else:
        from flakelens.render.text.events import events_text

        text = events_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
