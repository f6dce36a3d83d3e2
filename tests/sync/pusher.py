"""A process that shares a database: python -m tests.sync.pusher push|pull DATABASE REMOTE CACHE CHECKOUT."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flakelens.store import open_store
from flakelens.sync.pull import pull
from flakelens.sync.push import push
from flakelens.sync.remote import open_history


def main() -> None:
    what, database, remote, cache, checkout = sys.argv[1:]
    history = open_history(remote, Path(checkout), Path(cache), dict(os.environ))
    with open_store(database, create=True) as store:
        print("begun", flush=True)  # noqa: T201
        (push if what == "push" else pull)(store, history)
        print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
