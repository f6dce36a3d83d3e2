"""A pytest plugin for mutmut: the same tests, faster, so that hundreds of mutants can be tried.

What a mutant of the gate cannot change is made once: a test's histories are written into a database by the store, and
the processes that mutmut forks find them there. Quick tests come first: most mutants are noticed within a second.
"""

from __future__ import annotations

import hashlib
import pickle
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from flakelens.model import RunReports
from flakelens.store import Store, open_store
from tests import builders

_kept = Path(__file__).parents[2] / "kept-stores"  # in mutmut's copy; the driver empties it
_seconds: defaultdict[str, float] = defaultdict(float)
_written = builders.a_store


def _kept_store(
    folder: Path, runs: Iterable[RunReports] = (), *, name: str = "flakelens.db", latest: datetime | None = None
) -> Store:
    runs = list(runs)
    kept = _kept / f"{hashlib.sha256(pickle.dumps((runs, latest))).hexdigest()}.db"
    if not kept.exists():
        _written(folder, runs, name=name, latest=latest).close()
        _kept.mkdir(exist_ok=True)
        shutil.copy(folder / name, kept)
    else:
        shutil.copy(kept, folder / name)
    return open_store(folder / name)


builders.a_store = _kept_store  # before any test imports it


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _seconds[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    began = time.perf_counter()
    result = yield
    _seconds[item.nodeid] = time.perf_counter() - began
    return result
