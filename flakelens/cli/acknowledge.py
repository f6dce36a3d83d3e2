"""`flakelens acknowledge`: tests that were removed or skipped on purpose."""

from __future__ import annotations

import click

from flakelens.cli.app import App
from flakelens.cli.database import everything


@click.command("acknowledge")
@click.argument("tests", nargs=-1, required=True, metavar="TEST...")
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
@click.option("--reason", required=True, metavar="TEXT", help="Why they are gone; every report can show it.")
@click.pass_obj
def command(app: App, tests: tuple[str, ...], by: str, reason: str) -> int:
    """Say that TESTs were removed or skipped on purpose, so that no-laundering leaves them out.

    A TEST is its title, as flakelens or your reporter writes it. Writes to flakelens-decisions.toml, which must be
    committed.
    """
    from flakelens.decide import acknowledge
    from flakelens.render.decisions import written_text

    evidence, path = everything(app), app.decisions_path()
    known = None if evidence is None else evidence.history.tests
    written = acknowledge(path, known, tests, by=by, reason=reason, now=app.now())
    notes = [f"There is no database {app.db}, so the titles were not checked."] if known is None else []
    click.echo(written_text(written.entry, app.shown(path), notes, quiet=app.quiet), nl=False)
    return 0
