"""`flakelens ingest`: the reports of a run into the database."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.exit_codes import DONE, UNREADABLE
from flakelens.cli.metadata_options import metadata_options
from flakelens.cli.progress import Bar
from flakelens.model import SERIOUS_CODES

if TYPE_CHECKING:
    from flakelens.store import Store


@click.command(short_help="read the reports of a run into the database")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--run-per-dir", is_flag=True, help="Each sub-folder of PATH is one run; CI variables are not used.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that parse, where there is enough to read for them.  [default: processor cores]",
)
@metadata_options
@format_option("text", "json")
@click.pass_obj
def command(
    app: App, /, paths: tuple[str, ...], run_per_dir: bool, jobs: int | None, format_: str, partial: bool, **said: Any
) -> int:
    """Read the JUnit reports that PATH names into the database.

    PATH is a file, a folder, a glob, a .zip or .tar.gz, or - for standard input. All that one call names is one run,
    unless --run-per-dir is given. What the options do not say is taken from the CI's environment.
    """
    from flakelens.checkout import Checkout
    from flakelens.ci import GitFolder, detect
    from flakelens.ingest import ingest
    from flakelens.run_metadata import options
    from flakelens.store import exists, open_store

    with ExitStack() as stack, Bar(shown=app.interactive) as bar:

        def opened() -> Store:
            return stack.enter_context(open_store(app.db, create=True))

        runs = ingest(
            paths,
            store=opened() if exists(app.db) else opened,  # one that is there is asked what it knows
            options=options(**said, partial=partial),
            detected=None if run_per_dir else detect(app.environ, GitFolder(app.folder)),
            run_per_dir=run_per_dir,
            ingested_at=app.now(),
            environ=app.environ,
            redact=app.policy().redact,
            stdin=getattr(sys.stdin, "buffer", None),
            checkout=None if run_per_dir else Checkout.find(app.folder),
            progress=bar,
            jobs=jobs or _cores(),
        )
    if format_ == "json":
        from flakelens.render.json.ingest import render as as_json

        click.echo(as_json(runs), nl=False)
    else:
        from flakelens.render.text.ingest import render as as_text

        text = as_text(runs, width=app.width, colour=app.colour, quiet=app.quiet, verbose=app.verbose)
        click.echo(text, nl=False)
    serious = any(problem.code in SERIOUS_CODES for run in runs for problem in run.problems)
    return UNREADABLE if serious else DONE


def _cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
