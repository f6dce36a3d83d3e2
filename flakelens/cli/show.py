"""`flakelens show`: the history of one test."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE


@click.command("show")
@click.argument("test")
@format_option("text", "json")
@as_of_option
@click.pass_obj
def command(app: App, test: str, format_: str, as_of: str | None) -> int:
    """The history of one test, and why it has its state.

    TEST is its title, "FILE > TITLE", any form in which a report wrote it, or a part that no other test contains.
    """
    from flakelens.analyze.show import show_report

    with if_there(app.db) as store:
        report = show_report(store, app.policy(), app.decisions(), as_of=app.moment(as_of), test=test)
    if format_ == "json":
        from flakelens.render.json_show import show_json

        click.echo(show_json(report), nl=False)
    else:
        from flakelens.render.text_show import show_text

        text = show_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
