"""`flakelens causes`: what makes tests fail."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE

_SCREEN = 20  # causes that the text shows without --limit


@click.command("causes")
@format_option("text", "json")
@click.option("--area", metavar="NAME", multiple=True, help="Only causes with tests of this area; may be repeated.")
@click.option("--over", is_flag=True, help="Also causes whose tests are stable again, or gone.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N; 0: all.  [default: 20, JSON: all]")
@as_of_option
@click.pass_obj
def command(app: App, format_: str, area: tuple[str, ...], over: bool, limit: int | None, as_of: str | None) -> int:
    """What makes tests fail: those that fail together, what they say, where they strike; then single tests.

    Looks at the newest 300 runs that count for the gated branch, large outages left out.
    """
    from flakelens.analyze.causes import causes_report

    if limit is None and format_ == "text":
        limit = _SCREEN
    with if_there(app.db) as store:
        report = causes_report(
            store,
            app.policy(),
            app.decisions(),
            as_of=app.moment(as_of),
            area=area,
            over=over,
            limit=limit or None,
        )
    if format_ == "json":
        from flakelens.render.json_causes import causes_json

        click.echo(causes_json(report), nl=False)
    else:
        from flakelens.render.text_causes import causes_text

        text = causes_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
