"""Opening the database of a command. A missing one is an empty history, not an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flakelens.cli.app import App

if TYPE_CHECKING:
    from flakelens.gate.evidence import Evidence
    from flakelens.store import Store


@contextmanager
def if_there(path: Path) -> Iterator[Store | None]:
    """The database for reading, None where there is none yet. Raises DatabaseError for a damaged one."""
    from flakelens.store import exists, open_store

    if not exists(path):
        yield None
        return
    with open_store(path, read_only=True) as store:
        yield store


def everything(app: App) -> Evidence | None:
    """All runs of the branch, however old, under the policy and decisions in force; None without a database."""
    from flakelens.analyze.evidence import load

    with if_there(app.db) as store:
        if store is None:
            return None
        return load(
            store, app.policy(), app.decisions(), as_of=app.now(), window=None, any_branch=True, owners=app.owners()
        ).evidence
