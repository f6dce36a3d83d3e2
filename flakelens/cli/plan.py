"""`flakelens plan`: the shortest way to the gate's pass rate."""

from __future__ import annotations

from typing import Literal

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE


@click.command("plan")
@click.argument("gate", default="gate1", metavar="[GATE]")
@format_option("text", "json")
@click.option(
    "--by",
    type=click.Choice(["failures", "runs"]),
    default="failures",
    show_default=True,
    help="Order by failures: the fewest repairs to the pass rate; by runs hit: the most green runs.",
)
@as_of_option
@click.pass_obj
def command(app: App, gate: str, format_: str, by: Literal["failures", "runs"], as_of: str | None) -> int:
    """The smallest set of causes whose repair reaches the pass rate that GATE asks for, and what each brings.

    GATE is gate1 if it is not given. After each repair: the pass rate, the pass rate of first attempts where reports
    show them, and the share of green runs.
    """
    from flakelens.plan import plan_report

    with if_there(app.db) as store:
        report = plan_report(
            store, app.policy(), app.decisions(), gate, as_of=app.moment(as_of), order=by, owners=app.owners()
        )
    if format_ == "json":
        from flakelens.render.json.plan import plan_json

        click.echo(plan_json(report), nl=False)
    else:
        from flakelens.render.text.plan import plan_text

        text = plan_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
