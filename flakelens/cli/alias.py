"""`flakelens alias`: a renamed test keeps its history."""

from __future__ import annotations

import click

from flakelens.cli.app import App
from flakelens.cli.database import everything


@click.command("alias")
@click.argument("old")
@click.argument("new")
@click.pass_obj
def command(app: App, old: str, new: str) -> int:
    """Say that the test once called OLD is now called NEW, so that it keeps its history.

    Each is a title, or "FILE > TITLE". Moved files with unchanged titles need no alias. Writes to
    flakelens-decisions.toml, which must be committed.
    """
    from flakelens.decide import alias
    from flakelens.render.decisions import written_text

    evidence, path = everything(app), app.decisions_path()
    written = alias(path, None if evidence is None else evidence.history, old, new)
    notes = [f"There is no database {app.db}, so the titles were not checked."] if evidence is None else []
    click.echo(written_text(written.entry, app.shown(path), notes, quiet=app.quiet), nl=False)
    return 0
