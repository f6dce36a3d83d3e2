"""`flakelens init`: a first policy for this project."""

from __future__ import annotations

import click

from flakelens.cli.app import App
from flakelens.cli.exit_codes import DONE


@click.command("init")
@click.option("--force", is_flag=True, help="Replace a flakelens.toml that exists.")
@click.pass_obj
def command(app: App, force: bool) -> int:
    """Write a flakelens.toml for this project.

    Looks at the text of the Jest and Playwright configuration in this folder, runs nothing, writes a commented policy
    in mode "observe", and says which reporter lines to add.
    """
    from flakelens.init import init
    from flakelens.render.text.init import init_text

    report = init(app.folder, force=force)
    click.echo(init_text(report, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return DONE
