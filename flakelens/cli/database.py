"""Opening the database of a command. A missing one is an empty history, not an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flakelens.cli.app import App
from flakelens.errors import UsageError

if TYPE_CHECKING:
    from flakelens.gate.evidence import Evidence
    from flakelens.store import Store


ON_LAKE = "Read a lake on the workers of this Dask scheduler."

_Function = TypeVar("_Function", bound=Callable[..., Any])


def scheduler_option(does: str) -> Callable[[_Function], _Function]:
    """--scheduler: where work on a lake is done."""
    return click.option("--scheduler", metavar="ADDRESS", default="", help=does)


@contextmanager
def if_there(path: Path, scheduler: str = "") -> Iterator[Store | None]:
    """The database (or lake) for reading, None where there is none yet. Raises DatabaseError for a damaged one.

    `scheduler`: the Dask scheduler whose workers read a lake's buckets, "" to read them here.
    """
    from flakelens.store import exists, open_store

    if path.is_dir():
        with _lake(path, scheduler) as lake:
            yield lake
        return
    if scheduler:
        raise UsageError(
            f"--scheduler is for a lake, and {path} is none.",
            mend="Leave it out, or give the folder of a lake with --db (flakelens db export --parquet makes one).",
        )
    if not exists(path):
        yield None
        return
    with open_store(path, read_only=True) as store:
        yield store


@contextmanager
def _lake(path: Path, scheduler: str) -> Iterator[Store]:
    from flakelens.lake import open_lake

    if not scheduler:
        with open_lake(path) as lake:
            yield lake
        return
    from flakelens.lake.workers import workers

    with workers(scheduler) as mapper, open_lake(path.absolute(), mapper=mapper) as lake:
        yield lake


def everything(app: App) -> Evidence | None:
    """All runs of the branch, however old, under the policy and decisions in force; None without a database."""
    from flakelens.analyze.evidence import load

    with if_there(app.db) as store:
        if store is None:
            return None
        return load(
            store, app.policy(), app.decisions(), as_of=app.now(), window=None, any_branch=True, owners=app.owners()
        ).evidence
