"""`flakelens look`: what reports say by themselves."""

from __future__ import annotations

import sys

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.exit_codes import DONE

# Bounds for the checkout's test files: the quick look stays quick.
_FILES, _BYTES = 1_500, 3_000_000


@click.command(short_help="what reports say by themselves: no database, no set-up")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@format_option("text", "json")
@click.pass_obj
def command(app: App, /, files: tuple[str, ...], format_: str) -> int:
    """Say what the JUnit reports that FILE names hold: counts per area, causes of failures, flakes, the next step.

    FILE is a file, a folder, a glob, a .zip or .tar.gz, or - for standard input. Nothing is stored, nothing is judged:
    the exit code is 0 also when tests failed.
    """
    from flakelens.checkout import Checkout
    from flakelens.look import look

    checkout = Checkout.find(app.folder, most_files=_FILES, most_bytes=_BYTES)
    stdin = getattr(sys.stdin, "buffer", None)
    report = look(files, policy=app.policy(), environ=app.environ, stdin=stdin, checkout=checkout)
    if format_ == "json":
        from flakelens.render.json.look import render as as_json

        click.echo(as_json(report), nl=False)
    else:
        from flakelens.render.text.look import render as as_text

        text = as_text(report, width=app.width, colour=app.colour, quiet=app.quiet, verbose=app.verbose)
        click.echo(text, nl=False)
    return DONE
