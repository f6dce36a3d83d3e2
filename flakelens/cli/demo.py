"""`flakelens demo`: everything on recorded runs."""

from __future__ import annotations

from pathlib import Path

import click

from flakelens.cli.app import App
from flakelens.cli.exit_codes import DONE
from flakelens.cli.progress import Bar


@click.command("demo")
@click.option("--keep", metavar="FILE", help="Keep the database there, to look around in it.")
@click.pass_obj
def command(app: App, keep: str | None) -> int:
    """Everything on recorded runs of real Jest and Playwright tests.

    The shipped policy judges, not the one of this folder. Exits with 0 whatever the verdict says.
    """
    from flakelens.demo import demo
    from flakelens.errors import UsageError
    from flakelens.render.text.demo import demo_text

    if keep and Path(keep).exists():
        raise UsageError(f"{keep} exists already.", mend="Name a file that does not exist yet.")
    with Bar(shown=app.interactive) as bar:
        report = demo(keep=Path(keep) if keep else None, progress=bar)
    click.echo(demo_text(report, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return DONE
