"""`flakelens acknowledge`: tests that were removed or skipped on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flakelens.history import Test


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

    known, path = _known(app), app.decisions_path()
    written = acknowledge(path, known, tests, by=by, reason=reason, now=app.now())
    notes = [f"There is no database {app.db}, so the titles were not checked."] if known is None else []
    click.echo(written_text(written.entry, app.shown(path), notes, quiet=app.quiet), nl=False)
    return 0


def _known(app: App) -> Sequence[Test] | None:
    """Every test of the history, however long ago it ran; None without a database."""
    from flakelens.analyze.evidence import load
    from flakelens.store import exists, open_store

    if not exists(app.db):
        return None
    with open_store(app.db, read_only=True) as store:
        loaded = load(store, app.policy(), app.decisions(), as_of=app.now(), window=None)
        return loaded.evidence.history.tests
