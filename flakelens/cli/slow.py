"""`flakelens slow`: the tests and suites that became slower."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE

_SCREEN = 20  # tests, and suites, that the text shows without --limit


@click.command("slow")
@format_option("text", "json")
@click.option("--area", metavar="NAME", multiple=True, help="Only this area; may be repeated.")
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N", help="At most N of each; 0: all.  [default: 20, JSON: all]"
)
@as_of_option
@click.pass_obj
def command(app: App, format_: str, area: tuple[str, ...], limit: int | None, as_of: str | None) -> int:
    """The tests and suites that became slower, and since which run, what adds most to a run first.

    Over the newest 100 runs that count for the gated branch; only attempts that passed are timed. A suite is an area, a
    file or a job; of each it is said whether more tests or slower ones make it slower.
    """
    from flakelens.analyze.slow import slow_report

    if limit is None and format_ == "text":
        limit = _SCREEN
    with if_there(app.db) as store:
        report = slow_report(
            store, app.policy(), app.decisions(), as_of=app.moment(as_of), area=area, limit=limit or None
        )
    if format_ == "json":
        from flakelens.render.json.slow import slow_json

        click.echo(slow_json(report), nl=False)
    else:
        from flakelens.render.text.slow import slow_text

        click.echo(slow_text(report, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return DONE
