"""What holds for every history: worse is never better, and the order of ingest does not matter."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flakelens.analyze.evidence import load
from flakelens.analyze.gate import report_of
from flakelens.decisions import Decisions
from flakelens.gate.verdict import Verdict, judge
from flakelens.model import GateState, RunReports
from flakelens.policy_text import parse
from flakelens.report import GateReport
from tests.builders import a_store, a_suite_run, started_at

SIZE = 6
TITLES = [f"{area} {number}" for area in ("AI", "components", "E2E") for number in range(1, SIZE + 1)]
RANK = {GateState.NOT_MET: 0, GateState.INCONCLUSIVE: 1, GateState.MET: 2}

slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

bad_runs = st.dictionaries(
    st.integers(0, 39), st.dictionaries(st.sampled_from(TITLES), st.sampled_from("FKS"), max_size=4), max_size=6
)


def runs_of(bad: dict[int, dict[str, str]], count: int = 40) -> list[RunReports]:
    return [a_suite_run(n, bad.get(n), size=SIZE) for n in range(count)]


def report_on(runs: Sequence[RunReports], hours: int = 41) -> GateReport:
    """The gate's report as of one fixed moment; runs are ingested in the order given."""
    policy = parse()
    with tempfile.TemporaryDirectory() as folder, a_store(Path(folder), runs) as store:
        loaded = load(store, policy, Decisions(), as_of=started_at(hours))
        return report_of("gate1", policy.gates["gate1"], loaded)


def verdict_on(runs: Sequence[RunReports]) -> Verdict:
    policy = parse()
    with tempfile.TemporaryDirectory() as folder, a_store(Path(folder), runs) as store:
        loaded = load(store, policy, Decisions(), as_of=started_at(41) + timedelta(hours=len(runs)))
        return judge("gate1", policy.gates["gate1"], loaded.evidence, needs=False)


@slow
@given(bad_runs, st.sampled_from(TITLES))
def test_one_more_failure_in_the_newest_run_never_makes_it_met(bad: dict[int, dict[str, str]], title: str) -> None:
    """Of an older failure this cannot be asked: a test that flaked more often is believed healed after fewer passes."""
    before = verdict_on(runs_of(bad))
    worse = {**bad, 39: {**bad.get(39, {}), title: "F"}}
    if before.state is not GateState.MET and bad.get(39, {}).get(title, "P") == "P":
        assert verdict_on(runs_of(worse)).state is not GateState.MET


@slow
@given(bad_runs)
def test_a_clean_run_never_turns_met_into_not_met(bad: dict[int, dict[str, str]]) -> None:
    before = verdict_on(runs_of(bad))
    after = verdict_on(runs_of(bad, 41))
    for one, other in zip(before.criteria, after.criteria, strict=True):
        if one.state is GateState.MET:
            assert other.state is not GateState.NOT_MET, (one, other)


@slow
@given(bad_runs, st.integers(0, 2**32))
def test_any_order_of_ingest_gives_the_same_report(bad: dict[int, dict[str, str]], seed: int) -> None:
    runs = runs_of(bad, 30)
    shuffled = runs[:]
    Random(seed).shuffle(shuffled)
    assert report_on(shuffled) == report_on(runs)


@slow
@given(bad_runs, st.integers(0, 2**32))
def test_reports_of_a_run_may_come_one_by_one_and_twice(bad: dict[int, dict[str, str]], seed: int) -> None:
    runs = runs_of(bad, 15)
    parts = [RunReports(info=run.info, reports=(report,)) for run in runs for report in run.reports]
    parts += parts[::2]
    Random(seed).shuffle(parts)
    assert report_on(parts) == report_on(runs)
