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
@click.option("--focus", metavar="NAME", multiple=True, help="Only causes with tests of this focus; may be repeated.")
@click.option(
    "--state",
    metavar="STATE",
    multiple=True,
    help="Only this state: broken, flaky, unsure, healing or over; may be repeated.",
)
@click.option(
    "--owner", metavar="NAME", multiple=True, help="Only causes with tests of this owner, or none; may be repeated."
)
@click.option("--sort", metavar="ORDER", default="urgency", help="urgency, failures, tests or price.")
@click.option("--over", is_flag=True, help="Also causes whose tests are stable again, or gone.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N; 0: all.  [default: 20, JSON: all]")
@as_of_option
@click.pass_obj
def command(
    app: App,
    format_: str,
    area: tuple[str, ...],
    focus: tuple[str, ...],
    state: tuple[str, ...],
    owner: tuple[str, ...],
    sort: str,
    over: bool,
    limit: int | None,
    as_of: str | None,
) -> int:
    """What makes tests fail: those that fail together, what they say, where they strike; then single tests.

    Looks at the newest 300 runs that count for the gated branch, large outages left out.
    """
    from flakelens.analyze.causes import causes_report
    from flakelens.analyze.filters import Filter

    if limit is None and format_ == "text":
        limit = _SCREEN
    with if_there(app.db) as store:
        report = causes_report(
            store,
            app.policy(),
            app.decisions(),
            as_of=app.moment(as_of),
            asked=Filter(area=area, focus=focus, owner=owner),
            state=state,
            over=over,
            sort=sort,
            limit=limit or None,
            owners=app.owners(),
        )
    if format_ == "json":
        from flakelens.render.json.causes import causes_json

        click.echo(causes_json(report), nl=False)
    else:
        from flakelens.render.text.causes import causes_text

        text = causes_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
