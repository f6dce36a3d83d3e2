"""`flakelens ingest`: the reports of a run into the database."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.exit_codes import DONE, UNREADABLE
from flakelens.cli.metadata_options import metadata_options
from flakelens.cli.progress import Bar
from flakelens.errors import UsageError

if TYPE_CHECKING:
    from flakelens.run_metadata import RunOptions
    from flakelens.store import IngestedRun, Store


@click.command(short_help="read the reports of a run into the database")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--run-per-dir", is_flag=True, help="Each sub-folder of PATH is one run; CI variables are not used.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that parse, where there is enough to read for them.  [default: processor cores]",
)
@click.option("--to-parquet", "lake", metavar="FOLDER", help="Into this lake of Parquet files, not the database.")
@click.option("--scheduler", metavar="ADDRESS", help="Read the runs on the workers of this Dask scheduler.")
@metadata_options
@format_option("text", "json")
@click.pass_obj
def command(
    app: App,
    /,
    paths: tuple[str, ...],
    run_per_dir: bool,
    jobs: int | None,
    lake: str | None,
    scheduler: str | None,
    format_: str,
    partial: bool,
    **said: Any,
) -> int:
    """Read the JUnit reports that PATH names into the database.

    PATH is a file, a folder, a glob, a .zip or .tar.gz, or - for standard input. All that one call names is one run,
    unless --run-per-dir is given. What the options do not say is taken from the CI's environment.

    With --to-parquet and --run-per-dir the runs are read by Dask workers (extra [dask]): those of --scheduler, else
    --jobs processes of this machine. docs/lake.md says when that is worth it.
    """
    from flakelens.run_metadata import options

    if scheduler and not (lake and run_per_dir):
        raise UsageError(
            "--scheduler reads many runs into a lake.",
            mend="Add --to-parquet FOLDER and --run-per-dir, or leave it out.",
        )
    if scheduler and jobs:
        raise UsageError(
            "--jobs counts processes of this machine, and a scheduler has its own workers.",
            mend="Leave out --jobs or --scheduler.",
        )
    given = options(**said, partial=partial)
    if lake and run_per_dir:
        runs = _on_workers(app, paths, Path(lake), scheduler or "", jobs or _cores(), given)
    else:
        runs = _here(app, paths, run_per_dir, jobs or _cores(), lake, given)
    if format_ == "json":
        from flakelens.render.json.ingest import render as as_json

        click.echo(as_json(runs), nl=False)
    else:
        from flakelens.render.text.ingest import render as as_text

        text = as_text(runs, width=app.width, colour=app.colour, quiet=app.quiet, verbose=app.verbose, lake=lake or "")
        click.echo(text, nl=False)
    serious = any(problem.serious for run in runs for problem in run.problems)
    return UNREADABLE if serious else DONE


def _here(
    app: App, paths: tuple[str, ...], run_per_dir: bool, jobs: int, lake: str | None, given: RunOptions
) -> list[IngestedRun]:
    """Read on this machine, into the database or a lake."""
    from flakelens.checkout import Checkout
    from flakelens.ci import GitFolder, detect
    from flakelens.ingest import ingest
    from flakelens.store import exists, open_store

    def opened() -> Store:
        if lake is not None:
            from flakelens.lake import open_lake

            return stack.enter_context(open_lake(lake, create=True))
        return stack.enter_context(open_store(app.db, create=True))

    with ExitStack() as stack, Bar(shown=app.interactive) as bar:
        return ingest(
            paths,
            # A database that is there is asked what it knows; a lake is not.
            store=opened() if lake is None and exists(app.db) else opened,
            options=given,
            detected=None if run_per_dir else detect(app.environ, GitFolder(app.folder)),
            run_per_dir=run_per_dir,
            ingested_at=app.now(),
            environ=app.environ,
            redact=app.policy().redact,
            stdin=getattr(sys.stdin, "buffer", None),
            checkout=None if run_per_dir else Checkout.find(app.folder),
            progress=bar,
            jobs=jobs,
        )


def _on_workers(
    app: App, paths: tuple[str, ...], lake: Path, scheduler: str, jobs: int, given: RunOptions
) -> list[IngestedRun]:
    """Read many runs on Dask workers, into a lake."""
    from flakelens.lake.bringing import bring
    from flakelens.lake.workers import workers

    with workers(scheduler, number=jobs) as on, Bar(shown=app.interactive) as bar:
        return bring(paths, lake, on, options=given, redact=app.policy().redact, ingested_at=app.now(), progress=bar)


def _cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
