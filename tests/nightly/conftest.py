"""The nightly report on the recorded runs, made once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from flakelens.analyze.verdicts import record
from flakelens.decisions import Decisions
from flakelens.demo import ingest_recorded, recorded_runs
from flakelens.nightly import judge_night, nightly
from flakelens.policy_text import parse
from flakelens.report.nightly import Nightly
from flakelens.store import Store, open_store
from tests.browser.histories import NIGHT


@dataclass(frozen=True)
class Recorded:
    """A database with the recorded runs, and the report on it."""

    path: Path
    store: Store
    report: Nightly


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    path = tmp_path_factory.mktemp("nightly") / "recorded.db"
    with open_store(path, create=True) as store:
        ingest_recorded(recorded_runs(), store, ingested_at=NIGHT)
        yield Recorded(path, store, report_of(store))


def report_of(store: Store) -> Nightly:
    """The report of the newest night, told from the night before; its verdict recorded."""
    policy, decisions = parse(), Decisions()
    for as_of in (NIGHT - timedelta(days=1), NIGHT):
        judged = judge_night(store, policy, decisions, "gate1", as_of=as_of)
        number = record(store, judged, commit="", recorded_at=as_of)
    return nightly(store, policy, decisions, judged, number=number)
