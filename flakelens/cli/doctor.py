"""`flakelens doctor`: what keeps flakelens from seeing flakes."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE, NOT_MET


@click.command("doctor")
@format_option("text", "json")
@as_of_option
@click.pass_obj
def command(app: App, format_: str, as_of: str | None) -> int:
    """What keeps flakelens from seeing flakes, with the mend.

    Exits with 10 when a finding is serious: the gate cannot be trusted, or cannot be met, until it is mended.
    """
    from flakelens.doctor import doctor

    with if_there(app.db) as store:
        report = doctor(store, app.policy(), app.decisions(), as_of=app.moment(as_of), owned=app.owners())
    if format_ == "json":
        from flakelens.render.json.doctor import doctor_json

        click.echo(doctor_json(report), nl=False)
    else:
        from flakelens.render.text.doctor import doctor_text

        click.echo(doctor_text(report, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return NOT_MET if any(finding.serious for finding in report.findings) else DONE
