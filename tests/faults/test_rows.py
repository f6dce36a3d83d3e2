"""From any bytes to rows: what the reader made of them is what the database holds, and it is sound."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.facts import RunKey
from flakelens.junit import read_bytes
from flakelens.model import Event, ReportInfo, RunInfo, RunReports
from flakelens.store import Store, open_store
from tests.builders import START
from tests.junit.test_properties import FIXTURES, pieces

numbers = count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    with open_store(tmp_path_factory.mktemp("rows") / "x.db", create=True) as opened:
        yield opened


def brought(store: Store, data: bytes) -> None:
    """Bring the bytes as a run of their own, and compare."""
    report = read_bytes("junit.xml", data)
    info = RunInfo(provider="given", run=str(next(numbers)), branch="main", event=Event.PUSH, started_at=START)
    done = store.write_run(RunReports(info=info, reports=((ReportInfo(), report),)), ingested_at=START)
    assert (done.reports, done.tests) == (1, len(report.cases))
    (run,) = store.read(last=0, run=RunKey(info.provider, info.run)).runs
    (stored,) = run.reports
    assert Counter(stored.outcomes.tolist()) == Counter(int(case.outcome) for case in report.cases)
    assert stored.damaged == report.damaged
    assert {problem.code for problem in store.problems([run.key]).get(run.key, ())} >= {p.code for p in report.problems}


@given(st.lists(pieces, max_size=25).map(b"".join))
@settings(max_examples=80, deadline=None)
def test_any_pieces_of_reports(store: Store, data: bytes) -> None:
    brought(store, data)


@given(st.sampled_from(FIXTURES), st.integers(0, 10**6), st.binary(max_size=9))
@settings(max_examples=80, deadline=None)
def test_any_change_of_a_report(store: Store, whole: bytes, at: int, noise: bytes) -> None:
    at %= len(whole)
    brought(store, whole[:at] + noise + whole[at + len(noise) :])


def test_and_the_database_is_sound(store: Store) -> None:
    brought(store, b"<testsuite/>")
    assert store.check() == []
