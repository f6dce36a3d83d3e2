"""`flakelens forecast`: what is to be expected."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE


@click.command("forecast")
@click.argument("gate", default="gate1", metavar="[GATE]")
@format_option("text", "json")
@click.option("--area", metavar="NAME", multiple=True, help="Only this area, without the gate; may be repeated.")
@as_of_option
@click.pass_obj
def command(app: App, gate: str, format_: str, area: tuple[str, ...], as_of: str | None) -> int:
    """Is the next run green, do the rates rise or fall, and when is GATE expected to be met?

    GATE is gate1 if it is not given. Every date stands beside what it assumes; where too little is known, that is said
    instead. Times are UTC.
    """
    from flakelens.cli.gate import startable
    from flakelens.forecast import forecast_report

    with if_there(app.db) as store:
        report = forecast_report(
            store,
            app.policy(),
            app.decisions(),
            gate,
            as_of=app.moment(as_of),
            area=area,
            startable=startable(app),
        )
    if format_ == "json":
        from flakelens.render.json.forecast import forecast_json

        click.echo(forecast_json(report), nl=False)
    else:
        from flakelens.render.text.forecast import forecast_text

        click.echo(forecast_text(report, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return DONE
