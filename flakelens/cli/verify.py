"""`flakelens verify`: has the repair of a test held?"""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE, INCONCLUSIVE, NOT_MET


@click.command("verify")
@click.argument("test")
@click.option("--since", metavar="COMMIT", required=True, help="The commit of the repair; its first digits will do.")
@format_option("text", "json")
@as_of_option
@click.pass_obj
def command(app: App, test: str, since: str, format_: str, as_of: str | None) -> int:
    """Has the repair of TEST held since COMMIT?

    Exit code 0: it has, there are as many clean results as the old failure rate demands; 10: it failed again; 11: too
    early to say. It may be asked after every run. TEST is named as for show.
    """
    from flakelens.analyze.verify import verify_report
    from flakelens.stats.verification import Repair

    with if_there(app.db) as store:
        report = verify_report(store, app.policy(), app.decisions(), as_of=app.moment(as_of), test=test, since=since)
    if format_ == "json":
        from flakelens.render.json.verify import verify_json

        click.echo(verify_json(report), nl=False)
    else:
        from flakelens.render.text.verify import verify_text

        click.echo(verify_text(report, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return {Repair.HELD: DONE, Repair.AGAIN: NOT_MET}.get(report.state, INCONCLUSIVE)
